"""Semantics: what `.grad` is, how it accumulates, and that an error on the way leaves it alone."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value

both = pytest.mark.parametrize("node", [Value, Tensor])


def failing_rule(*position_that_raises):
    """A product whose derivative by the operands at these positions raises."""

    def rule(position):
        def derivative(out, x, y):
            if position in position_that_raises:
                raise LookupError("this rule fails")
            return y if position == 0 else x

        return derivative

    return tg.ops.Elementwise("failing", lambda x, y: x * y, np.multiply, rule(0), rule(1), listed=False,
                              domain=(((-1.0, 1.0),),) * 2, doc="x * y")


# ---- None, 0, shape, dtype, assignment -----------------------------------------------------------------------------


@both
def test_grad_is_none_until_computed(node):
    """A fresh node has .grad None; a computed gradient of zero is 0, which is not None, in drawings too."""
    x, unused = node(-1.0), node(1.0)
    y = tg.relu(x)
    assert x.grad is None
    assert y.grad is None
    y.backward()
    assert x.grad is not None
    assert float(x.grad) == 0.0
    assert unused.grad is None
    x.zero_grad()
    assert x.grad is None
    if node is Value:
        assert "None" in repr(unused)


@both
def test_a_dead_branch_gets_zero_and_is_visited(node):
    """A zero cotangent saves no visit: the weights behind a dead relu get 0.0 rather than None."""
    w, x, b = node(1.0), node(-2.0), node(0.5)
    h = w * x + b
    tg.relu(h).backward()
    for leaf in (w, x, b, h):
        assert leaf.grad is not None
        assert float(leaf.grad) == 0.0


def test_a_zero_derivative_in_a_sequence_is_a_zero_gradient():
    """n-ary rows too: a Value that max passes over, or whose weight is 0, gets 0.0."""
    for function in (lambda a, b: tg.max([a, b]), lambda a, b: tg.dot([a, b], [0.0, 1.0]), lambda a,
                     b: tg.norm([a * 0.0, b])):
        a, b = Value(1.0), Value(2.0)
        function(a, b).backward()
        assert (a.grad, b.grad) == (0.0, 1.0)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,), (2, 0), (1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_grad_has_the_shape_and_dtype_of_data(shape, dtype):
    """Leaves and results: an ndarray of the same shape and dtype as .data, broadcast or not."""
    x = Tensor(np.ones(shape, dtype))
    y = x * 2.0
    for _ in range(2):
        (y + np.ones((4, *shape), dtype)).sum().backward()
        for node in (x, y):
            assert type(node.grad) is np.ndarray
            assert node.grad.shape == node.data.shape == shape
            assert node.grad.dtype == node.data.dtype == dtype


def test_value_grad_is_a_float():
    """A Value's gradient is a Python float, leaf or result."""
    x = Value(2.0)
    y = x * x
    y.backward()
    assert type(x.grad) is type(y.grad) is float
    y.backward(3)
    assert type(x.grad) is type(y.grad) is float
    assert x.grad == 4.0 + 12.0


def test_grad_can_be_assigned():
    """Numbers and arrays become a gradient of the node's kind, a copy; None forgets; leaves and results alike."""
    v, t = Value(2.0), Tensor([1.0, 2.0])
    v.grad = 3
    assert type(v.grad) is float
    array = np.array([5.0, 6.0])
    for node in (t, t * 2.0):
        node.grad = array
        array[0] = 50.0
        assert node.grad.tolist() == [5.0, 6.0]
        array[0] = 5.0
        node.grad = [7, 8]
        assert node.grad.dtype == np.float64
        assert node.grad.tolist() == [7.0, 8.0]
        node.grad = None
        assert node.grad is None
    v.grad = None
    assert v.grad is None
    t.grad = np.ones(2)
    (t * 3.0).sum().backward()
    assert t.grad.tolist() == [4.0, 4.0]


@pytest.mark.parametrize(("gradient", "error"), [
    (np.ones(3), tg.errors.ShapeError), (np.ones((1, 2)), tg.errors.ShapeError), (1.0, tg.errors.ShapeError),
    (1j * np.ones(2), tg.errors.DataError), (["a", "b"], tg.errors.DataError),
    ([[1.0], [1.0, 2.0]], tg.errors.DataError)])
def test_a_wrong_gradient_is_refused(gradient, error):
    """Assigning .grad, and backward(gradient), check shape and kind, and leave the gradient as it was."""
    t = Tensor([1.0, 2.0])
    t.grad = np.array([1.0, 2.0])
    with pytest.raises(error):
        t.grad = gradient
    with pytest.raises(error):
        (t * 2.0).backward(gradient)
    assert t.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("gradient", ["a", 1j, np.ones(2), [1.0], Tensor(1.0)], ids=repr)
def test_a_wrong_gradient_of_a_value_is_refused(gradient):
    """A Value's gradient is one real number."""
    v = Value(1.0)
    v.grad = 7.0
    with pytest.raises(TypeError):
        v.grad = gradient
    with pytest.raises(TypeError):
        (v * 2.0).backward(gradient)
    assert v.grad == 7.0


@both
def test_a_node_may_be_the_gradient(node):
    """backward(gradient=node) without create_graph gives plain gradients all the same."""
    x = node(3.0)
    (x * x).backward(node(2.0))
    assert isinstance(x.grad, (float, np.ndarray))
    assert float(x.grad) == 12.0


