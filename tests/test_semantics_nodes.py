"""Semantics: where backward starts, detach, requires_grad, and the modes that a node is recorded in."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, modes
from tinygrad_edu.errors import GraphError

both = pytest.mark.parametrize("node", [Value, Tensor])
orders = pytest.mark.parametrize("create_graph", [False, True])

# ---- non-scalar backward -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2,), (2, 3), (0,), (1, 2), (5, 0)])
def test_backward_of_an_array_names_shape_and_both_fixes(shape):
    """Without a gradient, backward() of an array shows its shape, y.sum().backward() and y.backward(gradient)."""
    x = Tensor(np.ones(shape))
    y = x * 2.0
    with pytest.raises(tg.errors.ShapeError) as caught:
        y.backward()
    for text in (str(shape), "y.sum().backward()", "y.backward(gradient)"):
        assert text in str(caught.value)
    assert caught.value.nodes == (y,)
    assert x.grad is None
    y.backward(np.full(shape, 3.0))
    assert np.array_equal(x.grad, np.full(shape, 6.0))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_backward_of_a_single_number_needs_no_gradient(shape):
    """Any shape with one element starts from one."""
    x = Tensor(np.full(shape, 3.0))
    (x * x).backward()
    assert x.grad.shape == shape
    assert x.grad.item() == 6.0


# ---- detach and requires_grad --------------------------------------------------------------------------------------


@both
def test_detach_stops_derivatives(node):
    """The result is a constant with the same number, no parameter; the rest of the graph is untouched."""
    x = node(3.0)
    h = x * 2.0
    d = h.detach()
    y = h * d
    y.backward()
    assert float(x.grad) == 12.0
    assert (d.requires_grad, d.op, d.inputs, d.grad, d.is_result) == (False, None, (), None, True)
    assert type(d) is node
    assert float(d.data) == 6.0
    assert not x.detach().is_result or x.detach() is not x


def test_detach_copies_the_array():
    """Stepping the leaf later does not move the detached numbers, nor the other way round."""
    x = Tensor([1.0, 2.0])
    d = x.detach()
    x.data -= 5.0
    assert d.data.tolist() == [1.0, 2.0]


@both
def test_requires_grad_is_toggled_on_leaves(node):
    """A frozen leaf is a constant in what is recorded next, and a variable again afterwards."""
    x, w = node(2.0), node(3.0)
    w.requires_grad = False
    y = x * w
    y.backward()
    assert w.grad is None
    w.requires_grad = True
    (x * w).backward()
    assert float(w.grad) == 2.0
    w.requires_grad = 0
    assert w.requires_grad is False


@both
@orders
def test_a_leaf_frozen_after_recording_gets_no_gradient(node, create_graph):
    """Freezing stops the flow into the leaf from then on; the others get theirs."""
    x, w = node(2.0), node(3.0)
    y = x * w
    w.requires_grad = False
    y.backward(create_graph=create_graph)
    assert w.grad is None
    assert float(x.grad) == 3.0


@both
def test_requires_grad_of_a_result_follows_from_its_inputs(node):
    """It cannot be set: GraphError names detach() and the leaves."""
    x = node(2.0)
    y = x * 2.0
    for flag in (False, True):
        with pytest.raises(GraphError, match="detach") as caught:
            y.requires_grad = flag
        assert caught.value.nodes == (y,)
    assert y.requires_grad


@both
def test_a_detached_node_may_become_a_variable(node):
    """detach() then requires_grad=True: a new leaf, cut off from the old graph."""
    x = node(2.0)
    d = (x * 3.0).detach()
    d.requires_grad = True
    (d * d).backward()
    assert float(d.grad) == 12.0
    assert x.grad is None


@both
def test_zero_grad_of_a_node_is_its_own(node):
    """It forgets this node's gradient and no other."""
    x, w = node(2.0), node(3.0)
    (x * w).backward()
    x.zero_grad()
    assert x.grad is None
    assert float(w.grad) == 2.0


# ---- modes ---------------------------------------------------------------------------------------------------------


@both
def test_no_grad_records_nothing(node):
    """Inside, results are constants and no parameters; nested modes restore, after errors too."""
    x = node(2.0)
    with tg.no_grad():
        y = x * x
        with tg.enable_grad():
            inner = x * x
        assert not (x * 2.0).requires_grad
    assert (y.requires_grad, y.op, y.is_result) == (False, None, True)
    assert inner.requires_grad
    with pytest.raises(LookupError), tg.no_grad():
        raise LookupError
    assert (x * x).requires_grad
    with tg.no_grad():
        leaf = node(1.0)
    assert leaf.requires_grad
    assert not leaf.is_result


@both
@orders
def test_backward_under_no_grad_works(node, create_graph):
    """A recorded graph is differentiated inside no_grad() as outside."""
    x = node(3.0)
    y = x * x
    with tg.no_grad():
        y.backward(create_graph=create_graph)
        assert float(tg.grad(lambda t: t**3)(2.0)) == 12.0
    assert float(x.grad) == 6.0


@both
def test_scopes_mark_what_is_recorded_inside(node):
    """Nodes carry the innermost scope, an opaque object; it is restored after an error."""
    x, marker = node(2.0), object()
    with modes.scope(marker):
        y = x * x
        with modes.scope("inner"):
            z = tg.exp(y) * y
    assert x.scope is None
    assert y.scope is marker
    assert z.scope == z.inputs[0].scope == "inner"
    with pytest.raises(LookupError), modes.scope("broken"):
        raise LookupError
    assert (x * x).scope is None


@both
def test_params_and_inputs_are_public(node):
    """op, inputs and params tell what made a node."""
    x = node(2.0)
    y = x * 3.0
    assert y.op is tg.multiply
    assert y.inputs == (x, 3.0)
    assert dict(y.params) == {}
    if node is Tensor:
        s = Tensor([[1.0, 2.0]]).sum(axis=1, keepdims=True)
        assert s.params["axis"] == 1
        assert s.params["keepdims"] is True


@both
def test_the_arguments_of_an_operation_are_not_written(node):
    """params of a node, shared or its own, cannot be changed from outside."""
    x = node(2.0)
    for y in (x, x * 3.0, *([Tensor([[1.0, 2.0]]).sum(axis=1)] if node is Tensor else [])):
        with pytest.raises(TypeError):
            y.params["axis"] = 0
    assert dict((x * 2.0).params) == {}


def test_value_derivatives_are_public():
    """A Value tells the partial derivative by each input at record time; None by constants."""
    x, y = Value(2.0), Value(5.0)
    assert (x * y).derivatives == (5.0, 2.0)
    assert (x * 3.0).derivatives == (3.0, None)
    assert (3.0 - x).derivatives == (None, -1.0)
    assert tg.sum([x, 1.0, y]).derivatives == (1.0, None, 1.0)
    assert tg.exp(Value(0.0)).derivatives == (1.0,)
    assert x.derivatives == ()


@pytest.mark.parametrize("frozen_first", [True, False])
def test_what_one_neuron_froze_another_still_learns(frozen_first):
    """Neurons with the same inputs, one recorded while a weight was frozen: the weight has the other's gradient."""
    w, x = tg.Value(3.0), tg.Value(5.0)
    parts = []
    for frozen in (frozen_first, not frozen_first):
        w.requires_grad = not frozen
        parts.append(tg.weighted_sum([w, x], [x, w]))
    w.requires_grad = True
    (parts[0] + 10.0 * parts[1]).backward()
    assert w.grad == (10.0 if frozen_first else 1.0) * 2.0 * 5.0
    assert x.grad == 11.0 * 2.0 * 3.0
