"""Semantics: comparisons, identity, conversions, labels and what a node looks like in text."""

import math
import operator

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value

both = pytest.mark.parametrize("node", [Value, Tensor])
ORDER = [operator.lt, operator.le, operator.gt, operator.ge]

# ---- comparisons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ORDER)
def test_values_compare_by_data(op):
    """<, <=, >, >= of Values and numbers in any combination give plain bools."""
    for x in (1.0, 2.0, math.nan, math.inf):
        for y in (2.0, 1.0, -math.inf):
            for left, right in ((Value(x), Value(y)), (Value(x), y), (x, Value(y)), (Value(x), np.float64(y)),
                                (np.float64(x), Value(y))):
                result = op(left, right)
                assert result == op(x, y)
                assert isinstance(result, (bool, np.bool_))
    assert type(op(Value(1.0), Value(2.0))) is bool
    assert type(op(Value(1), 2)) is bool


@pytest.mark.parametrize("op", ORDER)
def test_tensors_compare_by_data(op):
    """<, <=, >, >= of Tensors, arrays and numbers give plain boolean arrays, broadcast, without a gradient."""
    a, b = np.array([1.0, 2.0, np.nan]), np.array([[2.0], [1.0]])
    for left, right in ((Tensor(a), Tensor(b)), (Tensor(a), b), (a, Tensor(b)), (Tensor(a), b.tolist())):
        result = op(left, right)
        assert type(result) is np.ndarray
        assert result.dtype == bool
        assert np.array_equal(result, op(a, b))
    assert np.array_equal(op(Tensor(a), 1.0), op(a, 1.0))
    assert np.array_equal(op(2, Tensor(a)), op(2, a))


@both
def test_equality_is_identity_between_nodes(node):
    """Two nodes are equal when they are one: in ==, !=, `in`, list.index, sets and dicts."""
    x, y = node(1.0), node(1.0)
    assert x == x
    assert x != y
    assert (x != x) is False
    assert (x == y) is False
    assert [y, x].index(x) == 1
    assert x in [y, x]
    assert x not in [y]
    assert len({x, y, x}) == 2
    assert {x: "x", y: "y"}[y] == "y"
    assert hash(x) == hash(x)
    assert (x == x) is True
    assert (x == y) is False


def test_a_value_is_not_equal_to_a_tensor():
    """Nodes of the two kinds compare by identity as well."""
    assert Value(1.0) != Tensor(1.0)
    assert Tensor(1.0) not in [Value(1.0)]


@both
@pytest.mark.parametrize("other", [1.0, 1, True, np.float64(1.0), np.array([1.0, 2.0]), np.array(1.0), [1.0]], ids=repr)
def test_equality_with_numbers_raises(node, other):
    """node == number or array, either way round, raises a TypeError pointing to .data: never a silent False."""
    for compare in (operator.eq, operator.ne):
        for left, right in ((node(1.0), other), (other, node(1.0))):
            with pytest.raises(TypeError, match=r"\.data"):
                compare(left, right)


@both
def test_equality_with_none_and_text_is_false(node):
    """Sentinels and text are simply not this node."""
    for other in (None, "x", ""):
        assert node(1.0) != other
        assert (node(1.0) == other) is False
    assert node(1.0) not in [None, "x"]


def test_sorting_values_and_the_built_in_extremes():
    """sorted, min and max of Values work by their data and return the Values."""
    a, b, c = Value(3.0), Value(1.0), Value(2.0)
    assert sorted([a, b, c]) == [b, c, a]
    assert max([a, b, c]) is a
    assert min(a, b, c) is b


# ---- conversions ---------------------------------------------------------------------------------------------------


