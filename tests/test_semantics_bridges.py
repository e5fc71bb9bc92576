"""Semantics: a Value never meets a Tensor but over the two bridges, which keep the graph connected."""

import copy
import operator

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import DataError, MixedNodesError

MEETINGS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "@": operator.matmul, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "maximum": tg.maximum, "arctan2": tg.arctan2, "logaddexp": tg.logaddexp, "add": tg.add, "np.add": np.add,
    "np.multiply": np.multiply, "np.less": np.less, "matmul": tg.matmul, "dot": tg.dot, "outer": tg.outer,
    "clip": lambda a, b: tg.clip(a, b, 5.0), "where": lambda a, b: tg.where(True, a, b), "stack": lambda a,
    b: tg.stack([a, b]), "np.stack": lambda a, b: np.stack([a, b]), "concatenate": lambda a, b: tg.concatenate([a, b]),
    "sum": lambda a, b: tg.sum([a, b]), "max": lambda a, b: tg.max([a, b]), "norm": lambda a, b: tg.norm([a, b]),
    "softmax": lambda a, b: tg.softmax([a, b]), "weighted_sum": lambda a, b: tg.weighted_sum([a], [b]),
    "einsum": lambda a, b: tg.einsum("i,i", a, b), "tensordot": lambda a, b: tg.tensordot(a, b, 1),
    "solve": tg.linalg.solve, "leaky_relu": tg.leaky_relu,
}


@pytest.mark.parametrize("name", MEETINGS)
@pytest.mark.parametrize("tensor", [Tensor(2.0), Tensor([2.0, 3.0]), Tensor(2.0, requires_grad=False)],
                         ids=["0-d", "1-d", "frozen"])
def test_a_value_and_a_tensor_do_not_mix(name, tensor):
    """Every way to bring the two together raises a TypeError of ours, naming both bridges and a node."""
    value = Value(1.5)
    for pair in ((value, tensor), (tensor, value)):
        with pytest.raises((MixedNodesError, DataError)) as caught:
            MEETINGS[name](*pair)
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, MixedNodesError) or name in ("outer", "concatenate", "einsum", "tensordot",
                                                                     "solve")
        assert "stack_values" in str(caught.value)
        assert "to_values" in str(caught.value)
        assert value in caught.value.nodes or tensor in caught.value.nodes


@pytest.mark.parametrize("recording", [True, False])
def test_they_do_not_mix_without_recording_either(recording):
    """The mistake is found at the call under no_grad() and in anomaly mode as well."""
    with tg.enable_grad() if recording else tg.no_grad():
        for meet in (operator.add, tg.maximum):
            with pytest.raises(MixedNodesError):
                meet(Value(1.0), Tensor(1.0))
    with tg.detect_anomaly(), pytest.raises(MixedNodesError):
        Tensor(1.0) * Value(1.0)


def test_an_array_does_not_meet_a_value_but_a_numpy_number_does():
    """ndarray * Value and Value * ndarray are TypeErrors; np.float64(2) * Value is a Value, recorded."""
    v = Value(3.0)
    for array in (np.ones(2), np.ones((1, 1)), np.ones(1), np.ones(0)):
        for meet in (operator.add, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.lt):
            for pair in ((array, v), (v, array)):
                with pytest.raises(TypeError):
                    meet(*pair)
    for number in (np.float64(2.0), np.float32(2.0), np.int64(2), np.array(2.0), np.uint8(2), np.bool_(True)):
        for y, slope in ((number * v, float(number)), (v * number, float(number)), (number + v, 1.0),
                         (v - number, 1.0)):
            assert type(y) is Value
            v.zero_grad()
            y.backward()
            assert v.grad == slope
    y = np.float64(2.0) ** v
    assert type(y) is Value
    assert y.data == 8.0


