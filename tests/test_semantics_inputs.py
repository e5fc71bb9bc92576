"""Semantics: what is differentiable, and which numbers a node may hold."""

import datetime as dt
import decimal
import operator
import re
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.node import Node

both = pytest.mark.parametrize("node", [Value, Tensor])


def named(thing):
    """An id for a parameter, without the memory addresses that differ between processes."""
    return re.sub(r" at 0x\w+", "", repr(thing))


# ---- what is differentiable ----------------------------------------------------------------------------------------


@both
def test_what_the_user_wraps_requires_a_gradient(node):
    """Value(2.0) and Tensor(2.0) are variables unless told otherwise."""
    assert node(2.0).requires_grad is True
    assert node(2.0, requires_grad=False).requires_grad is False
    assert Tensor([[1, 2]]).requires_grad is True


@both
@pytest.mark.parametrize("number", [3, 3.0, True, np.float64(3), np.float32(3), np.int64(3), np.array(3.0)])
def test_plain_numbers_stay_constants(node, number):
    """A number that meets a node stays a plain constant among the inputs, on either side."""
    x = node(2.0)
    for y in (x * number, number * x, x + number, number - x, x / number, number / x, x**number):
        assert y.requires_grad
        constants = [c for c in y.inputs if c is not x]
        assert len(constants) == 1
        assert not isinstance(constants[0], Node)
        assert float(constants[0]) == float(number)


def test_arrays_stay_constants():
    """An ndarray that meets a Tensor stays an ndarray among the inputs, and gets no gradient."""
    x, a = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    for y in (x * a, a * x, x - a, a / x):
        (constant,) = [c for c in y.inputs if c is not x]
        assert type(constant) is np.ndarray
        assert y.requires_grad


@both
def test_operations_on_constants_alone_record_nothing(node):
    """Nodes with requires_grad=False give results without history."""
    x = node(2.0, requires_grad=False)
    for y in (x * x, x + 1.0, tg.exp(x), -x):
        assert isinstance(y, node)
        assert not y.requires_grad
        assert y.op is None
        assert y.inputs == ()


@both
def test_constants_get_no_gradient_and_no_derivative_work(node):
    """The rule of a constant operand is never called: neither for plain numbers nor for frozen nodes."""
    asked = []

    def rule(position):
        return lambda out, x, y: asked.append(position) or (y if position == 0 else x)

    times = tg.ops.Elementwise("times", lambda x, y: x * y, np.multiply, rule(0), rule(1), listed=False,
                               domain=(((-1.0, 1.0),),) * 2, doc="x * y")
    x, frozen = node(2.0), node(3.0, requires_grad=False)
    for constant in (frozen, 3.0):
        times(x, constant).backward()
        times(constant, x).backward()
    assert frozen.grad is None
    assert float(x.grad) == 12.0
    assert asked == [0, 1, 0, 1]


def test_functions_of_plain_data_give_plain_data():
    """Without a node among the operands nothing becomes one."""
    assert type(tg.exp(1.0)) is float
    assert type(tg.exp(np.ones(2))) is np.ndarray
    assert type(tg.matmul(np.ones((2, 2)), np.ones((2, 2)))) is np.ndarray
    assert not isinstance(tg.sum([1.0, 2.0]), Node)


# ---- integers, complex and the rest --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, True, 2.0, np.int8(2), np.uint64(2), np.float16(2), np.float32(2), np.float64(2),
                                    np.longdouble(2), np.bool_(True), np.array(2), np.array(2.0, np.float32),
                                    decimal.Decimal(2)])
def test_value_data_is_exactly_float(number):
    """Whatever real number a Value is made from, its data is a Python float; after an assignment too."""
    v = Value(number)
    assert type(v.data) is float
    assert v.data == float(number)
    v.data = number
    assert type(v.data) is float


def test_results_and_gradients_of_values_are_exactly_float():
    """No int, bool or np.float64 creeps in through an operation, a constant or a derivative."""
    x = Value(2)
    y = np.float64(2) * x + 3 + True + np.int64(2) * x.relu() + tg.maximum(x, 5) + tg.sign(x) + tg.clip(x, 0,
                                                                                                        1) + abs(x)
    y.backward()
    assert type(y.data) is float
    assert type(x.grad) is float
    todo, seen = [y], set()
    while todo:
        node = todo.pop()
        if isinstance(node, Value) and node not in seen:
            seen.add(node)
            assert type(node.data) is float
            assert node.grad is None or type(node.grad) is float
            assert all(d is None or type(d) is float for d in node.derivatives), node.op
            assert all(isinstance(c, Value) or type(c) is float for c in node.inputs)
            todo.extend(node.inputs)


@pytest.mark.parametrize("data", [[1, 2], (1, 2), range(2), np.array([1, 2]), np.array([1, 2], np.uint8), [True, False],
                                  np.array([True, False]), [[1], [2]], 3, True, []])
