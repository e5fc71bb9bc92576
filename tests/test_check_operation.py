"""check_operation passes what is right, and finds each kind of fault in a user's own operation."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, GradientError
from tinygrad_edu.ops import Elementwise, Fused, Linear
from tinygrad_edu.ops.linear import Reduction
from tinygrad_edu.testing import demands, edges
from tinygrad_edu.testing.operations import CHECKS, check_operation

RNG = np.random.default_rng


pytestmark = pytest.mark.usefixtures("restored_table")


def made(function, *rules, **options):
    """An operation called `faulty`."""
    function.__name__ = "faulty"
    return tg.operation(*rules, **options)(function)


# ---- what is right ---------------------------------------------------------------------------------------------------


def test_a_right_operation_of_numbers_passes():
    """The operation of the README, with a reference."""
    @tg.operation(lambda out, x: (tg.cos(x) - out) / x, domain=[(0.5, 3.0)], analytic=True)
    def sinc_unnormalised(x):
        return np.sin(x) / x

    check_operation(sinc_unnormalised, lambda x: np.sinc(x / math.pi))


def test_a_right_operation_of_four_numbers_passes():
    """More operands than can be tried at all edge numbers together, one of them with a constant derivative."""
    @tg.operation(lambda out, a, b, c, d: b, lambda out, a, b, c, d: a, 1.0, lambda out, a, b, c, d: 0.0 * d - 1.0)
    def mixed(a, b, c, d):
        return a * b + c - d

    check_operation(mixed, lambda a, b, c, d: a * b + c - d, rng=RNG(1), repeat=1)


def test_a_kink_of_either_convention_passes():
    """At 0 the derivative of |x| may be any number from -1 to 1."""
    for at_zero in (0.0, 1.0, -1.0):
        check_operation(made(lambda x: np.abs(x),
                             lambda out, x, z=at_zero: tg.sign(x) + z * ((x >= 0.0) & (x <= 0.0)),
                             domain=[[(-2.0, -0.2), (0.2, 2.0)]]), np.abs)


def test_right_functions_of_arrays_pass():
    """A linear one, a reduction and a fused one."""
    linear = made(lambda x, /, shift: np.roll(x, shift), lambda g, x, shift: tg.roll(g, -shift), kind=Linear,
                  cases=[(((4,),), {"shift": 1})], analytic=True)
    check_operation(linear, np.roll)
    squares = made(lambda x, /, axis=None, keepdims=False: np.sum(x * x, axis=axis, keepdims=keepdims),
                   lambda out, x: 2.0 * x, kind=Reduction, cases=[(((2, 3),), {"axis": 1})])
    check_operation(squares)
    energy = made(lambda x, /: np.sum(x * x), lambda g, out, x: 2.0 * g * x,
                  jvp=lambda out, xs, ts: tg.sum(2.0 * xs[0] * ts[0]), kind=Fused, cases=[(((2, 3),), {})])
    check_operation(energy)


def test_what_is_no_operation_is_named():
    """A function put together from operations is not in the table."""
    with pytest.raises(DataError, match="no operation of the table"):
        check_operation(tg.softmax)


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def plain(x):
    """The data of a node, as a constant."""
    return np.asarray(x) if isinstance(x, tg.Tensor) else float(x) if isinstance(x, tg.Value) else x


def written(x):
    """Twice x, in place."""
    x *= 2.0
    return x


def cut_off_behind():
    """An exp whose derivative is an operation of its own, cut off from the graph in turn."""
    def second(x):
        return np.exp(x)

    own = tg.operation(lambda out, x: plain(out))(second)
    return made(lambda x: np.exp(x), lambda out, x: own(x))


def in_place(g, x):
    """A transpose that saves memory."""
    g *= 3.0
    return g


SQUARE = (lambda x: x * x, lambda out, x: 2.0 * x)
FAULTS = {
    "scalar and array function differ": (
        demands.forward, lambda: made(*SQUARE, scalar=lambda x: 1.001 * x * x), "expected is"),
    "a rule off by one per cent": (
        demands.first_order, lambda: made(SQUARE[0], lambda out, x: 2.02 * x), "first derivative.*measured is"),
    "a rule off by a billionth": (
        demands.complex_step, lambda: made(SQUARE[0], lambda out, x: (2.0 + 1e-9) * x, analytic=True), "first deriv"),
    "a jvp that is not the vjp's": (
        demands.first_order, lambda: made(lambda x, /: np.sum(x * x), lambda g, out, x: 2.0 * g * x, kind=Fused,
                                          jvp=lambda out, xs, ts: tg.sum(xs[0] * ts[0]), cases=[(((3,),), {})]),
        "forward mode gives"),
    "a rule cut off from the graph": (
        demands.second_order, lambda: made(SQUARE[0], lambda out, x: 2.0 * plain(x)), "second derivative"),
    "a rule of a rule cut off": (
        demands.third_order, cut_off_behind, "third derivative"),
    "a rule that looks at the kind of node": (
        demands.families, lambda: made(SQUARE[0], lambda out, x: (2.0 if isinstance(x, float) else 2.001) * x),
        "beside Tensors"),
    "a function that knows two axes": (
        demands.broadcasting, lambda: made(lambda x, y: np.add(x, y) if np.ndim(x) < 3 else np.ravel(x + y), 1.0, 1.0),
        "shape"),
    "a function that knows no empty array": (
        demands.sizes, lambda: made(lambda x: x * 1.0 if np.size(x) else np.zeros(3), 1.0), "shape"),
    "an overflow where there need be none": (
        edges.edge_results, lambda: made(lambda x: np.log(1.0 + np.exp(x)), lambda out, x: tg.sigmoid(x),
                                         scalar=lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x)))),
        r"\(1e\+308,\) of Values, beside NumPy: .* expected is inf"),
    "an exception at an edge": (
        edges.edge_results, lambda: made(lambda x: x * 1.0, 1.0, scalar=lambda x: x if x == x else {}[x]),
        r"faulty\(nan,\) of Values raises KeyError"),
    "a warning from NumPy at an edge": (
        edges.edge_results, lambda: made(lambda x: np.sin(x), lambda out, x: np.cos(x)), "inf.*raises RuntimeWarning"),
    "a rule that makes NumPy's numbers of floats": (
        edges.edge_gradients, lambda: made(lambda x: 2.0 * x, lambda out, x: np.where(x == x, 2.0, 2.0)[()] if
                                           isinstance(x, float) else 2.0), "float64, where floats are to give floats"),
    "another gradient at an edge": (
        edges.edge_gradients, lambda: made(SQUARE[0], lambda out, x: 2.0 * x if type(x) is float else
                                           tg.clip(2.0 * x, -9.0, 9.0)), "gradient 0 on Values"),
    "an infinite derivative at a kink": (
        edges.kinks, lambda: made(lambda x: np.abs(x), lambda out, x: x / out, domain=[(0.2, 2.0)]), "operand 0 at 0"),
    "a derivative beyond both sides": (
        edges.kinks, lambda: made(lambda x: np.abs(x), lambda out, x: tg.sign(x) + 2.0 * ((x >= 0.0) & (x <= 0.0)),
                                  domain=[(0.2, 2.0)]), "the slopes on the two sides"),
    "shares of a tie that do not add up": (
        edges.kinks, lambda: made(lambda x, y: np.maximum(x, y), lambda out, x, y: 1.0 * (x >= y),
                                  lambda out, x, y: 1.0 * (y >= x)), "operand 0 and 1"),
    "float64 from float32": (
        edges.float32, lambda: made(lambda x: np.float64(2.0) * x, 2.0), "float64"),
    "a function that reads the buffer": (
        edges.layouts, lambda: made(lambda x: np.ravel(x, "K").reshape(np.shape(x)) * 1.0, 1.0), "transposed"),
    "a function that writes into its operand": (
        edges.frozen, lambda: made(written, 2.0), "writes into"),
    "a rule that writes into the cotangent": (
        edges.frozen, lambda: made(lambda x, /: 3.0 * x, in_place, kind=Linear, cases=[(((3,),), {})]), "writes into"),
    "no example to try": (
        demands.has_examples, lambda: made(lambda x, /: x, lambda g, x: g, kind=Linear), "cases="),
}


def insist(check, op):
    """The check, on as many draws as it may need."""
    for seed in range(40):
        check(op, RNG(seed))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_by_the_check_made_for_it(name):
    """The check complains, with the operation's name; so does the one call that makes them all."""
    check, make, message = FAULTS[name]
    op = make()
    with pytest.raises((GradientError, ValueError), match=message):
        insist(check, op)
    with pytest.raises(GradientError, match="faulty"):
        check_operation(op)