# ---- stack_values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nest", "shape"), [
    (lambda a, b: a, ()), (lambda a, b: [a, b], (2,)), (lambda a, b: (a, 1.0, b), (3,)),
    (lambda a, b: [[a, b]], (1, 2)), (lambda a, b: [(a, 0), [2.0, b], [a, a]], (3, 2)),
    (lambda a, b: [[[a], [b]]], (1, 2, 1)), (lambda a, b: np.array([1.0, 2.0]), (2,)), (lambda a, b: [], (0,)),
    (lambda a, b: [[], []], (2, 0)), (lambda a, b: [np.float64(1.0), b], (2,)),
    (lambda a, b: [np.ones(2), [a, b]], (2, 2))])
def test_stack_values_takes_nested_lists(nest, shape):
    """Nested lists, tuples, numbers and arrays give the shape that NumPy would give, float64, labelled if asked."""
    a, b = Value(2.0), Value(3.0)
    t = Tensor.stack_values(nest(a, b), label="joined")
    assert type(t) is Tensor
    assert t.shape == shape
    assert t.dtype == np.float64
    assert t.label == "joined"


def test_stack_values_is_connected():
    """Each Value gets the gradient of its element, a repeated one the sum, a constant none."""
    a, b, frozen = Value(2.0), Value(3.0), Value(4.0, requires_grad=False)
    t = Tensor.stack_values([[a, b], [a, 1.0], [frozen, b]])
    (t * np.arange(6.0).reshape(3, 2)).sum().backward()
    assert (a.grad, b.grad, frozen.grad) == (2.0, 6.0, None)
    assert type(a.grad) is float


@pytest.mark.parametrize("ragged",
                         [lambda a: [[a, a], [a]], lambda a: [a, [a]], lambda a: [[a], a], lambda a: [np.ones(2), [a]]])
def test_stack_values_refuses_ragged_lists(ragged):
    """Lists of unequal length raise a DataError that says so."""
    with pytest.raises(DataError, match="ragged"):
        Tensor.stack_values(ragged(Value(1.0)))


@pytest.mark.parametrize("wrong", [Tensor([1.0]), [Tensor(1.0)], [[Value(1.0), Tensor(1.0)]], ["a"], [None], 1j, {1.0}])
def test_stack_values_takes_values_and_numbers_only(wrong):
    """Tensors inside, text and None are TypeErrors."""
    with pytest.raises(TypeError):
        Tensor.stack_values(wrong)


# ---- to_values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1, 2), (0,), (2, 0), (0, 3)])
def test_to_values_has_the_nesting_of_tolist(shape):
    """One Value for a 0-d Tensor, else nested lists as array.tolist() gives; and back again by stack_values."""
    data = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    t = Tensor(data)

    def numbers(part):
        return [numbers(p) for p in part] if isinstance(part, list) else part.data

    values = t.to_values()
    assert numbers(values) == data.tolist()
    if shape != (0, 3):  # tolist() itself forgets the 3
        assert Tensor.stack_values(values).shape == shape


def test_to_values_is_connected():
    """The gradient lands in the element's place, other elements get 0; dtype of the Tensor kept."""
    t = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
    (_, b), (c, _) = (t * 2.0).to_values()
    assert type(b) is Value
    (b * c).backward()
    assert t.grad.tolist() == [[0.0, 12.0], [8.0, 0.0]]
    assert t.grad.dtype == np.float32
    assert b.grad == 6.0


def test_to_values_of_a_constant_is_constant():
    """A frozen Tensor, or one under no_grad(), gives constants."""
    frozen, t = Tensor([1.0], requires_grad=False), Tensor([1.0])
    assert not frozen.to_values()[0].requires_grad
    with tg.no_grad():
        assert not t.to_values()[0].requires_grad
        assert not Tensor.stack_values([Value(1.0)]).requires_grad


# ---- both, at higher order, forward and in the rest of the library -------------------------------------------------


def round_trip(x):
    """sum of exp(x_i) x_i^2, through Values, element by element, and back."""
    return Tensor.stack_values([tg.exp(v) * v * v for v in (x * 1.0).to_values()]).sum()


