"""Snapshots: all that a drawing needs of a graph, taken once, and nothing of the live graph."""

import gc
import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.viz.naming import caller_names, given_names
from tinygrad_edu.viz.snapshot import CELLS, CONSTANT, FROZEN, LEAF, RESULT, picture, snapshot


def named(graph):
    return {item.name: item for item in graph.items if item.name}


def test_items_stand_behind_their_operands_with_numbers_and_derivatives():
    """d = a b + 2 a: kinds, data, gradients and the local derivative on each edge."""
    a, b = Value(2.0, "a"), Value(-3.0, "b", requires_grad=False)
    d = a * b + 2.0 * a
    d.label = "d"
    d.backward()
    graph = snapshot([d])
    assert [item.place for item in graph.items] == list(range(len(graph.items)))
    assert all(source < item.place for item in graph.items for source in item.inputs)
    known = named(graph)
    assert (known["a"].kind, known["a"].data, known["a"].grad) == (LEAF, 2.0, -1.0)
    assert (known["b"].kind, known["b"].data, known["b"].grad) == (FROZEN, -3.0, None)
    root = graph.items[graph.roots[0]]
    assert (root.name, root.kind, root.op, root.symbol, root.data, root.grad) == ("d", RESULT, "add", "+", -2.0, 1.0)
    product, double = (graph.items[place] for place in root.inputs)
    assert (product.derivatives, double.derivatives) == ((-3.0, None), (None, 2.0))
    constant = graph.items[double.inputs[0]]
    assert (constant.kind, constant.data, constant.grad, constant.name) == (CONSTANT, 2.0, None, "")


def test_what_occurs_twice_has_two_edges():
    a = Value(3.0)
    graph = snapshot([a + a])
    assert graph.items[1].inputs == (0, 0)
    assert graph.items[1].derivatives == (1.0, 1.0)


def test_a_gradient_that_was_not_computed_is_not_zero():
    a = Value(3.0)
    assert [item.grad for item in snapshot([a * 2.0]).items] == [None] * 3
    (a * 0.0).backward()
    assert snapshot([a]).items[0].grad == 0.0


def test_a_snapshot_keeps_no_node_alive_and_does_not_change():
    def alive():
        return sum(isinstance(x, (Value, Tensor)) for x in gc.get_objects())

    before = alive()
    a, t = Value(3.0, "a"), Tensor(np.ones(3), label="t")
    y, u = a * 2.0, t * 2.0
    scalars, arrays = snapshot([y]), snapshot([u])
    a.data = 5.0
    t.data[0] = 7.0
    assert named(scalars)["a"].data == 3.0
    assert named(arrays)["t"].data.high == 1.0
    assert alive() == before + 4
    del y, a, u, t
    assert alive() == before


def test_pictures_of_arrays_hold_shape_norm_range_and_cells():
    x = np.arange(6.0).reshape(2, 3)
    small = picture(x)
    assert (small.shape, small.dtype, small.low, small.high, small.whole) == ((2, 3), "float64", 0.0, 5.0, True)
    assert small.norm == pytest.approx(math.sqrt(55.0))
    assert small.cells.tolist() == x.tolist()
    big = picture(np.arange(60_000.0, dtype=np.float32).reshape(100, 200, 3))
    assert (big.whole, big.cells.shape, big.dtype) == (False, (CELLS, 3), "float32")
    assert big.cells.mean() == pytest.approx(29_999.5, rel=1e-3)
    assert picture(np.array(2.5)).cells.tolist() == [[2.5]]
    assert picture(np.zeros((0, 4))).cells.shape == (0, 4)
    assert picture(np.zeros((3, 0))).cells.shape == (3, 0)
    assert picture(np.zeros((0, 0, 2))).cells.shape == (0, 2)
    assert picture(np.full(4, 1e200)).norm == 2e200
    assert math.isnan(picture(np.array([np.nan, np.inf])).norm)
    assert math.isnan(picture(np.zeros(0)).low)
    assert picture(1.5) == 1.5