# ---- accumulation --------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("create_graph", [False, True])
def test_backward_twice_gives_exactly_twice(node, create_graph):
    """Leaves add up over calls, to the last bit; nodes between are set afresh."""
    x, w = node(0.1), node(0.7)
    h = tg.tanh(x * w)
    y = h * h + x
    y.backward(create_graph=create_graph)
    once = [float(n.grad) for n in (x, w, h, y)]
    y.backward(create_graph=create_graph)
    twice = [float(n.grad) for n in (x, w, h, y)]
    assert twice == [2 * once[0], 2 * once[1], once[2], once[3]]


@both
def test_leaves_add_up_over_graphs_until_zero_grad(node):
    """Several graphs over one leaf sum; zero_grad() starts anew."""
    x = node(2.0)
    (x * 3.0).backward()
    (x * x).backward()
    assert float(x.grad) == 7.0
    x.zero_grad()
    (x * 5.0).backward()
    assert float(x.grad) == 5.0


@both
def test_results_are_set_afresh_by_each_root(node):
    """A shared result has the gradient of the last pass that reached it."""
    x = node(2.0)
    h = x * x
    (h * 3.0).backward()
    assert float(h.grad) == 3.0
    (h * 10.0).backward()
    assert float(h.grad) == 10.0
    assert float(x.grad) == 12.0 + 40.0


@both
@pytest.mark.parametrize("create_graph", [False, True])
def test_nodes_between_may_be_left_as_they_were(node, create_graph):
    """interior=False: leaves add up as ever, what an earlier pass found of the nodes between stays."""
    x = node(3.0)
    square = x * x
    y = tg.sum(square * 2.0) if node is Tensor else square * 2.0
    y.backward(create_graph=create_graph, interior=False)
    assert float(x.grad) == 12.0
    assert square.grad is y.grad is None
    square.backward()
    y.backward(interior=False)
    assert float(x.grad) == 12.0 + 6.0 + 12.0
    assert float(square.grad) == 1.0
    x.zero_grad()


def test_without_gradients_between_a_pass_needs_memory_for_few_of_them():
    """Of a chain of 50 results, a pass holds a few at a time, where by default it keeps all."""
    x = Tensor(np.ones(100_000))
    y = x
    for _ in range(50):
        y = tg.tanh(y)
    y = y.sum()
    peaks = []
    for interior in (False, True):
        tracemalloc.start()
        y.backward(interior=interior)
        peaks.append(tracemalloc.get_traced_memory()[1] / x.data.nbytes)
        tracemalloc.stop()
    assert peaks[0] < 8.0 < 50.0 < peaks[1]


@both
def test_a_leaf_is_a_graph_of_its_own(node):
    """x.backward() on a leaf gives it 1, and adds up."""
    x = node(2.0)
    x.backward()
    assert float(x.grad) == 1.0
    x.backward(3.0)
    assert float(x.grad) == 4.0


@both
def test_a_gradient_scales_the_pass(node):
    """y.backward(g) is g times y.backward()."""
    x = node(3.0)
    y = x * x
    y.backward(0.5)
    assert float(x.grad) == 3.0
    assert float(y.grad) == 0.5


def snapshot(nodes):
    return [None if n.grad is None else np.array(n.grad) for n in nodes]


def assert_untouched(nodes, before):
    for node, old in zip(nodes, before, strict=True):
        assert (node.grad is None) == (old is None)
        assert old is None or np.array_equal(np.asarray(node.grad), old)


@both
@pytest.mark.parametrize("place", ["root", "middle", "leaf"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_that_raises_leaves_all_gradients_as_they_were(node, place, create_graph):
    """An exception anywhere in the pass commits nothing: neither on leaves nor between."""
    x, w = node(2.0), node(3.0)
    h = x * w
    y = h * w + x
    y.backward()
    before = snapshot([x, w, h, y])

    def raising(gradient):
        raise LookupError("a hook fails")

    where = {"root": y, "middle": h, "leaf": x}[place]
    remove = where.register_hook(raising)
    with pytest.raises(LookupError, match="a hook fails"):
        y.backward(create_graph=create_graph)
    assert_untouched([x, w, h, y], before)
    remove()
    y.backward(create_graph=create_graph)
    assert float(x.grad) == 2 * before[0]
    assert float(w.grad) == 2 * before[1]


def test_a_rule_that_raises_leaves_all_gradients_as_they_were():
    """The same for a rule of the table: of a Tensor in backward, of a Value under create_graph."""
    x, w = Tensor([2.0, 3.0]), Tensor([4.0, 5.0])
    h = failing_rule(0)(x, w)
    y = (h * w + x).sum()
    with pytest.raises(LookupError):
        y.backward()
    assert_untouched([x, w, h, y], [None] * 4)
    x.grad = np.ones(2)
    with pytest.raises(LookupError):
        y.backward()
    assert_untouched([x, w, h, y], [np.ones(2), None, None, None])


def test_a_value_rule_that_raises_does_so_when_recorded():
    """A Value's derivatives are evaluated at the call: a failing rule raises there and records nothing."""
    x, w = Value(2.0), Value(3.0)
    with pytest.raises(LookupError, match="this rule fails"):
        failing_rule(1)(x, w)
    assert x.grad is w.grad is None
    (x * w).backward()
    assert (x.grad, w.grad) == (3.0, 2.0)


@both
def test_a_stale_leaf_found_in_the_middle_leaves_all_gradients_as_they_were(node):
    """StaleGraphError half way down commits nothing."""
    x, w = node(2.0), node(3.0)
    h = x * w
    y = tg.exp(h) * x
    w.data = 4.0
    with pytest.raises(tg.errors.StaleGraphError):
        y.backward(create_graph=True)
    assert_untouched([x, w, h, y], [None] * 4)
