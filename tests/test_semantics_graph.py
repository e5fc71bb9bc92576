"""Semantics: edges, creation order, graphs of a million nodes, and a cost that grows as the graph does."""

import copy
import gc
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, engine
from tinygrad_edu.node import Node

both = pytest.mark.parametrize("node", [Value, Tensor])

# ---- same input twice ----------------------------------------------------------------------------------------------


@both
def test_the_same_input_twice_has_two_edges(node):
    """x * x lists x twice among its inputs, and its gradient is the sum over both."""
    x = node(3.0)
    y = x * x
    assert y.inputs == (x, x)
    y.backward()
    assert float(x.grad) == 6.0


@both
def test_the_same_input_twice_in_every_kind_of_row(node):
    """Operands given twice count twice in x - x, x / x, x ** x, maximum and arctan2, at first and second order."""
    x = node(2.0)
    cases = [(lambda: x - x, 0.0), (lambda: x / x, 0.0), (lambda: x**x, 4.0 * (1.0 + np.log(2.0))),
             (lambda: tg.maximum(x, x), 1.0), (lambda: tg.arctan2(x, x), 0.0), (lambda: tg.logaddexp(x, x), 1.0)]
    for function, slope in cases:
        y = function()
        assert y.inputs == (x, x)
        for create_graph in (False, True):
            x.zero_grad()
            y.backward(create_graph=create_graph)
            assert float(x.grad) == pytest.approx(slope, abs=1e-15)
    x.zero_grad()
    (x * x).backward(create_graph=True)
    second = x.grad
    x.zero_grad()
    second.backward()
    assert float(x.grad) == 2.0


