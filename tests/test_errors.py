"""Bad input: each mistake is a named error with the fix in its message, its nodes, and nothing half done."""

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, errors
from tinygrad_edu.engine import history
from tinygrad_edu.node import Node


@pytest.fixture(autouse=True)
def _without_warnings():
    """NumPy's own warnings off: our error is what counts."""
    with np.errstate(all="ignore"):
        yield


T, M, V = Tensor([1.0, 2.0]), Tensor([[1.0, 2.0], [3.0, 4.0]]), Value(2.0)

SHAPES = {
    "add": (lambda: T + Tensor(np.ones(3)), ["add", "(2,)", "(3,)"]),
    "an array": (lambda: np.ones((4, 3)) * T, ["multiply", "(4, 3)", "(2,)"]),
    "maximum": (lambda: tg.maximum(M, np.ones(3)), ["maximum", "(2, 2)", "(3,)"]),
    "matmul": (lambda: M @ Tensor(np.ones((3, 2))), ["matmul", "(2, 2)", "(3, 2)"]),
    "matmul of a number": (lambda: M @ 2.0, ["matmul"]),
    "dot": (lambda: tg.dot(T, np.ones(3)), ["(2,)", "(3,)"]),
    "einsum count": (lambda: tg.einsum("ij,jk", M), ["einsum", "2", "1"]),
    "einsum shape": (lambda: tg.einsum("ijk->i", M), ["einsum", "(2, 2)"]),
    "einsum ellipses": (lambda: tg.einsum("...i...->i", M), ["einsum", "'...i...->i'", "more than once"]),
    "einsum ellipses of the result": (lambda: tg.einsum("...i->...i...", M), ["einsum", "more than once"]),
    "einsum sizes": (lambda: tg.einsum("i,i->", T, np.ones(3)), ["einsum"]),
    "tensordot": (lambda: tg.tensordot(M, np.ones((3, 2)), 1), ["tensordot", "(2, 2)", "(3, 2)"]),
    "reshape": (lambda: T.reshape(3), ["reshape", "(2,)", "3"]),
    "broadcast_to": (lambda: tg.broadcast_to(T, (2, 3)), ["broadcast_to", "(2,)"]),
    "transpose": (lambda: M.transpose(0, 0), ["transpose", "(2, 2)"]),
    "sum axis": (lambda: M.sum(axis=2), ["sum", "2"]),
    "swapaxes": (lambda: M.swapaxes(0, 3), ["swapaxes", "3"]),
    "moveaxis": (lambda: tg.moveaxis(M, (0, 1), 0), ["moveaxis"]),
    "squeeze": (lambda: M.squeeze(0), ["squeeze", "(2, 2)"]),
    "expand_dims": (lambda: tg.expand_dims(M, 5), ["expand_dims", "5"]),
    "index": (lambda: T[2], ["getitem", "(2,)", "2"]),
    "indices": (lambda: M[0, 0, 0], ["getitem", "(2, 2)"]),
    "mask": (lambda: T[np.array([True, False, True])], ["getitem", "(2,)"]),
    "index array": (lambda: T[np.array([0, 7])], ["getitem", "7"]),
    "concatenate": (lambda: tg.concatenate([T, M]), ["concatenate", "(2,)", "(2, 2)"]),
    "concatenate nothing": (lambda: tg.concatenate([]), ["concatenate"]),
    "stack": (lambda: tg.stack([T, Tensor(np.ones(3))]), ["stack", "(2,)", "(3,)"]),
    "stack nothing": (lambda: tg.stack([]), ["stack"]),
    "where": (lambda: tg.where([True, False, True], T, 0.0), ["where", "(2,)"]),
    "split": (lambda: tg.split(T, 3), ["split", "3"]),
    "pad": (lambda: tg.pad(T, ((1, 1), (1, 1))), ["pad", "(2,)"]),
    "negative pad": (lambda: tg.pad(T, -1), ["pad", "slice"]),
    "windows": (lambda: tg.windows(T, (3,)), ["windows", "(2,)"]),
    "window of none": (lambda: tg.windows(T, (0,)), ["windows"]),
    "roll": (lambda: tg.roll(T, 1, 4), ["roll", "4"]),
    "take_along_axis": (lambda: tg.take_along_axis(M, np.array([0]), 0), ["take_along_axis"]),
    "scatter": (lambda: tg.scatter(T, np.array([0, 9]), (3,)), ["scatter", "9"]),
    "item": (lambda: T.item(), ["item", "(2,)"]),
    "float": (lambda: float(M), ["(2, 2)"]),
    "bool": (lambda: bool(T), ["(2,)"]),
    "max of nothing": (lambda: Tensor([]).max(), ["max", "(0,)"]),
    "argmax of nothing": (lambda: Tensor([]).argmax(), ["argmax"]),
    "data": (lambda: setattr(Tensor([1.0]), "data", [1.0, 2.0]), ["data", "(2,)", "(1,)"]),
    "grad": (lambda: setattr(Tensor([1.0]), "grad", [1.0, 2.0]), ["(2,)", "(1,)"]),
    "inv": (lambda: tg.linalg.inv(Tensor(np.ones((2, 3)))), ["inv", "(2, 3)"]),
    "solve": (lambda: tg.linalg.solve(M, np.ones(3)), ["solve", "(2, 2)"]),
    "det of a vector": (lambda: tg.linalg.det(T), ["det", "(2,)"]),
    "weighted_sum": (lambda: tg.weighted_sum([V], [1.0, 2.0]), ["weighted_sum", "1", "2"]),
    "sum of Values with axis": (lambda: tg.sum([V, V], axis=0), ["sum"]),
    "max of no Values": (lambda: tg.max([]), ["max"]),
    "where of Values": (lambda: tg.where([True, False], V, V), ["where", "(2,)"]),
    "labels too large": (lambda: tg.ops.cross_entropy(M, np.array([0, 2])), ["cross_entropy", "2", "classes"]),
    "labels negative": (lambda: tg.ops.cross_entropy(M, np.array([0, -1])), ["cross_entropy", "-1"]),
    "labels of another shape": (lambda: tg.ops.cross_entropy(M, np.array([0, 1, 1])),
                                ["cross_entropy", "(3,)", "(2,)"]),
    "grad of a vector": (lambda: tg.grad(lambda x: x * 2.0)(np.ones(2)), ["(2,)", "jacobian"]),
    "cotangent of vjp": (lambda: tg.vjp(lambda x: x * 2.0, np.ones(2))[1](np.ones(3)), ["(3,)", "(2,)"]),
    "tangent of jvp": (lambda: tg.jvp(lambda x: x * 2.0, (np.ones(2),), (np.ones(3),)), ["(3,)", "(2,)"]),
    "tangents of jvp": (lambda: tg.jvp(lambda x, y: x * y, (1.0, 2.0), (1.0,)), ["2", "1"]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_wrong_shapes_are_named_at_the_call(name):
    """ShapeError, a ValueError, with the operation and the shapes or numbers concerned."""
    call, words = SHAPES[name]
    with pytest.raises(errors.ShapeError) as caught:
        call()
    assert isinstance(caught.value, ValueError)
    for word in words:
        assert word in str(caught.value)


NODELESS = {"concatenate nothing", "stack nothing", "max of no Values", "grad", "cotangent of vjp", "tangent of jvp",
            "tangents of jvp"}


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in NODELESS])
def test_wrong_shapes_carry_their_nodes(name):
    """.nodes holds the nodes of the operation that failed."""
    with pytest.raises(errors.ShapeError) as caught:
        SHAPES[name][0]()
    assert caught.value.nodes
    assert all(isinstance(n, Node) for n in caught.value.nodes)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2, 2)])
