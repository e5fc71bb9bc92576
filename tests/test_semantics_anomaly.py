"""Semantics: detect_anomaly() stops at the first NaN, or inf made from finite numbers, and says where it came from."""

import inspect
import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import AnomalyError

INF, NAN = math.inf, math.nan
both = pytest.mark.parametrize("node", [Value, Tensor])


@pytest.fixture(autouse=True)
def _without_warnings():
    """NumPy's own warnings off: the AnomalyError is what counts."""
    with np.errstate(all="ignore"):
        yield


def here(offset=0):
    """The file and line of the caller, as an AnomalyError should give them."""
    return f"{__file__}:{inspect.currentframe().f_back.f_lineno + offset}"


# ---- forward -------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(("function", "name", "at", "what"), [
    (tg.log, "log", -1.0, "nan"), (tg.sqrt, "sqrt", -1.0, "nan"), (tg.log, "log", 0.0, "inf"),
    (tg.exp, "exp", 1000.0, "inf"), (lambda x: 1.0 / x, "divide", 0.0, "inf"), (lambda x: x / x, "divide", 0.0, "nan"),
    (lambda x: x**0.5, "power", -2.0, "nan"), (lambda x: x * 1e308, "multiply", 100.0, "inf"),
    (lambda x: x - x / 0.0, "divide", 1.0, "inf"), (tg.arccosh, "arccosh", 0.0, "nan")])
def test_the_first_nan_or_inf_stops(node, function, name, at, what):
    """The error names the operation, its inputs, what it gave, and the source line; it carries the nodes."""
    x = node(at)
    with tg.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        function(x)
    message = str(caught.value)
    assert name in message
    assert what in message
    assert f"{at:g}" in message.replace(".,", ",").replace(".)", ")")
    assert x in caught.value.nodes
    assert caught.value.nodes[0] is not x
    assert caught.value.nodes[0].op is None or caught.value.nodes[0].op.name == name


@both
def test_the_source_line_is_the_users(node):
    """The line named is the one in this file that called the operation, through operators, functions and methods."""
    x = node(-1.0)
    with tg.detect_anomaly():
        for call in (lambda: here() + "|" * bool(tg.log(x)), lambda: here() + "|" * bool(x.sqrt()),
                     lambda: here() + "|" * bool(x ** 0.5), lambda: here() + "|" * bool(np.log(x))):
            with pytest.raises(AnomalyError) as caught:
                call()
            lines = inspect.getsourcelines(call)
            wanted = [f"{__file__}:{number}" for number in range(lines[1], lines[1] + len(lines[0]))]
            assert any(line in str(caught.value) for line in wanted)
        with pytest.raises(AnomalyError) as caught:
            tg.log(x)
        assert here(-1) in str(caught.value)


def test_the_source_line_is_found_through_composed_functions():
    """A NaN inside var, norm or solve is laid to the user's line, not to the package's."""
    x = Tensor([1e200, -1e200])
    with tg.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        tg.var(x)
    assert here(-1) in str(caught.value)
    assert "tinygrad_edu/ops" not in str(caught.value)


@both
@pytest.mark.parametrize("function",
                         [lambda x: x * 2.0, lambda x: x + x, tg.exp, lambda x: tg.maximum(x, 0.0), lambda x: -x,
                          tg.abs])
def test_an_infinity_that_came_in_is_no_anomaly(node, function):
    """inf among the inputs may give inf: it was the user's."""
    with tg.detect_anomaly():
        y = function(node(INF))
    assert abs(float(y.data)) == INF


@both
def test_an_infinity_among_the_constants_is_no_anomaly(node):
    """Masked attention: -inf as a constant, where and addition pass it on; softmax of it is finite."""
    with tg.detect_anomaly():
        x = node(1.0)
        assert float((x - INF).data) == -INF
        assert float(tg.clip(x, None, 0.5).data) == 0.5
        if node is Tensor:
            scores = tg.where([True, False], Tensor([1.0, 2.0]), -INF)
            assert scores.data.tolist() == [1.0, -INF]
            weights = tg.softmax(scores + np.array([0.0, -INF]))
            (weights * np.array([1.0, 2.0])).sum().backward()


@both
def test_a_nan_that_came_in_stops_at_the_first_operation(node):
    """NaN always stops: the first operation that reads it shows it among its inputs."""
    x = node(NAN)
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match="nan") as caught:
        x * 2.0
    assert x in caught.value.nodes


@both
def test_nothing_stops_outside(node):
    """Without the mode, and after it, NaN and inf flow as IEEE has them."""
    x = node(0.0)
    with tg.detect_anomaly():
        pass
    y = tg.log(x) * 0.0
    assert math.isnan(float(y.data))
    with pytest.raises(AnomalyError), tg.detect_anomaly():
        tg.log(x)
    assert float(tg.log(x).data) == -INF


@both
def test_constants_are_checked_too(node):
    """Under no_grad() and for frozen nodes the forward check holds as well."""
    with tg.detect_anomaly():
        with pytest.raises(AnomalyError):
            tg.log(node(-1.0, requires_grad=False))
        with tg.no_grad(), pytest.raises(AnomalyError):
            tg.log(node(-1.0))


