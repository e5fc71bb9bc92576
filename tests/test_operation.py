"""A user's own operation: registered by a decorator, it is a row like the others."""

import copy
import functools
import inspect
import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import Fused, Linear, LinearInEach
from tinygrad_edu.ops.linear import Reduction

pytestmark = pytest.mark.usefixtures("restored_table")


def squash_by(x):
    """The derivative of the logistic function."""
    e = math.exp(-x)
    return e / (1.0 + e) ** 2


@pytest.fixture
def squash():
    """The operation of the README."""
    @tg.operation(lambda out, x: out * (1.0 - out), domain=[(-3.0, 3.0)], latex=r"\sigma({0})")
    def squash(x):
        """1 / (1 + exp(-x))."""
        return 1.0 / (1.0 + np.exp(-x))

    return squash


def register(function, *rules, **options):
    """The decorator, as a call."""
    return tg.operation(*rules, **options)(function)


# ---- an elementwise operation ----------------------------------------------------------------------------------------


def test_it_takes_floats_arrays_values_and_tensors(squash):
    """What goes in comes out, with the function's numbers."""
    expected = 1.0 / (1.0 + math.exp(-0.5))
    assert type(squash(0.5)) is float
    assert type(squash(1)) is float
    assert type(squash(np.array([0.5]))) is np.ndarray
    assert type(squash(tg.Value(0.5))) is tg.Value
    assert type(squash(tg.Tensor([0.5]))) is tg.Tensor
    for result in (squash(0.5), squash(np.array(0.5)), float(squash(tg.Value(0.5))), float(squash(tg.Tensor(0.5)))):
        assert_allclose(result, expected, rtol=1e-15)


def test_it_says_what_it_is(squash):
    """Name, docstring, home and symbols are the function's; a missing docstring is no error."""
    assert (squash.name, squash.__name__, squash.symbol) == ("squash", "squash", "squash")
    assert squash.__doc__ == "1 / (1 + exp(-x))."
    assert squash.__module__ == __name__
    assert squash.latex == r"\sigma({0})"
    assert repr(squash) == "<operation squash>"
    assert tg.TABLE["squash"] is squash
    assert squash(tg.Value(0.0)).op is squash
    assert register(lambda_named("bare", lambda x: x + 1.0), 1.0).__doc__ == ""


def lambda_named(name, function):
    """A function without a docstring, under a name."""
    function.__name__ = name
    return function


@pytest.mark.parametrize("make", [float, np.array], ids=["Values", "Tensors"])
def test_it_is_differentiated_in_both_modes_and_any_order(squash, make):
    """Reverse, forward and nested, by the one rule; the second derivative is s(1 - s)(1 - 2s)."""
    x, s = make(0.5), 1.0 / (1.0 + math.exp(-0.5))
    assert_allclose(tg.grad(squash)(x), squash_by(0.5), rtol=1e-14)
    assert_allclose(tg.jvp(squash, (x,), (2.0,))[1], 2.0 * squash_by(0.5), rtol=1e-14)
    assert_allclose(tg.grad(tg.grad(squash))(x), s * (1.0 - s) * (1.0 - 2.0 * s), rtol=1e-14)
    assert_allclose(tg.hessian(squash)(x), s * (1.0 - s) * (1.0 - 2.0 * s), rtol=1e-14)


def test_it_broadcasts_and_meets_constants():
    """Two operands of different shapes, one of them a plain array or a number."""
    blend = register(lambda_named("blend", lambda x, y: x * y + y), lambda out, x, y: y, lambda out, x, y: x + 1.0)
    x, y = tg.Tensor([[1.0], [2.0]]), tg.Tensor([3.0, 4.0, 5.0])
    blend(x, y).sum().backward()
    assert x.grad.tolist() == [[12.0], [12.0]]
    assert y.grad.tolist() == [5.0, 5.0, 5.0]
    v = tg.Value(2.0)
    blend(v, 3.0).backward()
    assert v.grad == 3.0
    assert blend(2.0, 3.0) == 9.0


