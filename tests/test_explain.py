"""A gradient as a sum over paths: the paths, their products and shares, against enumeration and `.grad`."""

import math

import pytest
from explain_paths import number_of_paths
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu import Value
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
    """Of tanh(a * b + c) by a, worked out by hand: (1 - loss^2) * 1 * b."""
    a, b, c = Value(2.0), Value(-3.0), Value(5.8)
    e = a * b
    d = e + c
    loss = d.tanh()
    found = tg.explain(loss, a)
    slope = 1.0 - math.tanh(-0.2) ** 2
    assert found.paths[0].nodes == ("loss", "d", "e", "a")
    assert_allclose(found.paths[0].derivatives, [slope, 1.0, -3.0])
    assert math.isclose(found.value, -3.0 * slope)
    assert found.paths[0].share == 1.0
    text = repr(found)
    assert text.startswith("dloss/da = dloss/dd * dd/de * de/da\n         = 0.961 * 1 * -3\n         = -2.883\n")
    assert "dloss/dd = 1 - loss * loss = 0.961" in text
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
    found = tg.explain(x, a, paths=4)  # who walked them all would not live to see the end
    text = repr(found)
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
