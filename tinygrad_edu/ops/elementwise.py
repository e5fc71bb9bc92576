"""Functions of numbers, broadcast over arrays: one row each, under NumPy's names.

Reading a row: name, function on floats, function on arrays, then the derivative by each operand as a
formula of (out, *operands). A formula may use any other row; nothing is evaluated that is not needed.

Kinks, where the derivative is a convention: relu, abs and sign have 0 at 0; maximum and minimum share
the derivative equally between ties; clip passes it at its bounds; sqrt has inf at 0.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from .row import TABLE, Elementwise, first, is_zero, second

REAL = ((-2.0, 2.0),)
POSITIVE = ((0.2, 3.0),)
NONZERO = ((-2.0, -0.2), (0.2, 2.0))
UNIT = ((-0.9, 0.9),)

# ---- arithmetic ----------------------------------------------------------------------------------------------------

add = Elementwise("add", operator.add, np.add, 1.0, 1.0, symbol="+", latex="{0} + {1}",
                  domain=(REAL, REAL), analytic=True, doc="x + y.")

subtract = Elementwise("subtract", operator.sub, np.subtract, 1.0, -1.0, symbol="-", latex="{0} - {1}",
                       domain=(REAL, REAL), analytic=True, doc="x - y.")

multiply = Elementwise("multiply", operator.mul, np.multiply, second, first, symbol="*", latex=r"{0} \cdot {1}",
                       domain=(REAL, REAL), analytic=True, doc="x * y.")

divide = Elementwise("divide", operator.truediv, np.divide, lambda out, x, y: 1.0 / y, lambda out, x, y: -out / y,
                     symbol="/", latex=r"\frac{{{0}}}{{{1}}}", domain=(REAL, NONZERO), analytic=True,
                     doc="x / y; 1/0 is inf.")

negative = Elementwise("negative", operator.neg, np.negative, -1.0, symbol="neg", latex="-{0}",
                       domain=(REAL,), analytic=True, doc="-x.")


def _power_by_base(out: Any, x: Any, y: Any) -> Any:
    if isinstance(y, float) and y != 0.0:
        return y * power(x, y - 1.0)
    # where both are 0, the factor y = 0 must win over 0^-1, which the shifted exponent sees to
    return y * power(x, y - 1.0 + 1.0 * (is_zero(x) & is_zero(y)))


def _power_by_exponent(out: Any, x: Any, y: Any) -> Any:
    # x^y log x; 0^y is constantly 0 for y > 0, so its derivative is 0 and not 0 * -inf
    return out * log(x + 1.0 * (is_zero(x) & (y >= 0.0)))


power = Elementwise("power", math.pow, operator.pow, _power_by_base, _power_by_exponent,
                    symbol="**", latex="{{{0}}}^{{{1}}}", domain=(POSITIVE, REAL), analytic=True,
                    doc="x to the power y. The derivative of x**0 is 0; a negative x to a fraction is nan.")

absolute = Elementwise("abs", math.fabs, np.abs, lambda out, x: sign(x), latex=r"\left|{0}\right|",
                       domain=(NONZERO,), doc="The absolute value |x|; its derivative at 0 is 0.")

sign: Elementwise = Elementwise("sign", lambda x: x if x != x else float((x > 0.0) - (x < 0.0)), np.sign, 0.0,
                   latex=r"\operatorname{{sign}} {0}", domain=(NONZERO,), doc="-1, 0 or 1; its derivative is 0.")

square = Elementwise("square", lambda x: x * x, np.square, lambda out, x: 2.0 * x, latex="{{{0}}}^2",
                     domain=(REAL,), analytic=True, doc="x * x.")

sqrt = Elementwise("sqrt", math.sqrt, np.sqrt, lambda out, x: 0.5 / out, latex=r"\sqrt{{{0}}}",
                   domain=(POSITIVE,), analytic=True, doc="The square root; its derivative at 0 is inf.")

def _reciprocal(x: Any) -> Any:
    return 1.0 / x


reciprocal = Elementwise("reciprocal", _reciprocal, _reciprocal, lambda out, x: -out * out,
                         latex=r"\frac{{1}}{{{0}}}", domain=(NONZERO,), analytic=True, doc="1 / x.")

# ---- exponentials and logarithms -----------------------------------------------------------------------------------

exp = Elementwise("exp", math.exp, np.exp, lambda out, x: out, latex="e^{{{0}}}", domain=(REAL,), analytic=True,
                  doc="e to the power x.")

expm1 = Elementwise("expm1", math.expm1, np.expm1, lambda out, x: out + 1.0, latex="e^{{{0}}} - 1",
                    domain=(REAL,), analytic=True, doc="exp(x) - 1, exact for small x.")

log = Elementwise("log", math.log, np.log, lambda out, x: 1.0 / x, latex=r"\log {0}", domain=(POSITIVE,),
                  analytic=True, doc="The natural logarithm; log(0) is -inf.")

log1p = Elementwise("log1p", math.log1p, np.log1p, lambda out, x: 1.0 / (1.0 + x), latex=r"\log(1 + {0})",
                    domain=(UNIT,), analytic=True, doc="log(1 + x), exact for small x.")

log2 = Elementwise("log2", math.log2, np.log2, lambda out, x: (1.0 / math.log(2.0)) / x, latex=r"\log_2 {0}",
                   domain=(POSITIVE,), analytic=True, doc="The logarithm to base 2.")

log10 = Elementwise("log10", math.log10, np.log10, lambda out, x: (1.0 / math.log(10.0)) / x,
                    latex=r"\log_{{10}} {0}", domain=(POSITIVE,), analytic=True, doc="The logarithm to base 10.")


def _logaddexp(x: float, y: float) -> float:
    if x == y:  # two equal infinities would subtract to nan
        return x + math.log(2.0)
    return max(x, y) + math.log1p(math.exp(-abs(x - y)))


def finite_or_zero(out: Any) -> Any:
    """`out`, and 0 where it is -inf: exp(x - out) is then exp(-inf) = 0, not exp(nan)."""
    mask = out > -math.inf
    if np.ndim(mask):
        return TABLE["where"](out, 0.0, condition=mask)
    return out if mask else 0.0


logaddexp = Elementwise("logaddexp", _logaddexp, np.logaddexp, lambda out, x, y: exp(x - finite_or_zero(out)),
                        lambda out, x, y: exp(y - finite_or_zero(out)), latex=r"\log(e^{{{0}}} + e^{{{1}}})",
                        domain=(REAL, REAL), doc="log(exp(x) + exp(y)) without overflow.")

# ---- circular and hyperbolic functions -----------------------------------------------------------------------------

sin = Elementwise("sin", math.sin, np.sin, lambda out, x: cos(x), latex=r"\sin {0}", domain=(REAL,), analytic=True,
                  doc="The sine; x in radians.")

cos: Elementwise = Elementwise("cos", math.cos, np.cos, lambda out, x: -sin(x), latex=r"\cos {0}",
                               domain=(REAL,), analytic=True, doc="The cosine; x in radians.")

tan = Elementwise("tan", math.tan, np.tan, lambda out, x: 1.0 + out * out, latex=r"\tan {0}", domain=(((-1.2, 1.2),),),
                  analytic=True, doc="The tangent; x in radians.")

arcsin = Elementwise("arcsin", math.asin, np.arcsin, lambda out, x: 1.0 / sqrt(1.0 - x * x), latex=r"\arcsin {0}",
                     domain=(UNIT,), analytic=True, doc="The angle in [-pi/2, pi/2] whose sine is x.")

arccos = Elementwise("arccos", math.acos, np.arccos, lambda out, x: -1.0 / sqrt(1.0 - x * x), latex=r"\arccos {0}",
                     domain=(UNIT,), analytic=True, doc="The angle in [0, pi] whose cosine is x.")

arctan = Elementwise("arctan", math.atan, np.arctan, lambda out, x: 1.0 / (1.0 + x * x), latex=r"\arctan {0}",
                     domain=(REAL,), analytic=True, doc="The angle in (-pi/2, pi/2) whose tangent is x.")

arctan2 = Elementwise("arctan2", math.atan2, np.arctan2, lambda out, y, x: x / (x * x + y * y),
                      lambda out, y, x: -y / (x * x + y * y), latex=r"\operatorname{{arctan2}}({0}, {1})",
                      domain=(NONZERO, NONZERO), doc="The angle of the point (x, y), as arctan2(y, x), in [-pi, pi].")

sinh = Elementwise("sinh", math.sinh, np.sinh, lambda out, x: cosh(x), latex=r"\sinh {0}", domain=(REAL,),
                   analytic=True, doc="The hyperbolic sine, (exp(x) - exp(-x)) / 2.")

cosh: Elementwise = Elementwise("cosh", math.cosh, np.cosh, lambda out, x: sinh(x), latex=r"\cosh {0}", domain=(REAL,),
                   analytic=True, doc="The hyperbolic cosine, (exp(x) + exp(-x)) / 2.")

tanh = Elementwise("tanh", math.tanh, np.tanh, lambda out, x: 1.0 - out * out, latex=r"\tanh {0}", domain=(REAL,),
                   analytic=True, doc="The hyperbolic tangent, sinh(x) / cosh(x), in (-1, 1).")

arcsinh = Elementwise("arcsinh", math.asinh, np.arcsinh, lambda out, x: 1.0 / sqrt(x * x + 1.0),
                      latex=r"\operatorname{{arsinh}} {0}", domain=(REAL,), analytic=True, doc="The inverse of sinh.")

arccosh = Elementwise("arccosh", math.acosh, np.arccosh, lambda out, x: 1.0 / sqrt((x - 1.0) * (x + 1.0)),
                      latex=r"\operatorname{{arcosh}} {0}", domain=(((1.2, 4.0),),), analytic=True,
                      doc="The inverse of cosh, for x >= 1.")

arctanh = Elementwise("arctanh", math.atanh, np.arctanh, lambda out, x: 1.0 / (1.0 - x * x),
                      latex=r"\operatorname{{artanh}} {0}", domain=(UNIT,), analytic=True, doc="The inverse of tanh.")

# ---- choices -------------------------------------------------------------------------------------------------------


def _maximum(x: float, y: float) -> float:
    return x if x >= y or x != x else y


def _minimum(x: float, y: float) -> float:
    return x if x <= y or x != x else y


maximum = Elementwise("maximum", _maximum, np.maximum, lambda out, x, y: 0.5 * (x > y) + 0.5 * (x >= y),
                      lambda out, x, y: 0.5 * (y > x) + 0.5 * (y >= x), latex=r"\max({0}, {1})",
                      domain=(REAL, REAL), doc="The larger of x and y; ties share the derivative equally.")

minimum = Elementwise("minimum", _minimum, np.minimum, lambda out, x, y: 0.5 * (x < y) + 0.5 * (x <= y),
                      lambda out, x, y: 0.5 * (y < x) + 0.5 * (y <= x), latex=r"\min({0}, {1})",
                      domain=(REAL, REAL), doc="The smaller of x and y; ties share the derivative equally.")

_clip = Elementwise("clip", lambda x, low, high: _minimum(_maximum(x, low), high), np.clip,
                    lambda out, x, low, high: 1.0 * ((x >= low) & (x <= high)),
                    lambda out, x, low, high: 1.0 * ((x < low) & (low <= high)),
                    lambda out, x, low, high: 1.0 * ((x > high) | (low > high)),
                    latex=r"\operatorname{{clip}}({0}, {1}, {2})", domain=(REAL, ((-1.0, -0.5),), ((0.5, 1.0),)),
                    doc="x limited to [low, high].")


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max]; None for no limit. The derivative passes at the bounds.

    >>> clip(3.0, 0.0, 2.0)
    2.0
    """
    return _clip(x, -math.inf if min is None else min, math.inf if max is None else max)