@both
def test_clean_graphs_are_unchanged(node):
    """In anomaly mode a finite graph has the same numbers and gradients, at second order too."""
    results = []
    for mode in (tg.enable_grad, tg.detect_anomaly):
        with mode():
            x = node(0.7)
            y = tg.exp(tg.sin(x) * x) / (1.0 + x * x)
            y.backward(create_graph=True)
            slope = x.grad
            x.zero_grad()
            slope.backward()
            results.append((float(y.data), float(slope.data), float(x.grad)))
    assert results[0] == results[1]


# ---- backward ------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(("function", "name", "at"), [
    (tg.sqrt, "sqrt", 0.0), (lambda x: tg.arcsin(x) * 2.0, "arcsin", 1.0), (lambda x: tg.sqrt(x * x), "sqrt", 0.0),
    (lambda x: tg.maximum(tg.sqrt(x), 1.0), "sqrt", 0.0), (lambda x: x**0.5, "power", 0.0)])
def test_the_first_bad_cotangent_stops(node, function, name, at, create_graph):
    """inf (or 0 * inf) made by a rule: the operation and the line that recorded it are named; no gradient is stored."""
    with tg.detect_anomaly():
        x = node(at)
        y = function(x)
        line = here(-1)
        with pytest.raises(AnomalyError) as caught:
            y.backward(create_graph=create_graph)
    message = str(caught.value)
    assert name in message or create_graph  # a recorded pass may stop at an operation of the rule itself
    if not create_graph or name in message:
        assert line.rpartition(":")[0] in message
    assert caught.value.nodes
    assert x.grad is None


@both
def test_the_line_of_a_bad_cotangent_is_where_it_was_recorded(node):
    """Not the line of backward(), which is far away."""
    with tg.detect_anomaly():
        x = node(0.0)
        y = tg.sqrt(x)
        recorded = here(-1)
        z = y * 2.0
        with pytest.raises(AnomalyError) as caught:
            z.backward()
    assert recorded in str(caught.value)


@both
def test_cotangents_that_overflow_when_added_stop(node):
    """Two finite parts with an infinite sum, within a pass and on top of an earlier gradient."""
    with tg.detect_anomaly():
        x = node(0.5)
        y = x * 1e308 + x * 1e308
        with pytest.raises(AnomalyError):
            y.backward()
        assert x.grad is None
        y = x * 1e308
        y.backward()
        with pytest.raises(AnomalyError):
            y.backward()
        assert float(x.grad) == 1e308


@both
def test_an_infinite_constant_or_seed_is_no_anomaly_backward(node):
    """The same tolerance for cotangents: where an input, a constant or the incoming cotangent is inf already."""
    with tg.detect_anomaly():
        x = node(0.5)
        (x * INF).backward()
        assert float(x.grad) == INF
        x.zero_grad()
        (x * 3.0).backward(INF)
        assert float(x.grad) == INF


@both
def test_the_nan_behind_where_is_named(node):
    """where(x > 0, log(x), 0): the branch not taken is found forward; the safe form passes."""
    with tg.detect_anomaly():
        x = node(0.0)
        with pytest.raises(AnomalyError, match="log"):
            tg.where(x > 0.0, tg.log(x), 0.0)
        safe = tg.where(x > 0.0, tg.log(tg.where(x > 0.0, x, 1.0)), 0.0)
        assert float(safe) == 0.0
        if node is Tensor:
            safe.backward()
            assert float(x.grad) == 0.0


def test_backward_alone_in_the_mode_checks_cotangents():
    """A graph recorded before the mode began is checked going backward, for Values and Tensors."""
    for x in (Value(0.0), Tensor([0.0])):
        y = tg.sqrt(x)
        with tg.detect_anomaly(), pytest.raises(AnomalyError, match="sqrt"):
            y.backward()
        y.backward()
        assert np.asarray(x.grad).item() == INF


def test_an_anomaly_in_a_transform_is_found():
    """grad and hessian inside the mode stop as backward does."""
    with tg.detect_anomaly():
        for transform in (tg.grad, tg.hessian):
            with pytest.raises(AnomalyError):
                transform(tg.sqrt)(0.0)
            with pytest.raises(AnomalyError):
                transform(lambda x: tg.log(x).sum())(np.array([-1.0]))


def test_large_inputs_are_summarised_in_the_message():
    """A million elements do not fill the screen."""
    with tg.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        tg.log(Tensor(np.full((1000, 1000), -1.0)))
    assert len(str(caught.value)) < 3000


def test_the_mode_is_a_decorator_as_well():
    """@detect_anomaly() and @no_grad() switch for the length of a call, repeatedly."""

    @tg.detect_anomaly()
    def checked(x):
        return tg.log(x)

    @tg.no_grad()
    def quiet(x):
        return x * x

    for _ in range(2):
        with pytest.raises(AnomalyError):
            checked(Value(-1.0))
        assert not quiet(Value(2.0)).requires_grad
    assert (Value(1.0) * 2.0).requires_grad
