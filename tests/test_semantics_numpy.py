"""Semantics: NumPy's own functions record, or raise a TypeError that names them."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import UnsupportedError

A, B = np.array([[0.5, 0.7], [0.2, 0.3]]), np.array([[1.0, 2.0], [3.0, 4.0]])

RECORDS = {
    "tanh": np.tanh, "exp": np.exp, "negative": np.negative, "positive": lambda x: np.positive(x) * 1.0,
    "absolute": np.absolute, "fabs": np.fabs, "square": np.square, "sqrt": np.sqrt, "log1p": np.log1p,
    "arctanh": np.arctanh, "sign": np.sign, "reciprocal": np.reciprocal, "add": lambda x: np.add(x, B),
    "reflected subtract": lambda x: np.subtract(B, x), "true_divide": lambda x: np.true_divide(x, 2.0),
    "power": lambda x: np.power(x, 3), "float_power": lambda x: np.float_power(x, 2), "pow": lambda x: np.pow(2.0, x),
    "maximum": lambda x: np.maximum(x, 0.4), "minimum": lambda x: np.minimum(0.4, x),
    "logaddexp": lambda x: np.logaddexp(x, B), "arctan2": lambda x: np.arctan2(x, B),
    "matmul": lambda x: np.matmul(x, B), "ndarray @": lambda x: B @ x, "ndarray *": lambda x: B * x,
    "ndarray -": lambda x: B - x, "ndarray **": lambda x: B**x, "ndarray /": lambda x: B / x,
    "float64 *": lambda x: np.float64(2.0) * x, "0-d +": lambda x: np.array(2.0) + x, "sum": np.sum,
    "sum axis": lambda x: np.sum(x, axis=0), "sum 0": lambda x: np.sum(x, 0, keepdims=True),
    "mean": lambda x: np.mean(x, 1), "max": lambda x: np.max(x, axis=1), "amin": np.amin,
    "prod": lambda x: np.prod(x, axis=0), "var": lambda x: np.var(x, ddof=1), "std": lambda x: np.std(x, axis=0),
    "add.reduce": np.add.reduce, "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1),
    "maximum.reduce": lambda x: np.maximum.reduce(x, keepdims=True),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=None),
    "multiply.outer": lambda x: np.multiply.outer(x, B), "reshape": lambda x: np.reshape(x, (4, 1)),
    "reshape -1": lambda x: np.reshape(x, -1), "ravel": np.ravel, "transpose": np.transpose,
    "swapaxes": lambda x: np.swapaxes(x, 0, 1), "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "expand_dims": lambda x: np.expand_dims(x, 1), "squeeze": lambda x: np.squeeze(x[:1]),
    "matrix_transpose": np.matrix_transpose, "broadcast_to": lambda x: np.broadcast_to(x, (3, 2, 2)),
    "concatenate": lambda x: np.concatenate([x, B, x], axis=1),
    "concatenate flat": lambda x: np.concatenate([x, B], axis=None), "concat": lambda x: np.concat((x, x)),
    "stack": lambda x: np.stack([x, B], -1), "split": lambda x: np.split(x, 2)[1], "flip": lambda x: np.flip(x, 0),
    "roll": lambda x: np.roll(x, 1), "repeat": lambda x: np.repeat(x, 2, axis=0), "tile": lambda x: np.tile(x, (2, 1)),
    "pad": lambda x: np.pad(x, 1), "pad value": lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0),
    "cumsum": lambda x: np.cumsum(x, axis=1), "cumsum flat": np.cumsum, "tril": np.tril,
    "triu": lambda x: np.triu(x, 1), "trace": np.trace, "diagonal": np.diagonal,
    "where": lambda x: np.where(A > 0.4, x, B), "where y": lambda x: np.where(A > 0.4, 0.0, x),
    "clip": lambda x: np.clip(x, 0.25, 0.6), "clip min": lambda x: np.clip(x, 0.25, None),
    "clip kw": lambda x: np.clip(x, a_min=0.25, a_max=1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [1]]), 1), "dot": lambda x: np.dot(x, B),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, B), "tensordot": lambda x: np.tensordot(x, B, 1),
    "outer": lambda x: np.outer(B, x), "inv": np.linalg.inv, "det": np.linalg.det,
    "solve": lambda x: np.linalg.solve(x, B), "norm": np.linalg.norm, "norm axis": lambda x: np.linalg.norm(x, axis=0),
    "norm 1": lambda x: np.linalg.norm(x[0], 1), "linalg.matmul": lambda x: np.linalg.matmul(x, B),
    "dtype None": lambda x: np.sum(x, dtype=None),
}


@pytest.mark.parametrize("name", RECORDS)
def test_numpy_functions_record(name):
    """np.f(t) gives NumPy's numbers as a Tensor, with the gradient measured along one direction."""
    function = RECORDS[name]
    t, v, step = Tensor(A), np.array([[0.3, -0.2], [0.5, 0.1]]), 1e-6
    y = function(t)
    assert type(y) is Tensor
    np.testing.assert_allclose(y.data, function(A), rtol=1e-13)
    assert y.shape == np.shape(function(A))
    if name == "sign":
        return
    weights = np.cos(np.arange(float(y.size))).reshape(y.shape)
    y.backward(weights)
    measured = np.sum((function(A + step * v) - function(A - step * v)) * weights) / (2 * step)
    np.testing.assert_allclose(np.sum(t.grad * v), measured, rtol=1e-6, atol=1e-8)


