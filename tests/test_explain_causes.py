"""Gradients that are None, 0 or small for a reason that was planted: its kind, and the node that is guilty."""

import math

import numpy as np
import pytest

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


# ---- a derivative that is 0 ------------------------------------------------------------------------------------------


@planted
def dead_relu():
    a = value(-0.3)
    return called(tg.relu(a), "h") * 2.0, a, "dead", "h", "dead relu: input -0.3"


@planted
def dead_relu_at_zero():
    a = value(0.0)
    return called(tg.relu(a), "h") * 2.0, a, "dead", "h", "input 0"


@planted
def dead_relu_far_up():
    """The zero of the relu is multiplied by itself: both places cut the paths, and the relu comes first."""
    a = value(-2.0)
    h = called(tg.relu(a), "h")
    return h * h, a, "dead", "h", ""


@planted
def dead_relu_of_a_layer():
    w = Tensor(np.ones((3, 4)), "w")
    z = tg.matmul(np.full((3, 3), -1.0), w)
    return called(tg.relu(z), "h").sum(), w, "dead", "h", "dead relu: 12 of 12 inputs <= 0"


@planted
def dead_part_of_a_layer():
    """Of two parts joined, the relu lets only the other pass."""
    a, b = Tensor([-1.0, -2.0], "a"), Tensor([3.0], "b")
    return called(tg.relu(tg.concatenate([a, b])), "h").sum(), a, "dead", "h", "dead relu: 2 of 3 inputs <= 0"


@planted
def saturated_tanh():
    a = value(25.0)
    return called(tg.tanh(a), "h") * 2.0, a, "saturated", "h", "saturated tanh: derivative 0 at 25"


@planted
def saturated_sigmoid():
    a = value(-800.0)
    return called(tg.sigmoid(a), "h") * 2.0, a, "saturated", "h", "saturated sigmoid"


@planted
def saturated_tensor():
    t = Tensor([30.0, -40.0], "t")
    return called(tg.tanh(t), "h").sum(), t, "saturated", "h", "2 of 2 inputs"


@planted
def nearly_saturated_sigmoid():
    a = value(-20.0)
    return called(tg.sigmoid(a), "h") * 2.0, a, "saturated", "h", "derivative 2.061e-09 at -20"


@planted
def nearly_saturated_tensor():
    t = Tensor([15.0, 16.0], "t")
    return called(tg.tanh(t), "h").sum(), t, "saturated", "h", "saturated tanh: derivative"


@planted
def small_factor():
    a = value(2.0)
    return called(a * 1e-9, "h") + 1.0, a, "small factor", "h", "multiplies by 1e-09"


@planted
def vanishing():
    a = x = value(0.5)
    for k in range(40):
        x = called(tg.sigmoid(x), f"h{k}")
    return x, a, "vanishing", "h39", "40 factors"


@planted
def multiplied_by_zero():
    a = value(2.0)
    return called(a * value(0.0, "b"), "h") + 1.0, a, "multiplied by 0", "h", "b is 0"


@planted
def divided_zero():
    a = value(2.0)
    return called(value(0.0, "b") / a, "h"), a, "multiplied by 0", "h", "b is 0"


@planted
def to_the_power_zero():
    a = value(2.0)
    return called(a**0.0, "h"), a, "multiplied by 0", "h", "is 0"


@planted
def exponent_of_one():
    a = value(2.0)
    return called(value(1.0, "b")**a, "h"), a, "multiplied by 0", "h", "b is 1"


@planted
def weight_of_a_neuron_is_zero():
    a = value(2.0)
    xs = [a, value(3.0, "x2")]
    return called(tg.weighted_sum([value(0.0, "w1"), value(1.0, "w2")], xs, 0.5), "h"), a, "multiplied by 0", "h", "w1"


@planted
def matrix_of_zeros():
    t = Tensor(np.ones((2, 3)), "t")
    return called(tg.matmul(t, Tensor(np.zeros((3, 2)), "w")), "h").sum(), t, "multiplied by 0", "h", "w, is 0"


@planted
def matrix_whose_rows_cancel():
    t = Tensor(np.ones((2, 2)), "t")
    w = Tensor([[1.0, -1.0], [2.0, -2.0]], "w")
    return called(tg.matmul(t, w), "h").sum(), t, "cancels", "h", "add up to 0"


