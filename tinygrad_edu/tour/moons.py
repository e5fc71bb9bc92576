"""Part 2: a network with a node for each number learns to tell two half moons apart."""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg

from .text import Array, show


def learn_the_moons(rng: np.random.Generator, steps: int) -> None:
    """Part 2: a small network of Values learns to tell two half moons apart."""
    points, labels = tg.data.make_moons(100, noise=0.1, rng=rng)
    model = tg.nn.MLP(2, [16, 16, 1], rng=rng)
    optimizer = tg.optim.Adam(model.parameters(), lr=0.05)
    show("\n2. A network of single numbers learns two moons\n")
    show(f"MLP(2, [16, 16, 1]) has {len(optimizer.params)} parameters, each a Value. A step runs all 100 points.\n")
    targets = 2 * labels - 1
    for step in range(steps + 1):
        scores = [model(point) for point in points]
        loss = tg.nn.hinge_loss(scores, targets)
        if step % (steps // 5) == 0:
            right = np.mean([(score > 0.0) == (label == 1) for score, label in zip(scores, labels, strict=True)])
            show(f"  step {step:2d}   loss {loss.data:6.4f}   accuracy {100.0 * right:5.1f} %")
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    show("\nIts answer everywhere, . for class 0 and + for class 1; the points themselves are o and x:\n")
    show("\n".join(decision_map(model, points, labels)))


def decision_map(model: tg.nn.MLP, points: Array, labels: Array, width: int = 56, height: int = 16) -> list[str]:
    """The plane as text: the class that the model gives each place, and the points."""
    low, high = points.min(axis=0) - 0.2, points.max(axis=0) + 0.2
    with tg.no_grad():
        rows = [["+" if model([float(a), float(b)]) > 0.0 else "." for a in np.linspace(low[0], high[0], width)]
                for b in np.linspace(high[1], low[1], height)]
    places = np.rint((points - low) / (high - low) * [width - 1, height - 1]).astype(int)
    for (column, row), label in zip(places, labels, strict=True):
        rows[height - 1 - row][column] = "ox"[label]
    return ["  " + "".join(row) for row in rows]
