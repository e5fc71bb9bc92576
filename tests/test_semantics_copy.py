"""Semantics: deepcopy copies graphs, pickle saves leaves."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.engine import history
from tinygrad_edu.errors import GraphError

both = pytest.mark.parametrize("node", [Value, Tensor])


class Pair(tg.nn.Module):
    """A module with two names for one parameter, one of its own, and a buffer."""

    def __init__(self, node):
        self.weight = self.tied = node(2.0, label="weight")
        self.bias = node(3.0, label="bias")
        self.buffer = np.zeros(2)

    def __call__(self, x):
        return tg.tanh(self.weight * x + self.bias) * self.tied


# ---- deepcopy ------------------------------------------------------------------------------------------------------


@both
def test_a_deep_copy_is_a_graph_of_its_own(node):
    """Same operations, numbers and shape of graph; no node, and no array, in common; gradients go to the copy."""
    x, w = node(0.5, label="x"), node(2.0)
    h = x * w
    y = tg.exp(h) + h * 3.0 - tg.maximum(x, 0.1)
    twin = copy.deepcopy(y)
    mine, other = history(y), history(twin)
    assert len(mine) == len(other)
    assert not set(mine) & set(other)
    numbers = {n: i for i, n in enumerate(mine)}
    copies = {n: i for i, n in enumerate(other)}
    for a, b in zip(mine, other, strict=True):
        assert a.op is b.op
        assert type(a) is type(b)
        assert float(a.data) == float(b.data)
        assert (a.label, a.requires_grad, a.scope) == (b.label, b.requires_grad, b.scope)
        assert [numbers.get(i, i) for i in a.inputs] == [copies.get(i, i) for i in b.inputs]
        assert node is Value or not np.shares_memory(a.data, b.data)
    twin.backward()
    assert x.grad is w.grad is None
    y.backward()
    assert [float(n.grad) for n in mine] == [float(n.grad) for n in other]


@both
def test_copies_have_fresh_indices_in_the_old_order(node):
    """Each copy is newer than everything before it, and copies are ordered as their originals are."""
    x = node(1.0)
    y = tg.tanh(x * 2.0) + x * x
    twin = copy.deepcopy(y)
    indices = [n.index for n in history(twin)]
    assert indices == sorted(indices)
    assert indices[0] > y.index
    assert node(1.0).index > indices[-1]
    assert [n.op for n in history(y)] == [n.op for n in history(twin)]


@both
def test_one_deepcopy_call_keeps_what_is_shared_shared(node):
    """Nodes in lists, dicts and objects: a leaf used by several graphs is copied once."""
    x = node(2.0)
    graphs = {"first": x * 2.0, "second": [x * x, x], "x": x}
    twins = copy.deepcopy(graphs)
    leaf = twins["x"]
    assert leaf is not x
    assert twins["second"][1] is leaf
    assert twins["first"].inputs[0] is leaf
    assert twins["second"][0].inputs == (leaf, leaf)
    (twins["first"] + twins["second"][0]).backward()
    assert float(leaf.grad) == 6.0
    assert x.grad is None


@both
def test_modules_with_shared_parameters(node):
    """Tied parameters stay tied in the copy, and apart from the original's."""
    model = Pair(node)
    twin = copy.deepcopy(model)
    assert twin.weight is twin.tied
    assert twin.weight is not model.weight
    assert twin.weight.label == "weight"
    assert twin.buffer is not model.buffer
    assert len(twin.parameters()) == 2
    twin(0.5).backward()
    assert model.weight.grad is None
    assert model.bias.grad is None
    expected = float(tg.grad(lambda w: tg.tanh(w * 0.5 + 3.0) * w)(2.0))
    assert float(twin.weight.grad) == pytest.approx(expected, rel=1e-14)
    twin.weight.data = 7.0
    assert float(model.weight.data) == 2.0


@both
def test_gradients_are_copied(node):
    """Each copy has its own gradient, equal to the original's; None stays None."""
    x, unused = node(2.0), node(1.0)
    y = x * x
    y.backward()
    twin, leaf, other = copy.deepcopy((y, x, unused))
    assert float(leaf.grad) == 4.0
    assert float(twin.grad) == 1.0
    assert other.grad is None
    leaf.grad = leaf.grad * 10.0
    assert float(x.grad) == 4.0
    if node is Tensor:
        leaf.grad[...] = 1.0
        assert float(x.grad) == 4.0


@both
def test_gradients_that_are_graphs_are_copied(node):
    """After create_graph the copy's gradient is a graph over the copy's leaves."""
    x = node(3.0)
    y = x**3
    y.backward(create_graph=True)
    twin, leaf = copy.deepcopy((y, x))
    assert leaf.grad is not x.grad
    assert x not in history(leaf.grad)
    assert leaf in history(leaf.grad)
    slope = leaf.grad
    leaf.zero_grad()
    slope.backward()
    assert float(leaf.grad) == 18.0
    assert float(x.grad) == 27.0
    assert float(twin.data) == 27.0


@both
def test_a_leaf_unfrozen_after_recording_is_a_constant_of_the_copy_too(node):
    """The copy gives the gradients that the original gives."""
    x, w = node(3.0, requires_grad=False), node(2.0)
    y = x * w
    x.requires_grad = True
    twin, leaf, other = copy.deepcopy((y, x, w))
    twin.backward(create_graph=True)
    assert leaf.grad is None
    assert float(other.grad) == 3.0
    (leaf * other).backward()
    assert float(leaf.grad) == 2.0