# ---- activations ---------------------------------------------------------------------------------------------------


def _sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


def _sigmoid_array(x: Any) -> Any:
    with np.errstate(over="ignore"):  # to inf, of which the reciprocal is 0, as it should be
        return 1.0 / (1.0 + np.exp(-x))


sigmoid = Elementwise("sigmoid", _sigmoid, _sigmoid_array, lambda out, x: out * (1.0 - out),
                      latex=r"\sigma({0})", domain=(REAL,),
                      doc="The logistic function 1 / (1 + exp(-x)), without overflow.")

relu = Elementwise("relu", lambda x: 0.0 if x <= 0.0 else x, lambda x: np.maximum(x, 0.0), lambda out, x: x > 0.0,
                   latex=r"\operatorname{{relu}}({0})", domain=(NONZERO,), doc="max(x, 0); its derivative at 0 is 0.")

_leaky_relu = Elementwise("leaky_relu", lambda x, slope: slope * x if x <= 0.0 else x,
                          lambda x, slope: np.where(np.less_equal(x, 0.0), slope * x, x),
                          lambda out, x, slope: (x > 0.0) + slope * (x <= 0.0), lambda out, x, slope: x * (x <= 0.0),
                          latex=r"\operatorname{{leaky\,relu}}({0})", domain=(NONZERO, ((0.01, 0.5),)),
                          doc="x where positive, slope * x elsewhere.")


