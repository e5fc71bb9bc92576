"""The operation table, and every function that users apply to numbers, arrays, Values and Tensors."""

from . import linalg
from .composed import (
    argmax, argmin, argsort, diagonal, expand_dims, flip, moveaxis, norm, prod, ravel, repeat, softmax, split, squeeze,
    std, swapaxes, take_along_axis, tile, trace, tril, triu, var,
)
from .defaults import default_dtype, generator, seed, set_default_dtype
from .elementwise import (
    absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, clip, cos, cosh, divide, elu, exp, expm1,
    gelu, leaky_relu, log, log1p, log2, log10, logaddexp, maximum, minimum, multiply, negative, power, reciprocal, relu,
    sigmoid, sign, silu, sin, sinh, softplus, sqrt, square, subtract, tan, tanh,
)
from .fused import cross_entropy, det, inv, log_softmax, logsumexp, max, min, solve
from .linear import astype, broadcast_to, mean, reshape, sum, transpose
from .products import dot, einsum, matmul, outer, tensordot, weighted_sum
from .protocols import from_function, from_ufunc
from .row import TABLE, Elementwise, Fused, Linear, LinearInEach, Nary, Row
from .selections import concatenate, cumsum, getitem, pad, roll, scatter, stack, where, windows

abs = absolute
