"""The gradient of Tensors as a sum over paths; names; what is refused."""

import math

import numpy as np
import pytest
from explain_paths import number_of_paths
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import AnomalyError, DataError, ShapeError, StaleGraphError
from tinygrad_edu.testing.strategies import graphs

# ---- arrays ----------------------------------------------------------------------------------------------------------


@given(graphs("array", max_steps=6), st.data())
@settings(max_examples=300, deadline=None)
def test_the_paths_of_an_array_program_add_up_to_its_gradient(program, data):
    leaves = program.nodes()
    wrt = data.draw(st.sampled_from(leaves))
    out = program(*leaves)
    u = np.ones(out.shape) if isinstance(out, Tensor) else None
    count = number_of_paths(out, wrt)
    found = tg.explain(out, wrt, paths=min(count, 32), gradient=u)
    out.backward(u)
    assert found.count == count
    products = [path.product for path in found.paths]
    size = np.sum([np.linalg.norm(p) for p in products]) + np.linalg.norm(found.rest)
    assert np.linalg.norm(sum(products) + found.rest - wrt.grad) <= 1e-6 * size + 1e-300
    assert np.linalg.norm(found.value - wrt.grad) <= 1e-6 * size + 1e-300
    assert np.shape(found.value) == np.shape(wrt.grad)
    if count <= 32:
        assert found.exact
        assert not np.any(found.rest)
        if np.linalg.norm(found.value) > 1e-3 * size:
            assert abs(math.fsum(path.share for path in found.paths) - 1.0) <= 1e-5


def test_a_layer_of_arrays_by_hand():
    """(tanh(x W) + x W).sum() by W: both paths, x^T (1 - t^2) and x^T 1, and their shares."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 3)), Tensor(rng.normal(size=(3, 2)), "W")
    z = tg.matmul(x, w)
    found = tg.explain((tg.tanh(z) + z).sum(), w)
    one, other = x.T @ (1.0 - np.tanh(x @ w.data) ** 2), x.T @ np.ones((4, 2))
    ordered = sorted((one, other), key=lambda p: -np.linalg.norm(p))
    for path, expected in zip(found.paths, ordered, strict=True):
        assert_allclose(path.product, expected, rtol=1e-12)
        assert math.isclose(path.share, np.vdot(expected, one + other) / np.vdot(one + other, one + other))
    assert found.paths[0].derivatives == (None,) * len(found.paths[0].derivatives)


def test_many_paths_of_arrays_are_searched_and_said_to_be_the_largest_found():
    a = x = Tensor([1.0, 2.0])
    for _ in range(12):
        x = x * 0.5 + x * 0.6
    found = tg.explain(x.sum(), a, paths=3)
    assert (found.count, found.exact, found.rest_count) == (2**12, False, 2**12 - 3)
    assert_allclose(found.paths[0].product, [0.6**12] * 2)
    assert_allclose(found.rest, found.value - sum(path.product for path in found.paths))
    assert "the largest found" in repr(found)


def test_values_and_tensors_in_one_graph():
    """From a Value through a Tensor, worked out by hand: d sum(s^2) / da for s = [a, 2a]."""
    a = Value(3.0)
    s = Tensor.stack_values([a, a * 2.0])
    found = tg.explain((s * s).sum(), a)
    assert math.isclose(found.value, 2.0 * 3.0 + 2.0 * 6.0 * 2.0)
    assert sorted(path.product for path in found.paths) == pytest.approx([3.0, 3.0, 12.0, 12.0])
    parts = Tensor([2.0, 5.0]).to_values()
    assert tg.explain(parts[0] * parts[1], parts[0]).value == 5.0


def test_a_gradient_to_start_from():
    x = Tensor([1.0, 2.0, 3.0])
    assert_allclose(tg.explain(x * x, x, gradient=[1.0, 0.0, -1.0]).value, [2.0, 0.0, -6.0])
    a = Value(2.0)
    assert tg.explain(a * a, a, gradient=0.5).value == 2.0


# ---- names and errors ------------------------------------------------------------------------------------------------


def test_names_are_labels_then_variables_then_parameters_then_symbols():
    model = tg.nn.MLP(1, [1])
    x = Value(0.5, "input")
    y = model([x])
    loss = (y - 1.0) * 2.0
    found = tg.explain(loss, x)
    assert found.paths[0].nodes[0] == "loss"
    assert found.paths[0].nodes[-1] == "input"
    assert "v1" in found.symbols
    assert tg.explain(loss, model.parameters()[0], names={}).by == model.named_parameters()[0][0]
    assert tg.explain(loss, x, names={"given": loss}).of == "given"
    assert tg.explain(loss, x, names={}).of.startswith("v")


def test_no_two_nodes_have_the_same_name():
    a = Value(2.0, "v1")
    b = (a * 3.0)
    b.label = "h"
    c = b * 4.0
    c.label = "h"
    names = tg.explain(c + 1.0, a, names={}).paths[0].nodes
    assert len(set(names)) == len(names) == 4
    assert "v1" in names


@pytest.mark.parametrize(("call", "message"), [
    (lambda y, a: tg.explain([y], a), "one of them, or their sum"),
    (lambda y, a: tg.explain(y, [a]), "one after the other"),
    (lambda y, a: tg.explain(y, 3.0), "make it a Value"), (lambda y, a: tg.explain(y, None), "not None"),
    (lambda y, a: tg.explain(2.0, a), "make it a Value"), (lambda y, a: tg.explain(y, "a"), "not 'a'"),
    (lambda y, a: tg.explain(y, a, paths=0), "paths"), (lambda y, a: tg.explain(y, a, paths=True), "paths"),
    (lambda y, a: tg.explain(y, a, paths=2**60), "from 1 to 10,000"),
    (lambda y, a: tg.explain(y, a, names=[a]), "names must be a dict")],
    ids=["list", "list by", "number by", "none", "number", "text", "no path", "flag", "all of too many", "names"])
def test_what_cannot_be_explained_is_refused(call, message):
    a = Value(2.0)
    with pytest.raises(DataError, match=message):
        call(a * a, a)


def test_an_array_needs_a_gradient_as_in_backward():
    x = Tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"sum\(\)\.backward"):
        tg.explain(x * x, x)
    with pytest.raises(ShapeError, match="does not match"):
        tg.explain(x * x, x, gradient=[1.0, 2.0, 3.0])


def test_anomaly_mode_stops_where_backward_does():
    with tg.detect_anomaly():
        a = Value(0.0)
        y = tg.sqrt(a)
        with pytest.raises(AnomalyError, match="sqrt"):
            y.backward()
        with pytest.raises(AnomalyError, match="sqrt"):
            tg.explain(y, a)


def test_a_stale_graph_is_refused():
    """Of Values too, which `backward` differentiates as they were recorded: here the leaf's number would be seen."""
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    x.data = [5.0, 6.0]
    with pytest.raises(StaleGraphError):
        tg.explain(y, x)
    a = Value(2.0)
    b = a * a
    a.data = 10.0
    with pytest.raises(StaleGraphError):
        tg.explain(b, a)