def test_float32_stays_float32(squash):
    """The array function keeps the dtype, and so does its gradient."""
    t = tg.Tensor(np.ones(2, np.float32))
    out = squash(t)
    out.sum().backward()
    assert out.dtype == t.grad.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int64, np.float16, bool])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_its_results_are_floats_of_ours_whatever_it_gives(dtype, requires_grad):
    """A count, a mask or a coarse float becomes the default dtype, recorded or not, with metadata or without."""
    @tg.operation(lambda g, x: g, kind=Linear)
    def coarse(x, /):
        return np.asarray(x).astype(dtype)

    @tg.operation(lambda g, x, axis: tg.expand_dims(g, axis), kind=Linear)
    def counted(x, /, axis=0):
        return (np.asarray(x) > 0).sum(axis=axis).astype(dtype)

    @tg.operation(lambda g, x, y: g, lambda g, x, y: g, kind=Linear)
    def joined(x, y, /):
        return np.asarray(x + y).astype(dtype)

    x = tg.Tensor([1.0, 2.0], requires_grad=requires_grad)
    for y in (coarse(x), counted(x), joined(x, x)):
        assert y.dtype == np.float64
        assert y.requires_grad is requires_grad


def test_beyond_the_range_there_is_inf_and_no_warning():
    """On floats, overflow and a pole give what IEEE arithmetic has, in silence."""
    steep = register(lambda_named("steep", lambda x: np.exp(x) / (x - 1.0)), lambda out, x: out - out / (x - 1.0))
    assert steep(1000.0) == math.inf
    assert steep(1.0) == math.inf
    assert steep(tg.Value(1.0)).data == math.inf


def test_a_scalar_function_of_its_own_serves_floats():
    """scalar= is for speed, where math's function is faster than NumPy's."""
    calls = []

    def on_float(x):
        calls.append(x)
        return math.atan(x)

    turn = register(lambda_named("turn", lambda x: np.arctan(x)), lambda out, x: 1.0 / (1.0 + x * x), scalar=on_float)
    assert turn(1.0) == math.atan(1.0)
    assert turn(tg.Value(2.0)).data == math.atan(2.0)
    assert calls == [1.0, 2.0]
    assert_allclose(turn(np.array([1.0])), math.atan(1.0))


@pytest.mark.parametrize(("domain", "expected"), [
    ((), (((-2.0, 2.0),), ((-2.0, 2.0),))),
    ([(0.5, 1.0), (-1, 1)], (((0.5, 1.0),), ((-1, 1),))),
    ([[(-2.0, -1.0), (1.0, 2.0)], (0.0, 1.0)], (((-2.0, -1.0), (1.0, 2.0)), ((0.0, 1.0),))),
])
def test_a_domain_is_an_interval_or_several_for_each_operand(domain, expected):
    """One pair may stand for a list of one; by default it is -2 to 2."""
    assert register(lambda_named("both", lambda x, y: x + y), 1.0, 1, domain=domain).domain == expected


# ---- functions of whole arrays ---------------------------------------------------------------------------------------


def test_a_linear_function_of_arrays():
    """The transpose as the rule; keywords are metadata."""
    @tg.operation(lambda g, x, times: scale_rows(g, times), kind=Linear,
                  cases=[(((2, 3),), {"times": 2.0})])
    def scale_rows(x, /, times):
        """x times a constant."""
        return x * times

    t = tg.Tensor([[1.0, 2.0]])
    scale_rows(t, times=3.0).sum().backward()
    assert t.grad.tolist() == [[3.0, 3.0]]
    assert tg.jvp(lambda x: scale_rows(x, 3.0), (np.ones(2),), (np.ones(2),))[1].tolist() == [3.0, 3.0]


def test_a_function_of_any_number_of_arrays():
    """Of a variadic function one rule serves all operands, the position in front; the domain covers the cases."""
    @tg.operation(lambda position, g, *xs: g, kind=Linear, cases=[(((2,), (2,), (2,)), {})])
    def total(*xs):
        """The sum of arrays of one shape."""
        return sum(xs[1:], xs[0])

    nodes = [tg.Tensor([1.0, 2.0]) for _ in range(4)]
    total(*nodes).sum().backward()
    assert [node.grad.tolist() for node in nodes] == [[1.0, 1.0]] * 4
    assert len(total.domain) == 3


def test_a_product_and_a_fused_function():
    """LinearInEach needs no jvp; Fused is given both modes."""
    @tg.operation(lambda g, x, y: g * y, lambda g, x, y: g * x, kind=LinearInEach, cases=[(((3,), (3,)), {})])
    def paired(x, y, /):
        """x * y, for equal shapes."""
        return x * y

    @tg.operation(lambda g, out, x: 2.0 * g * x, jvp=lambda out, xs, ts: tg.sum(2.0 * xs[0] * ts[0]), kind=Fused,
                  cases=[(((3,),), {})])
    def energy(x, /):
        """The sum of squares."""
        return np.sum(x * x)

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert tg.jvp(paired, (a, b), (a, b))[1].tolist() == [6.0, 16.0]
    assert tg.grad(energy)(a).tolist() == [2.0, 4.0]
    assert tg.jvp(energy, (a,), (b,))[1] == 22.0
    assert_allclose(tg.hessian(energy)(a), 2.0 * np.eye(2))