@both
def test_hooks_stay_with_the_original(node):
    """A copy calls no hook of its original."""
    x = node(2.0)
    calls = []
    x.register_hook(lambda gradient: calls.append("called"))
    copy.deepcopy(x * x).backward()
    assert calls == []


@both
def test_constants_frozen_leaves_and_results_are_copied(node):
    """requires_grad=False, detached nodes and results of no_grad() keep what they are."""
    frozen = node(2.0, requires_grad=False)
    with tg.no_grad():
        result = frozen * 3.0
    a, b, c = copy.deepcopy([frozen, result, result.detach()])
    assert (a.requires_grad, b.requires_grad, c.requires_grad) == (False, False, False)
    assert (a.is_result, b.is_result, c.is_result) == (False, True, True)
    a.data = 5.0
    assert float(frozen.data) == 2.0


def test_metadata_and_constants_of_tensors_survive():
    """axis, index arrays and constant operands work in the copy, at first and second order."""
    x = Tensor(np.arange(6.0).reshape(2, 3))
    y = (tg.concatenate([x[:, np.array([0, 2, 2])], x * np.ones(3)], axis=1).sum(axis=1, keepdims=True) ** 2).sum()
    twin, leaf = copy.deepcopy((y, x))
    y.backward()
    twin.backward(create_graph=True)
    assert np.array_equal(leaf.grad.data, x.grad)
    leaf.grad.sum().backward()


@both
def test_shallow_copy_shares_the_inputs(node):
    """copy.copy gives a second node on the same inputs, with data of its own."""
    x = node(2.0)
    twin = copy.copy(x * x)
    assert twin.inputs == (x, x)
    twin.backward()
    assert float(x.grad) == 4.0
    leaf = copy.copy(x)
    leaf.data = 9.0
    assert float(x.data) == 2.0
    assert leaf.requires_grad


# ---- pickle --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@both
def test_leaves_round_trip(node, protocol):
    """Data, label, requires_grad and grad come back, in every protocol."""
    for requires_grad in (True, False):
        x = node(0.1, label="the leaf", requires_grad=requires_grad)
        if requires_grad:
            (x * 3.0).backward()
        twin = pickle.loads(pickle.dumps(x, protocol))
        assert type(twin) is node
        assert twin is not x
        assert float(twin.data) == 0.1
        assert (twin.label, twin.requires_grad, twin.is_result, twin.op) == ("the leaf", requires_grad, False, None)
        assert twin.grad is None if not requires_grad else float(twin.grad) == 3.0
        assert twin.index > x.index
        if requires_grad:
            (twin * 2.0).backward()
            assert float(twin.grad) == 5.0
            assert float(x.grad) == 3.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_tensors_round_trip_with_shape_and_dtype(dtype, shape):
    """Shape, dtype and bits of arrays and gradients; the copy is writable as a leaf is."""
    x = Tensor(np.full(shape, 0.1, dtype))
    x.grad = np.full(shape, 0.7)
    twin = pickle.loads(pickle.dumps(x))
    for mine, other in ((x.data, twin.data), (x.grad, twin.grad)):
        assert mine.tobytes() == other.tobytes()
        assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
    twin.data += 1.0
    twin.grad *= 2.0
    assert np.array_equal(x.data, np.full(shape, 0.1, dtype))


@both
def test_edge_numbers_round_trip(node):
    """inf, nan and -0.0 survive."""
    for number in (np.inf, -np.inf, np.nan, -0.0):
        twin = pickle.loads(pickle.dumps(node(number)))
        np.testing.assert_array_equal(np.asarray(twin.data), number)
        assert np.signbit(twin.data) == np.signbit(number)


@both
def test_pickling_a_result_raises_naming_detach(node):
    """A node with a history is not saved by accident: GraphError, with the node; its detach() is saved."""
    x = node(2.0)
    y = x * 3.0
    with pytest.raises(GraphError, match=r"detach\(\)") as caught:
        pickle.dumps(y)
    assert caught.value.nodes == (y,)
    twin = pickle.loads(pickle.dumps(y.detach()))
    assert float(twin.data) == 6.0
    assert (twin.requires_grad, twin.is_result) == (False, True)
    with tg.no_grad():
        result = pickle.loads(pickle.dumps(x * 3.0))
    assert result.is_result


@both
def test_objects_with_shared_parameters_pickle(node):
    """Within one pickle, one parameter under two names stays one."""
    twin = pickle.loads(pickle.dumps(Pair(node)))
    assert twin.weight is twin.tied
    assert twin.weight.label == "weight"
    twin(0.5).backward()
    assert float(twin.weight.grad) != 0.0


def test_a_deep_history_does_not_recurse_in_the_error_of_pickle():
    """The refusal comes at once, however deep the graph."""
    y = Value(1.0)
    for _ in range(50_000):
        y = y + 1.0
    with pytest.raises(GraphError):
        pickle.dumps([y])


def test_operations_pickle_and_copy_as_themselves():
    """A row of the table, as a module's activation may be, is the same object after copy and pickle."""
    for row in tg.TABLE.values():
        assert copy.deepcopy(row) is row
        assert copy.copy(row) is row
        assert pickle.loads(pickle.dumps(row)) is row


def test_errors_pickle():
    """Errors cross process borders with their message, nodes detached or not."""
    with pytest.raises(tg.errors.ShapeError) as caught:
        Tensor([1.0, 2.0]).backward()
    twin = pickle.loads(pickle.dumps(caught.value))
    assert type(twin) is tg.errors.ShapeError
    assert str(twin) == str(caught.value)