def test_a_singular_matrix_is_named(shape):
    """inv and solve of a singular matrix: our error, and NumPy's LinAlgError for those who catch that."""
    singular = Tensor(np.ones(shape))
    for call, name in ((lambda: tg.linalg.inv(singular), "inv"),
                       (lambda: tg.linalg.solve(singular, np.ones((2, 1))), "solve")):
        with pytest.raises(np.linalg.LinAlgError, match=name) as caught:
            call()
        assert isinstance(caught.value, errors.TinygradError)
        assert "ingular" in str(caught.value)
        assert caught.value.nodes == (singular,)


KINDS = {
    "labels of float": lambda: tg.ops.cross_entropy(M, np.array([0.0, 1.0])),
    "labels as a node": lambda: tg.ops.cross_entropy(M, T),
    "complex": lambda: T * 1j, "text": lambda: T + "1", "None": lambda: T - None, "object": lambda: V * object(),
    "dates": lambda: T + np.array(["2020", "2021"], "M8[D]"), "ragged": lambda: tg.add(T, [[1.0], [1.0, 2.0]]),
    "ragged Tensor": lambda: Tensor([[1.0], [1.0, 2.0]]), "nodes in a list": lambda: T * [V, V],
    "sum of a list": lambda: tg.sum([T, T]), "exp of a list": lambda: tg.exp([V, V]),
    "Value as an array": lambda: tg.reshape(V, (1,)), "array in a Value": lambda: V * np.ones(2),
    "node as an axis": lambda: T.sum(axis=Value(0.0)), "node as a shape": lambda: T.reshape(V),
    "node as an index": lambda: T[V], "Tensor as an index": lambda: T[Tensor([0])],
    "setitem": lambda: T.__setitem__(0, 1.0), "dtype": lambda: Tensor([1.0], dtype=int),
    "default dtype": lambda: tg.set_default_dtype(np.int64),
    "ragged Values": lambda: Tensor.stack_values([[V], [V, V]]), "astype int": lambda: T.astype(int),
    "a node again": lambda: Tensor(T), "two Values concatenated": lambda: tg.concatenate([V, V]),
    "condition is a node": lambda: tg.where(T, T, T), "softmax of a Value": lambda: tg.softmax(V),
}


