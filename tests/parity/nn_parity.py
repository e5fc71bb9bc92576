"""Compare layers, losses, optimisers, schedulers and initial weights with PyTorch's, for many drawn settings.

    pip install '.[parity]' && python tests/parity/nn_parity.py --count 200 --seed 0

Compared are outputs, gradients by inputs and parameters, buffers, parameters after steps, and learning rates, in
float64 within 1e-10; weights move across by state dict. Each kind is drawn `count` times; what differs is printed
with its settings, and counted in the table at the end.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from report import options

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

TOLERANCE = 1e-10
Pair = tuple[str, Any, Any]
"""What is compared, in words: our number or array, and PyTorch's."""
Rng = np.random.Generator


def chosen(rng: Rng, *options: Any) -> Any:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


# ---- layers --------------------------------------------------------------------------------------------------------


def batch_norm(rng: Rng) -> tuple[Any, Any, tuple[int, ...]]:
    """A layer of either library, and the shape of its input."""
    channels = int(rng.integers(1, 5))
    kind, rest = chosen(rng, ("BatchNorm1d", ()), ("BatchNorm1d", (3,)), ("BatchNorm2d", (3, 2)))
    settings = {"eps": chosen(rng, 1e-5, 0.1), "momentum": chosen(rng, 0.1, 0.7, None),
                "affine": chosen(rng, True, False)}
    return getattr(nn, kind)(channels, **settings), getattr(torch.nn, kind)(channels, **settings), (4, channels, *rest)


def layer_norm(rng: Rng) -> tuple[Any, Any, tuple[int, ...]]:
    """A layer of either library, and the shape of its input."""
    shape = tuple(int(n) for n in rng.integers(2, 5, int(rng.integers(1, 3))))
    settings = {"eps": chosen(rng, 1e-5, 0.1), "elementwise_affine": chosen(rng, True, False),
                "bias": chosen(rng, True, False)}
    leading = chosen(rng, (), (3,), (2, 3))
    return nn.LayerNorm(shape, **settings), torch.nn.LayerNorm(shape, **settings), (*leading, *shape)


def linear(rng: Rng) -> tuple[Any, Any, tuple[int, ...]]:
    """A layer of either library, and the shape of its input."""
    n, m = (int(k) for k in rng.integers(1, 6, 2))
    bias = chosen(rng, True, False)
    return nn.Linear(n, m, bias), torch.nn.Linear(n, m, bias), (*chosen(rng, (), (3,), (2, 3)), n)


def activation(rng: Rng) -> tuple[Any, Any, tuple[int, ...]]:
    """An activation of either library."""
    slope = float(rng.uniform(0.01, 2.0))
    name, settings = chosen(rng, ("ReLU", {}), ("Tanh", {}), ("Sigmoid", {}), ("LeakyReLU", {"negative_slope": slope}),
                            ("ELU", {"alpha": slope}), ("GELU", {"approximate": "tanh"}), ("SiLU", {}),
                            ("Softplus", {"beta": slope}), ("Softmax", {"dim": chosen(rng, 0, 1, -1)}),
                            ("LogSoftmax", {"dim": chosen(rng, 0, 1, -1)}))
    return getattr(nn, name)(**settings), getattr(torch.nn, name)(**settings), (3, 4, 2)


def layer_pairs(make: Callable[[Rng], Any]) -> Callable[[Rng], Iterator[Pair]]:
    """Three calls in training and one in evaluation, on one drawn layer: outputs, gradients and state."""
    def pairs(rng: Rng) -> Iterator[Pair]:
        ours, theirs, shape = make(rng)
        theirs = theirs.double()
        for p in theirs.parameters():
            p.data = torch.tensor(rng.standard_normal(p.shape))
        ours.load_state_dict({name: entry.numpy() for name, entry in theirs.state_dict().items()})
        for training in (True, True, True, False):
            ours.train(training)
            theirs.train(training)
            data = rng.standard_normal(shape) * 2.0
            x, x_theirs = tg.Tensor(data), torch.tensor(data, requires_grad=True)
            y, y_theirs = ours(x), theirs(x_theirs)
            g = rng.standard_normal(y.shape)
            ours.zero_grad()
            theirs.zero_grad()
            y.backward(g)
            y_theirs.backward(torch.tensor(g))
            yield f"{ours} on {shape}: output", y.data, y_theirs.detach()
            yield f"{ours} on {shape}: gradient by the input", x.grad, x_theirs.grad
            for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
                yield f"{ours} on {shape}: gradient by {name}", p.grad, q.grad
        for name, entry in theirs.state_dict().items():
            yield f"{ours}: {name}", ours.state_dict()[name], entry
    return pairs