def crossing(v):
    """sin(v)^2 v^3 through a Tensor and back."""
    t = Tensor.stack_values([tg.sin(v), v])
    a, b = (t * t).to_values()
    return a * b * v


def test_bridges_at_first_and_second_order_in_every_mode():
    """grad, jacobian, hessian, jvp, hvp and vjp through both bridges agree with the direct formulas."""
    x, v = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -1.0])
    first, second = np.exp(x) * (x * x + 2 * x), np.exp(x) * (x * x + 4 * x + 2)
    np.testing.assert_allclose(tg.grad(round_trip)(x), first, rtol=1e-14)
    np.testing.assert_allclose(tg.jacobian(round_trip)(x), first, rtol=1e-14)
    np.testing.assert_allclose(tg.jvp(round_trip, (x,), (v,))[1], first @ v, rtol=1e-14)
    np.testing.assert_allclose(tg.vjp(round_trip, x)[1](2.0)[0], 2.0 * first, rtol=1e-14)
    np.testing.assert_allclose(tg.hessian(round_trip)(x), np.diag(second), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(tg.hvp(round_trip, x, v), second * v, rtol=1e-13)
    for shift in (lambda f: tg.grad(lambda t: tg.jvp(f, (t,), (v,))[1])(x), lambda f: tg.hvp(f, x, v)):
        np.testing.assert_allclose(shift(round_trip), second * v, rtol=1e-13)
        np.testing.assert_allclose(shift(lambda s: round_trip(s**3)), shift(lambda s: (tg.exp(s**3) * s**6).sum()),
                                   rtol=1e-12)

    def direct(s):
        return tg.sin(s) ** 2 * s**3

    for transform in (tg.grad, lambda f: tg.grad(tg.grad(f)), tg.hessian, lambda f: tg.grad(tg.grad(tg.grad(f))),
                      lambda f: lambda s: tg.jvp(tg.grad(f), (s,), (1.0,))[1],
                      lambda f: lambda s: tg.jvp(f, (s,), (1.0,))[1]):
        assert float(transform(crossing)(0.8)) == pytest.approx(float(transform(direct)(0.8)), rel=1e-12)


def test_bridges_with_create_graph():
    """backward(create_graph=True) twice through Value -> Tensor -> Value."""
    v = Value(0.8)
    crossing(v).backward(create_graph=True)
    slope = v.grad
    assert isinstance(slope, Value)
    v.zero_grad()
    slope.backward()
    assert float(v.grad) == pytest.approx(float(tg.hessian(lambda s: tg.sin(s) ** 2 * s**3)(0.8)), rel=1e-12)


def test_edge_numbers_beyond_a_bridge():
    """Values behind a Tensor take the general pass: IEEE arithmetic there as well."""
    t = Tensor([0.0, 1.0])
    a, b = t.to_values()
    with np.errstate(all="ignore"):
        (tg.sqrt(a) + b).backward()
    assert t.grad.tolist() == [np.inf, 1.0]


def test_a_stale_leaf_beyond_a_bridge_raises():
    """The check goes across: a Tensor leaf that moved stales the Values made from it."""
    t = Tensor([2.0, 3.0], label="moved")
    a, b = (t * t).to_values()
    y = a * b
    t.data = [1.0, 1.0]
    with pytest.raises(tg.errors.StaleGraphError, match="moved"):
        y.backward()


def test_graphs_over_bridges_are_copied():
    """deepcopy takes both kinds, and the copy's gradients go to the copy's leaves."""
    v = Value(0.8)
    y = crossing(v)
    twin, leaf = copy.deepcopy((y, v))
    twin.backward()
    assert v.grad is None
    assert leaf.grad == pytest.approx(float(tg.grad(crossing)(0.8)))
    assert all(a.op is b.op for a, b in zip(tg.engine.history(y), tg.engine.history(twin), strict=True))