@pytest.mark.parametrize("name", KINDS)
def test_wrong_kinds_are_named_at_the_call(name):
    """A TypeError of ours with more than a line of NumPy's."""
    with pytest.raises(errors.TinygradError) as caught:
        KINDS[name]()
    assert isinstance(caught.value, TypeError)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("node", [Value, Tensor])
def test_backward_on_a_constant_says_why(node):
    """Frozen, detached and no_grad() results: GraphError names the possible causes."""
    x = node(1.0)
    with tg.no_grad():
        result = x * 2.0
    for constant in (node(1.0, requires_grad=False), x.detach(), result, node(1.0, requires_grad=False) * 3.0):
        with pytest.raises(errors.GraphError, match=r"no_grad\(\)|detach") as caught:
            constant.backward()
        assert isinstance(caught.value, RuntimeError)
        assert caught.value.nodes == (constant,)
        assert constant.grad is None


@pytest.mark.parametrize("node", [Value, Tensor])
def test_backward_after_the_leaves_moved_says_what_to_do(node):
    """StaleGraphError: which leaf, which operation, compute again; nothing stored."""
    x = node(1.0, label="weights")
    y = tg.exp(x)
    x.data = 2.0
    with pytest.raises(errors.StaleGraphError) as caught:
        y.backward(create_graph=True)
    for word in ("weights", "exp", "again"):
        assert word in str(caught.value)
    assert caught.value.nodes == (y, x)
    assert x.grad is y.grad is None


def test_in_place_writes_into_recorded_arrays_are_refused():
    """Results are read-only; setting them is a GraphError; += on an array with a node is an UnsupportedError."""
    y = T * 2.0
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5.0
    with pytest.raises(errors.GraphError, match="detach"):
        y.data = [1.0, 1.0]
    array = np.zeros(2)
    with pytest.raises(errors.UnsupportedError, match=r"a = a \+ t"):
        array += T
    assert array.tolist() == [0.0, 0.0]
    assert y.data.tolist() == [2.0, 4.0]


