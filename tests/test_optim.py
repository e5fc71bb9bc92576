"""Optimisers against the published formulas, as PyTorch has them, written out for one parameter at a time."""

import copy

import numpy as np
import pytest

from tinygrad_edu import Tensor, Value, optim
from tinygrad_edu.errors import StaleGraphError

# ---- references ----------------------------------------------------------------------------------------------------


def sgd(lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    """One parameter's rule: (x, g, memory) -> x."""

    def rule(x, g, memory):
        g = g + weight_decay * x
        if momentum:
            memory["b"] = momentum * memory["b"] + g if "b" in memory else g
            g = g + momentum * memory["b"] if nesterov else memory["b"]
        return x - lr * g

    return rule


def adagrad(lr=0.01, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    """One parameter's rule, with its own count of steps."""

    def rule(x, g, memory):
        t = memory["t"] = memory.get("t", 0) + 1
        g = g + weight_decay * x
        s = memory["s"] = memory.get("s", initial_accumulator_value) + g * g
        return x - lr / (1.0 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps)

    return rule


def rmsprop(lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    """One parameter's rule."""

    def rule(x, g, memory):
        g = g + weight_decay * x
        v = memory["v"] = alpha * memory.get("v", 0.0) + (1.0 - alpha) * g * g
        m = memory["m"] = alpha * memory.get("m", 0.0) + (1.0 - alpha) * g
        d = g / (np.sqrt(v - m * m if centered else v) + eps)
        b = memory["b"] = momentum * memory.get("b", 0.0) + d
        return x - lr * b

    return rule


def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """One parameter's rule, with its own count of steps."""

    def rule(x, g, memory):
        g = g + weight_decay * x
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = betas[0] * memory.get("m", 0.0) + (1.0 - betas[0]) * g
        v = memory["v"] = betas[1] * memory.get("v", 0.0) + (1.0 - betas[1]) * g * g
        return x - lr * (m / (1.0 - betas[0] ** t)) / (np.sqrt(v / (1.0 - betas[1] ** t)) + eps)

    return rule


def adamw(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """One parameter's rule: Adam's, after a share of the parameter was taken away."""
    follow = adam(lr, betas, eps)
    return lambda x, g, memory: follow(x, g, memory) - lr * weight_decay * x


RULES = {
    "sgd": (optim.SGD, sgd, {"lr": 0.1}),
    "momentum": (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    "nesterov": (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    "decay": (optim.SGD, sgd, {"lr": 0.1, "weight_decay": 0.3}),
    "all of sgd": (optim.SGD, sgd, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adam": (optim.Adam, adam, {}),
    "adam tuned": (optim.Adam, adam, {"lr": 0.05, "betas": (0.5, 0.8), "eps": 0.1}),
    "adam without memory": (optim.Adam, adam, {"lr": 0.05, "betas": (0.0, 0.0)}),
    "adam with decay": (optim.Adam, adam, {"lr": 0.05, "weight_decay": 0.3}),
    "adamw": (optim.AdamW, adamw, {}),
    "adamw tuned": (optim.AdamW, adamw, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 0.01, "weight_decay": 0.3}),
    "adagrad": (optim.Adagrad, adagrad, {"lr": 0.01}),
    "adagrad tuned": (optim.Adagrad, adagrad, {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.3,
                                               "initial_accumulator_value": 0.5, "eps": 0.01}),
    "rmsprop": (optim.RMSprop, rmsprop, {"lr": 0.01}),
    "rmsprop tuned": (optim.RMSprop, rmsprop, {"lr": 0.05, "alpha": 0.9, "eps": 0.01, "weight_decay": 0.3,
                                               "momentum": 0.8}),
    "rmsprop centered": (optim.RMSprop, rmsprop, {"lr": 0.05, "alpha": 0.9, "eps": 0.1, "momentum": 0.5,
                                                  "centered": True}),
}
every_rule = pytest.mark.parametrize("name", RULES)


def parameters(dtype=np.float64):
    """Values and Tensors of several shapes, a 0-d one and an empty one among them."""
    rng = np.random.default_rng(0)
    return [Value(0.5), Tensor(rng.standard_normal((2, 3)), dtype=dtype), Value(-1.5),
            Tensor(2.0, dtype=dtype), Tensor(rng.standard_normal(4), dtype=dtype),
            Tensor(np.zeros((0, 2)), dtype=dtype), Tensor([1.0], dtype=np.float32)]


def gradients(params, rng):
    """One gradient for each parameter, now and then of Fortran order."""
    return [rng.standard_normal(np.shape(p.data)[::-1]).T if isinstance(p, Tensor) else float(rng.standard_normal())
            for p in params]


# ---- steps ---------------------------------------------------------------------------------------------------------


@every_rule
def test_a_hundred_steps_follow_the_formula(name):
    """Values and Tensors of mixed shapes and dtypes in one optimiser, each as if alone."""
    cls, reference, settings = RULES[name]
    params, rng = parameters(), np.random.default_rng(1)
    optimizer, rule = cls(params, **settings), reference(**{"lr": 1e-3, **settings})
    expected, memories = [np.array(p.data, np.float64) for p in params], [{} for _ in params]
    for _ in range(100):
        grads = gradients(params, rng)
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        optimizer.step()
        expected = [rule(x, np.asarray(p.grad, np.float64), memory)
                    for x, p, memory in zip(expected, params, memories, strict=True)]
    for p, x in zip(params, expected, strict=True):
        tolerance = 1e-4 if isinstance(p, Tensor) and p.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(p.data, x, rtol=tolerance, atol=tolerance)


@every_rule
def test_data_keep_their_kind_shape_and_dtype(name):
    """Floats stay floats, float32 stays float32 and an array an array, 0-d ones too; lr may be a NumPy number."""
    cls, _, settings = RULES[name]
    params = parameters(np.float32)
    kinds = [(type(p.data), getattr(p.data, "dtype", None), np.shape(p.data)) for p in params]
    optimizer = cls(params, **{**settings, "lr": np.float64(0.1)})
    for _ in range(2):
        for p, g in zip(params, gradients(params, np.random.default_rng(2)), strict=True):
            p.grad = g
        optimizer.step()
        assert [(type(p.data), getattr(p.data, "dtype", None), np.shape(p.data)) for p in params] == kinds


@every_rule
def test_a_parameter_without_a_gradient_stays_and_so_does_its_memory(name):
    """Steps in which only some have a gradient count for those alone, whatever the pattern."""
    cls, reference, settings = RULES[name]
    params, rng = parameters(), np.random.default_rng(3)
    optimizer, rule = cls(params, **settings), reference(**{"lr": 1e-3, **settings})
    expected, memories = [np.array(p.data, np.float64) for p in params], [{} for _ in params]
    for _ in range(15):
        present = rng.random(len(params)) < 0.6
        for i, (p, g) in enumerate(zip(params, gradients(params, rng), strict=True)):
            p.grad = g if present[i] else None
            if present[i]:
                expected[i] = rule(expected[i], np.asarray(p.grad, np.float64), memories[i])
        optimizer.step()
    for p, x in zip(params, expected, strict=True):
        tolerance = 1e-5 if isinstance(p, Tensor) and p.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(p.data, x, rtol=tolerance, atol=tolerance)


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate():
    """Against the sign of the gradient, however large or small that is."""
    params = [Value(1.0), Value(1.0), Tensor([1.0, 1.0])]
    for p, g in zip(params, (1e6, -1e-3, [5.0, -5.0]), strict=True):
        p.grad = g
    optim.Adam(params, lr=0.25, eps=0.0).step()
    np.testing.assert_allclose([*(p.data for p in params[:2]), *params[2].data], [0.75, 1.25, 0.75, 1.25])


def test_the_learning_rate_may_change_between_steps():
    """step() reads .lr anew."""
    x = Value(1.0)
    optimizer = optim.SGD([x], lr=0.5)
    for lr, after in ((0.5, 0.5), (0.25, 0.25), (0.0, 0.25)):
        optimizer.lr, x.grad = lr, 1.0
        optimizer.step()
        assert x.data == after


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.02, momentum=0.9), lambda p: optim.Adam(p, lr=0.1)])
def test_both_families_reach_the_minimum_of_a_bowl(make):
    """(x - 3)^2 + 10 (y + 1)^2 over Values, and over a Tensor, ends at (3, -1)."""
    x, y, z = Value(0.0), Value(0.0), Tensor([0.0, 0.0])
    optimizer = make([x, y, z])
    for _ in range(400):
        optimizer.zero_grad()
        ((x - 3.0) ** 2 + 10.0 * (y + 1.0) ** 2).backward()
        ((z - np.array([3.0, -1.0])) ** 2 * np.array([1.0, 10.0])).sum().backward()
        optimizer.step()
    np.testing.assert_allclose([x.data, y.data, *z.data], [3.0, -1.0, 3.0, -1.0], atol=1e-3)


# ---- what a step leaves alone --------------------------------------------------------------------------------------


@every_rule
def test_a_step_writes_into_no_old_data_and_no_gradient(name):
    """The arrays that were there before hold what they held; the new data is the parameter's own."""
    cls, _, settings = RULES[name]
    p, q = Tensor([1.0, 2.0]), Tensor([[3.0]])
    optimizer = cls([p, q], **{"lr": 0.1, **settings})
    for _ in range(3):
        p.grad, q.grad = [0.5, -0.5], [[1.0]]
        old = [(a, a.copy()) for a in (p.data, q.data, p.grad, q.grad)]
        optimizer.step()
        for array, before in old:
            np.testing.assert_array_equal(array, before)
        assert not np.shares_memory(p.data, old[0][0])
        assert not np.shares_memory(p.data, q.data)
        kept = p.data
        q.data[...] = 7.0
        optimizer.zero_grad()
        optimizer.step()
        assert p.data is kept


def test_a_step_makes_graphs_over_the_old_weights_stale():
    """backward() after step() raises, where PyTorch's in-place update would need a version counter."""
    w = Tensor([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(StaleGraphError):
        loss.backward()


def test_zero_grad_forgets_all_gradients():
    """None, and so the next step changes nothing."""
    x, y = Value(1.0), Tensor([1.0])
    optimizer = optim.SGD([x, y], lr=1.0)
    x.grad, y.grad = 1.0, [1.0]
    optimizer.zero_grad()
    assert x.grad is None
    assert y.grad is None
    optimizer.step()
    assert (x.data, y.data.tolist()) == (1.0, [1.0])


@pytest.mark.parametrize("x", [Value(2.0), Tensor([2.0])], ids=["Value", "Tensor"])
def test_gradients_that_are_graphs_are_used_by_their_data(x):
    """After backward(create_graph=True) the step is the same, and records nothing."""
    (x**3.0).backward(create_graph=True)
    assert isinstance(x.grad, type(x))
    optim.SGD([x], lr=0.5).step()
    np.testing.assert_allclose(x.data, np.full(np.shape(x.data), -4.0))
    assert not isinstance(x.data, type(x))
    x.zero_grad()


def test_a_copied_optimiser_goes_on_as_the_original_does():
    """deepcopy of optimiser and parameters together keeps them together, memory included."""
    params, rng = parameters(), np.random.default_rng(4)
    optimizer = optim.Adam(params, lr=0.1)
    twin = None
    for step in range(6):
        for i, g in enumerate(gradients(params, rng)):
            for owner in filter(None, (optimizer, twin)):
                owner.params[i].grad = g
        optimizer.step()
        if twin is not None:
            twin.step()
        if step == 2:
            twin = copy.deepcopy(optimizer)
    for p, q in zip(params, twin.params, strict=True):
        assert p is not q
        np.testing.assert_array_equal(p.data, q.data)


def test_a_subclass_needs_only_its_formula():
    """`_change` fills and returns a vector; without it, step() says what is missing."""

    class Signs(optim.Optimizer):
        def _change(self, bundle):
            return np.multiply(np.sign(bundle.gradient), self.lr, out=bundle.scratch)

    x, y = Value(1.0), Tensor([1.0, 2.0])
    x.grad, y.grad = -3.0, [5.0, 0.0]
    Signs([x, y], lr=0.5).step()
    assert (x.data, y.data.tolist()) == (1.5, [0.5, 2.0])
    with pytest.raises(NotImplementedError, match="Optimizer does not define _change"):
        optim.Optimizer([x], lr=0.5).step()


def test_centered_rmsprop_survives_equal_gradients():
    """Their variance is 0, or a rounding error below it, which has no root."""
    x = Value(1.0)
    optimizer = optim.RMSprop([x], lr=1e-3, alpha=0.5, centered=True)
    for _ in range(200):
        x.grad = 0.1
        optimizer.step()
        assert np.isfinite(x.data)