def test_means_over_parts_are_means():
    """Of 50 columns, each cell is the mean of the two or three that it stands for."""
    cells = picture(np.arange(50.0)).cells[0]
    starts = [k * 50 // CELLS for k in range(CELLS)]
    ends = [*starts[1:], 50]
    assert cells.tolist() == [sum(range(a, b)) / (b - a) for a, b in zip(starts, ends, strict=True)]


# ---- modules ---------------------------------------------------------------------------------------------------------


def test_blocks_are_the_calls_of_modules_with_their_names():
    model = nn.MLP(2, [2, 1], rng=0)
    graph = snapshot([model([1.0, 2.0])])
    assert [(b.name, b.kind, b.outer, b.depth) for b in graph.blocks] == [
        ("MLP", "MLP", -1, 0), ("layers.0", "Layer", 0, 1), ("neurons.0", "Neuron", 1, 2),
        ("neurons.1", "Neuron", 1, 2), ("layers.1", "Layer", 0, 1), ("neurons.0", "Neuron", 4, 2)]


def test_calls_of_one_module_are_counted():
    cell = nn.RNNCell(2, 3, rng=0)
    h = None
    for _ in range(3):
        h = cell(np.ones((1, 2)), h)
    assert [(b.call, b.calls) for b in snapshot([h]).blocks] == [(0, 3), (1, 3), (2, 3)]


def test_parameters_stand_where_they_are_used_under_their_names_there():
    """Of one call, in the neuron as w.0; of two calls, outside of both under the model's name."""
    model = nn.MLP(2, [2, 1], rng=0)
    once, twice = snapshot([model([1.0, 2.0])]), snapshot([model([1.0, 2.0]) + model([3.0, 4.0])])
    weight = next(item for item in once.items if item.parameter)
    assert (weight.name, once.blocks[weight.block].name, once.blocks[weight.block].kind) == (
        "w.0", "neurons.0", "Neuron")
    outside = [item for item in twice.items if item.parameter]
    assert len(outside) == len(model.parameters())
    assert {item.block for item in outside} == {-1}
    assert {item.name for item in outside} == {name for name, _ in model.named_parameters()}


def test_plain_operands_stand_in_the_block_that_uses_them():
    class Twice(nn.Module):
        def forward(self, x):
            return 2.0 * x

    x = Value(1.0, "x")
    graph = snapshot([Twice()(x)])
    assert [(item.kind, item.block) for item in graph.items] == [(LEAF, -1), (CONSTANT, 0), (RESULT, 0)]


# ---- names -----------------------------------------------------------------------------------------------------------


def test_labels_come_before_variables_before_parameters():
    neuron = nn.Neuron(1, rng=0)
    neuron.b.label = "bias"
    x = Value(2.0)
    y = neuron([x])
    graph = snapshot([y], given_names({"x": x, "out": y, "weight": neuron.w[0], "offset": neuron.b, "_hidden": y}))
    assert {item.name for item in graph.items if item.name} == {"x", "out", "weight", "bias"}


def test_variables_of_the_caller_are_names(monkeypatch):
    """Local ones before global ones, elements of lists by their place; those with _ in front are none."""
    import sys
    local, several = Value(1.0), [Value(2.0), Value(3.0)]
    _private = Value(4.0)
    names = caller_names(sys._getframe())
    assert [names.get(id(x)) for x in (local, *several, _private)] == ["local", "several[0]", "several[1]", None]
    assert caller_names(None) == {}


def test_other_names_are_told():
    with pytest.raises(tg.TinygradError, match=r"names must be a dict.*locals\(\)"):
        given_names(["a"])


def test_a_long_graph_needs_no_recursion():
    x = Value(1.0)
    for _ in range(20_000):
        x = x + 1.0
    assert len(snapshot([x]).items) == 40_001


@pytest.mark.parametrize(("numbers", "norm"), [
    ([3e200, 4e200], 5e200), ([3e-200, -4e-200], 5e-200), ([3, 4], 5.0), ([np.inf, -1.0], np.inf), ([0.0, 0.0], 0.0),
    ([np.nan, np.inf], np.nan), (np.float32([3e30, 4e30]), 5e30)])
def test_norms_of_large_and_small_numbers_are_right_and_without_warnings(numbers, norm):
    assert picture(np.array(numbers)).norm == pytest.approx(norm, rel=1e-6, abs=0.0, nan_ok=True)


def test_infinities_among_the_means_warn_of_nothing():
    assert np.isnan(picture(np.array([np.inf, -np.inf] * 30)).cells).any()


def test_a_leaf_that_was_given_other_data_still_stands_before_what_was_made_from_it():
    """As after a step of an optimizer, when who looks at the loss wants to see its graph."""
    model = nn.MLP(2, [3, 1], rng=0)
    loss = (model([Value(1.0), Value(2.0)]) - 1.0) ** 2
    loss.backward()
    optimizer = tg.optim.SGD(model.parameters(), lr=0.1)
    fresh = snapshot([loss])
    optimizer.step()
    stale = snapshot([loss])
    assert all(source < item.place for item in stale.items for source in item.inputs)
    assert len(stale.items) == len(fresh.items)
    assert [item.op for item in stale.items if item.op] == [item.op for item in fresh.items if item.op]
