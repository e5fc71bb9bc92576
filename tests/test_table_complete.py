"""Nothing is missing: each public function of numbers and arrays takes, and gives, what the contract says."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.testing.orders import backward

ELEMENTWISE = [
    "add", "subtract", "multiply", "divide", "negative", "power", "abs", "sign", "square", "sqrt", "reciprocal",
    "exp", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "sin", "cos", "tan", "arcsin", "arccos",
    "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "maximum", "minimum", "clip",
    "sigmoid", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus",
]

X = np.array([[1.0, 2.0], [3.0, 5.0]])

# How each function of arrays is called with one array that is differentiated.
ARRAYS = {
    "where": lambda f, x: f(np.array([True, False]), x, 0.0),
    "sum": lambda f, x: f(x, axis=0, keepdims=True),
    "mean": lambda f, x: f(x, axis=0, keepdims=True),
    "cumsum": lambda f, x: f(x, axis=0),
    "reshape": lambda f, x: f(x, (4,)),
    "ravel": lambda f, x: f(x),
    "transpose": lambda f, x: f(x, (1, 0)),
    "swapaxes": lambda f, x: f(x, 0, 1),
    "moveaxis": lambda f, x: f(x, 0, 1),
    "expand_dims": lambda f, x: f(x, 0),
    "squeeze": lambda f, x: f(x),
    "broadcast_to": lambda f, x: f(x, (3, 2, 2)),
    "getitem": lambda f, x: f(x, (0, slice(None))),
    "scatter": lambda f, x: f(x, np.array([0, 0]), (3, 2)),
    "take_along_axis": lambda f, x: f(x, np.array([[0], [1]]), axis=1),
    "concatenate": lambda f, x: f([x, x], axis=1),
    "stack": lambda f, x: f([x, x], axis=1),
    "split": lambda f, x: f(x, 2, axis=1)[0],
    "pad": lambda f, x: f(x, 1, constant_values=2.0),
    "flip": lambda f, x: f(x, axis=0),
    "roll": lambda f, x: f(x, 1, axis=0),
    "repeat": lambda f, x: f(x, 2, axis=0),
    "tile": lambda f, x: f(x, (2, 1)),
    "diagonal": lambda f, x: f(x, offset=1),
    "trace": lambda f, x: f(x, offset=1),
    "tril": lambda f, x: f(x, k=1),
    "triu": lambda f, x: f(x, k=1),
    "matmul": lambda f, x: f(x, X),
    "dot": lambda f, x: f(x, X),
    "einsum": lambda f, x: f("ij,jk->ik", x, X),
    "tensordot": lambda f, x: f(x, X, axes=1),
    "outer": lambda f, x: f(x, X),
    "windows": lambda f, x: f(x, (2,), stride=1, dilation=1),
    "max": lambda f, x: f(x, axis=0, keepdims=True),
    "min": lambda f, x: f(x, axis=0, keepdims=True),
    "prod": lambda f, x: f(x, axis=0, keepdims=True),
    "var": lambda f, x: f(x, axis=0, ddof=1, keepdims=True),
    "std": lambda f, x: f(x, axis=0, ddof=1, keepdims=True),
    "norm": lambda f, x: f(x, axis=0, keepdims=True),
    "logsumexp": lambda f, x: f(x, axis=0, keepdims=True),
    "softmax": lambda f, x: f(x, axis=0),
    "log_softmax": lambda f, x: f(x, axis=0),
    "linalg.inv": lambda f, x: f(x),
    "linalg.det": lambda f, x: f(x),
    "linalg.solve": lambda f, x: f(x, X),
}
SEQUENCES = ["sum", "mean", "max", "min", "norm", "logsumexp"]


def named(name):
    """A function of the package by its name, `linalg.inv` included."""
    return getattr(tg.linalg, name[7:]) if name.startswith("linalg.") else getattr(tg, name)


def example(name):
    """Numbers from the domain of an elementwise row."""
    return [0.5 * (low + high) for ((low, high), *_) in tg.TABLE[name].domain]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_function_takes_floats_arrays_values_and_tensors(name):
    """What goes in comes out: float, array, Value, Tensor; NumPy's name is its name; it has a docstring."""
    function, numbers = named(name), example(name)
    assert type(function(*numbers)) is float
    assert type(function(*(np.full(2, x) for x in numbers))) is np.ndarray
    assert type(function(*map(tg.Value, numbers))) is tg.Value
    assert type(function(*(tg.Tensor([x]) for x in numbers))) is tg.Tensor
    assert function.__name__ == name
    assert function.__doc__


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_function_of_nodes_and_numbers_is_differentiated_by_the_nodes(name):
    """A plain number or array in any place is a constant; the gradient by the others is the same as among nodes."""
    function, numbers = named(name), example(name)
    for make in (float, np.array):
        xs = [make(x) for x in numbers]
        _, expected = backward(function, xs, 1.0)
        for at, x in enumerate(xs):
            def one(node, at=at, xs=xs):
                return function(*xs[:at], node, *xs[at + 1:])

            assert backward(one, [x], 1.0)[1] == [expected[at]]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_function_of_one_number_is_a_method_of_both_nodes(name):
    """v.tanh() and t.tanh() are tanh(v) and tanh(t); functions of two numbers are operators or functions."""
    function, numbers = named(name), example(name)
    if len(numbers) == 1 and name != "negative":
        for node in (tg.Value(numbers[0]), tg.Tensor(numbers[0])):
            assert float(getattr(node, name)()) == float(function(node))