def test_a_wrong_reference_is_found():
    """Both numbers are in the message and on the error."""
    with pytest.raises(GradientError, match=r"faulty\(\(\)\) of arrays, with the reference: .* expected is") as caught:
        check_operation(made(*SQUARE), lambda x: 1.001 * x * x)
    assert caught.value.numeric == pytest.approx(1.001 * caught.value.analytic)


def test_a_complaint_carries_its_evidence():
    """Mode, order, both numbers and their ratio."""
    with pytest.raises(GradientError) as caught:
        check_operation(made(SQUARE[0], lambda out, x: -2.0 * x))
    error = caught.value
    assert error.ratio == pytest.approx(-1.0)
    assert error.analytic == pytest.approx(-error.numeric)
    assert (error.mode, error.order) == ("reverse", 1)
    assert isinstance(error, AssertionError)


def test_a_gradient_that_is_shared_is_found(monkeypatch):
    """If the engine handed out one array twice, the demand would see it."""
    row = tg.TABLE["add"]
    edges.ownership(row, RNG(0))
    monkeypatch.setattr(tg.Tensor, "owned", lambda self, payload: payload)
    with pytest.raises(GradientError, match="gradient 0"):
        edges.ownership(row, RNG(0))


@pytest.mark.parametrize("domain", [(), [[(1.0, 1.0)]]])
def test_a_row_without_a_place_to_try_it_is_found(domain):
    """Rows made by hand may lack a domain, or have an empty one; nothing is passed in silence."""
    row = Elementwise("faulty", abs, np.abs, *([lambda out, x: tg.sign(x)] * len(domain)), domain=domain, doc="")
    with pytest.raises(GradientError, match="domain"):
        check_operation(row)