def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where x > 0, negative_slope * x elsewhere (Maas, Hannun and Ng, 2013).

    >>> leaky_relu(-2.0)
    -0.02
    """
    return _leaky_relu(x, negative_slope)


_elu = Elementwise("elu", lambda x, alpha: alpha * math.expm1(x) if x <= 0.0 else x,
                   lambda x, alpha: np.where(np.less_equal(x, 0.0), alpha * np.expm1(np.minimum(x, 0.0)), x),
                   lambda out, x, alpha: (x > 0.0) + (x <= 0.0) * alpha * exp(minimum(x, 0.0)),
                   lambda out, x, alpha: expm1(minimum(x, 0.0)),
                   latex=r"\operatorname{{elu}}({0})", domain=(NONZERO, ((0.5, 1.5),)),
                   doc="x where positive, alpha * (exp(x) - 1) elsewhere.")


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert, Unterthiner and Hochreiter, 2015).

    >>> elu(1.5)
    1.5
    """
    return _elu(x, alpha)


_GELU_SLOPE, _GELU_CUBIC = math.sqrt(2.0 / math.pi), 0.044715


def _gelu_tanh(x: Any) -> Any:
    # beyond 30 the tanh is 1 to the last bit: the clip only keeps the cube from overflowing
    x = clip(x, -30.0, 30.0)
    return tanh(_GELU_SLOPE * (x + _GELU_CUBIC * x * x * x))


