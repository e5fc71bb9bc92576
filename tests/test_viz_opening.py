"""Arrays opened into single numbers: the same result, the same gradients, one node for each scalar operation."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.viz.folding import view_of
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
    leaf = Tensor(RNG.standard_normal((2, 3)))
    x = leaf * 1.0  # leaves keep the gradients they have, those of results are computed again
    y = FUNCTIONS[name](x)
    y.backward()
    values, names, _ = opened([y], {id(x): "x", id(y): "y"})
    assert len(values) == 1
    assert values[0].data == pytest.approx(y.item(), rel=1e-6 if name == "float32" else 1e-12)
    found = by_name(values, names)
    assert found["y"].data == values[0].data
    for place, gradient in np.ndenumerate(x.grad):
        item = found[f"x[{place[0]}, {place[1]}]"]
        assert item.data == x.data[place]
        assert item.grad == pytest.approx(gradient, rel=1e-6, abs=1e-9)
    assert leaf.grad is not None  # the arrays are as they were


def test_a_neuron_opens_into_products_and_sums_in_its_module():
    neuron = nn.Neuron(3, rng=0)
    y = neuron([1.0, -2.0, Value(3.0, "x")])
    y.backward()
    graph = snapshot(*opened([y], {}))
    assert sorted(item.op for item in graph.items if item.op) == ["add"] * 3 + ["multiply"] * 3 + ["relu"]
    assert {graph.blocks[item.block].kind for item in graph.items if item.op} == {"Neuron"}
    assert [item.grad for item in graph.items if item.op == "multiply"] == [1.0 if y.data > 0.0 else 0.0] * 3
    assert [item.grad for item in graph.items if item.name == "x"] == [
        (neuron.w[2].data if y.data > 0.0 else 0.0)]


def test_an_lstm_opens_into_its_gates():
    cell = nn.LSTMCell(2, 2, rng=0)
    first = cell(np.ones((1, 2)))
    state = cell(np.ones((1, 2)), first)
    y = (state[0] * state[1]).sum()
    y.backward()
    values, names, _ = opened([y], {id(first[0]): "h", id(first[1]): "c"})
    found = by_name(values, names)
    assert {"sigmoid", "tanh"} <= {item.op for item in snapshot(values).items}
    for name, node in zip("hc", first, strict=True):
        for place, gradient in np.ndenumerate(node.grad):
            assert found[f"{name}[{place[0]}, {place[1]}]"].grad == pytest.approx(gradient, rel=1e-9, abs=1e-12)


def test_an_array_as_root_opens_into_as_many():
    x = Tensor([1.0, 2.0]) * 1.0
    x.label = "x"
    y = x * 3.0
    y.backward(np.array([1.0, 10.0]))
    values, names, _ = opened([y], {})
    assert [value.data for value in values] == [3.0, 6.0]
    found = by_name(values, names)
    assert (found["x[0]"].grad, found["x[1]"].grad) == (3.0, 30.0)


def test_without_gradients_there_are_none():
    x = Tensor([1.0, 2.0], label="x")
    values, names, _ = opened([(x * x).sum()], {})
    assert {item.grad for item in by_name(values, names).values()} == {None}


def test_frozen_leaves_stay_frozen():
    x, w = Tensor([1.0], label="x"), Tensor([2.0], label="w", requires_grad=False)
    values, names, _ = opened([(x * w).sum()], {})
    assert {name: item.kind for name, item in by_name(values, names).items()} == {"x[0]": "leaf", "w[0]": "frozen"}


def test_what_is_too_large_or_has_no_form_is_told():
    with pytest.raises(DataError, match=rf"at most {MOST} elements, not of shape \(65,\)"):
        opened([Tensor(np.ones(65)).sum()], {})
    with pytest.raises(DataError, match="inv has no form"):
        opened([tg.linalg.inv(Tensor(np.eye(2))).sum()], {})
    with pytest.raises(DataError, match="convolution has no form"):
        opened([nn.conv1d(Tensor(np.ones((1, 1, 4))), Tensor(np.ones((1, 1, 2)))).sum()], {})


def test_the_parameters_stay_in_their_modules_under_their_names_there():
    """As they do when arrays are whole, and of a closed module none is left outside."""
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
    y = model(np.ones((1, 2))).sum()
    graph = snapshot(*opened([y], {}))
    assert {item.name for item in graph.items if item.kind == "leaf"} == {
        "weight[0, 0]", "weight[0, 1]", "weight[1, 0]", "weight[1, 1]", "bias[0]", "bias[1]"}
    assert {graph.blocks[item.block].kind for item in graph.items if item.kind == "leaf"} == {"Linear"}
    assert not any("weight" in box.title for box in view_of(graph, depth=0).boxes)


def test_leaves_have_the_gradients_that_they_have():
    """Two passes add up; after zero_grad() there are none, as in the drawing of the arrays."""
    x = Tensor([1.0, 2.0], label="x")
    y = (x * x).sum()
    y.backward()
    y.backward()
    values, names, _ = opened([y], {})
    assert by_name(values, names)["x[1]"].grad == 8.0
    x.zero_grad()
    values, names, _ = opened([y], {})
    assert by_name(values, names)["x[1]"].grad is None


def test_all_elements_of_a_root_are_differentiated_in_one_pass():
    """h gets its gradient from both elements of y, and a root on the way to another gets it once."""
    x, w = Tensor([1.0], label="x"), np.array([[2.0, 3.0]])
    h = x * 5.0
    y = h.reshape(1, 1) @ w
    y.backward(np.array([[10.0, 100.0]]))
    values, names, _ = opened([y], {id(h): "h"})
    assert by_name(values, names)["h[0]"].grad == h.grad[0] == 320.0
    total = y.sum()
    total.backward()
    values, names, _ = opened([h, total, total], {id(h): "h"})
    assert by_name(values, names)["h[0]"].grad == h.grad[0] == 5.0


def test_bridges_open_into_what_they_join():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    joined = Tensor.stack_values([[a, b]])
    first, second = (joined * joined).reshape(2).to_values()
    y = first * second
    y.backward()
    values, names, _ = opened([y], {id(joined): "joined", id(first): "first"})
    found = by_name(values, names)
    assert (values[0].data, found["a"].grad, found["b"].grad) == (36.0, 36.0, 24.0)
    assert [item.op for item in snapshot(values).items if item.op] == ["multiply"] * 3
