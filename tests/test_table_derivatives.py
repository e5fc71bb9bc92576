"""Every derivative of every row of the table, in both modes and to third order, on Values and on Tensors."""

import numpy as np
import pytest
from checks import (
    STEP,
    Example,
    ScalarExample,
    all_examples,
    along,
    backward,
    check_complex_step,
    check_first_order,
    check_second_order,
    directions,
    draw,
    elementwise,
    scalar_examples,
    slope,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu.ops.linear import Reduction

ARRAYS, VALUES = all_examples(), scalar_examples()
ELEMENTWISE = elementwise()
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=settings.default.max_examples // 3)

each_example = pytest.mark.parametrize("example", [*ARRAYS, *VALUES], ids=str)


# ---- first and second order, measured --------------------------------------------------------------------------------


@each_example
@given(seed=SEEDS)
def test_both_modes_give_the_slope_that_finite_differences_measure(example, seed):
    """u.(Jv) by central differences equals (uJ).v of backward() and vjp, and u.(Jv) of jvp."""
    rng = np.random.default_rng(seed)
    check_first_order(example, example.draw(rng), rng, example.plain)


@pytest.mark.parametrize("example", [e for e in ARRAYS if e.row.analytic], ids=str)
@few
@given(seed=SEEDS)
def test_both_modes_give_the_slope_of_a_complex_step_to_twelve_digits(example, seed):
    """The imaginary part of f(x + ihv)/h, which subtracts nothing, leaves no room for a small error."""
    rng = np.random.default_rng(seed)
    check_complex_step(example, example.draw(rng), rng, example.plain)


@each_example
@few
@given(seed=SEEDS)
def test_every_nesting_of_the_modes_gives_the_curvature_that_finite_differences_measure(example, seed):
    """Reverse over reverse, forward over reverse, reverse over forward, forward over forward: one number w.(Hv)."""
    rng = np.random.default_rng(seed)
    check_second_order(example, example.draw(rng), rng)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
@few
@given(seed=SEEDS)
def test_the_third_derivative_is_the_slope_of_the_second_in_both_families(row, seed):
    """Three nested reverse passes over Values, over 0-d Tensors, and finite differences of the second derivative."""
    rng = np.random.default_rng(seed)
    xs = ScalarExample(row, len(row.domain)).draw(rng)
    vs = directions(xs, rng)
    second = along(along(row, vs), vs)
    third = along(second, vs)(*xs)
    assert_allclose(third, along(second, vs)(*map(np.asarray, xs)), rtol=1e-10, atol=1e-10)
    assert_allclose(third, slope(second, xs, vs), rtol=1e-6, atol=1e-6)


# ---- broadcasting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ELEMENTWISE if len(row.domain) > 1], ids=lambda row: row.name)
@given(data=st.data(), seed=SEEDS)
def test_broadcasting_is_undone_for_any_shapes_that_go_together(row, data, seed):
    """Axes that are missing, of size 1 or of size 0: the gradient has the operand's shape and the measured slope."""
    count = len(row.domain)
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=count, max_dims=3, min_side=0, max_side=3)).input_shapes
    example, rng = Example(row, shapes), np.random.default_rng(seed)
    xs = example.draw(rng)
    out, gradients = backward(example, xs, np.ones(np.broadcast_shapes(*shapes)))
    assert [g.shape for g in gradients] == list(shapes)
    assert out.shape == np.broadcast_shapes(*shapes)
    check_first_order(example, xs, rng, example.plain)
    check_second_order(example, xs, rng)


# ---- the two families ------------------------------------------------------------------------------------------------


def _reduced(example):
    """The row of a scalar example as a function of 0-d Tensors."""
    if isinstance(example.row, Reduction):
        return lambda *tensors: example.row(tg.stack(tensors))
    return example.row


@pytest.mark.parametrize("example", VALUES, ids=str)
@given(seed=SEEDS)
def test_values_and_tensors_have_the_same_derivatives(example, seed):
    """Result, gradient and Hessian on Values equal those of the Tensor twin, n-ary rows included."""
    xs = example.draw(np.random.default_rng(seed))
    arrays, twin, every = [np.asarray(x) for x in xs], _reduced(example), tuple(range(len(xs)))
    out, gradients = backward(example, xs, 1.0)
    twin_out, twin_gradients = backward(twin, arrays, 1.0)
    assert_allclose([out.data, *gradients], [twin_out.data, *twin_gradients], rtol=1e-12, atol=1e-14)
    assert_allclose(tg.hessian(example, every)(*xs), tg.hessian(twin, every)(*arrays), rtol=1e-10, atol=1e-10)


def _sequence(function):
    return lambda *values: function(values[:3], values[3:6], *values[6:])


def _stacked(function):
    return lambda *tensors: function(tg.stack(tensors[:3]), tg.stack(tensors[3:6]), *tensors[6:])


@pytest.mark.parametrize(("function", "count"), [(tg.dot, 6), (tg.weighted_sum, 6), (tg.weighted_sum, 7)])
@given(seed=SEEDS)
def test_products_of_sequences_of_values_equal_those_of_tensors(function, count, seed):
    """dot(ws, xs) and weighted_sum(ws, xs, b) of lists of Values: first and second order as of vectors."""
    xs = list(np.random.default_rng(seed).uniform(-2.0, 2.0, count).tolist())
    every = tuple(range(count))
    assert_allclose(backward(_sequence(function), xs, 1.0)[1],
                    backward(_stacked(function), [np.asarray(x) for x in xs], 1.0)[1], rtol=1e-12)
    hessian = tg.hessian(_sequence(function), every)(*xs)
    assert_allclose(hessian, np.roll(np.eye(count), 3, 0) if count == 6 else np.pad(np.roll(np.eye(6), 3, 0), (0, 1)))


# ---- completeness ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", tg.TABLE.values(), ids=lambda row: row.name)
def test_every_row_says_where_to_try_it(row):
    """A row without a domain or cases would be skipped by all of the above in silence."""
    assert row.domain
    assert all(low < high for intervals in row.domain for low, high in intervals)
    assert row.cases or row in [e.row for e in VALUES]
    assert all(len(shapes) <= len(row.domain) for shapes, _ in row.cases)
    assert [e for e in ARRAYS if e.row is row]


def test_drawn_operands_stay_in_the_domain_and_off_the_ties():
    """No two numbers are closer than the steps of a measurement reach, so that max is smooth on the way."""
    x, = draw(tg.TABLE["max"].domain, ((3, 4),), np.random.default_rng(0), np.max)
    assert np.all(np.abs(x) <= 2.0)
    assert np.min(np.diff(np.sort(x.ravel()))) > 2.0 * STEP
