"""Semantics: a graph whose leaves have moved on gives an error, never a silently wrong number."""

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import GraphError, StaleGraphError

both = pytest.mark.parametrize("node", [Value, Tensor])


def assign(x):
    x.data = x.data + 1.0


def in_place(x):
    x.data -= 1.0


def same_again(x):
    x.data = x.data


changes = pytest.mark.parametrize("change", [assign, in_place, same_again])


@both
@changes
def test_create_graph_over_a_stale_leaf_raises_naming_it(node, change):
    """However the leaf was set, a pass that reads it names its label and what to do."""
    x, w = node(2.0, label="the input"), node(3.0, label="the weight")
    y = tg.exp(x * w)
    change(w)
    with pytest.raises(StaleGraphError, match="the weight") as caught:
        y.backward(create_graph=True)
    assert w in caught.value.nodes
    assert x not in caught.value.nodes
    assert "again" in str(caught.value)
    assert x.grad is w.grad is None


@changes
def test_a_tensor_pass_over_a_stale_leaf_raises(change):
    """At first order too: the rules read the arrays that have changed."""
    x, w = Tensor([1.0, 2.0], label="x"), Tensor([3.0, 4.0], label="w")
    y = (x * w).sum()
    change(x)
    with pytest.raises(StaleGraphError, match="label='x'"):
        y.backward()
    assert x.grad is w.grad is None


@changes
def test_a_first_order_value_pass_uses_the_derivatives_of_record_time(change):
    """Values store their derivatives when recorded: backward() after a change is the derivative there and then."""
    x, w = Value(2.0), Value(3.0)
    y = x * w * w
    change(w)
    y.backward()
    assert x.grad == 9.0
    assert w.grad == 12.0


@both
def test_a_gradient_step_then_a_new_graph_works(node):
    """Recording again after the change is fresh: the training loop."""
    x = node(2.0)
    for expected in (4.0, -4.0):
        x.zero_grad()
        y = x * x
        y.backward(create_graph=True)
        assert float(x.grad) == expected
        x.zero_grad()
        x.data = x.data - 4.0
    with pytest.raises(StaleGraphError):
        y.backward(create_graph=True)


@both
def test_each_edge_is_checked(node):
    """The change is found wherever the leaf is read: first or second operand, deep down, through n-ary rows."""
    graphs = [lambda x, w: w + x, lambda x, w: x - w, lambda x, w: tg.exp(tg.tanh(x * 2.0) / w) * x,
              lambda x, w: (x * w) * (x + 1.0) * w, lambda x, w: tg.maximum(w, x)]
    joins = [lambda x, w: tg.sum([x, w]), lambda x, w: tg.dot([x, w], [x, 1.0])] if node is Value else [
        lambda x, w: tg.stack([x, x, w]).sum(), lambda x, w: tg.concatenate([x.reshape(1), w.reshape(1)]).max()]
    for graph in graphs + joins:
        x, w = node(2.0, label="x"), node(3.0, label="w")
        y = graph(x, w)
        in_place(w)
        with pytest.raises(StaleGraphError, match="'w'"):
            y.backward(create_graph=True)


@both
def test_only_graphs_recorded_before_the_change_are_stale(node):
    """A graph that does not read the changed leaf, and one recorded later, stay usable."""
    x, w = node(2.0), node(3.0)
    before, other = x * w, x * x
    in_place(w)
    after = x * w
    other.backward(create_graph=True)
    after.backward(create_graph=True)
    assert float(x.grad) == 4.0 + 2.0
    with pytest.raises(StaleGraphError):
        (before + after).backward(create_graph=True)


@both
def test_a_frozen_leaf_that_changed_is_stale_too(node):
    """A leaf without gradient is read by the rules all the same."""
    x, w = node(2.0), node(3.0, requires_grad=False, label="frozen")
    y = x * w
    w.data = 5.0
    with pytest.raises(StaleGraphError, match="frozen"):
        y.backward(create_graph=True)
    if node is Value:
        y.backward()
        assert x.grad == 3.0
    else:
        with pytest.raises(StaleGraphError, match="frozen"):
            y.backward()


def test_jvp_and_vjp_over_a_stale_leaf_raise():
    """A function that moves a leaf after reading it cannot be differentiated forward or backward."""
    for make, argument in ((Value, 2.0), (Tensor, np.array([2.0, 1.0]))):
        w = make(argument, label="w")

        def moves(x, w=w):
            y = x * w
            w.data = w.data + 1.0
            return y * 1.0

        with pytest.raises(StaleGraphError, match="'w'"):
            tg.jvp(moves, (argument,), (argument,))
        with pytest.raises(StaleGraphError, match="'w'"):
            tg.vjp(moves, argument)[1](argument)


@pytest.mark.parametrize("view",
                         [lambda w: w.reshape(2, 2), lambda w: w[::-1].reshape(2, 2), lambda w: tg.stack([w[:2]] * 2),
                                  lambda w: tg.broadcast_to(w[:2], (2, 2)), lambda w: tg.windows(w, (2,))[:2]])
