"""Run micrograd's own tests and demo on this package and compare, number by number.

    pip install '.[parity]' && python tests/parity/micrograd_parity.py

Needs micrograd and PyTorch, and so is no part of the ordinary suite. micrograd's test file is not shipped
with its package; the two functions below are its two tests (karpathy/micrograd, test/test_engine.py, MIT
license), run with each `Value` in turn and held against PyTorch.
"""

from __future__ import annotations

import random
import sys

import micrograd.engine
import micrograd.nn
import numpy as np
import torch

import tinygrad_edu
import tinygrad_edu.nn

TOLERANCE = 1e-9


def sanity_check(value):
    """The first test: one variable, relu, sharing."""
    x = value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    return y.data, x.grad


def sanity_check_torch():
    """The same in PyTorch."""
    x = torch.tensor([-4.0], dtype=torch.float64, requires_grad=True)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    return y.item(), x.grad.item()


def more_ops(value):
    """The second test: every operator, in place and reflected."""
    a = value(-4.0)
    b = value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return g.data, a.grad, b.grad


def more_ops_torch():
    """The same in PyTorch."""
    a = torch.tensor([-4.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    return g.item(), a.grad.item(), b.grad.item()


def demo(value, mlp, weights, x, y, steps=20):
    """demo.ipynb of micrograd, its lines as they are: hinge loss, L2, and steps of a falling rate."""
    model = mlp(2, [16, 16, 1])
    for p, w in zip(model.parameters(), weights, strict=True):
        p.data = w

    def loss():
        inputs = [list(map(value, xrow)) for xrow in x]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum((p * p for p in model.parameters()))
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return total_loss, sum(accuracy) / len(accuracy)

    seen = []
    for k in range(steps):
        total_loss, acc = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        seen += [total_loss.data, acc, *(p.grad for p in model.parameters()), *(p.data for p in model.parameters())]
    return seen


def compare(name, ours, theirs):
    """Print the largest difference, relative to 1 + |number|, and whether it is small enough."""
    ours, theirs = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    worst = float(np.max(np.abs(ours - theirs) / (1.0 + np.abs(theirs))))
    print(f"{name:42} {ours.size:6} numbers, largest difference {worst:.1e}")
    return worst <= TOLERANCE


def main() -> int:
    """Compare everything; 0 if all agree."""
    value = tinygrad_edu.Value
    sys.setrecursionlimit(10 ** 6)
    random.seed(1337)
    weights = [p.data for p in micrograd.nn.MLP(2, [16, 16, 1]).parameters()]
    x, y = tinygrad_edu.data.make_moons(100, noise=0.1, rng=1337)
    x, y = x.tolist(), (2 * y - 1).tolist()
    agree = [
        compare("test_sanity_check against PyTorch", sanity_check(value), sanity_check_torch()),
        compare("test_sanity_check against micrograd", sanity_check(value), sanity_check(micrograd.engine.Value)),
        compare("test_more_ops against PyTorch", more_ops(value), more_ops_torch()),
        compare("test_more_ops against micrograd", more_ops(value), more_ops(micrograd.engine.Value)),
        compare("demo.ipynb, 20 steps, against micrograd", demo(value, tinygrad_edu.nn.MLP, weights, x, y),
                demo(micrograd.engine.Value, micrograd.nn.MLP, weights, x, y)),
    ]
    print("all agree" if all(agree) else f"not all agree to {TOLERANCE}")
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
