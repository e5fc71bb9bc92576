"""Semantics: hooks see a gradient when it is complete, and may replace it."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import GraphError

both = pytest.mark.parametrize("node", [Value, Tensor])
orders = pytest.mark.parametrize("create_graph", [False, True])


@both
@orders
def test_a_hook_sees_the_complete_gradient_once(node, create_graph):
    """Called once a pass, with the sum over all paths, on leaves and on nodes between."""
    x = node(3.0)
    h = x * 2.0
    y = h * h + h
    seen = {"h": [], "x": [], "y": []}
    h.register_hook(lambda g: seen["h"].append(float(g)))
    x.register_hook(lambda g: seen["x"].append(float(g)))
    y.register_hook(lambda g: seen["y"].append(float(g)))
    y.backward(create_graph=create_graph)
    y.backward(create_graph=create_graph)
    assert seen == {"h": [13.0, 13.0], "x": [26.0, 26.0], "y": [1.0, 1.0]}
    assert float(x.grad) == 52.0


@both
@orders
def test_what_a_hook_returns_takes_the_place_of_the_gradient(node, create_graph):
    """In .grad, and in everything behind; None leaves it."""
    x = node(3.0)
    h = x * 2.0
    y = h * 5.0
    h.register_hook(lambda g: g * 10.0)
    x.register_hook(lambda g: None)
    y.backward(create_graph=create_graph)
    assert (float(h.grad), float(x.grad)) == (50.0, 100.0)
    x.register_hook(lambda g: g + 1.0)
    x.zero_grad()
    y.backward(create_graph=create_graph)
    assert float(x.grad) == 101.0


@both
def test_hooks_run_in_the_order_of_registration(node):
    """Each sees what the one before returned."""
    x = node(1.0)
    x.register_hook(lambda g: g * 3.0)
    x.register_hook(lambda g: g + 1.0)
    (x * 2.0).backward()
    assert float(x.grad) == 7.0


@both
def test_a_hook_is_removed_by_what_registering_returned(node):
    """Removing works once, twice does no harm, and other hooks stay; afterwards passes are as before."""
    x = node(1.0)
    first, second = x.register_hook(lambda g: g * 3.0), x.register_hook(lambda g: g * 5.0)
    first()
    first()
    (x * 2.0).backward()
    assert float(x.grad) == 10.0
    second()
    (x * 2.0).backward()
    assert float(x.grad) == 12.0


@both
def test_a_hook_may_remove_itself(node):
    """A one-shot hook."""
    x, calls = node(1.0), []

    def once(gradient):
        calls.append(float(gradient))
        remove()

    remove = x.register_hook(once)
    (x * 2.0).backward()
    (x * 2.0).backward()
    assert calls == [2.0]


@both
def test_a_hook_under_create_graph_gets_a_node(node):
    """What it returns can be differentiated: the gradient of a doctored gradient."""
    x = node(3.0)
    y = x * x
    x.register_hook(lambda g: g * x)
    y.backward(create_graph=True)
    slope = x.grad
    assert isinstance(slope, node)
    assert float(slope) == 18.0
    x.zero_grad()
    slope.backward()
    assert float(x.grad) == 12.0 * 3.0  # the hook is called in the second pass, too


@both
@pytest.mark.parametrize("wrong", ["text", object(), 1j])
def test_a_hook_that_returns_no_gradient_is_refused(node, wrong):
    """Its result is checked as a gradient is; nothing is stored."""
    x = node(1.0)
    y = x * 2.0
    x.register_hook(lambda g: wrong)
    with pytest.raises(TypeError):
        y.backward()
    assert x.grad is y.grad is None


def test_a_hook_that_returns_another_shape_is_refused():
    """Shape and dtype are those of the node."""
    x = Tensor(np.ones(2, np.float32))
    remove = x.register_hook(lambda g: np.ones(3))
    with pytest.raises(tg.errors.ShapeError):
        (x * 2.0).sum().backward()
    remove()
    x.register_hook(lambda g: np.array([1.0, 2.0]))
    (x * 2.0).sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [1.0, 2.0]


@both
def test_a_hook_on_a_constant_is_refused(node):
    """No gradient would ever come: GraphError, with the node."""
    frozen = node(1.0, requires_grad=False)
    for constant in (frozen, frozen * 2.0, node(1.0).detach()):
        with pytest.raises(GraphError, match="register_hook") as caught:
            constant.register_hook(print)
        assert caught.value.nodes == (constant,)


@both
def test_a_hook_on_a_part_that_is_not_reached_is_not_called(node):
    """Only what the pass gives a gradient to."""
    x, w, calls = node(1.0), node(2.0), []
    w.register_hook(calls.append)
    (w * x).register_hook(calls.append)
    (x * 2.0).backward()
    assert calls == []


@both
def test_hooks_are_called_by_transforms_of_closures(node):
    """A hook on a parameter that a transform's pass does not ask for stays silent, and no .grad is stored."""
    w, calls = node(2.0), []
    w.register_hook(calls.append)
    tg.grad(lambda x: x * w)(w.detach().data)
    assert w.grad is None
    assert calls == []