def test_a_reduction_takes_sequences_of_values():
    """The derivative by one element serves arrays along an axis and lists of Values."""
    @tg.operation(lambda out, x: 2.0 * x, kind=Reduction, cases=[(((2, 3),), {"axis": 0})])
    def squares(x, /, axis=None, keepdims=False):
        """The sum of squares."""
        return np.sum(x * x, axis=axis, keepdims=keepdims)

    v = [tg.Value(1.0), tg.Value(2.0)]
    squares(v).backward()
    assert [node.grad for node in v] == [2.0, 4.0]
    assert tg.grad(lambda t: squares(t, axis=0).sum())(np.eye(2)).tolist() == [[2.0, 0.0], [0.0, 2.0]]


# ---- again, and elsewhere --------------------------------------------------------------------------------------------


def test_registered_again_it_takes_the_place_of_the_one_before():
    """A notebook cell that is run twice, with a correction; what was recorded keeps the row it was recorded with."""
    old = register(lambda_named("grow", lambda x: 2.0 * x), 2.0)
    v, t = tg.Value(1.0), tg.Tensor([1.0])
    recorded = [old(v), old(t)]
    new = register(lambda_named("grow", lambda x: 3.0 * x), 3.0)
    assert tg.TABLE["grow"] is new
    for out in recorded:
        out.backward()
    assert (v.grad, t.grad.tolist()) == (2.0, [2.0])
    assert tg.grad(new)(1.0) == 3.0
    assert tg.grad(old)(1.0) == 2.0
    assert [name for name in tg.TABLE if name == "grow"] == ["grow"]


def test_a_failed_registration_leaves_the_one_before(squash):
    """An error on the way changes nothing."""
    with pytest.raises(TypeError):
        register(lambda_named("squash", lambda x, y: x), 1.0)
    assert tg.TABLE["squash"] is squash


def test_graphs_are_copied_and_leaves_pickled(squash):
    """deepcopy copies a graph through the operation, pickle saves leaves and the operation by name."""
    x = tg.Tensor([0.5], label="x")
    y = squash(x)
    twin = copy.deepcopy(y)
    twin.backward()
    assert twin.op is squash
    assert x.grad is None
    assert_allclose(twin.inputs[0].grad, squash_by(0.5))
    assert pickle.loads(pickle.dumps(x)).data.tolist() == [0.5]
    assert pickle.loads(pickle.dumps(squash)) is copy.deepcopy(squash) is squash


def test_it_works_as_the_activation_of_a_module(squash):
    """Like tanh, it stands between layers, and the gradient reaches the weights."""
    layer = tg.nn.Linear(2, 3, rng=0)
    squash(layer(np.ones((4, 2)))).sum().backward()
    assert all(p.grad is not None and np.all(p.grad != 0.0) for p in layer.parameters())


def test_it_has_the_parameters_of_its_function():
    """So help shows them, and gradcheck names the operand whose rule is wrong."""
    @tg.operation(lambda out, width, height: height, lambda out, width, height: height)
    def area(width, height):
        return width * height

    assert str(inspect.signature(area)) == "(width, height)"
    with pytest.raises(tg.testing.GradientError, match="by height is wrong"):
        tg.testing.gradcheck(area, 2.0, 3.0)


# ---- mistakes --------------------------------------------------------------------------------------------------------

WRONG = {
    "too few rules": (lambda x, y: x * y, (1.0,), {}, r"operands of wrong are \(x, y\), the rules number 1;"),
    "too many rules": (lambda x: x, (1.0, 1.0), {}, r"operands of wrong are \(x\), the rules number 2;"),
    "a rule that is none": (lambda x: x, ("1",), {}, "rule of wrong for x is '1', neither a function"),
    "a number for a transpose": (lambda x, /: x, (1.0,), {"kind": Linear}, "is 1.0, and no function; of a Linear row"),
    "a rule of too few arguments": (lambda x: x, (lambda x: x,), {}, r"for x must take \(out, x\)"),
    "metadata": (lambda x, axis=0: x, (1.0,), {}, r"axis=0 is no operand; .*kind="),
    "no operands": (lambda x: x, (lambda g, x: g,), {"kind": Linear}, r"before a slash"),
    "no jvp": (lambda x, /: x, (lambda g, out, x: g,), {"kind": Fused}, "needs jvp="),
    "a jvp that is not asked for": (lambda x: x, (1.0,), {"jvp": lambda *a: 0.0}, "wrong is Elementwise.* no jvp="),
    "a scalar for arrays": (lambda x, /: x, (lambda g, x: g,), {"kind": Linear, "scalar": abs}, "no scalar="),
    "a kind that is none": (lambda x: x, (1.0,), {"kind": "Linear"}, "kind='Linear' is no kind"),
    "an option that is none": (lambda x: x, (1.0,), {"simbol": "~"}, "simbol"),
}