SCALAR = {
    "tanh": np.tanh, "exp": np.exp, "add": lambda x: np.add(x, 1.0), "multiply": lambda x: np.multiply(2.0, x),
    "power": lambda x: np.power(x, 3), "maximum": lambda x: np.maximum(x, 0.1), "arctan2": lambda x: np.arctan2(x, 2.0),
    "float64 +": lambda x: np.float64(2.0) + x, "float64 /": lambda x: np.float64(2.0) / x, "absolute": np.abs,
    "clip": lambda x: np.clip(x, 0.0, 1.0), "where": lambda x: np.where(True, x, 0.0), "square": np.square,
}


@pytest.mark.parametrize("name", SCALAR)
def test_numpy_functions_record_values(name):
    """np.f(v) of a Value is a Value with the right gradient."""
    v, step = Value(0.5), 1e-6
    y = SCALAR[name](v)
    assert type(y) is Value
    assert y.data == pytest.approx(float(SCALAR[name](np.float64(0.5))))
    y.backward()
    slope = (SCALAR[name](0.5 + step) - SCALAR[name](0.5 - step)) / (2 * step)
    assert v.grad == pytest.approx(float(slope), rel=1e-6)


ON_DATA = {"isnan": np.isnan, "isfinite": np.isfinite, "less": lambda x: np.less(x, 0.4),
           "greater_equal": lambda x: np.greater_equal(0.4, x),
           "logical_and": lambda x: np.logical_and(x, True), "argmax": np.argmax,
           "argmin": lambda x: np.argmin(x, axis=1), "argsort": np.argsort, "shape": np.shape, "ndim": np.ndim,
           "size": np.size, "allclose": lambda x: np.allclose(x, A), "isclose": lambda x: np.isclose(x, 0.5),
           "array_equal": lambda x: np.array_equal(x, A)}


@pytest.mark.parametrize("name", ON_DATA)
def test_questions_about_the_data_give_plain_answers(name):
    """Truth values, indices and shapes have no gradient: plain NumPy results."""
    result, expected = ON_DATA[name](Tensor(A)), ON_DATA[name](A)
    assert not isinstance(result, Tensor)
    np.testing.assert_array_equal(result, expected)


