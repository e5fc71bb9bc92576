"""A gradient as a sum over paths: the paths, their products and shares, against enumeration and `.grad`."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import AnomalyError, DataError, ShapeError, StaleGraphError
from tinygrad_edu.testing.strategies import graphs

MANY = 400
"""Graphs of more paths are not enumerated."""


def enumerated(node, wrt):
    """Every path, as (product, names), found by walking all of them: the oracle."""
    if node is wrt:
        return [(1.0, (node.label,))]
    return [(derivative * product, (node.label, *names))
            for source, derivative in zip(node.inputs, node.derivatives, strict=True) if isinstance(source, Value)
            for product, names in enumerated(source, wrt)]


def number_of_paths(node, wrt):
    """Their number, by adding up over the inputs of each node."""
    found = {}
    order = sorted(tg.engine.history(node), key=lambda x: x.index)
    for x in order:
        found[x] = int(x is wrt) + sum(found[s] for s in x.inputs if isinstance(s, tg.node.Node))
    return found[node]


def labelled(node):
    """Give every node behind this one a name."""
    for k, x in enumerate(tg.engine.history(node)):
        x.label = f"n{k}"
    return node


# ---- scalars ---------------------------------------------------------------------------------------------------------


@given(graphs("scalar"), st.data())
@settings(max_examples=1000, deadline=None)
def test_the_paths_of_a_scalar_program_add_up_to_its_gradient(program, data):
    """All paths asked: their number is that of a walk, the sum of products is `.grad`, the shares add up to 1."""
    leaves = program.nodes()
    wrt = data.draw(st.sampled_from(leaves))
    out = program(*leaves)
    count = number_of_paths(out, wrt)
    found = tg.explain(out, wrt, paths=min(count, MANY))
    out.backward()
    assert found.count == count
    assert len(found.paths) + found.rest_count == count
    products = [path.product for path in found.paths]
    size = math.fsum(map(abs, products)) + abs(found.rest)
    assert abs(math.fsum(products) + found.rest - wrt.grad) <= 1e-9 * size
    assert abs(found.value - wrt.grad) <= 1e-9 * size
    if count <= MANY:
        assert found.rest == 0.0
        if abs(found.value) > 1e-3 * size:  # else they nearly cancel
            assert abs(math.fsum(path.share for path in found.paths) - 1.0) <= 1e-6


@given(graphs("scalar", max_steps=7), st.integers(1, 5), st.data())
@settings(max_examples=600, deadline=None)
def test_the_paths_that_are_shown_are_the_largest_of_all(program, k, data):
    """Against a walk over all paths: the k largest products, each a product of the derivatives on its way."""
    leaves = program.nodes()
    wrt = data.draw(st.sampled_from(leaves))
    out = labelled(program(*leaves))
    if number_of_paths(out, wrt) > MANY:
        return
    every = enumerated(out, wrt)
    found = tg.explain(out, wrt, paths=k)
    sizes = sorted((abs(product) for product, _ in every), reverse=True)[:k]
    assert_allclose([abs(path.product) for path in found.paths], sizes, rtol=1e-12)
    for path in found.paths:
        assert any(names == path.nodes and math.isclose(product, path.product, rel_tol=1e-12, abs_tol=0.0)
                   for product, names in every)
        assert math.isclose(math.prod(path.derivatives), path.product, rel_tol=1e-9, abs_tol=1e-300)


def test_the_chain_rule_of_an_expression():
    """Of tanh(a * b + c) by a, worked out by hand: (1 - L^2) * 1 * b."""
    a, b, c = Value(2.0), Value(-3.0), Value(5.8)
    e = a * b
    d = e + c
    L = d.tanh()  # noqa: N806 - the loss of micrograd
    found = tg.explain(L, a)
    slope = 1.0 - math.tanh(-0.2) ** 2
    assert found.paths[0].nodes == ("L", "d", "e", "a")
    assert_allclose(found.paths[0].derivatives, [slope, 1.0, -3.0])
    assert math.isclose(found.value, -3.0 * slope)
    assert found.paths[0].share == 1.0
    text = repr(found)
    assert text.startswith("dL/da = dL/dd * dd/de * de/da\n      = 0.961 * 1 * -3\n      = -2.883\n")
    assert "dL/dd = 1 - L * L = 0.961" in text
    assert "de/da = b = -3" in text
    assert not found.causes


@pytest.mark.parametrize(("build", "products"), [
    (lambda a: a + a, [1.0, 1.0]), (lambda a: a * a, [3.0, 3.0]), (lambda a: a - a * 2.0, [-2.0, 1.0]),
    (lambda a: tg.sum([a, a, a]), [1.0] * 3), (lambda a: a / a, [1 / 3, -1 / 3])],
    ids=["sum", "square", "both", "three", "ratio"])
def test_a_node_used_twice_by_one_operation_has_two_paths(build, products):
    a = Value(3.0)
    found = tg.explain(build(a), a)
    assert found.count == len(products)
    assert_allclose(sorted(path.product for path in found.paths), sorted(products))


def test_two_to_the_sixty_paths_are_counted_and_the_largest_found_at_once():
    """A chain of 60 diamonds: the largest path is always the 0.6, the next ones take the 0.5 once."""
    a = x = Value(1.0)
    for _ in range(60):
        x = x * 0.5 + x * 0.6
    before = time.perf_counter()
    found = tg.explain(x, a, paths=4)
    text = repr(found)
    assert time.perf_counter() - before < 0.5
    assert found.count == 2**60
    assert found.rest_count == 2**60 - 4
    assert_allclose([path.product for path in found.paths], [0.6**60, *[0.6**59 * 0.5] * 3], rtol=1e-12)
    assert math.isclose(found.value, 1.1**60, rel_tol=1e-12)
    assert math.isclose(found.rest, 1.1**60, rel_tol=1e-9)
    assert "1.15e+18" in text


def test_more_paths_than_a_float_can_count():
    a = x = Value(0.0)
    for _ in range(2000):
        x = x + x
    found = tg.explain(x, a, paths=1)
    assert found.count == 2**2000
    assert "e+602 paths" in repr(found)


def test_a_chain_of_a_hundred_thousand_nodes():
    """No recursion; the path is written with its middle left out."""
    a = x = Value(1.0)
    for _ in range(100_000):
        x = x * 1.00001
    found = tg.explain(x, a)
    assert len(found.paths[0].nodes) == 100_001
    assert math.isclose(found.value, 1.00001**100_000, rel_tol=1e-9)
    assert "... 99,992 more ..." in repr(found)
    assert len(repr(found)) < 3000


def test_products_out_of_range_are_shown_as_they_are():
    """The float product of the first passes through 0, of the second is inf."""
    a = Value(1.0)
    small = tg.explain(a * 1e300 * 1e300 * 1e-200 * 1e-200 * 1e-200, a)
    assert math.isclose(small.paths[0].product, 1.0, rel_tol=1e-12)
    assert small.value == 0.0
    assert [cause.kind for cause in small.causes] == ["underflow"]
    large = tg.explain(a * 1e200 * 1e200, a)
    assert large.value == large.paths[0].product == math.inf
    assert large.paths[0].share is None
    assert "not finite" in repr(large)
    assert math.isnan(tg.explain((a * 0.0) * Value(math.inf), a).value)


def test_repeated_backward_passes_make_no_difference():
    a, b = Value(2.0), Value(3.0)
    y = a * b + a
    before = repr(tg.explain(y, a))
    for _ in range(3):
        y.backward()
    assert repr(tg.explain(y, a)) == before
    assert a.grad == 12.0


def test_an_interior_node_and_the_result_itself():
    a = Value(2.0)
    h = a * 3.0
    y = h * h
    assert tg.explain(y, h).value == 12.0
    itself = tg.explain(y, y)
    assert (itself.value, itself.count, itself.paths[0].nodes) == (1.0, 1, ("y",))
    assert repr(itself).startswith("dy/dy = 1")


def test_explaining_changes_nothing():
    """Neither gradients, nor data, nor hooks that are called."""
    called = []
    a = Value(2.0)
    h = a * 3.0
    h.register_hook(lambda g: called.append(g))
    found = tg.explain(h * h, a)
    assert (a.grad, h.grad, called) == (None, None, [])
    assert [cause.kind for cause in found.causes] == ["hook"]


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


def test_a_stale_graph_is_treated_as_backward_treats_it():
    """Of Tensors an error; of Values the derivatives of when they were recorded."""
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    x.data = [5.0, 6.0]
    with pytest.raises(StaleGraphError):
        tg.explain(y, x)
    a = Value(2.0)
    b = a * a
    a.data = 10.0
    b.backward()
    assert tg.explain(b, a).value == a.grad == 4.0