def test_nan_in_the_data_is_found_in_anomaly_mode():
    """A NaN in a batch is named at the first operation that reads it, under detect_anomaly()."""
    x = np.array([[1.0, np.nan]])
    weight = Tensor(np.ones((2, 2)))
    with tg.detect_anomaly(), pytest.raises(errors.AnomalyError, match="matmul") as caught:
        x @ weight
    assert isinstance(caught.value, ArithmeticError)
    assert weight in caught.value.nodes
    assert np.isnan((x @ weight).data).all()


@pytest.mark.parametrize("node", [Value, Tensor])
def test_an_exception_in_the_middle_of_backward_leaves_all_as_it_was(node):
    """The user's own error passes through unchanged; gradients, graph and later passes are unharmed."""
    x = node(2.0)
    h = x * x
    y = h * 3.0

    def broken(gradient):
        raise KeyError("mine")

    remove = h.register_hook(broken)
    with pytest.raises(KeyError, match="mine"):
        y.backward()
    assert x.grad is h.grad is y.grad is None
    remove()
    y.backward()
    assert float(x.grad) == 12.0


def test_a_failing_operation_records_nothing():
    """After an error at a call there is no half-made node: inputs have the same graphs and gradients as before."""
    x = Tensor([1.0, 2.0])
    y = x * 2.0
    before = [n.index for n in history(y)]
    for call, _ in SHAPES.values():
        with pytest.raises(errors.ShapeError):
            call()
    assert [n.index for n in history(y)] == before
    assert T.grad is M.grad is V.grad is None
    assert T.data.tolist() == [1.0, 2.0]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_zero_length_arrays_work_where_numpy_does(shape):
    """Sums, products and joins of nothing have values and gradients of the right shape."""
    x = Tensor(np.zeros(shape))
    total = (tg.exp(x) * 2.0).sum() + tg.prod(x) + tg.concatenate([x, x]).sum() + tg.norm(x) + (x.T @ x).sum()
    total.backward()
    assert total.item() == 1.0
    assert x.grad.shape == shape
    empty = tg.prod(x)
    assert isinstance(empty, Tensor)
    assert empty.requires_grad


def test_wrong_arguments_are_type_errors_naming_the_function():
    """Too many, too few or unknown arguments read as with any Python function."""
    for call, name in ((lambda: tg.sum(T, 0, False, 3), "sum"), (lambda: tg.exp(T, T), "exp"),
                       (lambda: tg.add(T), "add"),
                       (lambda: tg.sum(T, axes=0), "sum"), (lambda: tg.reshape(T), "reshape"),
                       (lambda: tg.exp(), "exp"), (lambda: tg.add(V, V, V), "add"), (lambda: tg.matmul(M), "matmul"),
                       (lambda: V.exp(2), "exp")):
        with pytest.raises(TypeError, match=name):
            call()


def test_the_family():
    """One base, TinygradError; each class documents itself, derives from the built-in one expects, and holds nodes."""
    family = {name: cls for name,
              cls in vars(errors).items() if inspect.isclass(cls) and cls.__module__ == errors.__name__
              and not issubclass(cls, Warning)}
    builtin = {"ShapeError": ValueError, "DataError": TypeError, "MixedNodesError": TypeError,
               "UnsupportedError": TypeError,
               "GraphError": RuntimeError, "StaleGraphError": errors.GraphError, "AnomalyError": ArithmeticError,
               "MissingExtraError": ImportError}
    assert family.keys() >= builtin.keys() | {"TinygradError"}
    for name, cls in family.items():
        assert issubclass(cls, errors.TinygradError)
        assert cls.__doc__
        assert name in ("TinygradError",) or len(cls.__mro__) > 4
        assert cls("text").nodes == ()
        assert cls("text", [V]).nodes == (V,)
        assert str(cls("text", [V])) == "text"
    for name, expected in builtin.items():
        assert issubclass(family[name], expected)
    assert tg.TinygradError is errors.TinygradError