@pytest.mark.parametrize("frozen", [False, True])
def test_pulling_after_a_view_of_a_leaf_moved_is_right_or_refused(view, frozen):
    """vjp's pull reads interior views of a leaf's array: after `leaf.data -= 1` it gives the old numbers or raises."""
    w = Tensor([1.0, 2.0, 3.0, 4.0], requires_grad=not frozen)
    x = np.ones((2, 2))
    expected = np.array(view(w).data)
    _, pull = tg.vjp(lambda t: t * view(w), x)
    w.data -= 1.0
    try:
        (result,) = pull(np.ones((2, 2)))
    except StaleGraphError:
        return
    assert np.array_equal(np.asarray(result), expected)


def test_results_without_a_graph_do_not_move_with_the_leaf():
    """Views made under no_grad(), by detach(), or of a frozen leaf keep their numbers when the leaf is written."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=False)
    views = [lambda t: t.T, lambda t: t.reshape(4), lambda t: t[0], lambda t: t[:, ::-1],
             lambda t: tg.broadcast_to(t, (2, 2, 2)),
             lambda t: tg.windows(t, (2,)), lambda t: +t, lambda t: t.astype(np.float64),
             lambda t: tg.moveaxis(t, 0, 1), lambda t: tg.expand_dims(t, 0), lambda t: tg.diagonal(t),
             lambda t: tg.clip(t), lambda t: tg.split(t, 2)[0]]
    with tg.no_grad():
        results = [view(x) for view in views if view(x) is not x]
    results += [view(frozen) for view in views if view(frozen) is not frozen]
    results.append(x.detach())
    before = [np.array(r.data) for r in results]
    x.data -= 10.0
    x.data[0, 0] = 99.0
    frozen.data *= 0.0
    assert all(np.array_equal(r.data, old) for r, old in zip(results, before, strict=True))


@both
def test_data_of_a_result_cannot_be_set(node):
    """Interior data follows from the inputs: setting it raises a GraphError that names detach()."""
    x = node(2.0)
    y = x * 3.0
    with pytest.raises(GraphError, match="detach") as caught:
        y.data = 1.0
    assert caught.value.nodes == (y,)
    assert float(y.data) == 6.0
    y.backward()
    assert float(x.grad) == 3.0


def test_data_of_a_result_cannot_be_written():
    """Interior arrays are read-only to the outside, through .data and np.asarray; views of a leaf too."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for y in (x * 2.0, x.T, x[0], x.reshape(4), x.sum(0), x.sum()):
        for array in (y.data, np.asarray(y), np.asarray(y, copy=False)):
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0.0
            with pytest.raises(ValueError, match="read-only"):
                y.data -= 1.0
    assert x.data.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_what_detach_gives_may_be_changed():
    """detach() is the copy to change that the errors speak of: set, stepped and written."""
    x = Tensor([1.0, 2.0])
    d = (x * 2.0).detach()
    d.data[0] = 5.0
    d.data -= 1.0
    assert d.data.tolist() == [4.0, 3.0]
    d.data = [7.0, 8.0]
    assert d.data.tolist() == [7.0, 8.0]
    v = (Value(2.0) * 3.0).detach()
    v.data = 5
    assert v.data == 5.0


def test_setting_data_checks_shape_and_kind():
    """A wrong shape or kind is refused, and stales nothing."""
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    for wrong in ([1.0], [[1.0, 2.0]], 3.0, [1j, 2.0], ["a", "b"], Tensor([1.0, 2.0]), None):
        with pytest.raises((TypeError, ValueError)):
            x.data = wrong
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("path",
                         [lambda x: x * x, lambda x: x.reshape(2, 1) ** 2, lambda x: x[::-1] * x, lambda x: x @ x])
def test_an_element_write_is_caught_by_detect_anomaly(path):
    """leaf.data[0] = ... cannot stamp the leaf, but under detect_anomaly() the pass finds it, naming the leaf."""
    with tg.detect_anomaly():
        x = Tensor([1.0, 2.0], label="written")
        y = path(x).sum()
        x.data[0] = 5.0
        with pytest.raises(StaleGraphError, match="written"):
            y.backward()
        assert x.grad is None
        fresh = path(x).sum()
        fresh.backward()
    assert x.grad is not None


@both
@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy])
def test_a_copy_of_a_stale_graph_is_stale(node, duplicate):
    """Copying does not wash a stale graph clean."""
    x = node(2.0)
    y = x * x
    x.data = 5.0
    with pytest.raises(StaleGraphError):
        duplicate(y).backward(create_graph=True)
    assert x.grad is None
    if duplicate is copy.deepcopy:
        twin = duplicate(y)
        assert twin.inputs[0] is twin.inputs[1] is not x
        assert (float(twin.data), float(twin.inputs[0].data)) == (4.0, 5.0)


@both
def test_requires_grad_switched_on_after_recording_changes_no_recorded_graph(node):
    """What was a constant when recorded is one in that graph: no gradient, or StaleGraphError, in every pass."""
    x, w = node(3.0, requires_grad=False), node(2.0)
    y = x * w
    x.requires_grad = True
    for create_graph in (False, True):
        try:
            y.backward(create_graph=create_graph)
        except StaleGraphError:
            continue
        assert x.grad is None
    (x * w).backward()
    assert float(x.grad) == 2.0