def embedding_pairs(rng: Rng) -> Iterator[Pair]:
    """Rows, and the gradient of the table."""
    ours, theirs = nn.Embedding(6, 3), torch.nn.Embedding(6, 3, dtype=torch.float64)
    ours.load_state_dict({"weight": theirs.weight.detach().numpy()})
    indices = rng.integers(0, 6, (4, 5))
    y, y_theirs = ours(indices), theirs(torch.tensor(indices))
    g = rng.standard_normal(y.shape)
    y.backward(g)
    y_theirs.backward(torch.tensor(g))
    yield "Embedding: output", y.data, y_theirs.detach()
    yield "Embedding: gradient", ours.weight.grad, theirs.weight.grad


# ---- losses --------------------------------------------------------------------------------------------------------


def loss_pairs(rng: Rng) -> Iterator[Pair]:
    """A loss of numbers or of two classes, without or with a mask, and its gradient."""
    p, t = rng.standard_normal((2, 4, 3)) * 3.0
    probabilities, labels = 1.0 / (1.0 + np.exp(-p)), chosen(rng, rng.random((4, 3)), rng.integers(0, 2, (4, 3)) * 1.0)
    f = torch.nn.functional
    settings = {"reduction": chosen(rng, "mean", "sum", "none")}
    ours, theirs, prediction, target = chosen(
        rng, (nn.mse_loss, f.mse_loss, p, t), (nn.l1_loss, f.l1_loss, p, t), (nn.huber_loss, f.huber_loss, p, t),
        (nn.binary_cross_entropy, f.binary_cross_entropy, probabilities, labels),
        (nn.binary_cross_entropy_with_logits, f.binary_cross_entropy_with_logits, p * 10.0, labels))
    if ours is nn.huber_loss:
        settings["delta"] = float(rng.uniform(0.1, 4.0))
    x, y = tg.Tensor(prediction), torch.tensor(prediction, requires_grad=True)
    mask = chosen(rng, None, rng.random((4, 3)) < 0.7, rng.random(4) < 0.7)
    if mask is None or not mask.any():
        found, expected = ours(x, target, **settings), theirs(y, torch.tensor(target), **settings)
    else:
        found = ours(x, target, mask=mask, **settings)
        found = found[mask] if settings["reduction"] == "none" else found
        expected = theirs(y[torch.tensor(mask)], torch.tensor(target)[torch.tensor(mask)], **settings)
    yield from scalar_pairs(f"{ours.__name__} {settings}", found, expected, x, y)


def class_loss_pairs(rng: Rng) -> Iterator[Pair]:
    """cross_entropy or nll_loss, on classes, probabilities or masked classes, and its gradient by the scores."""
    scores, classes = rng.standard_normal((5, 4)) * 4.0, rng.integers(0, 4, 5)
    kind = chosen(rng, "cross_entropy", "nll_loss")
    target = chosen(rng, classes, rng.dirichlet(np.ones(4), 5)) if kind == "cross_entropy" else classes
    mask, reduction = chosen(rng, None, rng.random(5) < 0.7), chosen(rng, "mean", "sum", "none")
    x, y = tg.Tensor(scores), torch.tensor(scores, requires_grad=True)
    ours, theirs = getattr(nn, kind), getattr(torch.nn.functional, kind)
    mine, other = (x, y) if kind == "cross_entropy" else (tg.log_softmax(x), torch.log_softmax(y, -1))
    ignored = mask is not None and mask.any() and target.ndim == 1
    found = ours(mine, target, reduction, mask if ignored else None)
    wanted = torch.tensor(np.where(mask, target, -100) if ignored else target)
    yield from scalar_pairs(f"{kind} {reduction}", found, theirs(other, wanted, reduction=reduction), x, y)