@planted
def mask_of_zeros():
    t = Tensor([1.0, 2.0], "t")
    return called(t * np.zeros(2), "h").sum(), t, "multiplied by 0", "h", ""


@planted
def clipped():
    a = value(3.0)
    return called(tg.clip(a, 0.0, 2.0), "h") * 2.0, a, "clipped", "h", "input 3 outside of [0, 2]"


@planted
def clipped_tensor():
    t = Tensor([3.0, -3.0, 5.0], "t")
    return called(tg.clip(t, -1.0, 1.0), "h").sum(), t, "clipped", "h", "3 of 3 inputs outside of [-1, 1]"


@planted
def smaller_in_maximum():
    a = value(1.0)
    return called(tg.maximum(a, value(2.0, "b")), "h"), a, "not selected", "h", "took b"


@planted
def larger_in_minimum():
    t = Tensor([5.0, 6.0], "t")
    return called(tg.minimum(t, Tensor([1.0, 2.0], "u")), "h").sum(), t, "not selected", "h", "minimum took u"


@planted
def not_the_largest():
    a = value(1.0)
    return called(tg.max([a, value(2.0, "b"), value(0.0, "c")]), "h"), a, "not selected", "h", "took b"


@planted
def branch_of_where():
    a = value(1.0)
    return called(tg.where(False, a, value(2.0, "b")), "h"), a, "not selected", "h", "took b"


@planted
def branch_of_where_with_zero():
    """A branch is not a factor, though the other one is 0."""
    a = value(1.0)
    return called(tg.where(True, value(0.0, "b"), a), "h"), a, "not selected", "h", "took b"


@planted
def branch_of_where_on_tensors():
    t = Tensor([1.0, 2.0], "t")
    return called(tg.where(np.array([False, False]), t, 0.0), "h").sum(), t, "not selected", "h", ""


@planted
def not_indexed():
    a, b = Tensor([1.0, 2.0], "a"), Tensor([3.0, 4.0], "b")
    return called(tg.stack([a, b])[0], "h").sum(), b, "not selected", "h", ""


@planted
def sign_of_a_number():
    a = value(2.0)
    return called(tg.sign(a), "h") * 2.0, a, "piecewise constant", "h", "sign is 0 everywhere"


@planted
def sign_of_a_tensor():
    t = Tensor([2.0, -1.0], "t")
    return called(tg.sign(t), "h").sum(), t, "piecewise constant", "h", ""


@planted
def square_at_zero():
    a = value(0.0)
    return called(tg.square(a), "h") + 1.0, a, "stationary", "h", "square at 0"


@planted
def cosine_at_zero():
    t = Tensor([0.0, 0.0], "t")
    return called(tg.cos(t), "h").sum(), t, "stationary", "h", "2 of 2 inputs"


@planted
def norm_at_zero():
    t = Tensor([0.0, 0.0], "t")
    return called(tg.norm(t), "h") * 2.0, t, "stationary", "h", "norm at"


@planted
def paths_that_cancel():
    a = value(2.0)
    return a * 3.0 - a * 3.0, a, "cancels", "a", "add up to 0"


@planted
def paths_that_cancel_further_up():
    a = value(2.0)
    h = called(a * 5.0, "h")
    return h - h, a, "cancels", "h", ""


@planted
def paths_that_nearly_cancel():
    a = value(2.0)
    return (a * 0.1 + a * 0.2) - a * 0.3, a, "cancels", "a", "almost 0"


@planted
def tensor_paths_that_cancel():
    t = Tensor([1.0, 2.0], "t")
    return (t * 2.0 - t * 2.0).sum(), t, "cancels", "t", ""


@planted
def too_small_for_a_float():
    a = value(2.0)
    return called(a * 1e-200, "h") * 1e-200, a, "underflow", "h", "smaller than any float"


@planted
def infinite_slope():
    a = value(0.0)
    return called(tg.sqrt(a), "h") * 2.0, a, "not finite", "h", "sqrt"


def seed_of_zero():
    a = value(2.0)
    return called(a * 0.5, "y"), a, "zero seed", "y", "given to start from is 0"