@both
def test_conversions_of_a_single_number(node):
    """float, int, bool, item, math functions and formats read the number."""
    x = node(2.5)
    assert type(float(x)) is float
    assert float(x) == x.item() == 2.5
    assert type(x.item()) is float
    assert type(int(x)) is int
    assert int(x) == 2
    assert bool(x) is True
    assert bool(node(0.0)) is False
    assert f"{x:.2f}" == "2.50"
    assert f"{x:8.3e}" == "2.500e+00"
    assert math.sqrt(x) == math.sqrt(2.5)
    assert type(np.asarray(x)) is np.ndarray
    assert np.asarray(x).dtype == np.float64
    assert np.asarray(x).shape == ()


@pytest.mark.parametrize("shape", [(1,), (1, 1), ()])
def test_conversions_of_one_element(shape):
    """A Tensor with one element converts, whatever its shape."""
    t = Tensor(np.full(shape, 2.5))
    assert (float(t), int(t), bool(t), t.item(), f"{t:.1f}") == (2.5, 2, True, 2.5, "2.5")


@pytest.mark.parametrize("convert", [float, int, bool, lambda t: t.item(), lambda t: f"{t:.2f}"])
@pytest.mark.parametrize("shape", [(2,), (0,), (2, 2)])
def test_several_numbers_do_not_convert(convert, shape):
    """An array is not one number: ShapeError names the shape."""
    with pytest.raises(tg.errors.ShapeError) as caught:
        convert(Tensor(np.ones(shape)))
    assert str(shape) in str(caught.value)
    assert len(caught.value.nodes) == 1


def test_len_and_iteration():
    """len(t) is the first axis; iterating gives Tensors, recorded; 0-d Tensors and Values have neither."""
    t = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert len(t) == 3
    rows = list(t)
    assert [type(r) for r in rows] == [Tensor] * 3
    first, *_, last = t
    (first * last).sum().backward()
    assert t.grad.tolist() == [[5.0, 6.0], [0.0, 0.0], [1.0, 2.0]]
    assert [r.data.tolist() for r in reversed(t)] == t.data[::-1].tolist()
    assert list(Tensor(np.ones((0, 2)))) == []
    for single in (Tensor(1.0), Value(1.0)):
        for use in (len, iter, list):
            with pytest.raises(TypeError):
                use(single)


def test_indices_out_of_range_end_old_style_loops():
    """t[n] past the end is an IndexError, as the sequence protocol wants."""
    t = Tensor([1.0, 2.0])
    for index in (2, -3, np.array([0, 5])):
        with pytest.raises(IndexError):
            t[index]


def test_asarray_is_a_read_only_view_and_array_a_copy():
    """np.asarray(t) shows the data, np.array(t) copies it; dtype and copy arguments as in NumPy."""
    t = Tensor([1.0, 2.0])
    view = np.asarray(t)
    assert type(view) is np.ndarray
    assert np.shares_memory(view, t.data)
    assert not view.flags.writeable
    own = np.array(t)
    own[0] = 50.0
    assert own.flags.writeable
    assert t.data.tolist() == [1.0, 2.0]
    single = np.asarray(t, dtype=np.float32)
    assert single.dtype == np.float32
    assert np.asarray(t, dtype=int).tolist() == [1, 2]
    with pytest.raises(ValueError, match="copy"):
        np.array(t, dtype=np.float32, copy=False)
    assert np.shares_memory(np.array(t, copy=False), t.data)
    np.testing.assert_allclose(t, [1.0, 2.0])
    array = np.zeros(2)
    array[:] = t
    assert array.tolist() == [1.0, 2.0]


def test_numpy_attributes():
    """shape, ndim, size, dtype, T and mT answer as for an array."""
    data = np.arange(24.0).reshape(2, 3, 4)
    t = Tensor(data)
    assert (t.shape, t.ndim, t.size, t.dtype) == (data.shape, 3, 24, data.dtype)
    assert np.array_equal(t.T.data, data.T)
    assert np.array_equal(t.mT.data, data.mT)
    assert t.T.requires_grad


