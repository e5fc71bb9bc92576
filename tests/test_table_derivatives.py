"""Every row of the table, on everything that the published checks demand, and a few things besides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu.ops import Elementwise
from tinygrad_edu.testing import demands, edges
from tinygrad_edu.testing.demands import SMALL
from tinygrad_edu.testing.edges import EDGES, LAYOUTS
from tinygrad_edu.testing.examples import draw, examples, scalar_example
from tinygrad_edu.testing.operations import CHECKS, DRAWN
from tinygrad_edu.testing.orders import backward

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=settings.default.max_examples // 3)

FEW = (demands.complex_step, demands.second_order, demands.third_order)
"""What is tried on fewer draws: one is exact, the others cost much."""

ONCE = (edges.kinks, *(check for check in CHECKS if check not in DRAWN))
"""What does not depend on the numbers drawn, or hardly."""


def applicable(checks):
    """Rows with the checks that have something to say of them: a test that tries nothing would pass in silence."""
    numbers = (demands.third_order, demands.sizes, edges.edge_results, edges.edge_gradients)

    def tries(row, check):
        return ((check is not demands.complex_step or row.analytic)
                and (check not in numbers or isinstance(row, Elementwise))
                and (check is not demands.families or scalar_example(row) is not None)
                and (check is not demands.broadcasting or (isinstance(row, Elementwise) and len(row.domain) > 1))
                and (check is not edges.float32 or row.name != "astype"))

    return [pytest.param(row, check, id=f"{row.name}-{check.__name__}")
            for check in checks for row in tg.TABLE.values() if tries(row, check)]


# ---- the published checks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "check"), applicable(check for check in DRAWN if check not in FEW + ONCE))
@given(seed=SEEDS)
def test_a_row_stands_each_check_wherever_its_operands_are_drawn(row, check, seed):
    """All families forward, the slope in both modes, broadcasting of any shapes that go together."""
    check(row, np.random.default_rng(seed))


@pytest.mark.parametrize(("row", "check"), applicable(FEW))
@few
@given(seed=SEEDS)
def test_a_row_stands_the_complex_step_and_the_higher_orders(row, check, seed):
    """Twelve digits in first order; second order in every nesting of the modes, third order in both families."""
    check(row, np.random.default_rng(seed))


@pytest.mark.parametrize(("row", "check"), applicable(ONCE))
def test_a_row_stands_each_check_of_its_conduct(row, check):
    """Kinks, edge numbers, float32, small sizes, layouts, memory: once."""
    check(row, np.random.default_rng(0))


def test_the_checks_try_what_they_should():
    """The edge numbers, small shapes and layouts of the published checks are no fewer than these."""
    assert set(map(str, EDGES)) >= {"0.0", "-0.0", "inf", "-inf", "nan", "1e+308", "-1e+308", "5e-324", "-1.0", "0.5",
                                    "1000.0"}
    assert set(SMALL) >= {(0,), (2, 0), (1,), (1, 1), ()}
    assert set(LAYOUTS) >= {"transposed", "strided", "reversed"}
    assert len(CHECKS) == len(set(CHECKS)) >= 16


# ---- sequences of Values ---------------------------------------------------------------------------------------------


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
    assert row.cases or scalar_example(row)
    assert all(len(shapes) <= len(row.domain) for shapes, _ in row.cases)
    assert examples(row)


def test_drawn_operands_stay_in_the_domain_and_off_the_ties():
    """No two numbers are closer than the steps of a measurement reach, so that max is smooth on the way."""
    x, = draw(tg.TABLE["max"].domain, ((3, 4),), np.random.default_rng(0), np.max)
    assert np.all(np.abs(x) <= 2.0)
    assert np.min(np.diff(np.sort(x.ravel()))) > 2.0 * 5e-4
