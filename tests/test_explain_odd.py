"""Explanations of graphs that try to mislead: names that collide, numbers at the ends of the range, odd operations."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value


def test_two_nodes_of_one_label_are_told_apart_in_formulas():
    """Also one that no path goes through, or whose label is what nodes without a name are called."""
    a, b, c = Value(2.0, "w"), Value(3.0, "w"), Value(5.0, "v1")
    found = tg.explain((a * b) * c, a, names={})
    assert {name: symbol.definition for name, symbol in found.symbols.items()} == {
        "v2": "v3 * v1", "v3": "w * (w #2)", "w": ""}
    assert [(entry.of, entry.by, entry.formula, entry.number) for entry in found.locals] == [
        ("v2", "v3", "v1", 5.0), ("v3", "w", "w #2", 3.0)]


def test_a_node_that_only_a_cause_speaks_of_is_written_out():
    a = Value(2.0, "a")
    zero = Value(0.0)
    found = tg.explain(a * zero + a * 3.0, a, names={})
    guilty = found.causes[0].text.split()[-3]
    assert found.symbols[guilty].data == "0"


def test_of_an_array_without_elements_nothing_is_said_to_be_0():
    a = Tensor(np.zeros((0, 3)))
    for found in (tg.explain((a * 2.0).sum(), a), tg.explain(a * 2.0, a, gradient=np.zeros((0, 3)))):
        assert found.value.shape == (0, 3)
        assert found.causes == ()
        assert "is 0" not in repr(found)


@pytest.mark.parametrize(("shown", "rest"), [(2, -math.inf), (3, -1.0e308)])
def test_paths_that_overflow_when_added_up_leave_the_rest_that_is_left(shown, rest):
    a = Value(1.0, "a")
    out = a * 1.2e308 + a * -1.0e308 + a * 1.1e308 + a * -1.0e308
    found = tg.explain(out, a, paths=shown)
    out.backward()
    assert found.value == a.grad
    assert found.rest == pytest.approx(rest, rel=1e-12)


def test_an_operation_that_refuses_the_neighbourhood_is_explained():
    @tg.operation(lambda out, x: 0.0 * x, domain=[(0.5, 1.5)])
    def only_one(x):
        if np.any(x != 1.0):
            raise KeyError("only 1 is known")
        return x * 1.0

    try:
        for out in (only_one(Value(1.0)), tg.sum(only_one(Tensor([1.0, 1.0])))):
            found = tg.explain(out, tg.engine.history(out)[0])
            assert not np.any(found.value)
            assert "only_one" in found.causes[0].text
    finally:
        del tg.TABLE["only_one"], tg.ops.registration.OWN["only_one"]


def test_anomaly_mode_finds_in_an_explanation_what_it_finds_in_the_pass():
    """Each of two paths overflows, but their parts cancel before that, in `backward` as here."""
    a = Tensor([0.0, 0.0])
    z = a * 1e200 * 1e200
    out = (z * 1.0 - z * 1.0).sum()
    with tg.detect_anomaly():
        out.backward()
        found = tg.explain(out, a)
    np.testing.assert_array_equal(found.value, a.grad)
    assert not np.all(np.isfinite(found.paths[0].product))


def test_the_derivatives_of_a_wide_neuron_are_not_asked_for_once_an_edge(monkeypatch):
    """There are as many of them as edges, so that would be the square."""
    asked, derivatives = [], Value.derivatives.fget
    monkeypatch.setattr(Value, "derivatives", property(lambda node: (asked.append(node), derivatives(node))[1]))
    x, rng = Value(0.5), np.random.default_rng(0)
    weights = [Value(w) for w in rng.normal(size=8000).tolist()]
    out = tg.dot([x] * len(weights), weights)
    found = tg.explain(out, x)
    assert asked.count(out) <= 20
    assert found.count == len(weights)
    np.testing.assert_allclose(found.value, sum(w.data for w in weights))


def test_a_factor_of_one_is_written_where_it_is_a_node():
    """Else a formula would say that two nodes are one."""
    a, c = Value(3.0, "a"), Value(1.0, "c")
    y = a * (c * c)
    y.label = "y"
    assert "y = a * 1 = 3" in str(tg.explain(y, a, names={}))
