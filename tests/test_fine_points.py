"""Single behaviours that a changed character in the source would break unseen."""

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, errors, nn


def test_one_array_is_joined_with_nothing():
    """concatenate takes a single array, and its gradient comes back."""
    x = Tensor([1.0, 2.0])
    (tg.concatenate([x]) * np.array([3.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


@pytest.mark.parametrize("label", [-1, 3, 4, 100])
def test_a_label_far_out_of_range_is_refused(label):
    """Any label below 0, or not below the number of classes, is named with the classes there are."""
    with pytest.raises(errors.ShapeError, match="3 classes"):
        tg.nn.cross_entropy(Tensor(np.zeros((2, 3))), np.array([0, label]))


@pytest.mark.parametrize("stride", [(1,), (1, 1, 1), (0, 1)])
def test_windows_want_a_number_for_each_axis(stride):
    """Too few, too many and zero strides are a ShapeError of windows."""
    with pytest.raises(errors.ShapeError, match=r"windows: stride .* must be 2 numbers.* of at least 1"):
        tg.windows(Tensor(np.zeros((4, 4))), (2, 2), stride)


def test_a_stale_graph_copied_after_its_leaf_is_stale():
    """Staleness survives a deepcopy in which the changed leaf was copied first, with something else."""
    x = Tensor(2.0)
    stale = x * x
    x.data = 5.0
    fresh = x * 3.0
    twins = copy.deepcopy([fresh, stale])
    twins[0].backward()
    with pytest.raises(errors.StaleGraphError):
        twins[1].backward()


@pytest.mark.parametrize("node", [Tensor(2.0), Value(2.0)])
def test_a_node_equals_itself_alone(node):
    """== is True with the node itself, False with any other node."""
    assert (node == node) is True
    assert (node == type(node)(2.0)) is False


def test_stack_joins_along_a_new_first_axis():
    """The default axis is 0, as in NumPy."""
    assert tg.stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]).data.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("node", [Tensor(2.0), Value(2.0)])
def test_a_hook_on_the_leaf_that_backward_starts_from_is_called_once(node):
    """A leaf is its own root: its hook sees the cotangent 1 a single time."""
    seen = []
    node.register_hook(lambda g: seen.append(float(g)))
    node.backward()
    assert seen == [1.0]


VIEWS = {
    "sliding windows": lambda b: np.lib.stride_tricks.sliding_window_view(b, 3),
    "as_strided": lambda b: np.lib.stride_tricks.as_strided(b, (3, 3), (8, 8), writeable=False),
    "a read-only memoryview": lambda b: np.asarray(memoryview(b).toreadonly())[:3],
    "our own windows": lambda b: tg.windows(b, (3,)),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_read_only_view_of_a_refilled_buffer_does_no_harm(view):
    """Read-only is not enough: a constant is kept as it is only where its memory has no other owner."""
    buffer = np.arange(5.0)
    seen = VIEWS[view](buffer)
    expected = np.array(seen)
    x = Tensor(np.ones(seen.shape))
    y = (x * seen).sum()
    buffer[:] = 100.0
    y.backward()
    assert np.array_equal(x.grad, expected)


@pytest.mark.parametrize("node", [Tensor, Value])
@pytest.mark.parametrize("create_graph", [False, True])
def test_frozen_and_thawed_between_recording_and_backward(node, create_graph):
    """What counts is whether the leaf was frozen when it was recorded, however often it was since."""
    x = node(2.0)
    while_open = x * x * 3.0
    x.requires_grad = False
    while_frozen = x * node(5.0)
    x.requires_grad = True
    while_open.backward(create_graph=create_graph)
    while_frozen.backward(create_graph=create_graph)
    assert float(x.grad) == 12.0


def test_a_copied_leaf_owns_its_gradient():
    """copy.copy gives the copy a gradient of its own."""
    a = Tensor([1.0, 2.0])
    (a * a).sum().backward()
    b = copy.copy(a)
    b.grad[0] = 99.0
    assert a.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("node", [Tensor, Value])
def test_leaves_own_their_gradients_as_graphs_too(node):
    """Under create_graph an addition hands the same cotangent on, and each leaf has a node of its own."""
    x, y = node(1.0), node(2.0)
    (x + y).backward(create_graph=True)
    assert x.grad is not y.grad
    assert float(x.grad) == float(y.grad) == 1.0


def test_modes_that_end_in_another_order_than_they_began():
    """A no_grad() inside a generator ends by itself alone, whatever was entered meanwhile."""
    def steps():
        with tg.no_grad():
            yield
        yield

    running = steps()
    next(running)
    anomaly = tg.detect_anomaly()
    anomaly.__enter__()
    next(running)
    with pytest.raises(errors.AnomalyError):
        Value(0.0).log()
    anomaly.__exit__(None, None, None)
    assert (Value(1.0) * 2.0).requires_grad
    assert Value(0.0).log().data == -np.inf


def test_transforms_under_no_grad_leave_constants():
    """Nodes in, constant nodes out: neither value nor gradient keeps a graph."""
    with tg.no_grad():
        y, g = tg.value_and_grad(lambda t: (t * t).sum())(Tensor([1.0, 2.0]))
    assert not y.requires_grad
    assert not g.requires_grad
    assert g.data.tolist() == [2.0, 4.0]


def test_a_hook_that_returns_a_node_stays_in_the_graph_of_a_jacobian():
    """What a hook multiplies the cotangent by is differentiated, by rows as by grad."""
    def scaled_cube(x, z):
        y = z * z * z
        y.register_hook(lambda g: g * x)
        return y

    nested = [tg.grad(lambda x, inner=inner: inner(lambda z: scaled_cube(x, z))(x)) for inner in (tg.grad, tg.jacobian)]
    assert [f(2.0) for f in nested] == [36.0, 36.0]


def test_an_option_of_a_ufunc_is_never_ignored():
    """axes= and signature= change a result, and so are refused."""
    t = Tensor(np.eye(2))
    with pytest.raises(errors.UnsupportedError, match="axes"):
        np.matmul(t, np.ones((2, 2)), axes=[(0, 1), (1, 0), (0, 1)])
    with pytest.raises(errors.UnsupportedError, match="signature"):
        np.add(t, 1.0, signature="ff->f")


@pytest.mark.parametrize("name", ["power", "reciprocal", "gelu", "silu", "multiply"])
def test_functions_take_lists_as_numpy_does(name):
    """Lists of numbers are arrays to every function of the table."""
    row = tg.TABLE[name]
    lists = [[1.0, 2.0]] * row.arity
    assert np.array_equal(row(*lists), row(*map(np.array, lists)))


def test_an_optimiser_refuses_arrays_by_name():
    """Arrays in place of parameters are a DataError, although they cannot be hashed."""
    with pytest.raises(errors.DataError, match="ndarray"):
        tg.optim.SGD([np.ones(3)], 0.1)


def test_the_determinant_of_a_large_matrix_takes_the_inverse():
    """An ordinary matrix of 40 x 40 is far from singular: one inverse, not 1600 minors."""
    matrix = np.random.default_rng(0).standard_normal((40, 40))
    x = Tensor(matrix)
    tg.linalg.det(x).backward()
    expected = np.linalg.det(matrix) * np.linalg.inv(matrix).T
    assert np.allclose(x.grad, expected, rtol=1e-8)


@pytest.mark.parametrize("dtype", ["<i8", ">i8", ">i4", "u1", "i2"])
def test_labels_of_any_integer_type_are_read_right(dtype):
    """Width, sign and byte order of the labels change neither the loss nor what is refused."""
    logits, labels = Tensor([[0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]), np.array([2, 1])
    expected = tg.nn.cross_entropy(logits, labels).item()
    assert tg.nn.cross_entropy(logits, labels.astype(dtype)).item() == expected
    with pytest.raises(errors.ShapeError, match="3 classes"):
        tg.nn.cross_entropy(logits, np.array([0, 3]).astype(dtype))


@pytest.mark.parametrize("function", [tg.sum, tg.mean, tg.max, tg.logsumexp])
def test_a_reduction_refuses_a_single_value_also_after_a_sequence(function):
    """What was recorded of a list of Values opens no other way to the function."""
    x = Value(2.0)
    function([x, x])
    with pytest.raises(errors.DataError, match="works on arrays and Tensors"):
        function(x)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
@pytest.mark.parametrize("function", [
    tg.softmax, tg.log_softmax, tg.logsumexp, lambda x: nn.avg_pool2d(x, 2), lambda x: nn.mse_loss(x, x[::-1]),
    lambda x: nn.l1_loss(x, x[::-1]), lambda x: nn.huber_loss(x, x[::-1]),
    lambda x: nn.cross_entropy(x, np.array([[0.25, 0.75]] * 2))])
def test_whole_numbers_are_as_good_as_floats(function, dtype):
    """Images come as bytes, whose sums and differences wrap round."""
    x = np.array([[1, 100], [120, 0]]).astype(dtype)
    np.testing.assert_allclose(function(x), function(x.astype(float)), rtol=1e-12)