def test_the_same_tensor_twice_in_joins_and_products():
    """concatenate, stack, matmul and where of one Tensor with itself."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for y, inputs in ((tg.concatenate([x, x, x]), 3), (tg.stack([x, x]), 2), (tg.where([True, False], x, x), 2)):
        assert y.inputs == (x,) * inputs
        x.zero_grad()
        y.sum().backward()
        assert x.grad.tolist() == [[float(y.size // 4)] * 2] * 2
    x.zero_grad()
    y = x @ x
    assert y.inputs == (x, x)
    y.sum().backward()
    one = np.ones((2, 2))
    assert np.array_equal(x.grad, one @ x.data.T + x.data.T @ one)


def test_the_same_value_twice_in_a_sequence():
    """n-ary rows keep every edge: sum, max, logsumexp, dot of a Value with itself."""
    x = Value(3.0)
    for y, edges, slope in ((tg.sum([x, x, x]), 3, 3.0), (tg.mean([x, x]), 2, 1.0), (tg.max([x, x]), 2, 1.0),
                            (tg.dot([x, x], [x, x]), 4, 12.0), (tg.logsumexp([x, x]), 2, 1.0)):
        assert [i for i in y.inputs if i is x] == [x] * edges
        x.zero_grad()
        y.backward()
        assert x.grad == pytest.approx(slope)


# ---- creation order ------------------------------------------------------------------------------------------------


@both
def test_creation_order_is_a_topological_order(node):
    """Indices rise strictly along every edge, and from node to node as they are made."""
    x, w = node(1.0), node(2.0)
    made = [x, w]
    for _ in range(20):
        made.append(tg.tanh(made[-1] * made[-2]) + x)
    assert [n.index for n in made] == sorted(n.index for n in made)
    for n in engine.history(made[-1]):
        assert all(i.index < n.index for i in n.inputs if isinstance(i, Node))


def test_values_and_tensors_share_one_order():
    """The index counts both kinds, bridges included."""
    v = Value(1.0)
    t = Tensor([1.0])
    s = Tensor.stack_values([v, v])
    (w, _) = s.to_values()
    assert v.index < t.index < s.index < w.index


@both
def test_results_do_not_depend_on_the_order_of_visits(node):
    """A late node feeding an early-looking branch: cotangents are complete before a node is visited."""
    x = node(2.0)
    a = x * 3.0
    b = x * 5.0
    late = b * 1.0
    for _ in range(5):
        late = late + a
    y = late * a + b
    y.backward()
    assert float(x.grad) == pytest.approx(2 * 3.0 * 2 * (5 + 5 * 3.0) + 5.0)


# ---- a million nodes -----------------------------------------------------------------------------------------------


@pytest.fixture
def collector_off():
    """The cyclic collector switched off: it is not needed to free graphs, and takes half the time of building them."""
    gc.disable()
    yield
    gc.enable()


def test_a_million_values_deep(collector_off):
    """A chain of 1,000,000 Values builds, runs backward, copies and frees, without recursion."""
    x = y = Value(1.0)
    limit = sys.getrecursionlimit()
    for _ in range(1_000_000):
        y = y + 1.0
    assert y.data == 1_000_001.0
    y.backward()
    assert x.grad == 1.0
    twin = copy.deepcopy(y)
    assert twin.data == 1_000_001.0
    del x, y, twin
    assert sys.getrecursionlimit() == limit


def test_a_million_values_wide(collector_off):
    """One sum over 1,000,000 leaves, and a million products over one leaf."""
    leaves = [Value(1.0) for _ in range(500_000)]
    y = tg.sum(leaves)
    y.backward()
    assert y.data == 500_000.0
    assert leaves[0].grad == leaves[-1].grad == 1.0
    x = Value(2.0)
    y = tg.sum([x * 1.5 for _ in range(500_000)])
    y.backward()
    assert x.grad == 750_000.0


@both
def test_a_hundred_thousand_deep_in_every_pass(node, collector_off):
    """create_graph, jvp, grad, hooks, deepcopy and freeing of a chain of 100,000 nodes do not recurse."""
    depth = 100_000

    def chain(x):
        for _ in range(depth):
            x = x + 1.0
        return x

    x = node(1.0)
    y = chain(x)
    calls = []
    x.register_hook(lambda gradient: calls.append(float(gradient)))
    y.backward()
    y.backward(create_graph=True)
    assert calls == [1.0, 1.0]
    twin = copy.deepcopy(y)
    assert float(twin.data) == depth + 1.0
    del y, twin
    argument = 1.0 if node is Value else np.array(1.0)
    assert float(tg.jvp(chain, (argument,), (argument,))[1]) == 1.0
    assert float(tg.grad(chain)(argument)) == 1.0


@both
def test_a_deep_graph_of_gradients(node):
    """The graph made by create_graph is as deep as the first: it is differentiated, copied and freed as well."""
    x = node(1.0)
    y = x
    for _ in range(5_000):
        y = y * x
    y.backward(create_graph=True)
    slope = x.grad
    x.zero_grad()
    slope.backward()
    assert float(x.grad) == pytest.approx(5_001.0 * 5_000.0)
    assert float(copy.deepcopy(slope).data) == 5_001.0


# ---- linear cost ---------------------------------------------------------------------------------------------------


def counting_row(counts):
    """The row x + y, counting its forward calls and the calls of each derivative."""

    def count(key, result):
        counts[key] = counts.get(key, 0) + 1
        return result

    return tg.ops.Elementwise("counted", lambda x, y: count("forward", x + y), lambda x,
                              y: count("forward", np.add(x, y)),
                              lambda out, x, y: count("left", 0.5), lambda out, x, y: count("right", 0.5), listed=False,
                              domain=(((-1.0, 1.0),),) * 2, doc="x + y, with half the derivative")


@both
@pytest.mark.parametrize("mode", ["backward", "create_graph", "jvp"])
def test_each_rule_runs_once_a_node(node, mode):
    """60 doublings have 2**60 paths and 60 nodes: every derivative is evaluated 60 times in a pass."""
    counts = {}
    row = counting_row(counts)

    def function(x):
        for _ in range(60):
            x = row(x, x)
        return x

    if mode == "jvp":
        argument = 1.0 if node is Value else np.array(1.0)
        value, slope = tg.jvp(function, (argument,), (argument,))
        allowed = {60, 120}  # a Value evaluates its derivatives when recorded, too
    else:
        x = node(1.0)
        y = function(x)
        y.backward(create_graph=mode == "create_graph")
        value, slope = y.data, x.grad
        allowed = {60} if mode == "backward" else {60, 120}
    assert float(value) == 2.0**60
    assert float(slope) == 1.0
    assert counts["forward"] == 60
    assert counts["left"] == counts["right"]
    assert counts["left"] in allowed


def lines_run(function):
    """How many source lines of the package a call executes."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if "tinygrad_edu" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def deep(x, n):
    y = x
    for _ in range(n):
        y = y * 0.5 + x
    return y


def wide(x, n):
    if isinstance(x, Value):
        return tg.sum([x * 0.5 for _ in range(n)])
    return tg.concatenate([(x * 0.5).reshape(1) for _ in range(n)]).sum()


def balanced(x, n):
    level = [x * 1.0 for _ in range(n)]
    while len(level) > 1:
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]


TASKS = {
    "record": lambda x, shape, n: shape(x, n),
    "backward": lambda x, shape, n: shape(x, n).backward(),
    "create_graph": lambda x, shape, n: shape(x, n).backward(create_graph=True),
    "deepcopy": lambda x, shape, n: copy.deepcopy(shape(x, n)),
    "grad": lambda x, shape, n: tg.grad(lambda t: shape(t, n))(x.data),
    "jvp": lambda x, shape, n: tg.jvp(lambda t: shape(t, n), (x.data,), (x.data,)),
}


@both
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", [deep, wide, balanced])
def test_the_work_grows_as_the_graph_does(node, task, shape):
    """Twice the nodes run about twice the lines of the package: nothing is quadratic, deep or wide."""
    TASKS[task](node(1.0), shape, 4)
    small, large = (lines_run(lambda n=n: TASKS[task](node(1.0), shape, n)) for n in (64, 256))
    assert large <= 4.2 * small
