"""Arrays opened into single numbers: the same result, the same gradients, one node for each scalar operation."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.viz.opening import MOST, opened
from tinygrad_edu.viz.snapshot import snapshot

RNG = np.random.default_rng(0)
C = RNG.standard_normal((2, 3))
LABELS = np.array([0, 2])

FUNCTIONS = {
    "elementwise": lambda x: (tg.tanh(x) * C + x ** 3).sum(), "matmul": lambda x: (x @ x.T).sum(),
    "broadcast": lambda x: (x + x[0] * C).sum(),
    "mean of an axis": lambda x: (x.mean(axis=-1, keepdims=True) * C).sum(),
    "max": lambda x: (x.max(axis=0) * C[0]).sum(), "norm": tg.norm, "std": lambda x: x.std(),
    "logsumexp": lambda x: (tg.logsumexp(x, axis=1) * C[:, 0]).sum(), "log_softmax": lambda x: (
        tg.log_softmax(x, axis=0) * C).sum(), "softmax": lambda x: (tg.softmax(x) * C).sum(),
    "cross_entropy": lambda x: nn.cross_entropy(x, LABELS), "probabilities": lambda x: nn.cross_entropy(
        x, np.full((2, 3), 1.0 / 3.0)),
    "moving": lambda x: (tg.concatenate([x, x * x], axis=0)[1:3].reshape(3, 2).T * C).sum(),
    "stack and where": lambda x: (tg.stack([x, tg.where(C > 0.0, x, 2.0 * x)]) * C).sum(),
    "pad and roll": lambda x: (tg.pad(tg.roll(x, 1, axis=1), 1)[1:3, 1:4] * C).sum(),
    "layer norm": lambda x: (nn.layer_norm(x, (3,)) * C).sum(), "attention": lambda x: (
        nn.attention(x, x * 2.0, x + 1.0) * C).sum(), "float32": lambda x: (x.astype(np.float32) * 2.0).sum(),
}


def by_name(values, names):
    return {item.name: item for item in snapshot(values, names).items if item.name}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numbers_and_gradients_are_those_of_the_arrays(name):
    x = Tensor(RNG.standard_normal((2, 3)))
    y = FUNCTIONS[name](x)
    y.backward()
    values, names = opened([y], {id(x): "x", id(y): "y"})
    assert len(values) == 1
    assert values[0].data == pytest.approx(y.item(), rel=1e-6 if name == "float32" else 1e-12)
    found = by_name(values, names)
    assert found["y"].data == values[0].data
    for place, gradient in np.ndenumerate(x.grad):
        item = found[f"x[{place[0]}, {place[1]}]"]
        assert item.data == x.data[place]
        assert item.grad == pytest.approx(gradient, rel=1e-6, abs=1e-9)
    assert x.grad is not None  # the arrays are as they were


def test_a_neuron_opens_into_products_and_sums_in_its_module():
    neuron = nn.Neuron(3, rng=0)
    y = neuron([1.0, -2.0, Value(3.0, "x")])
    y.backward()
    graph = snapshot(*opened([y], {}))
    assert sorted(item.op for item in graph.items if item.op) == ["add"] * 3 + ["multiply"] * 3 + ["relu"]
    assert {graph.blocks[item.block].kind for item in graph.items if item.op} == {"Neuron"}
    assert [item.grad for item in graph.items if item.name == "x"] == [
        (neuron.w[2].data if y.data > 0.0 else 0.0)]


def test_an_lstm_opens_into_its_gates():
    cell = nn.LSTMCell(2, 2, rng=0)
    state = None
    for _ in range(2):
        state = cell(np.ones((1, 2)), state)
    y = (state[0] * state[1]).sum()
    y.backward()
    values, names = opened([y], {id(cell.weight_hh): "w"})
    found = by_name(values, names)
    assert {"sigmoid", "tanh"} <= {item.op for item in snapshot(values).items}
    for place, gradient in np.ndenumerate(cell.weight_hh.grad):
        assert found[f"w[{place[0]}, {place[1]}]"].grad == pytest.approx(gradient, rel=1e-9, abs=1e-12)


def test_an_array_as_root_opens_into_as_many():
    x = Tensor([1.0, 2.0], label="x")
    y = x * 3.0
    y.backward(np.array([1.0, 10.0]))
    values, names = opened([y], {})
    assert [value.data for value in values] == [3.0, 6.0]
    found = by_name(values, names)
    assert (found["x[0]"].grad, found["x[1]"].grad) == (3.0, 30.0)


def test_without_gradients_there_are_none():
    x = Tensor([1.0, 2.0], label="x")
    values, names = opened([(x * x).sum()], {})
    assert {item.grad for item in by_name(values, names).values()} == {None}


def test_frozen_leaves_stay_frozen():
    x, w = Tensor([1.0], label="x"), Tensor([2.0], label="w", requires_grad=False)
    values, names = opened([(x * w).sum()], {})
    assert {name: item.kind for name, item in by_name(values, names).items()} == {"x[0]": "leaf", "w[0]": "frozen"}


def test_what_is_too_large_or_has_no_form_is_told():
    with pytest.raises(DataError, match=rf"at most {MOST} elements, not of shape \(65,\)"):
        opened([Tensor(np.ones(65)).sum()], {})
    with pytest.raises(DataError, match="inv has no form"):
        opened([tg.linalg.inv(Tensor(np.eye(2))).sum()], {})
    with pytest.raises(DataError, match="convolution has no form"):
        opened([nn.conv1d(Tensor(np.ones((1, 1, 4))), Tensor(np.ones((1, 1, 2)))).sum()], {})
