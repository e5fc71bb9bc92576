"""Semantics: a recorded graph has no reference cycle; dropping the last reference frees it at once."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.node import Node

both = pytest.mark.parametrize("node", [Value, Tensor])


@pytest.fixture(autouse=True, scope="module")
def _freeze_the_rest():
    """What the other tests have left is set aside, so that counting and collecting see the nodes of this file alone."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _no_collector():
    """The cyclic collector switched off, so that what is freed is freed by reference counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def live():
    """How many nodes exist."""
    return sum(isinstance(thing, Node) for thing in gc.get_objects())


def function(x):
    """A graph with unary, binary, n-ary and repeated edges, for both kinds of node."""
    h = tg.tanh(x * 2.0) * x
    h = tg.exp(tg.sin(h)) / (1.0 + h * h)
    return tg.logsumexp([h, x, h]) if isinstance(x, Value) else (tg.stack([h, x])[np.array([0, 1, 0])]).max() + h @ h


def start(node):
    return Value(0.5) if node is Value else Tensor([0.5, 0.25])


@both
@pytest.mark.parametrize("use",
                         ["record", "backward", "backward twice", "hooks", "anomaly", "no_grad", "error", "compare"])
def test_dropping_the_output_frees_the_graph(node, use):
    """After each use of a graph, its last reference frees every node without the garbage collector."""
    x = start(node)
    before = live()
    y = function(x)
    assert live() > before + 5
    if use == "backward":
        y.backward()
    elif use == "backward twice":
        y.backward()
        y.backward(2.0)
    elif use == "hooks":
        y.register_hook(lambda gradient: gradient * 2.0)
        y.backward()
    elif use == "anomaly":
        with tg.detect_anomaly():
            y = function(x)
            y.backward()
    elif use == "no_grad":
        with tg.no_grad():
            y = function(y * x)
    elif use == "error":
        with pytest.raises(TypeError):
            y + "text"
        with pytest.raises(TypeError):
            y.backward("text")
    elif use == "compare":
        assert y in [x, y]
        assert repr(y)
    del y
    assert live() == before


def test_payloads_go_with_their_nodes():
    """The arrays of a graph are freed with it: a weak reference to an interior array dies."""
    x = Tensor(np.ones(1000))
    h = x * 2.0
    payload = weakref.ref(h._data)
    y = tg.exp(h).sum()
    y.backward()
    del h
    assert payload() is not None
    del y
    assert payload() is None


@both
def test_a_leaf_does_not_keep_the_graphs_made_from_it(node):
    """Edges point from results to inputs alone."""
    x = start(node)
    before = live()
    for _ in range(50):
        function(x).backward()
    assert live() == before
    assert x.grad is not None


@both
def test_dropping_part_of_a_graph_frees_that_part(node):
    """A branch that nothing refers to any more goes, the rest stays usable."""
    x = start(node)
    h = x * 2.0
    before = live()
    left, right = function(h), function(h)
    middle = live()
    del left
    assert before < live() < middle
    right.backward()
    del right
    assert live() == before


TRANSFORMS = {
    "grad": lambda f, x: tg.grad(f)(x),
    "value_and_grad": lambda f, x: tg.value_and_grad(f)(x),
    "grad of grad": lambda f, x: tg.grad(lambda t: tg.sum(tg.grad(f)(t)) if np.ndim(x) else tg.grad(f)(t))(x),
    "jvp": lambda f, x: tg.jvp(f, (x,), (x,)),
    "vjp": lambda f, x: tg.vjp(f, x)[1](1.0),
    "jacobian": lambda f, x: tg.jacobian(f)(x),
    "hessian": lambda f, x: tg.hessian(f)(x),
    "hvp": lambda f, x: tg.hvp(f, x, x),
    "tree": lambda f, x: tg.grad(lambda d: f(d["a"][0]) * f(d["b"]))({"a": [x, x], "b": x}),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("x", [0.5, np.array([0.5, 0.25])], ids=["number", "array"])
def test_transforms_leave_nothing_behind(name, x):
    """A transform on plain data makes no cycle: when it has returned, all its nodes are gone."""
    before = live()
    result = TRANSFORMS[name](function, x)
    del result
    assert live() == before


@both
@pytest.mark.parametrize("name", sorted(TRANSFORMS.keys() - {"tree", "grad of grad"}))
def test_transforms_of_nodes_go_with_their_result(node, name):
    """Where the result stays in the graph, dropping it frees all; no .grad is read or written."""
    x = start(node)
    x.grad = x.data
    before = live()
    result = TRANSFORMS[name](function, x)
    assert live() > before
    del result
    assert live() == before
    assert np.array_equal(x.grad, x.data)


@both
def test_transforms_inside_a_closure_leave_nothing_behind(node):
    """A function that reads other leaves, as a model's parameters: freed with the result, parameters untouched."""
    w = start(node)
    before = live()
    result = tg.grad(lambda x: function(x * w))(w.detach().data)
    assert result.requires_grad
    del result
    assert live() == before
    assert w.grad is None


@both
def test_create_graph_ties_a_cycle_until_zero_grad(node):
    """Gradients that are graphs keep the graph alive; zero_grad() on the leaves frees it, without the collector."""
    x = start(node)
    before = live()
    y = function(x)
    y.backward(create_graph=True)
    del y
    assert live() > before
    x.zero_grad()
    assert live() == before


@both
def test_first_order_after_create_graph_unties_the_cycle(node):
    """A plain backward() on top of a gradient that is a graph leaves no graph in .grad."""
    x = start(node)
    before = live()
    y = function(x)
    y.backward(create_graph=True)
    x.zero_grad()
    y.backward()
    del y
    assert live() == before


def test_bridges_make_no_cycle():
    """Values made from a Tensor and Tensors made from Values are freed with the output as well."""
    t, v = Tensor([1.0, 2.0]), Value(3.0)
    before = live()
    first, second = (t * v.data).to_values()
    joined = Tensor.stack_values([[first * v, second], [v, 1.0]])
    y = tg.linalg.det(joined)
    y.backward()
    del first, second, joined, y
    assert live() == before
    assert t.grad is not None
    assert v.grad is not None


@both
def test_a_handled_error_keeps_no_node(node):
    """An error carries its nodes; when it has been dealt with, they are free."""
    x = start(node)
    before = live()

    def failing():
        y = function(x)
        try:
            y.backward(gradient=object())
        except TypeError as error:
            return type(error)

    assert issubclass(failing(), TypeError)
    assert live() == before
