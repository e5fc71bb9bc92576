"""Semantics: constant arrays are copied when recorded, unless read-only; a refilled batch buffer does no harm."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor

MATRIX = np.array([[1.0, 2.0], [3.0, 5.0]])

READ = {
    "multiply": lambda w, b: w * b, "reflected multiply": lambda w, b: b * w, "divide": lambda w, b: w / b,
    "reflected divide": lambda w, b: b / w, "power": lambda w, b: w**b, "reflected power": lambda w, b: b**w,
    "matmul": lambda w, b: w @ b, "reflected matmul": lambda w, b: b @ w, "np.multiply": lambda w, b: np.multiply(b, w),
    "maximum": lambda w, b: tg.maximum(w, b - 1.5), "maximum of the buffer": lambda w, b: tg.maximum(w, b),
    "arctan2": lambda w, b: tg.arctan2(w, b), "logaddexp": lambda w, b: tg.logaddexp(w, b), "clip": lambda w,
    b: tg.clip(w, 0.0, b), "einsum": lambda w, b: tg.einsum("ij,jk,kl->il", w, b, b), "tensordot": lambda w,
    b: tg.tensordot(w, b, 1), "outer": lambda w, b: tg.outer(b, w), "dot": lambda w, b: tg.dot(b, w), "solve": lambda w,
    b: tg.linalg.solve(b, w), "reflected solve": lambda w, b: tg.linalg.solve(w, b), "a view": lambda w,
    b: w * b[::-1].T, "weighted_sum": lambda w, b: tg.weighted_sum(w, b, 1.0), "leaky_relu slope": lambda w,
    b: tg.leaky_relu(w - 2.5, b), "add": lambda w, b: w + b, "concatenate": lambda w, b: tg.concatenate([w, b]) ** 2,
    "where": lambda w, b: tg.where(b > 2.0, w, b),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_refilled_buffer_does_no_harm(name, create_graph):
    """Overwriting the array after recording and before backward() changes no gradient."""
    gradients = []
    for refill in (False, True):
        w, buffer = Tensor([[0.9, 2.1], [1.7, 0.4]]), MATRIX.copy()
        y = READ[name](w, buffer).sum()
        value = y.item()
        if refill:
            buffer[...] = -77.0
        assert y.item() == value
        y.backward(create_graph=create_graph)
        gradients.append(np.array(w.grad))
    assert np.array_equal(*gradients)
    assert np.isfinite(gradients[0]).all()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_refilled_target_does_no_harm(create_graph):
    """The same for the probabilities that cross entropy aims at."""
    gradients = []
    for refill in (False, True):
        w, target = Tensor([[0.9, 2.1], [1.7, 0.4]]), np.array([[0.3, 0.7], [1.0, 0.0]])
        y = tg.ops.cross_entropy(w, target).sum()
        if refill:
            target[...] = -77.0
        y.backward(create_graph=create_graph)
        gradients.append(np.array(w.grad))
    assert np.array_equal(*gradients)


INDEXED = {
    "mask": (np.array([True, False, True]), lambda w, i: w[i]),
    "integers": (np.array([0, 2, 2]), lambda w, i: w[i]),
    "a pair": (np.array([1, 0]), lambda w, i: tg.outer(w, w)[i, i]),
    "where": (np.array([True, False, True]), lambda w, i: tg.where(i, w, 2.0 * w)),
    "np.where": (np.array([True, False, True]), lambda w, i: np.where(i, w, 2.0 * w)),
    "take_along_axis": (np.array([2, 0, 0]), lambda w, i: tg.take_along_axis(w, i, 0)),
    "scatter": (np.array([1, 1, 0]), lambda w, i: tg.scatter(w, i, (4,)) * np.arange(4.0)),
    "cross_entropy": (np.array(1), lambda w, i: tg.ops.cross_entropy(w, i)),
    "repeat": (np.array([0, 2, 1]), lambda w, i: tg.repeat(w, i)),
    "roll": (np.array(1), lambda w, i: tg.roll(w, i) * np.arange(3.0)),
}


@pytest.mark.parametrize("name", INDEXED)
def test_a_rewritten_index_array_or_mask_does_no_harm(name):
    """Index arrays, masks and targets are copied as well: in reverse and when the pass is recorded."""
    original, function = INDEXED[name]
    gradients = []
    for refill in (False, True):
        for create_graph in (False, True):
            w, index = Tensor([0.5, 1.5, 2.5]), original.copy()
            y = (function(w, index) ** 2).sum()
            if refill:
                index[...] = 0
            y.backward(create_graph=create_graph)
            gradients.append(np.array(w.grad))
    assert all(np.array_equal(gradients[0], g) for g in gradients)


def test_a_list_index_may_be_changed_later():
    """Lists of indices, and lists of operands, belong to the caller."""
    w = Tensor([0.5, 1.5, 2.5])
    index, parts = [0, 2], [w, w]
    y = w[index].sum() + tg.concatenate(parts).sum() + w[index, ].sum()
    index[0] = 1
    parts.clear()
    y.backward()
    assert w.grad.tolist() == [4.0, 2.0, 4.0]


def test_a_buffer_refilled_inside_a_transform_does_no_harm():
    """jvp, vjp and hvp read the constants of record time too."""
    buffer = np.ones(2)

    def function(x):
        y = x * buffer * x
        buffer[...] = 50.0
        return y.sum()

    for transform in (lambda: tg.grad(function)(np.ones(2)),
                      lambda: tg.jvp(function, (np.ones(2),), (np.ones(2),))[1] / 2,
                      lambda: tg.vjp(function, np.ones(2))[1](1.0)[0]):
        buffer[...] = 1.0
        assert np.array_equal(transform() * np.ones(2), [2.0, 2.0])


def test_read_only_arrays_are_not_copied():
    """A data set marked read-only is kept as it is: no copy a step."""
    data = np.ones((50, 2))
    data.flags.writeable = False
    w = Tensor([1.0, 2.0])
    y = data @ w
    assert y.inputs[0] is data
    index = np.array([0, 1])
    index.flags.writeable = False
    assert w[index].params["index"] is index


def test_writable_arrays_are_copied_where_a_rule_reads_them():
    """The graph's constant is its own array; what no rule reads need not be kept at all."""
    data = np.ones(2)
    y = Tensor([1.0, 2.0]) * data
    assert y.inputs[1] is not data
    assert not np.shares_memory(y.inputs[1], data)