def _gelu_derivative(out: Any, x: Any) -> Any:
    t, near = _gelu_tanh(x), clip(x, -30.0, 30.0)
    return 0.5 * (1.0 + t) + 0.5 * near * (1.0 - t * t) * _GELU_SLOPE * (1.0 + 3.0 * _GELU_CUBIC * near * near)


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1.0 + _gelu_tanh(x))


gelu = Elementwise("gelu", _gelu, _gelu, _gelu_derivative, latex=r"\operatorname{{gelu}}({0})", domain=(REAL,),
                   doc="x times the normal distribution function, in its tanh form (Hendrycks and Gimpel, 2016):\n"
                       "0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).")


def _silu_derivative(out: Any, x: Any) -> Any:
    s = sigmoid(x)
    return s + out * (1.0 - s)


silu = Elementwise("silu", lambda x: x * _sigmoid(x), lambda x: x * _sigmoid_array(x), _silu_derivative,
                   latex=r"\operatorname{{silu}}({0})", domain=(REAL,),
                   doc="x * sigmoid(x), also called swish (Elfwing, Uchibe and Doya, 2017).")

softplus = Elementwise("softplus", lambda x: _logaddexp(x, 0.0), lambda x: np.logaddexp(x, 0.0),
                       lambda out, x: sigmoid(x), latex=r"\log(1 + e^{{{0}}})", domain=(REAL,),
                       doc="log(1 + exp(x)) without overflow.")