@pytest.mark.parametrize("name", ARRAYS)
def test_a_function_of_arrays_takes_arrays_lists_and_tensors(name):
    """Arrays, and nested lists, give arrays or numbers; a Tensor gives a Tensor that leads back to it."""
    function, call = named(name), ARRAYS[name]
    expected = np.asarray(call(function, X))
    assert isinstance(call(function, X), np.ndarray | np.generic)
    np.testing.assert_allclose(call(function, X.tolist()), expected)
    t = tg.Tensor(X)
    out = call(function, t)
    assert type(out) is tg.Tensor
    np.testing.assert_allclose(out.data, expected)
    out.backward(np.ones(out.shape))
    assert t.grad.shape == t.shape
    assert function.__name__ == name.removeprefix("linalg.")
    assert function.__doc__


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_reduction_takes_sequences_of_values(name):
    """A list or a tuple of Values and numbers gives one Value, recorded as one node."""
    a, b = tg.Value(1.0), tg.Value(2.0)
    for sequence in ([a, b, 3.0], (a, b, 3.0)):
        out = named(name)(sequence)
        assert type(out) is tg.Value
        assert out.inputs == (a, b, 3.0)
        np.testing.assert_allclose(out.data, float(named(name)(np.array([1.0, 2.0, 3.0]))), rtol=1e-15)


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("axes", [{"axis": 0}, {"keepdims": True}], ids=str)
def test_a_sequence_of_values_has_no_axes(name, axes):
    """What makes sense on arrays alone is refused, by name, and not ignored."""
    with pytest.raises(tg.errors.ShapeError, match=name):
        named(name)([tg.Value(1.0), tg.Value(2.0)], **axes)


def test_dot_and_softmax_take_sequences_of_values():
    """dot of two lists is one node; softmax of a list is a list."""
    a, b = tg.Value(1.0), tg.Value(2.0)
    assert tg.dot([a, b], [3.0, 4.0]).data == 11.0
    assert len(tg.dot([a, b], (b, 4.0)).inputs) >= 4
    assert [type(v) for v in tg.softmax([a, b])] == [tg.Value, tg.Value]


@pytest.mark.parametrize("name", ["argmax", "argmin", "argsort"])
def test_positions_are_found_in_arrays_and_tensors(name):
    """argmax and its like give plain integers, as function and as method."""
    np.testing.assert_array_equal(named(name)(X, axis=1), getattr(np, name)(X, axis=1))
    np.testing.assert_array_equal(getattr(tg.Tensor(X), name)(axis=0), getattr(np, name)(X, axis=0))


def test_every_row_is_within_reach():
    """A row of the table is a public function, or works behind one that is."""
    behind = {"overlap", "cross_entropy"}  # the transpose of windows, and nn.cross_entropy
    behind |= {"convolution", "convolution_to_input", "convolution_to_weight"}  # nn.conv2d and its transposes
    behind |= {"max_pool", "max_pool_to_input", "max_pool_to_output"}  # nn.max_pool2d, and what is linear in it
    behind |= {"sum_pool", "sum_pool_to_input"}  # nn.avg_pool2d and its transpose
    behind |= {"lstm_gates", "lstm_memory", "lstm_hidden"}  # nn.LSTMCell
    assert [name for name in tg.TABLE if not (hasattr(tg, name) or hasattr(tg.linalg, name) or name in behind)] == []
    assert set(ELEMENTWISE) <= set(tg.TABLE)
    assert all(row.__doc__ for row in tg.TABLE.values())