@both
def test_unary_plus_and_missing_operators(node):
    """+x is x's number; //, %, divmod, <<, &, ~, round and complex are TypeErrors, not numbers without a gradient."""
    x = node(2.0)
    assert float((+x).data) == 2.0
    for refused in (lambda: x // 2, lambda: 2 // x, lambda: x % 2, lambda: divmod(x, 2), lambda: x << 1, lambda: x & 1,
                    lambda: ~x, lambda: x | x, lambda: pow(x, 2, 3), lambda: x @ 2.0 if node is Value else x << 2):
        with pytest.raises(TypeError):
            refused()


def test_a_value_is_no_index():
    """A Value is a real number: it indexes no list and makes no range."""
    for use in (lambda v: [1, 2][v], range, lambda v: np.ones(3)[v], lambda v: np.zeros(v)):
        with pytest.raises((TypeError, IndexError)):
            use(Value(1.0))


def test_nodes_are_not_written_in_place():
    """t[i] = x and del t[i] raise TypeErrors; `t += u` records a new node and leaves the leaf."""
    t = leaf = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="where") as caught:
        t[0] = 5.0
    assert caught.value.nodes == (t,)
    with pytest.raises((TypeError, AttributeError)):
        del t[0]
    t += 1.0
    t *= 2.0
    assert t is not leaf
    assert leaf.data.tolist() == [1.0, 2.0]
    t.sum().backward()
    assert leaf.grad.tolist() == [2.0, 2.0]
    v = start = Value(1.0)
    v += 2.0
    v.backward()
    assert (start.data, start.grad, v.data) == (1.0, 1.0, 3.0)


# ---- label, repr, format -------------------------------------------------------------------------------------------


@both
def test_labels(node):
    """A label is text, given or set, on leaves and results; it shows in repr."""
    x = node(1.0, label="x")
    y = x * 2.0
    assert (x.label, y.label, node(1.0).label) == ("x", "", "")
    y.label = "twice"
    assert y.label == "twice"
    assert "'x'" in repr(x)
    assert "'twice'" in repr(y)
    assert "label" not in repr(node(1.0))
    with tg.no_grad():
        a, b = x * 1.0, x * 1.0
    a.label = "a"
    assert b.label == ""
    assert x.detach().label == ""
    x.label = ""
    assert "label" not in repr(x)


@both
@pytest.mark.parametrize("label", [None, 3, b"x", ["x"]])
def test_a_label_is_text(node, label):
    """Anything else is a TypeError, when set and when given."""
    x = node(1.0, label="kept")
    with pytest.raises(TypeError, match="label"):
        x.label = label
    assert x.label == "kept"
    if label is not None:
        with pytest.raises(TypeError, match="label"):
            node(1.0, label=label)


def test_repr_of_values():
    """repr shows number, gradient (None or a number) and label."""
    v = Value(2.0, label="v")
    assert repr(v) == "Value(data=2, grad=None, label='v')"
    (v * 3.0).backward()
    assert repr(v) == "Value(data=2, grad=3, label='v')"
    assert repr(Value(1 / 3)) == "Value(data=0.333333, grad=None)"
    assert str(v) == f"{v}" == repr(v)
    (v * v).backward(create_graph=True)
    assert "grad=7" in repr(v)


def test_repr_of_tensors():
    """repr shows the array, a dtype that is not float64, and the label; large arrays are summarised."""
    assert repr(Tensor([1.0, 2.0], label="t")) == "Tensor([1., 2.], label='t')"
    assert repr(Tensor([[1.0], [2.0]])) == "Tensor([[1.],\n        [2.]])"
    assert repr(Tensor(np.float32(1.5))) == "Tensor(1.5, dtype=float32)"
    assert repr(Tensor([])) == "Tensor([])"
    assert len(repr(Tensor(np.ones((1000, 1000))))) < 1000
    assert str(Tensor(1.0)) == f"{Tensor(1.0)}" == repr(Tensor(1.0))