def test_integers_and_booleans_become_float64(data):
    """Tensors of integers and booleans hold float64."""
    t = Tensor(data)
    assert t.data.dtype == np.float64
    assert t.dtype == np.float64
    np.testing.assert_array_equal(t.data, np.asarray(data, float))


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8"])
def test_float_arrays_keep_their_precision_in_native_byte_order(dtype):
    """A float32 array of foreign byte order is float32 still, as np.float32 itself."""
    t = Tensor(np.array([1.0, 2.0], dtype))
    assert t.dtype == np.dtype(dtype).newbyteorder("=")
    assert t.data.tolist() == [1.0, 2.0]


BAD = [1j, np.complex128(1 + 2j), np.complex64(2), "1.0", b"1.0", None, object(), {}, {1.0}, lambda: 1.0,
       dt.date(2020, 1, 1), np.datetime64("2020-01-01"), np.timedelta64(3, "s"), 10**400]
BAD_ARRAYS = [[1j], np.array([1j]), ["1.0"], np.array(["1.0"]), [None], [object()], np.array([1.0], object),
              np.array(["2020"], "M8[D]"), np.zeros(2, "m8[s]"), np.zeros(1, "f8,f8"), [[1.0], [1.0, 2.0]],
              [1.0, [2.0]], [10**400]]


@pytest.mark.parametrize("data", BAD, ids=named)
@both
def test_what_is_no_real_number_is_refused(node, data):
    """Complex numbers, text, bytes, None, dates, objects and integers beyond float raise a DataError, a TypeError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a ComplexWarning is no excuse for dropping the imaginary part
        with pytest.raises(tg.errors.DataError) as caught:
            node(data)
    assert isinstance(caught.value, TypeError)
    assert node.__name__ in str(caught.value)


@pytest.mark.parametrize("data", BAD_ARRAYS, ids=named)
def test_arrays_of_what_is_no_real_number_are_refused(data):
    """Complex, text, object, date, structured and ragged data raise a DataError."""
    with pytest.raises(tg.errors.DataError):
        Tensor(data)
    t = Tensor([1.0])
    with pytest.raises(tg.errors.DataError):
        t.data = data
    assert t.data.tolist() == [1.0]


@pytest.mark.parametrize("data", [bytearray(b"3"), [1.0], (1.0,), np.array([1.0]), np.array([[1.0]]), range(1)],
                         ids=named)
def test_a_value_is_one_number(data):
    """Lists and arrays, of one element too, and bytes that float() would parse are no Value."""
    with pytest.raises(tg.errors.DataError, match="Value"):
        Value(data)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_other_float_widths_are_refused(dtype):
    """float32 and float64 are the dtypes: half and extended precision are not converted in silence."""
    with pytest.raises(tg.errors.DataError, match="float64"):
        Tensor(np.ones(2, dtype))
    with pytest.raises(tg.errors.DataError, match="float64"):
        Tensor([1.0], dtype=dtype)


@pytest.mark.parametrize("data", BAD[:-1], ids=named)
@both
def test_what_is_no_real_number_cannot_meet_a_node(node, data):
    """The same data as an operand raise a TypeError that names the operation, on either side."""
    x = node(2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError):
            x * data
        with pytest.raises(TypeError):
            data + x
        with pytest.raises(tg.errors.DataError, match="multiply"):
            tg.multiply(x, data)


@both
def test_an_integer_beyond_float_cannot_meet_a_node(node):
    """10**400 is a DataError rather than Python's OverflowError."""
    for meet in (lambda x: x * 10**400, lambda x: 10**400 + x, lambda x: x**10**400):
        with pytest.raises(tg.errors.DataError):
            meet(node(1.0))


@pytest.mark.parametrize("data", [[Value(1.0)], [[Value(1.0), 2.0]], (Tensor(1.0),), [Tensor([1.0]), Tensor([2.0])],
                                  np.array([Value(1.0)], object)], ids=str)
def test_nodes_inside_data_are_refused(data):
    """A Tensor of nested nodes would lose their graphs: DataError, naming stack_values and stack where it can."""
    with pytest.raises(tg.errors.DataError) as caught:
        Tensor(data)
    if not isinstance(data, np.ndarray):
        assert "stack" in str(caught.value)


@both
@pytest.mark.parametrize("inner", [Value(1.0), Tensor(1.0)])
def test_a_node_is_not_wrapped_again(node, inner):
    """Value(node) and Tensor(node) point to detach() and carry the node."""
    with pytest.raises(tg.errors.DataError, match="detach") as caught:
        node(inner)
    assert caught.value.nodes == (inner,)


def test_lists_of_nodes_are_no_operands():
    """A list of nodes beside a Tensor is refused: its gradients would be lost."""
    t, u, v = Tensor([1.0, 2.0]), Tensor(3.0), Value(4.0)
    for parts in ([u, u], (v, v), [v, 1.0], [[u, 1.0]]):
        for meet in (lambda p: t * p, lambda p: p + t, lambda p: tg.maximum(t, p),
                     lambda p: tg.where([True, False], p, t)):
            with pytest.raises(TypeError):
                meet(parts)


def test_ragged_lists_are_no_operands():
    """A ragged list beside a Tensor is a DataError as well."""
    with pytest.raises(tg.errors.DataError):
        operator.add(Tensor([1.0, 2.0]), [[1.0], [1.0, 2.0]])
