"""Sequences as loops of cells, lengths as each sequence alone, derivatives, node counts and errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.engine import history
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.testing.gradients import gradcheck

CELLS = {"RNN": nn.RNNCell, "GRU": nn.GRUCell, "LSTM": nn.LSTMCell}
NETWORKS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
KINDS = list(CELLS)


def parts(state):
    """The arrays of a state: h, or h and c."""
    return [x.data if isinstance(x, Tensor) else x for x in (state if isinstance(state, tuple) else (state,))]


def make_state(kind, shape, rng, leaf=np.asarray):
    """A state to start from."""
    h, c = leaf(rng.standard_normal(shape)), leaf(rng.standard_normal(shape))
    return (h, c) if kind == "LSTM" else h


def test_names_of_a_network_count_layers_and_directions():
    """weight_ih_l0 to bias_hh_l1_reverse, the later layers taking the outputs of both directions."""
    net = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    shapes = {name: p.shape for name, p in net.named_parameters()}
    assert list(shapes) == [f"{name}_l{layer}{way}" for layer in (0, 1) for way in ("", "_reverse")
                            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    assert shapes["weight_ih_l0_reverse"] == (16, 3)
    assert shapes["weight_ih_l1"] == (16, 8)
    assert len(nn.GRU(3, 4, bias=False).parameters()) == 2


# ---- sequences -------------------------------------------------------------------------------------------------------


def cell_of(kind, net, layer, way=""):
    """A cell of the public kind with the weights of one layer and direction."""
    size = getattr(net, f"weight_ih_l{layer}{way}").shape[1]
    cell = CELLS[kind](size, net.hidden_size, bias=net.bias)
    cell.load_state_dict({name: getattr(net, f"{name}_l{layer}{way}").data for name in cell.state_dict()})
    return cell


def loop(cell, xs, state):
    """The hidden states of a cell called step by step, and its last state."""
    outputs = []
    for x in xs:
        state = cell(x, state)
        outputs.append(parts(state)[0])
    return np.array(outputs), state


@pytest.mark.parametrize("batch", [(5,), ()], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_a_loop_over_cells(kind, bias, batch):
    """Two layers, each with its own first state, which may be left out."""
    rng = np.random.default_rng(0)
    net = NETWORKS[kind](3, 4, num_layers=2, bias=bias, rng=rng)
    x, state = rng.standard_normal((6, *batch, 3)), make_state(kind, (2, *batch, 4), rng)
    for given in (state, None):
        outputs, last = net(x, given)
        expected, ends = x, []
        for layer in range(2):
            first = given and tuple(p[layer] for p in given) if kind == "LSTM" or given is None else given[layer]
            expected, end = loop(cell_of(kind, net, layer), expected, first)
            ends.append(parts(end))
        assert_allclose(outputs.data, expected, rtol=1e-12, atol=1e-14)
        for found, wanted in zip(parts(last), zip(*ends, strict=True), strict=True):
            assert_allclose(found, np.array(wanted), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bidirectional_network_is_two_loops(kind):
    """One from the start and one from the end, their outputs side by side, their last states one after the other."""
    rng = np.random.default_rng(0)
    net = NETWORKS[kind](3, 4, bidirectional=True, rng=rng)
    x, state = rng.standard_normal((6, 5, 3)), make_state(kind, (2, 5, 4), rng)
    outputs, last = net(x, state)
    one, other = (tuple(p[k] for p in state) if kind == "LSTM" else state[k] for k in (0, 1))
    there, end = loop(cell_of(kind, net, 0), x, one)
    back, beginning = loop(cell_of(kind, net, 0, "_reverse"), x[::-1], other)
    assert_allclose(outputs.data, np.concatenate([there, back[::-1]], axis=-1), rtol=1e-12, atol=1e-14)
    for found, *wanted in zip(parts(last), parts(end), parts(beginning), strict=True):
        assert_allclose(found, np.array(wanted), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_treat_each_sequence_as_if_it_were_alone(kind, bidirectional):
    """Outputs and last states up to its length, zeros beyond, also where x is nan; the gradients are the sums."""
    rng = np.random.default_rng(0)
    net = NETWORKS[kind](3, 4, num_layers=2, bidirectional=bidirectional, rng=rng)
    lengths = [6, 2, 0, 4]
    x, state = rng.standard_normal((6, 4, 3)), make_state(kind, (2 * (1 + bidirectional), 4, 4), rng)
    padded = np.where((np.arange(6)[:, None] < lengths)[..., None], x, np.nan)
    outputs, last = net(padded, state, lengths=lengths)
    outputs.sum().backward()
    together = {name: p.grad for name, p in net.named_parameters()}
    net.zero_grad()
    for n, length in enumerate(lengths):
        assert_array_equal(outputs.data[length:, n], 0.0)
        own = tuple(p[:, n] for p in state) if kind == "LSTM" else state[:, n]
        if not length:
            for found, begin in zip(parts(last), parts(own), strict=True):
                assert_array_equal(found[:, n], begin)
            continue
        alone, end = net(x[:length, n], own)
        alone.sum().backward()
        assert_allclose(outputs.data[:length, n], alone.data, rtol=1e-12, atol=1e-14)
        for found, wanted in zip(parts(last), parts(end), strict=True):
            assert_allclose(found[:, n], wanted, rtol=1e-12, atol=1e-14)
    for name, p in net.named_parameters():
        assert_allclose(together[name], p.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_exchanges_the_axes_of_inputs_and_outputs_alone(kind):
    """The states stay (layers * directions, batch, size), and unbatched inputs (steps, size)."""
    x = np.random.default_rng(0).standard_normal((6, 5, 3))
    plain, turned = (NETWORKS[kind](3, 4, batch_first=flag, bidirectional=True, rng=7) for flag in (False, True))
    for lengths in (None, [6, 1, 3, 3, 2]):
        (outputs, last), (others, same) = plain(x, lengths=lengths), turned(x.swapaxes(0, 1), lengths=lengths)
        assert_array_equal(others.data, outputs.data.swapaxes(0, 1))
        for one, other in zip(parts(last), parts(same), strict=True):
            assert_array_equal(one, other)
    assert_array_equal(turned(x[:, 0])[0].data, plain(x[:, 0])[0].data)


def test_the_parameters_of_a_network_may_be_replaced():
    """It reads its attributes at every call: a weight put in their place, or shared, is the one that is used."""
    net, other = nn.GRU(2, 3, rng=0), nn.GRU(2, 3, rng=1)
    x = np.ones((2, 1, 2))
    for name, parameter in other.named_parameters():
        setattr(net, name, parameter)
    assert_array_equal(net(x)[0].data, other(x)[0].data)


# ---- derivatives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_derivatives_of_a_network_are_right_to_second_order(kind):
    """Two directions and unequal lengths, by the inputs and every parameter."""
    rng = np.random.default_rng(4)
    net, x = NETWORKS[kind](2, 2, bidirectional=True, rng=rng), Tensor(rng.standard_normal((3, 2, 2)))

    def run(x):
        outputs, last = net(x, lengths=[3, 2])
        return tg.concatenate([outputs.ravel(), *(part.ravel() for part in (last if kind == "LSTM" else (last,)))])

    assert gradcheck(run, x, order=2)
    assert gradcheck(lambda _: run(x), net, order=2)


# ---- graphs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "most"), [("RNN", 6), ("GRU", 20), ("LSTM", 12)])
def test_a_step_records_few_nodes(kind, most):
    """From 10 to 20 steps, so many nodes more for each: 12 for an LSTM."""
    net, x = NETWORKS[kind](3, 4, rng=0), np.ones((20, 2, 3))
    counts = [len(history(net(x[:steps])[0])) for steps in (10, 20)]
    assert (counts[1] - counts[0]) / 10 <= most


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_steps_need_no_recursion(kind):
    """Forward, backward and the sum's dependence on the first input."""
    net, x = NETWORKS[kind](2, 3, rng=0), Tensor(np.random.default_rng(0).standard_normal((1000, 1, 2)))
    outputs, _ = net(x)
    outputs.sum().backward()
    assert np.isfinite(net.weight_hh_l0.grad).all()
    assert np.abs(x.grad).min(axis=(1, 2)).all()


