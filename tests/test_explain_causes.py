"""Why a gradient is None, 0 or small: the kind of cause, and the node that is guilty."""

import math

import numpy as np
import pytest
from explain_zeros import PLANTED

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value


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
    a = Value(2.0)
    y = a * 0.5
    found = tg.explain(y, a, gradient=0.0)
    assert (found.causes[0].kind, found.causes[0].name, found.value) == ("zero seed", "y", 0.0)
    assert "given to start from is 0" in repr(found)


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
