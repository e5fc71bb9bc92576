"""Semantics: every leaf owns its gradient, no two nodes share a writable array, nobody writes into gradients."""

import itertools

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor

GRAPHS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "add of adds": lambda a, b: (a + b) + (b + a),
    "same twice": lambda a, b: a + a + b + b,
    "reshape": lambda a, b: a.reshape(4) + b.reshape(4),
    "transpose": lambda a, b: a.T + b.T,
    "swapaxes": lambda a, b: tg.swapaxes(a, 0, 1) + tg.moveaxis(b, 0, 1),
    "broadcast": lambda a, b: tg.broadcast_to(a, (3, 2, 2)) + tg.broadcast_to(b, (3, 2, 2)),
    "getitem": lambda a, b: a[:] + b[...],
    "rows": lambda a, b: a[0] + b[1],
    "flip": lambda a, b: tg.flip(a) + tg.flip(b),
    "expand_dims": lambda a, b: tg.expand_dims(a, 0) + tg.squeeze(tg.expand_dims(b, 0)),
    "concatenate": lambda a, b: tg.concatenate([a, b, a]),
    "stack": lambda a, b: tg.stack([a, b]),
    "where": lambda a, b: tg.where([[True, False], [True, True]], a, b),
    "sum": lambda a, b: a.sum(0) + b.sum(0),
    "windows": lambda a, b: tg.windows(a, (2,)) + tg.windows(b, (2,)),
    "astype": lambda a, b: a.astype(np.float64) + b.astype(dtype=np.float64),
    "positive": lambda a, b: +a + +b,
    "a leaf": lambda a, b: a,
}


def leaves():
    return Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[5.0, 6.0], [7.0, 8.0]])


def nodes_of(y):
    found, todo = [], [y]
    while todo:
        node = todo.pop()
        if isinstance(node, Tensor) and node not in found:
            found.append(node)
            todo.extend(node.inputs)
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_every_leaf_owns_its_gradient(name):
    """A leaf's .grad is writable, owns its memory, and shares it with no other gradient, data, or seed."""
    a, b = leaves()
    y = GRAPHS[name](a, b)
    seed = np.ones(y.shape)
    y.backward(seed)
    others = [seed] + [n.data for n in nodes_of(y)] + [n.grad for n in nodes_of(y) if n.op is not None]
    for leaf, other in ((a, b), (b, a)):
        if leaf.grad is None:
            continue
        assert leaf.grad.base is None
        assert leaf.grad.flags.writeable
        for array in [*others, *([other.grad] if other.grad is not None else [])]:
            assert not np.shares_memory(leaf.grad, array)


@pytest.mark.parametrize("name", GRAPHS)
def test_no_two_nodes_share_a_writable_array(name):
    """Gradients and data of all nodes of a graph, taken in pairs: shared memory is read-only, but for a leaf's own."""
    a, b = leaves()
    y = GRAPHS[name](a, b)
    y.backward(np.ones(y.shape))
    for first, second in itertools.combinations(nodes_of(y), 2):
        for one, two in ((first.grad, second.grad), (first.grad, second.data), (first.data, second.grad)):
            if one is not None and two is not None and np.shares_memory(one, two):
                assert not one.flags.writeable
                assert not two.flags.writeable
        if np.shares_memory(first.data, second.data):
            assert not all(n.data.flags.writeable for n in (first, second))


@pytest.mark.parametrize("name", GRAPHS)
def test_writing_into_one_gradient_changes_no_other(name):
    """In-place clipping of one leaf's gradient leaves the other's, and the results', as they are."""
    a, b = leaves()
    y = GRAPHS[name](a, b)
    y.backward(np.ones(y.shape))
    others = [n for n in nodes_of(y) if n is not a and n.grad is not None]
    before = [n.grad.copy() for n in others]
    data = [n.data.copy() for n in nodes_of(y)]
    a.grad *= 0.0
    a.grad[...] = -5.0
    assert all(np.array_equal(n.grad, old) for n, old in zip(others, before, strict=True))
    assert all(np.array_equal(n.data, old) for n, old in zip(nodes_of(y), data, strict=True))


