"""What detach() leaves: a mark that leads back as long as the original is there, and keeps nothing alive."""

import copy
import gc
import pickle
import sys
import weakref

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value

NODES = {"value": lambda: Value(2.0) * 3.0, "tensor": lambda: Tensor([1.0, 2.0]) * 3.0}


@pytest.fixture(params=list(NODES))
def node(request):
    return NODES[request.param]()


@pytest.mark.parametrize("kind", list(NODES))
def test_a_detached_node_does_not_keep_the_graph_alive(kind):
    """What was cut off is freed with its last name, without the garbage collector."""
    gc.disable()
    try:
        node = NODES[kind]()
        gone = weakref.ref(node), weakref.ref(node.inputs[0])
        cut = node.detach()
        del node
        assert [x() for x in gone] == [None, None]
        assert cut.is_result
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", list(NODES))
def test_a_thousand_truncated_steps_leave_one_graph(kind):
    gc.disable()
    try:
        state, graphs = NODES[kind](), []
        for _ in range(1000):
            state = state.detach() * 0.5
            graphs.append(weakref.ref(state))
        assert sum(graph() is not None for graph in graphs) == 1
    finally:
        gc.enable()


def test_the_original_is_found_while_it_is_there():
    a = Value(2.0, "a")
    h = a * a
    d = h.detach()
    y = d * Value(3.0)
    assert tg.explain(y, a).causes[0].text == "detached here, from h"
    del h
    assert tg.explain(y, a).causes[0].text.startswith("detached here, from a node that is gone")


def test_a_label_on_a_detached_node_leaves_the_mark():
    a = Value(2.0, "a")
    d = a.detach()
    d.label = "d"
    assert (d.is_result, d.requires_grad) == (True, False)
    assert tg.explain(d * Value(1.0), a).causes[0].kind == "detached"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_of_a_detached_node_are_detached_too(copied):
    a = Value(2.0, "a")
    twin = copied(a.detach())
    assert (twin.data, twin.is_result, twin.requires_grad) == (2.0, True, False)
    assert tg.explain(twin * Value(1.0), a).causes[0].kind == "detached"


def test_a_deep_copy_of_a_graph_with_a_detached_node_works_on_its_own():
    a, b = Value(2.0), Value(3.0)
    y = copy.deepcopy(a.detach() * b)
    y.backward()
    assert y.inputs[1].grad == 2.0


def test_pickling_a_detached_node_keeps_the_number_and_not_the_mark(node):
    cut = pickle.loads(pickle.dumps(node.detach()))
    assert cut.is_result
    assert (cut.data == node.data).all() if isinstance(node, Tensor) else cut.data == node.data


def test_ordinary_nodes_pay_nothing_for_it():
    """No notes, and the size class of a Value is what it was: 144 bytes with the collector's header."""
    a = Value(2.0)
    assert (a * a)._notes is None
    assert sys.getsizeof(a * a) <= 144


def test_an_explanation_holds_no_node():
    """Neither by itself nor through a name; the frame that was asked for names ends with its function."""

    def made():
        a = Value(2.0)
        y = a * a + tg.relu(-a)
        return tg.explain(y, a), weakref.ref(y), weakref.ref(a)

    found, *gone = made()
    assert [x() for x in gone] == [None, None]
    assert "dy/da = 4" in repr(found)
