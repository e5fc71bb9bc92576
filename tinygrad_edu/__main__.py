"""The tour: ``python -m tinygrad_edu``, or ``tinygrad-edu``. Three parts, from one expression to real digits.

Everything here is written with the public names, as a user would write it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_edu as tg

from .extras import extra

Array = NDArray[Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tour; returns the exit code: 0, 1 for a missing extra, 130 after Ctrl-C."""
    options = _parser().parse_args(argv)
    try:
        show("tinygrad_edu: a tour in three parts (Ctrl-C leaves it).")
        tqdm = extra("tqdm", "tour").tqdm  # what is missing is told now, not after the first two parts
        digits = tg.data.load_digits()
        differentiate_an_expression()
        learn_the_moons(np.random.default_rng(options.seed), steps=20 if options.quick else 40)
        learn_the_digits(*digits, np.random.default_rng(options.seed), epochs=5 if options.quick else 60, progress=tqdm)
    except tg.errors.MissingExtraError as error:
        print(f"tinygrad-edu: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Come back any time.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads the output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu", description="Differentiate an expression, then train two neural networks: one made of "
        "single numbers, one made of arrays that reads handwritten digits.")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N",
                        help="what all randomness starts from: the data split and the first weights (default: 0)")
    parser.add_argument("--quick", action="store_true", help="train for less time, with less accuracy")
    return parser


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def show(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


# ---- 1. an expression ----------------------------------------------------------------------------------------------


def formula(a: Any, b: Any, c: Any) -> Any:
    """a tanh(a b + c), of numbers or Values."""
    return a * tg.tanh(a * b + c)


def differentiate_an_expression() -> None:
    """Part 1: the graph of an expression, and each gradient beside a measured slope."""
    show("\n1. The gradients of an expression\n")
    leaves = [tg.Value(2.0, "a"), tg.Value(-3.0, "b"), tg.Value(6.5, "c")]
    y = formula(*leaves)
    y.backward()
    show("y = a * tanh(a * b + c) was recorded as this graph, each node above what it was made from:\n")
    show("  node           value      dy/dnode")
    show("\n".join(listing(y)))
    show("\nbackward() found each dy/dnode exactly. Nudging one input at a time measures nearly the same:\n")
    show("           backward()      (y(x + h) - y(x - h)) / 2h")
    point = [leaf.data for leaf in leaves]
    for i, leaf in enumerate(leaves):
        show(f"  dy/d{leaf.label}  {leaf.grad:12.8f}    {measured_slope(point, i):12.8f}")


def listing(root: tg.Value) -> list[str]:
    """The graph as indented lines, each node above its inputs; what occurs again is not unfolded again."""
    lines = []
    seen: set[Any] = set()
    waiting: list[tuple[int, Any]] = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        name = "  " * depth + (node.op.symbol if node.op is not None else node.label)
        again = "   (again)" if node in seen else ""
        lines.append(f"  {name:<10}  {node.data:8.4f}      {node.grad:8.4f}{again}")
        if node not in seen:
            waiting += [(depth + 1, source) for source in reversed(node.inputs)]
        seen.add(node)
    return lines


def measured_slope(point: Sequence[float], i: int, h: float = 1e-6) -> float:
    """The central difference of the formula by its i-th argument."""
    ahead, behind = list(point), list(point)
    ahead[i] += h
    behind[i] -= h
    return float(formula(*ahead) - formula(*behind)) / (2.0 * h)


# ---- 2. the moons: one node for each number ------------------------------------------------------------------------


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


# ---- 3. the digits: one node for each array ------------------------------------------------------------------------


def learn_the_digits(pixels: Array, digits: Array, rng: np.random.Generator, epochs: int, progress: Any) -> None:
    """Part 3: a network of arrays learns handwritten digits, and reads some that it has not seen."""
    order = rng.permutation(len(pixels))
    train, test = order[:1350], order[1350:]
    model = tg.nn.Sequential(tg.nn.Linear(64, 256, rng=rng), tg.nn.ReLU(),
                             tg.nn.Linear(256, 128, rng=rng), tg.nn.ReLU(),
                             tg.nn.Linear(128, 10, rng=rng))
    show("\n3. A network of arrays learns to read digits\n")
    show(f"{len(train)} handwritten digits of 8 x 8 pixels to learn from, {len(test)} others to be tested on.\n")
    show(str(model.summary((1, 64))))
    show("\nThe targets leave a tenth of the probability to the wrong classes, so the loss cannot fall below 0.50.\n")
    fit(model, pixels[train], digits[train], rng, epochs, progress)
    with tg.no_grad():
        answers = model(pixels[test]).argmax(axis=-1)
    show("The test: each row is a true digit, each column an answer.\n")
    show("\n".join(confusion_table(digits[test], answers)))
    show(f"\ndigits test accuracy: {100.0 * np.mean(answers == digits[test]):.1f} %")


def fit(model: tg.nn.Module, pixels: Array, digits: Array, rng: np.random.Generator, epochs: int,
        progress: Any) -> None:
    """Train by Adam, with a learning rate that falls to 0; the progress bar goes to stderr.

    Two things keep the network from learning the training digits by heart: noise on the pixels, and
    targets that leave a tenth of the probability to the other classes.
    """
    start = 2e-3
    optimizer = tg.optim.Adam(model.parameters(), lr=start)
    targets = 0.9 * np.eye(10)[digits] + 0.1 / 10
    one_thread = extra("threadpoolctl", "tour").threadpool_limits(1)  # to share products this small out costs more
    with one_thread, progress(range(epochs), desc="training", unit="epoch", file=sys.stderr) as bar:
        for epoch in bar:
            optimizer.lr = start * (1.0 - epoch / epochs)
            losses = []
            for x, target in tg.data.batches(pixels, targets, batch_size=32, rng=rng):
                loss = tg.nn.cross_entropy(model(x + 0.15 * rng.standard_normal(x.shape)), target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            bar.set_postfix(loss=f"{np.mean(losses):.3f}")


def confusion_table(truth: Array, answers: Array) -> list[str]:
    """How often each digit got each answer, zeros as dots."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (truth, answers), 1)
    head = "       " + "".join(f"{digit:4d}" for digit in range(10))
    return [head] + [f"  {digit:4d} " + "".join(f"{n:4d}" if n else "   ." for n in row)
                     for digit, row in enumerate(counts.tolist())]


if __name__ == "__main__":
    sys.exit(main())