@pytest.mark.parametrize("constant", [np.asarray, lambda x: x.reshape(2).data, lambda x: x[::-1].data[::-1],
                                      lambda x: np.asarray(x.reshape(2)), lambda x: x.data,
                                      lambda x: np.broadcast_to(np.asarray(x), (2,))])
def test_a_leaf_as_a_constant_does_not_move_with_the_leaf(constant):
    """np.asarray(leaf) is a read-only view of memory that `leaf.data -= ...` writes: it is copied all the same."""
    x, w = Tensor([1.0, 2.0]), Tensor([1.0, 1.0])
    y = (w * constant(x)).sum()
    x.data -= 1.0
    y.backward()
    assert w.grad.tolist() == [1.0, 2.0]


def test_a_read_only_view_of_a_writable_buffer_is_copied():
    """Read-only means that nobody can write: a frozen view of a batch buffer does not count."""
    buffer = np.array([1.0, 2.0])
    view = buffer.view()
    view.flags.writeable = False
    w = Tensor([1.0, 1.0])
    for constant in (view, np.broadcast_to(buffer, (2,)), view[::-1][::-1]):
        buffer[...] = 1.0, 2.0
        w.zero_grad()
        y = (w * constant).sum()
        buffer[...] = 9.0
        y.backward()
        assert w.grad.tolist() == [1.0, 2.0]


def test_values_take_the_number_of_record_time():
    """A 0-d array beside a Value is read once: its later content does not matter."""
    x, scale = tg.Value(2.0), np.array(3.0)
    y = x * scale
    scale[...] = 50.0
    y.backward(create_graph=True)
    assert float(x.grad) == 3.0
    assert type(y.inputs[1]) is float