def test_the_engine_does_not_write_into_a_gradient():
    """A gradient kept from one pass is the same after the next, although the leaf's has grown."""
    a, b = leaves()
    y = a * b + a
    y.backward(np.ones((2, 2)))
    kept = [n.grad for n in nodes_of(y)]
    before = [g.copy() for g in kept]
    y.backward(np.ones((2, 2)))
    y.backward(np.full((2, 2), 3.0), create_graph=True)
    a.zero_grad()
    assert all(np.array_equal(g, old) for g, old in zip(kept, before, strict=True))


def test_the_seed_is_copied_and_not_written():
    """backward(gradient) neither keeps nor changes the caller's array; a read-only one will do."""
    a, b = leaves()
    seed = np.ones((2, 2))
    (a + b).backward(seed)
    seed[...] = 7.0
    assert a.grad.tolist() == b.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    fixed = np.full((2, 2), 2.0)
    fixed.flags.writeable = False
    a.backward(fixed)
    a.grad += 1.0
    assert fixed.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_the_seed_of_vjp_and_the_tangent_of_jvp_are_copied():
    """What vjp and jvp give back is the caller's to write into: it is no input's memory."""
    x, v = np.ones(3), np.full(3, 2.0)
    _, pull = tg.vjp(lambda t: t + 0.0, x)
    (back,) = pull(v)
    y, moved = tg.jvp(lambda t: t, (x,), (v,))
    for result in (back, y, moved, *tg.value_and_grad(lambda t: t.sum())(x)):
        assert not np.shares_memory(result, x)
        assert not np.shares_memory(result, v)
        if result.ndim:
            result[...] = -1.0
    assert x.tolist() == [1.0] * 3
    assert v.tolist() == [2.0] * 3
    first, second = tg.grad(lambda s, t: (s + t).sum(), (0, 1))(x, x)
    first[...] = 9.0
    assert second.tolist() == [1.0] * 3


def test_a_hook_cannot_write_into_another_gradient():
    """A hook that works in place is refused or harmless: y = a + b hands both leaves one cotangent."""
    a, b = leaves()

    def in_place(gradient):
        try:
            gradient *= 10.0
        except ValueError:
            return gradient * 10.0
        return gradient

    a.register_hook(in_place)
    y = a + b
    y.backward(np.ones((2, 2)))
    assert a.grad.tolist() == [[10.0] * 2] * 2
    assert b.grad.tolist() == y.grad.tolist() == [[1.0] * 2] * 2


def test_what_a_hook_returns_is_copied():
    """The array a hook returns for several leaves does not tie their gradients together, nor to the hook's own."""
    a, b = leaves()
    mine = np.ones((2, 2))
    for leaf in (a, b):
        leaf.register_hook(lambda gradient: mine)
    (a * b).backward(np.ones((2, 2)))
    a.grad += 5.0
    mine[...] = 3.0
    assert b.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert a.grad.tolist() == [[6.0, 6.0], [6.0, 6.0]]


def test_an_assigned_gradient_is_owned():
    """leaf.grad = array copies; b.grad = a.grad does not tie them."""
    a, b = leaves()
    a.grad = np.ones((2, 2))
    b.grad = a.grad
    b.grad *= 5.0
    assert a.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_tensor_copies_what_it_is_made_from():
    """Tensor(a), t.data = a and detach() own their numbers: writing into a changes nothing."""
    a = np.ones(3)
    t, u = Tensor(a), Tensor([0.0, 0.0, 0.0])
    u.data = a
    d = t.detach()
    a[...] = 9.0
    assert t.data.tolist() == u.data.tolist() == d.data.tolist() == [1.0] * 3
    t.data -= 5.0
    assert d.data.tolist() == [1.0] * 3
    assert Tensor(u.data).data is not u.data
    assert not np.shares_memory(np.array(t), t.data)