def scalar_pairs(name: str, found: Any, expected: Any, x: Any, y: Any) -> Iterator[Pair]:
    """A loss, and its gradient."""
    found.sum().backward()
    expected.sum().backward()
    yield name, found.data, expected.detach()
    yield f"{name}: gradient", x.grad, y.grad


# ---- optimisers and learning rates -----------------------------------------------------------------------------------


def drawn_optimizer(rng: Rng) -> tuple[str, dict[str, Any]]:
    """A name that both libraries have, and settings."""
    decay, momentum = chosen(rng, 0.0, float(rng.uniform(0.0, 0.5))), chosen(rng, 0.0, float(rng.uniform(0.1, 0.95)))
    betas, eps = (float(rng.uniform(0.0, 0.99)), float(rng.uniform(0.5, 0.999))), chosen(rng, 1e-8, 1e-3)
    name, settings = chosen(
        rng, ("SGD", {"momentum": momentum, "nesterov": momentum > 0.0 and chosen(rng, True, False)}),
        ("Adagrad", {"lr_decay": float(rng.uniform(0.0, 0.2)), "eps": eps,
                     "initial_accumulator_value": chosen(rng, 0.0, 0.3)}),
        ("RMSprop", {"alpha": float(rng.uniform(0.5, 0.999)), "eps": eps, "momentum": momentum,
                     "centered": chosen(rng, True, False)}),
        ("Adam", {"betas": betas, "eps": eps}), ("AdamW", {"betas": betas, "eps": eps}))
    return name, {"lr": float(rng.uniform(1e-3, 0.1)), "weight_decay": decay, **settings}


def optimizer_pairs(rng: Rng) -> Iterator[Pair]:
    """50 steps of two groups, Tensors and Values, clipped, some without a gradient; a saved state in between."""
    name, settings = drawn_optimizer(rng)
    start = [rng.standard_normal((2, 3)), rng.standard_normal(3), rng.standard_normal(), rng.standard_normal()]
    ours = [tg.Tensor(x) if np.ndim(x) else tg.Value(x) for x in start]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in start]
    groups = [{"params": [0, 2]}, {"params": [1, 3], "lr": 0.02}]

    def made(module: Any, params: Sequence[Any]) -> Any:
        return getattr(module, name)([{**g, "params": [params[i] for i in g["params"]]} for g in groups], **settings)

    one, other, limit = made(optim, ours), made(torch.optim, theirs), chosen(rng, None, 1.5)
    for step in range(50):
        for p, q in zip(ours, theirs, strict=True):
            g = rng.standard_normal(np.shape(p.data)) if rng.random() < 0.9 else None
            p.grad = g if g is None or np.ndim(g) else float(g)
            q.grad = None if g is None else torch.tensor(g, dtype=torch.float64)
        if limit is not None and any(p.grad is not None for p in ours):
            yield (f"clip_grad_norm {limit}", optim.clip_grad_norm(ours, limit),
                   torch.nn.utils.clip_grad_norm_(theirs, limit))
        one.step()
        other.step()
        if step == 25:
            state = one.state_dict()
            one = made(optim, ours)
            one.load_state_dict(state)
    for p, q in zip(ours, theirs, strict=True):
        yield f"{name} {settings}", p.data, q.detach()