UNSUPPORTED = {
    "floor": np.floor, "rint": np.rint, "cbrt": np.cbrt, "hypot": lambda x: np.hypot(x, x),
    "floor_divide": lambda x: np.ones(2) // x, "remainder": lambda x: np.remainder(2.0, x),
    "divmod": lambda x: np.divmod(x, 2.0), "fmax": lambda x: np.fmax(x, 1.0), "sort": np.sort, "median": np.median,
    "percentile": lambda x: np.percentile(x, 50), "cumprod": np.cumprod, "nansum": np.nansum, "unique": np.unique,
    "vstack": lambda x: np.vstack([x, x]), "hstack": lambda x: np.hstack((x, A)),
    "column_stack": lambda x: np.column_stack([x, x]), "block": lambda x: np.block([[x, x]]),
    "kron": lambda x: np.kron(x, x), "cross": lambda x: np.cross(x, x),
    "interp": lambda x: np.interp(x, [0, 1], [0, 1]), "gradient": np.gradient, "convolve": lambda x: np.convolve(x, x),
    "svd": np.linalg.svd, "eigh": np.linalg.eigh, "cholesky": np.linalg.cholesky, "qr": np.linalg.qr,
    "pinv": np.linalg.pinv, "fft": np.fft.fft, "copy": np.copy, "copyto": lambda x: np.copyto(np.zeros((2, 2)), x),
    "add.accumulate": np.add.accumulate, "subtract.reduce": np.subtract.reduce,
    "add.outer": lambda x: np.add.outer(x, x),
    "add.reduceat": lambda x: np.add.reduceat(x, [0]), "add.at": lambda x: np.add.at(np.zeros((2, 2)), 0, x),
    "select": lambda x: np.select([A > 0.4], [x]), "choose": lambda x: np.choose([0], x), "apply_along_axis":
        lambda x: np.apply_along_axis(np.sum, 0, x), "average": np.average, "meshgrid": lambda x: np.meshgrid(x, x),
    "put": lambda x: np.put(x, 0, 1.0), "round": np.round, "nan_to_num": np.nan_to_num,
    "vecdot": lambda x: np.vecdot(x, x),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_functions_without_a_row_raise_naming_them(name):
    """A TypeError with the function's name, the node and the way out: .data."""
    t = Tensor(A)
    with pytest.raises(UnsupportedError) as caught:
        UNSUPPORTED[name](t)
    assert isinstance(caught.value, TypeError)
    assert name in str(caught.value)
    assert ".data" in str(caught.value)
    assert t in caught.value.nodes


@pytest.mark.parametrize("name",
                         ["floor", "rint", "cbrt", "hypot", "remainder", "sort", "cumprod", "copy", "median", "vstack",
                          "average"])
def test_functions_without_a_row_raise_for_values(name):
    """The same for Values."""
    v = Value(0.5)
    with pytest.raises(UnsupportedError, match=name) as caught:
        UNSUPPORTED[name](v)
    assert v in caught.value.nodes


ARGUMENTS = {
    "out": lambda x: np.exp(x, out=np.empty((2, 2))), "out ": lambda x: np.add(A, x, np.empty((2, 2))),
    "where": lambda x: np.exp(x, where=A > 0.4), "dtype": lambda x: np.add(x, x, dtype=np.float32),
    "casting": lambda x: np.multiply(x, x, casting="no"), "out  ": lambda x: np.sum(x, out=np.empty(())),
    "where ": lambda x: np.sum(x, where=A > 0.4), "initial": lambda x: np.max(x, initial=0.0),
    "dtype ": lambda x: np.mean(x, dtype=np.float32), "out   ": lambda x: np.concatenate([x, x], out=np.empty((4, 2))),
    "order": lambda x: np.reshape(x, (4,), order="F"), "mode": lambda x: np.pad(x, 1, mode="reflect"),
    "out    ": lambda x: np.clip(x, 0.0, 1.0, out=np.empty((2, 2))),
    "initial ": lambda x: np.add.reduce(x, initial=1.0),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_without_a_counterpart_raise_naming_them(name):
    """out=, where=, dtype=, initial= and so on are refused by name, never ignored."""
    with pytest.raises(UnsupportedError, match=name.strip()):
        ARGUMENTS[name](Tensor(A))


@pytest.mark.parametrize(("call", "expected"), [
    (lambda x: np.sum(x, 0, None), lambda: A.sum(0)), (lambda x: np.sum(x, 0, np.float64), lambda: A.sum(0)),
    (lambda x: np.mean(x, 0, np.float64), lambda: A.mean(0)),
    (lambda x: np.sum(x, 0, None, None, True), lambda: A.sum(0, keepdims=True)),
    (lambda x: np.max(x, 0, None, True), lambda: A.max(0, keepdims=True)),
    (lambda x: np.argmax(x, 0, None), lambda: A.argmax(0)), (lambda x: np.prod(x, 0, None), lambda: A.prod(0)),
    (lambda x: np.var(x, 0, None, None, 1), lambda: A.var(0, ddof=1)),
    (lambda x: np.std(x, 0, np.float64), lambda: A.std(0)),
    (lambda x: np.cumsum(x, 0, np.float64), lambda: A.cumsum(0)),
    (lambda x: np.argmax(x, 0, np.empty(2, int)), lambda: A.argmax(0)),
    (lambda x: np.clip(x, 0.3, 0.4, None), lambda: A.clip(0.3, 0.4)),
    (lambda x: np.reshape(x, (4,), "C"), lambda: A.reshape(4)),
    (lambda x: np.trace(x, 0, 0, 1, np.float64), lambda: A.trace())])
def test_positional_arguments_follow_numpy(call, expected):
    """Arguments by position mean what they mean in NumPy, or are refused: dtype is not mistaken for keepdims."""
    try:
        result = call(Tensor(A))
    except UnsupportedError:
        return
    np.testing.assert_allclose(np.asarray(result), expected(), rtol=1e-14)
    assert np.shape(result) == np.shape(expected())


@pytest.mark.parametrize("node", [Tensor(A), Value(0.5)], ids=["Tensor", "Value"])
def test_in_place_operators_of_arrays_are_refused(node):
    """array += node, and the like, raise instead of losing the graph; the array is as it was."""
    array = np.ones((2, 2))
    for text in ("array += node", "array -= node", "array *= node", "array /= node", "array **= node", "array @= node"):
        with pytest.raises(TypeError):
            exec(text, {}, {"array": array, "node": node})
    assert array.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_numpy_functions_respect_no_grad():
    """Under no_grad() they give constants."""
    t = Tensor(A)
    with tg.no_grad():
        assert not np.tanh(t).requires_grad
        assert not np.concatenate([t, t]).requires_grad
