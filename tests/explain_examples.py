"""Gradients that are None for a reason that was planted; those that are 0 or small are in `explain_zeros`."""

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value

PLANTED = {}
"""By name: a function that builds a graph and gives (result, variable, kind, name of the guilty node, its text)."""


KEPT = []
"""Nodes that were detached from, and are still wanted."""


def planted(function):
    PLANTED[function.__name__] = function
    return function


def value(x, label="a"):
    return Value(x, label)


def called(node, label):
    node.label = label
    return node


# ---- no way there ----------------------------------------------------------------------------------------------------


@planted
def not_connected():
    return value(2.0, "b") * 3.0, value(1.0), "not connected", "a", "was not made from a"


@planted
def exchanged():
    a = value(1.0)
    return a, called(a * 2.0, "y"), "not connected", "y", "exchanged"


@planted
def read_as_data():
    a = value(1.0)
    return value(2.0, "b") * a.data, a, "not connected", "a", "leave no trace"


@planted
def argmax_of_a_tensor():
    t = Tensor([1.0, 3.0], "t")
    return value(2.0, "b") * float(tg.argmax(t)), t, "not connected", "t", ""


@planted
def variable_without_gradient():
    a = Value(2.0, "a", requires_grad=False)
    return a * value(3.0, "b"), a, "constant", "a", "requires_grad is False"


@planted
def frozen_when_recorded():
    a = value(2.0)
    a.requires_grad = False
    y = called(a * value(3.0, "b"), "y")
    a.requires_grad = True
    return y, a, "constant", "a", "was False when y was recorded"


@planted
def frozen_tensor():
    w = Tensor([1.0, 2.0], "w", requires_grad=False)
    return (w * Tensor([3.0, 4.0], "x")).sum(), w, "constant", "w", "requires_grad is False"


@planted
def variable_that_is_detached():
    d = called(value(2.0, "b").detach(), "d")
    return d * value(3.0, "c"), d, "constant", "d", "it was detached"


@planted
def made_under_no_grad():
    a = value(2.0)
    with tg.no_grad():
        h = called(a * a, "h")
    return h * value(3.0, "b"), a, "constant", "h", "without a graph"


@planted
def the_result_itself_under_no_grad():
    a = value(2.0)
    with tg.no_grad():
        y = called(a * a, "y")
    return y, a, "constant", "y", "without a graph"


@planted
def detached():
    a = value(2.0)
    h = called(a * a, "h")
    KEPT.append(h)
    return called(h.detach(), "d") * value(3.0, "b"), a, "detached", "d", "detached here, from h"


@planted
def detached_result():
    a = value(2.0)
    return called(a.detach(), "d"), a, "detached", "d", "from a"


@planted
def detached_state_made_a_variable():
    a = value(2.0)
    state = called(a.detach(), "state")
    state.requires_grad = True
    return state * value(3.0, "b"), a, "detached", "state", "from a"


@planted
def detached_from_what_is_gone():
    a = value(2.0)
    return called((a * a).detach(), "d") * value(3.0, "b"), a, "detached", "d", "from a node that is gone"


@planted
def detached_tensor():
    t = Tensor([1.0, 2.0], "t")
    return (called(t.detach(), "d") * Tensor([3.0, 4.0], "x")).sum(), t, "detached", "d", "from t"


@planted
def detached_twice():
    a = value(2.0)
    first = called(a.detach(), "first")
    KEPT.append(first)
    return called(first.detach(), "second") * value(3.0, "b"), a, "detached", "first", "from a"