def test_every_check_has_a_fault_that_it_finds():
    """The list above, and the tests after it, cover CHECKS."""
    assert {check for check, *_ in FAULTS.values()} | {edges.ownership} == set(CHECKS)


@pytest.mark.parametrize(("function", "rule", "hint"), [
    (math.tanh, lambda out, x: 1.0 - out * out, "write np.sin in the function, tg.sin in its rules"),
    (lambda x: np.sin(x), lambda out, x: math.cos(x), "write np.sin in the function, tg.sin in its rules"),
    (lambda x: x if x > 0.0 else 0.0, lambda out, x: 1.0 * (x > 0.0), "write np.where"),
    (lambda x: np.sin(x), lambda out, x: None, "is a return missing"),
    (lambda x: np.sin(x), lambda out, x: np.cos(x), "tg.sin and not np.sin or math.sin"),
    (lambda x: np.tanh(x), lambda out, x: 1.0 - np.tanh(x) ** 2, "is np.sin written in a rule for tg.sin"),
])
def test_the_usual_mistakes_of_a_beginner_have_a_hint(function, rule, hint):
    """What Python and NumPy say of them names neither the place nor what to write there."""
    def mistaken(x):
        return function(x)

    with pytest.raises(GradientError, match=hint):
        check_operation(tg.operation(rule)(mistaken))
