"""Time this package against micrograd and against NumPy written by hand.

    pip install '.[bench]'
    python tests/benchmarks/peers.py                 # all rows
    python tests/benchmarks/peers.py scalar depth    # some

Each row runs its contenders in turn, round by round, and prints the median of each and the median of the
ratios within a round: take the ratios, not the times. Results are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

import tinygrad_edu as tg

try:
    from micrograd import engine as micrograd_engine
    from micrograd import nn as micrograd_nn
    from threadpoolctl import threadpool_limits
except ImportError as error:
    sys.exit(f"{error.name} is not installed: pip install 'tinygrad_edu[bench]'")

Step = Callable[[], float]


def scalar() -> dict[str, Step]:
    """A chain of 10,000 scalar operations (+ - * / ** relu): build, backward, free."""
    def step(value: type) -> float:
        x, y, p = value(0.3), value(-0.2), value(0.8)
        for _ in range(1000):
            a = x * p + y
            b = a * a + 1.5
            c = (a / b).relu()
            y = (c - y) * 0.5
            x = (b ** -1) * p + y
        x.backward()
        return float(p.grad)
    return {"tinygrad_edu": lambda: step(tg.Value), "micrograd": lambda: step(micrograd_engine.Value)}


def moons() -> dict[str, Step]:
    """One step of the MLP(2, [16, 16, 1]) on 100 moons, hinge loss and L2, a node for each number."""
    points, labels = tg.data.make_moons(100, noise=0.1, rng=0)
    signs = (2 * labels - 1).tolist()

    def contender(value: type, mlp: type) -> Step:
        model = mlp(2, [16, 16, 1])
        start = np.random.default_rng(0).uniform(-1, 1, len(model.parameters())).tolist()

        def step() -> float:
            for p, number in zip(model.parameters(), start, strict=True):
                p.data = number
            model.zero_grad()
            scores = [model(list(map(value, row))) for row in points.tolist()]
            losses = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
            total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
            total.backward()
            return float(model.parameters()[0].grad)
        return step

    return {"tinygrad_edu": contender(tg.Value, tg.nn.MLP),
            "micrograd": contender(micrograd_engine.Value, micrograd_nn.MLP)}


def depth() -> dict[str, Step]:
    """Chains of 100,000 and of 1,000,000 additions: the cost of ten times the length."""
    def step(length: int) -> float:
        x, d = tg.Value(0.0), tg.Value(1e-3)
        for _ in range(length):
            x = x + d
        x.backward()
        return float(d.grad) / length
    return {"1,000,000 additions": lambda: step(1_000_000), "100,000 additions": lambda: step(100_000)}


SHAPES = {"w0": (64, 128), "b0": (128,), "w1": (128, 64), "b1": (64,), "w2": (64, 10), "b2": (10,)}


def mlp() -> dict[str, Step]:
    """One step of an MLP 64-128-64-10, batch 32, float32, cross entropy, Adam."""
    rng = np.random.default_rng(0)
    start = {k: (0.1 * rng.standard_normal(s)).astype(np.float32) for k, s in SHAPES.items()}
    x, y = rng.random((32, 64), dtype=np.float32), rng.integers(0, 10, 32)

    parameters = {k: tg.Tensor(v) for k, v in start.items()}
    optimizer = tg.optim.Adam(list(parameters.values()))

    def ours() -> float:
        p = parameters
        hidden = tg.relu(x @ p["w0"] + p["b0"])
        hidden = tg.relu(hidden @ p["w1"] + p["b1"])
        loss = tg.nn.cross_entropy(hidden @ p["w2"] + p["b2"], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    by_hand = HandMLP({k: v.copy() for k, v in start.items()})
    return {"tinygrad_edu": ours, "NumPy by hand": lambda: by_hand.step(x, y)}


class HandMLP:
    """The same network with its backward pass and Adam written out in NumPy."""

    def __init__(self, parameters: dict[str, np.ndarray], lr: float = 1e-3) -> None:
        self.parameters, self.lr, self.steps = parameters, lr, 0
        self.first = {k: np.zeros_like(v) for k, v in parameters.items()}
        self.second = {k: np.zeros_like(v) for k, v in parameters.items()}

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """Forward, backward, update; returns the loss."""
        w0, b0, w1, b1, w2, b2 = self.parameters.values()
        h0 = np.maximum(x @ w0 + b0, 0)
        h1 = np.maximum(h0 @ w1 + b1, 0)
        z = h1 @ w2 + b2
        z -= z.max(1, keepdims=True)
        e = np.exp(z)
        total = e.sum(1, keepdims=True)
        rows = np.arange(len(y))
        loss = float((np.log(total[:, 0]) - z[rows, y]).mean())
        d2 = e / total
        d2[rows, y] -= 1
        d2 /= len(y)
        d1 = (d2 @ w2.T) * (h1 > 0)
        d0 = (d1 @ w1.T) * (h0 > 0)
        self.adam({"w0": x.T @ d0, "b0": d0.sum(0), "w1": h0.T @ d1, "b1": d1.sum(0), "w2": h1.T @ d2, "b2": d2.sum(0)})
        return loss

    def adam(self, gradients: dict[str, np.ndarray]) -> None:
        """Kingma and Ba (2014), in place."""
        self.steps += 1
        scale, root = self.lr / (1 - 0.9 ** self.steps), (1 - 0.999 ** self.steps) ** 0.5
        for name, g in gradients.items():
            m, v = self.first[name], self.second[name]
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            self.parameters[name] -= scale * m / (np.sqrt(v) / root + 1e-8)


ROWS = {"scalar": scalar, "moons": moons, "depth": depth, "mlp": mlp}


def compare(name: str, rounds: int, seconds: float) -> None:
    """Print one row: medians, and the ratio of the first contender to the second."""
    contenders = ROWS[name]()
    (first, second), steps = contenders, contenders.values()
    results = [step() for step in steps]
    assert np.allclose(*results, rtol=1e-4), f"{name}: the contenders disagree: {results}"
    times: dict[str, list[float]] = {label: [] for label in contenders}
    for _ in range(rounds):
        for label, step in contenders.items():
            gc.collect()
            samples, begin = [], time.perf_counter()
            while not samples or time.perf_counter() - begin < seconds:
                t = time.perf_counter()
                step()
                samples.append(time.perf_counter() - t)
            times[label].append(statistics.median(samples))
    ratio = statistics.median(a / b for a, b in zip(times[first], times[second], strict=True))
    medians = [1e3 * statistics.median(times[label]) for label in (first, second)]
    print(f"{name:7} {first}: {medians[0]:9.3f} ms   {second}: {medians[1]:9.3f} ms   ratio {ratio:.3f}   "
          f"({(ROWS[name].__doc__ or '').strip()})", flush=True)


def main() -> None:
    """Run the rows named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of timing for each contender and round")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - ROWS.keys()
    if unknown:
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}")
    sys.setrecursionlimit(10 ** 6)  # micrograd's backward is recursive
    for name in arguments.rows or ROWS:
        compare(name, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