def test_a_network_learns_to_remember():
    """An LSTM tells the first sign of ten noisy numbers: accuracy above 95 %."""
    rng = np.random.default_rng(0)
    net, head = nn.LSTM(1, 8, rng=0), nn.Linear(8, 2, rng=1)
    optimizer = tg.optim.Adam([*net.parameters(), *head.parameters()], lr=0.02)
    x = rng.standard_normal((10, 64, 1))
    y = (x[0, :, 0] > 0.0).astype(int)
    for _ in range(100):
        loss = nn.cross_entropy(head(net(x)[0][-1]), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (head(net(x)[0][-1]).data.argmax(axis=1) == y).mean() > 0.95


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"x": np.ones((6, 5, 4))}, ShapeError, r"takes inputs of shape \(steps, batch, 3\), or \(steps, 3\) without a b"),
    ({"x": np.ones(3)}, ShapeError, r"not \(3,\)"),
    ({"x": np.ones((0, 5, 3))}, ShapeError, "have no step"),
    ({"lengths": [1, 2]}, ShapeError, r"lengths of shape \(2,\) for a batch of shape \(5,\)"),
    ({"lengths": [1, 2, 3, 4, 7]}, ShapeError, "lengths from 1 to 7, but there are 6 steps"),
    ({"lengths": [1, 2, 3, 4, -1]}, ShapeError, "lengths from -1 to 4"),
    ({"lengths": np.ones(5)}, DataError, "lengths must be plain integers"),
    ({"lengths": Tensor(np.ones(5))}, DataError, "lengths must be plain integers"),
    ({"x": np.ones((6, 3)), "lengths": [6]}, ShapeError, "one for each sequence of a batch"),
    ({"state": np.ones((2, 5, 4))}, ShapeError, r"must be of shape \(1, 5, 4\), not \(2, 5, 4\)"),
])
def test_wrong_arguments_of_a_network_are_told(arguments, error, message):
    """The message names the network, the shapes and what to give."""
    with pytest.raises(error, match=r"GRU\(3, 4\).*" + message):
        nn.GRU(3, 4)(**{"x": np.ones((6, 5, 3))} | arguments)
    with pytest.raises(ShapeError, match=r"\(batch, steps, 3\)"):
        nn.GRU(3, 4, batch_first=True)(np.ones((6, 5, 4)))


def test_a_network_says_what_it_is():
    """What differs from the defaults stands in the repr."""
    assert repr(nn.LSTM(3, 4)) == "LSTM(3, 4)"
    assert repr(nn.RNN(3, 4, 2, bias=False, batch_first=True, bidirectional=True)) == (
        "RNN(3, 4, num_layers=2, bias=False, batch_first=True, bidirectional=True)")
    assert repr(nn.GRUCell(3, 4, bias=False)) == "GRUCell(3, 4, bias=False)"
    with pytest.raises(ShapeError, match="num_layers=0"):
        nn.GRU(3, 4, num_layers=0)
