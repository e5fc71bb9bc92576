"""Recurrent cells by hand in NumPy, the rows of the LSTM, derivatives and errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.testing.gradients import gradcheck

CELLS = {"RNN": nn.RNNCell, "GRU": nn.GRUCell, "LSTM": nn.LSTMCell}
NETWORKS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
KINDS = list(CELLS)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def by_hand(kind, cell, x, state):
    """One step in plain NumPy, by the equations of the docstrings."""
    weight_ih, weight_hh = cell.weight_ih.data, cell.weight_hh.data
    from_x = x @ weight_ih.T + (0.0 if cell.bias_ih is None else cell.bias_ih.data)
    h = state[0] if kind == "LSTM" else state
    from_h = h @ weight_hh.T + (0.0 if cell.bias_hh is None else cell.bias_hh.data)
    if kind == "RNN":
        return np.tanh(from_x + from_h)
    if kind == "GRU":
        (xr, xz, xn), (hr, hz, hn) = (np.split(a, 3, axis=-1) for a in (from_x, from_h))
        z, n = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
        return (1.0 - z) * n + z * h
    i, f, g, o = np.split(from_x + from_h, 4, axis=-1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def parts(state):
    """The arrays of a state: h, or h and c."""
    return [x.data if isinstance(x, Tensor) else x for x in (state if isinstance(state, tuple) else (state,))]


def make_state(kind, shape, rng, leaf=np.asarray):
    """A state to start from."""
    h, c = leaf(rng.standard_normal(shape)), leaf(rng.standard_normal(shape))
    return (h, c) if kind == "LSTM" else h


# ---- cells -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(5,), (), (0,)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_a_cell_is_its_equation(kind, bias, batch):
    """With a batch, without one, with an empty one; from a state and from none."""
    rng = np.random.default_rng(0)
    cell = CELLS[kind](3, 4, bias=bias, rng=rng)
    x, state = rng.standard_normal((*batch, 3)), make_state(kind, (*batch, 4), rng)
    zeros = tuple(map(np.zeros_like, state)) if kind == "LSTM" else np.zeros_like(state)
    for given, start in ((state, state), (None, zeros)):
        for found, expected in zip(parts(cell(x, given)), parts(by_hand(kind, cell, x, start)), strict=True):
            assert found.shape == (*batch, 4)
            assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_a_cell_may_use_relu():
    """RNNCell and RNN take nonlinearity="relu", and nothing else."""
    cell = nn.RNNCell(2, 3, nonlinearity="relu", rng=0)
    x, h = np.ones((2, 2)), np.ones((2, 3))
    total = x @ cell.weight_ih.data.T + h @ cell.weight_hh.data.T + cell.bias_ih.data + cell.bias_hh.data
    assert_allclose(cell(x, h).data, np.maximum(total, 0.0))
    net = nn.RNN(2, 3, nonlinearity="relu", rng=0)
    assert_allclose(net(x[None], h[None])[0].data[0], np.maximum(total, 0.0))
    for make in (nn.RNNCell, nn.RNN):
        with pytest.raises(ValueError, match='nonlinearity must be "tanh" or "relu", not \'sin\''):
            make(2, 3, nonlinearity="sin")


@pytest.mark.parametrize(("kind", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_parameters_have_pytorchs_names_layouts_and_start(kind, gates):
    """weight_ih, weight_hh, bias_ih, bias_hh, uniform within 1/sqrt(hidden_size), in the default dtype."""
    cell = CELLS[kind](30, 100, rng=1)
    assert {name: p.shape for name, p in cell.named_parameters()} == {
        "weight_ih": (gates * 100, 30), "weight_hh": (gates * 100, 100), "bias_ih": (gates * 100,),
        "bias_hh": (gates * 100,)}
    for p in cell.parameters():
        assert 0.09 < np.abs(p.data).max() < 0.1
    assert [name for name, _ in CELLS[kind](2, 2, bias=False).named_parameters()] == ["weight_ih", "weight_hh"]
    assert_array_equal(CELLS[kind](30, 100, rng=1).weight_hh.data, cell.weight_hh.data)
    tg.set_default_dtype(np.float32)
    try:
        single, net = CELLS[kind](2, 3), NETWORKS[kind](2, 3, num_layers=2)
    finally:
        tg.set_default_dtype(np.float64)
    x = np.ones((4, 5, 2), np.float32)
    assert {part.dtype for part in parts(single(x[0]))} == {np.dtype(np.float32)}
    outputs, last = net(x, lengths=[4, 1, 2, 3, 4])
    assert {part.dtype for part in (outputs.data, *parts(last))} == {np.dtype(np.float32)}


# ---- derivatives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_derivatives_of_a_cell_are_right_to_second_order(kind):
    """By the input, the state and every parameter."""
    rng = np.random.default_rng(3)
    cell = CELLS[kind](2, 2, rng=rng)
    x, state = Tensor(rng.standard_normal((2, 2))), make_state(kind, (2, 2), rng, Tensor)

    def step(x, *state):
        out = cell(x, state if kind == "LSTM" else state[0])
        return tg.concatenate(out) if kind == "LSTM" else out

    assert gradcheck(step, x, *(state if kind == "LSTM" else (state,)), order=2)
    assert gradcheck(lambda _: step(x, *(state if kind == "LSTM" else (state,))), cell, order=2)


def test_the_rows_of_the_lstm_are_its_composed_definition():
    """Result, gradients and Hessian of gates, memory and hidden state equal those of sigmoid, tanh and products."""
    rng = np.random.default_rng(5)
    z, c, u = rng.standard_normal((2, 8)), rng.standard_normal((2, 2)), rng.standard_normal((4, 2))

    def rows(z, c):
        gates = tg.ops.lstm_gates(z)
        c = tg.ops.lstm_memory(gates, c)
        return (u * tg.concatenate([tg.ops.lstm_hidden(gates, tg.tanh(c)), c])).sum()

    def composed(z, c):
        i, f, g, o = tg.split(z, 4, axis=-1)
        c = tg.sigmoid(f) * c + tg.sigmoid(i) * tg.tanh(g)
        return (u * tg.concatenate([tg.sigmoid(o) * tg.tanh(c), c])).sum()

    for transform in (lambda f: f, lambda f: tg.grad(f, (0, 1)), lambda f: tg.hessian(f, (0, 1)),
                      lambda f: lambda *xs: tg.jvp(f, xs, xs)):
        found, expected = (transform(f)(z, c) for f in (rows, composed))
        for one, other in zip(flat(found), flat(expected), strict=True):
            assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def flat(nested):
    """The arrays in nested tuples."""
    if isinstance(nested, (tuple, list)):
        return [x for part in nested for x in flat(part)]
    return [np.asarray(nested)]


@pytest.mark.parametrize("shape", [(2, 6), (), (3,)], ids=str)
def test_gates_come_in_fours(shape):
    """The row names itself and the shape."""
    with pytest.raises(ShapeError, match=r"lstm_gates: the last axis of shape .* does not divide into four gates"):
        tg.ops.lstm_gates(np.ones(shape))


@pytest.mark.parametrize(("gates", "c"), [((8,), (3, 2)), ((3, 8), (2,)), ((3, 8), (1, 2)), ((3, 8), (3, 1)),
                                          ((4,), ())], ids=str)
@pytest.mark.parametrize("name", ["lstm_memory", "lstm_hidden"])
def test_gates_and_memory_are_of_one_batch(name, gates, c):
    """What NumPy would broadcast, the rules do not differentiate: told at the call, not in a pass."""
    with pytest.raises(ShapeError, match=rf"{name}: takes gates of shape \(\.\.\., 4 n\)"):
        tg.ops.TABLE[name](tg.Tensor(np.ones(gates)), tg.Tensor(np.ones(c)))


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_inputs_and_states_of_a_cell_are_told(kind):
    """The message names the cell, what it takes and what it got."""
    cell = CELLS[kind](3, 4)
    for x in (np.ones((5, 4)), np.ones((2, 5, 3)), 1.0):
        with pytest.raises(ShapeError, match=rf"{kind}Cell\(3, 4\) takes inputs of shape \(3,\) or \(batch, 3\), not"):
            cell(x)
    bad = np.ones((5, 3))
    with pytest.raises(ShapeError, match=r"must be of shape \(5, 4\), not \(5, 3\)"):
        cell(np.ones((5, 3)), (bad, bad) if kind == "LSTM" else bad)
    with pytest.raises(ShapeError, match=r"pair \(h, c\)" if kind == "LSTM" else "not a tuple"):
        cell(np.ones((5, 3)), np.ones((5, 4)) if kind == "LSTM" else (np.ones((5, 4)),))
    with pytest.raises(DataError, match="stack_values"):
        cell(Value(1.0))
    with pytest.raises(ShapeError, match="at least 1, not input_size=0, hidden_size=4"):
        CELLS[kind](0, 4)