def drawn_scheduler(rng: Rng) -> tuple[str, str, dict[str, Any]]:
    """Our name, PyTorch's, and settings."""
    n, gamma, small = int(rng.integers(1, 30)), float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.0, 0.05))
    ours, theirs, settings = chosen(
        rng, ("StepLR", "", {"step_size": n, "gamma": gamma}), ("ExponentialLR", "", {"gamma": gamma}),
        ("CosineAnnealingLR", "", {"T_max": n, "eta_min": small}),
        ("LinearWarmup", "LinearLR", {"total_iters": n, "start_factor": gamma}),
        ("OneCycleLR", "", {"max_lr": 0.5, "total_steps": 60 + n, "pct_start": float(rng.uniform(0.05, 0.95)),
                            "anneal_strategy": chosen(rng, "cos", "linear"), "div_factor": 1.0 + n}),
        ("ReduceLROnPlateau", "", {"mode": chosen(rng, "min", "max"), "factor": gamma * 0.99, "patience": n // 5,
                                   "threshold": small, "threshold_mode": chosen(rng, "rel", "abs"),
                                   "cooldown": n // 8, "min_lr": small / 10.0}))
    return ours, theirs or ours, settings


def scheduler_pairs(rng: Rng) -> Iterator[Pair]:
    """The learning rates of two groups over 60 steps."""
    name, other, settings = drawn_scheduler(rng)
    base = [float(rng.uniform(0.1, 1.0)) for _ in range(2)]
    one = optim.SGD([{"params": [tg.Value(0.0)], "lr": lr} for lr in base], lr=0.0)
    two = torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in base], lr=0.0)
    ours = getattr(optim, name)(one, **settings)
    extra = {"cycle_momentum": False} if name == "OneCycleLR" else {}
    theirs = getattr(torch.optim.lr_scheduler, other)(two, **settings, **extra)
    found, expected = [], []
    for t in range(60):
        found.append([group["lr"] for group in one.param_groups])
        expected.append([group["lr"] for group in two.param_groups])
        two.step()
        metric = [float(np.exp(-0.1 * t) + 0.3 * rng.random())] if name == "ReduceLROnPlateau" else []
        ours.step(*metric)
        theirs.step(*metric)
    yield f"{name} {settings}", found, expected


# ---- initial weights -------------------------------------------------------------------------------------------------


def init_pairs(rng: Rng) -> Iterator[Pair]:
    """Numbers of inputs and outputs, gains, and the deviation of what is drawn."""
    shape = tuple(int(n) for n in rng.integers(1, 7, int(rng.integers(2, 5))))
    theirs = torch.nn.init
    yield f"fans {shape}", nn.init.fans(shape), theirs._calculate_fan_in_and_fan_out(torch.zeros(shape))
    for name in ("relu", "leaky_relu", "tanh", "sigmoid", "linear"):
        yield f"gain {name}", nn.init.gain(name), theirs.calculate_gain(name)
    slope = float(rng.uniform(0.0, 1.0))
    draw, fan = np.random.default_rng(0).standard_normal(shape), nn.init.fans(shape)
    yield (f"kaiming {slope}", nn.init.kaiming_normal(shape, slope, "fan_out", 0),
           draw * theirs.calculate_gain("leaky_relu", slope) / fan[1] ** 0.5)


# ---- comparing -----------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Rng], Iterator[Pair]]] = {
    "batch norm": layer_pairs(batch_norm), "layer norm": layer_pairs(layer_norm), "linear": layer_pairs(linear),
    "activations": layer_pairs(activation), "embedding": embedding_pairs, "losses of numbers": loss_pairs,
    "losses of classes": class_loss_pairs, "optimisers": optimizer_pairs, "schedulers": scheduler_pairs,
    "initial weights": init_pairs}


def differs(found: Any, expected: Any) -> bool:
    """Whether any number is not within the tolerance."""
    one, other = np.asarray(found, float), np.asarray(expected, float)
    return one.shape != other.shape or not np.all(np.abs(one - other) <= TOLERANCE * (1.0 + np.abs(other)))


def main() -> int:
    """Compare; 0 if nothing differs."""
    chosen = options(__doc__, 200, "of each kind")
    warnings.filterwarnings("ignore", category=UserWarning, module="torch")
    rng, wrong = np.random.default_rng(chosen.seed), Counter[str]()
    torch.manual_seed(chosen.seed)
    print(f"{'compared with PyTorch ' + torch.__version__:<40}{'settings':>10}{'numbers':>10}{'differ':>10}")
    for kind, pairs in KINDS.items():
        numbers = 0
        for _ in range(chosen.count):
            for name, found, expected in pairs(rng):
                numbers += np.asarray(expected).size
                if differs(found, expected):
                    wrong[kind] += 1
                    print(f"--- {name}: {np.asarray(found)} and {np.asarray(expected)}")
        print(f"{kind:<40}{chosen.count:>10}{numbers:>10}{wrong[kind]:>10}")
    return 1 if wrong or chosen.count < 1 else 0


if __name__ == "__main__":
    sys.exit(main())