@pytest.mark.parametrize("name", list(PLANTED))
def test_the_cause_is_found_and_the_guilty_node_named(name):
    """The first of the causes, in the attributes and in the text."""
    node, wrt, kind, guilty, text = PLANTED[name]()
    found = tg.explain(node, wrt, names={})
    assert found.causes, found
    cause = found.causes[0]
    assert (cause.kind, cause.name) == (kind, guilty)
    assert text in cause.text
    head = "why " if found.value is None or not np.any(found.value) else "what else"
    assert f"{guilty}: " in " ".join(repr(found).split()).partition(head)[2]
    assert kind in found._repr_html_()
    if node.requires_grad and np.size(node.data) == 1:
        node.backward()
        assert (wrt.grad is None) == (found.value is None)
        if wrt.grad is not None:
            np.testing.assert_allclose(found.value, wrt.grad, rtol=1e-12, atol=1e-15)


def test_a_cause_says_where_by_the_index_of_the_node():
    a = Value(-1.0)
    h = tg.relu(a)
    y = h * 2.0
    assert tg.explain(y, a).causes[0].index == h.index


def test_each_cut_says_how_many_paths_it_cuts():
    """Three paths: one through a dead relu, two through a product by 0, one more that passes."""
    a = Value(-1.0)
    h = tg.relu(a)
    z = Value(0.0)
    p = (a * a) * z
    found = tg.explain(h + p + a, a)
    assert found.count == 4
    assert found.value == 1.0
    assert {(cause.kind, cause.name, cause.count) for cause in found.causes} == {
        ("dead", "h", 1), ("multiplied by 0", "p", 2)}


def test_a_detached_copy_beside_a_way_that_passes_is_told():
    """The straight-through trick: x + (round(x) - x).detach() has the gradient 1, and a way that is cut."""
    x = Value(0.7)
    jump = 1.0 - x
    cut = jump.detach()
    found = tg.explain(x + cut, x)
    assert found.value == 1.0
    assert [(cause.kind, cause.name, cause.count) for cause in found.causes] == [("detached", "cut", 1)]


def test_a_healthy_gradient_has_no_causes():
    a, b = Value(2.0), Value(3.0)
    assert tg.explain(tg.tanh(a * b * 0.1) + tg.relu(a), a).causes == ()
    t = Tensor([1.0, 2.0])
    assert tg.explain((t[0] * t[1]).sum(), t).causes == ()
    assert tg.explain(tg.relu(Tensor([-1.0, 1.0])).sum() + t.sum(), t).causes == ()


def test_many_places_are_counted_and_the_worst_listed():
    a = Value(1.0)
    total = Value(0.0)
    for k in range(20):
        total = total + tg.relu(a * -float(k + 1))
    found = tg.explain(total, a, paths=3)
    assert len(found.causes) == 3
    assert found.more_causes == 17
    assert "17 more places" in repr(found)


def test_a_seed_of_zero_is_named():
    node, wrt, kind, name, text = seed_of_zero()
    found = tg.explain(node, wrt, gradient=0.0)
    assert (found.causes[0].kind, found.causes[0].name, found.value) == (kind, name, 0.0)
    assert text in repr(found)


def test_a_users_own_operation_is_tried_like_any_other():
    """Flat below 1: named saturated; with a kink in its domain, dead."""
    kept = dict(tg.TABLE)
    try:
        @tg.operation(lambda out, x: 2.0 * (x > 1.0), domain=[[(-2.0, 0.9), (1.1, 2.0)]])
        def ramp(x):
            """max(2 x - 2, 0)."""
            return np.maximum(2.0 * x - 2.0, 0.0)

        a = Value(0.5)
        h = ramp(a)
        found = tg.explain(h * 3.0, a)
    finally:
        del tg.TABLE["ramp"], tg.ops.registration.OWN["ramp"]
    assert kept == tg.TABLE
    assert (found.causes[0].kind, found.causes[0].name) == ("dead", "h")


def test_shares_are_left_out_where_the_whole_is_nothing():
    a = Value(2.0)
    found = tg.explain(a * 3.0 - a * 3.0, a)
    assert [path.share for path in found.paths] == [None, None]
    assert sorted(path.product for path in found.paths) == [-3.0, 3.0]
    assert found.share_note == "the gradient is 0"
    assert math.isnan(tg.explain(tg.log(Value(-1.0)) * 0.0 + a * math.nan, a).value)
