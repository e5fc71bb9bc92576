"""Semantics: dtypes. float64 by default, float32 stays float32, Python scalars are weak."""

import operator

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


@pytest.fixture(autouse=True)
def _restored_default():
    """The default dtype as it was, whatever a test did to it."""
    before = tg.default_dtype()
    yield
    tg.set_default_dtype(before)


def single(*shape, requires_grad=True):
    return Tensor(np.linspace(0.2, 0.8, int(np.prod(shape))).reshape(shape).astype(np.float32),
                  requires_grad=requires_grad)


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("scalar", [2.0, 2, True, 0.1])
@pytest.mark.parametrize("shape", [(3,), ()])
def test_python_scalars_are_weak(op, scalar, shape):
    """float32 stays float32 through every operator with a Python scalar, on both sides, forward and backward."""
    x = single(*shape)
    for y in (op(x, scalar), op(scalar, x)):
        assert y.dtype == SINGLE
        y.sum().backward()
        assert x.grad.dtype == SINGLE
        assert x.grad.shape == shape
        assert y.grad.dtype == SINGLE


FUNCTIONS = {
    "exp": tg.exp, "log2": tg.log2, "log10": tg.log10, "tanh": tg.tanh, "sigmoid": tg.sigmoid, "relu": tg.relu,
    "leaky_relu": tg.leaky_relu, "elu": tg.elu, "gelu": tg.gelu, "silu": tg.silu, "softplus": tg.softplus,
    "sqrt": tg.sqrt, "reciprocal": tg.reciprocal, "abs": tg.abs, "square": tg.square, "arcsin": tg.arcsin,
    "sign": tg.sign, "clip": lambda x: tg.clip(x, 0.3, 0.6), "clip one side": lambda x: tg.clip(x, max=0.6),
    "maximum": lambda x: tg.maximum(x, 0.5), "minimum": lambda x: tg.minimum(0.5, x),
    "logaddexp": lambda x: tg.logaddexp(x, 0.0), "arctan2": lambda x: tg.arctan2(x, 1.0),
    "sum": tg.sum, "mean": tg.mean, "mean axis": lambda x: tg.mean(x, axis=0, keepdims=True), "var": tg.var,
    "std": tg.std, "max": tg.max, "min": lambda x: tg.min(x, axis=1), "prod": tg.prod, "norm": tg.norm,
    "norm 3": lambda x: x[0].norm(3), "logsumexp": tg.logsumexp, "softmax": tg.softmax, "log_softmax": tg.log_softmax,
    "cumsum": lambda x: tg.cumsum(x, 0), "where": lambda x: tg.where([[True], [False]], x, 0.0),
    "pad": lambda x: tg.pad(x, 1), "T": lambda x: x.T, "pad one": lambda x: tg.pad(x, 1, constant_values=1.0),
    "reshape": lambda x: x.reshape(-1), "getitem": lambda x: x[np.array([0, 0, 1])], "mask": lambda x: x[x > 0.4],
    "concatenate": lambda x: tg.concatenate([x, x]), "stack": lambda x: tg.stack([x, x]), "tril": tg.tril,
    "triu": tg.triu, "trace": tg.trace, "repeat": lambda x: tg.repeat(x, 2), "tile": lambda x: tg.tile(x, 2),
    "roll": lambda x: tg.roll(x, 1), "flip": tg.flip, "windows": lambda x: tg.windows(x, (2,)),
    "matmul": lambda x: x @ x, "einsum": lambda x: tg.einsum("ij,kj->", x, x),
    "einsum diagonal": lambda x: tg.einsum("ii", x), "outer": lambda x: tg.outer(x, x),
    "tensordot": lambda x: tg.tensordot(x, x, 1), "inv": tg.linalg.inv, "det": tg.linalg.det,
    "solve": lambda x: tg.linalg.solve(x, x.T), "broadcast_to": lambda x: tg.broadcast_to(x, (3, 2, 2)),
    "scatter": lambda x: tg.scatter(x[0], np.array([1, 1]), (3,)), "take_along_axis":
        lambda x: tg.take_along_axis(x, np.array([[0], [1]]), 1),
    "cross_entropy": lambda x: tg.ops.cross_entropy(x, np.array([0, 1])),
    "cross_entropy probabilities": lambda x: tg.ops.cross_entropy(x, np.array([[0.1, 0.9], [1.0, 0.0]])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_keep_float32(name):
    """float32 goes in, float32 comes out: results, gradients, second derivatives and tangents."""
    function, x = FUNCTIONS[name], Tensor(np.array([[0.2, 0.7], [0.5, 0.3]], np.float32))
    y = function(x)
    assert y.dtype == SINGLE
    y.sum().backward(create_graph=True)
    assert x.grad.dtype == SINGLE
    assert x.grad.shape == x.shape
    if x.grad.requires_grad:
        x.grad.sum().backward()
        assert x.grad.dtype == SINGLE
    raw = x.data.copy()
    value, tangent = tg.jvp(function, (raw,), (np.ones_like(raw),))
    assert value.dtype == tangent.dtype == SINGLE
    assert tg.grad(lambda x: function(x).sum())(raw).dtype == SINGLE


def test_float64_array_with_float32_promotes_as_numpy_does():
    """Arrays and np.float64 scalars are not weak: the result is float64, and each gradient has its own dtype."""
    x, y = single(3), Tensor([1.0, 2.0, 3.0])
    for z in (x * y, x * y.data, x + np.ones(3), x * np.float64(2.0), tg.concatenate([x, y]), x @ y, tg.stack([x, y])):
        assert z.dtype == DOUBLE
        x.zero_grad()
        z.sum().backward()
        assert x.grad.dtype == SINGLE
    assert y.grad.dtype == DOUBLE
    assert (x * np.float32(2.0)).dtype == SINGLE


def test_cotangents_and_tangents_are_cast_to_the_input():
    """A float64 cotangent of a float32 node, and a float64 tangent of it, are float32 throughout."""
    x = single(3)
    y = tg.exp(x)
    z = y * np.ones(3)
    z.backward(np.ones(3))
    assert (z.grad.dtype, y.grad.dtype, x.grad.dtype) == (DOUBLE, SINGLE, SINGLE)
    _, tangent = tg.jvp(tg.exp, (x.data.copy(),), (np.ones(3),))
    assert tangent.dtype == SINGLE
    _, pull = tg.vjp(tg.exp, x.data.copy())
    assert pull(np.ones(3))[0].dtype == SINGLE


def test_masks_do_not_promote():
    """Rules made from comparisons give float32 cotangents for float32: 0.5 * mask alone would be float64."""
    x = single(3)
    for function in (tg.relu, tg.abs, lambda t: tg.maximum(t, 0.5), lambda t: tg.clip(t, 0.3, 0.6), tg.max, tg.sign):
        x.zero_grad()
        y = function(x * 1.0)
        y.sum().backward()
        assert x.grad.dtype == SINGLE
        assert y.inputs[0].grad.dtype == SINGLE


def test_dtype_argument_wins():
    """Tensor(data, dtype=...) converts; float arrays without it keep theirs."""
    assert Tensor([1.0], dtype=np.float32).dtype == SINGLE
    assert Tensor([1.0], dtype="float32").dtype == SINGLE
    assert Tensor(np.ones(2, np.float32), dtype=np.float64).dtype == DOUBLE
    assert Tensor(np.ones(2, np.float32)).dtype == SINGLE
    assert Tensor(np.float32(1.0)).dtype == SINGLE
    assert Tensor([1.5]).dtype == Tensor(1.5).dtype == DOUBLE


def test_data_and_grad_keep_the_dtype_when_assigned():
    """What is assigned to .data and .grad of a float32 Tensor becomes float32."""
    x = single(2)
    x.data = np.ones(2)
    x.grad = np.ones(2)
    assert x.data.dtype == x.grad.dtype == SINGLE
    x.data = [1, 2]
    x.data -= 0.5
    assert x.data.dtype == SINGLE
    x.sum().backward()
    assert x.grad.dtype == SINGLE


def test_accumulation_keeps_the_dtype():
    """Adding to a gradient, and gradients of gradients, do not promote."""
    x = single(2)
    for _ in range(2):
        (x * np.ones(2)).sum().backward()
        assert x.grad.dtype == SINGLE


def test_default_dtype_applies_to_numbers_and_integers_only():
    """set_default_dtype(float32): lists, numbers and integer arrays become float32, float arrays keep theirs."""
    tg.set_default_dtype(np.float32)
    assert tg.default_dtype() == SINGLE
    for data in (1.5, 2, [1.5], [[1, 2]], np.arange(3), [True], [], range(2)):
        assert Tensor(data).dtype == SINGLE
    assert Tensor(np.ones(2)).dtype == DOUBLE
    assert Tensor(np.float64(1.0)).dtype == DOUBLE
    assert Tensor(np.ones(2, np.float32)).dtype == SINGLE
    assert Tensor([1.0], dtype=np.float64).dtype == DOUBLE
    assert Tensor.stack_values([Value(1.0)]).dtype == SINGLE


def test_default_dtype_applies_to_the_initialisation_of_modules():
    """New layers have parameters of the default dtype; those made before keep theirs."""
    before = tg.nn.Linear(2, 3)
    tg.set_default_dtype(np.float32)
    layer = tg.nn.Linear(2, 3)
    assert {p.dtype for p in layer.parameters()} == {SINGLE}
    assert {p.dtype for p in before.parameters()} == {DOUBLE}
    assert layer(single(4, 2)).dtype == SINGLE


def test_default_dtype_leaves_results_and_values_alone():
    """Existing float64 Tensors, results on them and Values do not change with the default."""
    x = Tensor([1.0, 2.0])
    tg.set_default_dtype("float32")
    y = tg.exp(x * 2.0).sum()
    y.backward()
    assert (x.dtype, y.dtype, x.grad.dtype) == (DOUBLE, DOUBLE, DOUBLE)
    assert Value(0.1).data == 0.1
    assert type(tg.exp(Value(1)).data) is float
    tg.set_default_dtype(np.float64)
    assert Tensor([1]).dtype == DOUBLE


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, int, bool, complex, "U3", object])
def test_other_defaults_are_refused(dtype):
    """Only float64 and float32 can be the default; a refusal changes nothing."""
    with pytest.raises(tg.errors.DataError, match="float64 and float32"):
        tg.set_default_dtype(dtype)
    assert tg.default_dtype() == DOUBLE
    with pytest.raises(tg.errors.DataError):
        Tensor([1.0], dtype=dtype)