def test_a_cotangent_of_another_shape_is_refused_and_not_reshaped():
    """A transpose forgotten: of (3, 2) there are as many numbers as of (2, 3), at other places."""
    turned = register(lambda_named("turned", lambda x, /: x.T), lambda g, x: g, kind=Linear)
    with pytest.raises(ShapeError, match=r"cotangent of shape \(3, 2\) does not fit an operand of shape \(2, 3\)"):
        turned(tg.Tensor(np.ones((2, 3)))).sum().backward()


@pytest.mark.parametrize("shape", [(4, 1, 3), (4, 2, 1), (1, 3), (2, 1), (), (4, 1, 1), (5, 4, 2, 3)])
def test_a_cotangent_is_summed_and_stretched_to_the_operand(shape):
    """Along some axes a rule's cotangent may be larger and along others smaller, in one."""
    x = tg.Tensor(np.zeros((2, 3)))
    u = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    expected = np.broadcast_to(u, np.broadcast_shapes(shape, (2, 3))).reshape(-1, 2, 3).sum(axis=0)
    given = register(lambda_named("given", lambda x, /: np.zeros(shape)), lambda g, x: g, kind=Linear)
    given(x).backward(u)
    assert_allclose(x.grad, expected)


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_when_it_is_made(name):
    """At the decorator, with the operation and what to do; nothing is registered."""
    function, rules, options, message = WRONG[name]
    with pytest.raises(TypeError, match=message):
        register(lambda_named("wrong", function), *rules, **options)
    assert "wrong" not in tg.TABLE


@pytest.mark.parametrize("use", [lambda f: f(0.5), lambda f: tg.testing.gradcheck(f, 0.5)])
def test_a_decorator_without_its_rules_is_named_when_it_is_used(use):
    """It took the function for a rule."""
    @tg.operation
    def bare(x):
        return x

    with pytest.raises(TypeError, match=r"(float|Value) is no function; .*@operation\(lambda out, x"):
        use(bare)


@pytest.mark.parametrize("domain", [
    [(1.0, -1.0)], [(0.0, 1.0), (0.0, 1.0)], [(0.0, 1.0, 2.0)], (0.0, 1.0), [(-math.inf, 1.0)], [(math.nan, 1.0)],
    ["ab"]])
def test_a_domain_that_is_none_is_refused(domain):
    """As many as operands, each of low and high."""
    with pytest.raises(ValueError, match=r"domain of wrong .* each operand, of which there are 1: \[\(low, high\)\]"):
        register(lambda_named("wrong", lambda x: x), 1.0, domain=domain)


@pytest.mark.parametrize("name", ["sigmoid", "matmul", "_norm"])
def test_a_built_in_name_is_refused_with_another_proposed(name):
    """Rules of other rows call the built-in ones: to replace one would change the library."""
    row = tg.TABLE[name.lstrip("_")]
    with pytest.raises(ValueError, match=f"built-in.* my_{row.name}"):
        register(lambda_named(name, lambda x: x), 1.0)
    assert tg.TABLE[row.name] is row


@pytest.mark.parametrize("name", ["adders", "colour", "listed", "name"])
def test_a_description_that_is_none_is_refused(name):
    """Adders too: the total that they write into must be nobody else's, which a rule of users need not heed."""
    with pytest.raises(TypeError, match=f"wrong is described by symbol, latex, analytic and cases, not by {name}"):
        register(lambda_named("wrong", lambda x: x), 1.0, **{name: {}})


def test_a_lambda_is_asked_for_a_name():
    """Messages and drawings would show <lambda>."""
    for nameless in (lambda x: x, functools.partial(np.power, 2.0)):
        with pytest.raises(ValueError, match=r"def name\(x\)"):
            register(nameless, 1.0)


