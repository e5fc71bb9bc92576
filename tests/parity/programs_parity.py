"""Run random programs on this package, on PyTorch and on HIPS autograd, and compare number by number.

    pip install '.[parity]' && python tests/parity/programs_parity.py --count 5000 --seed 0

Half of the programs are scalar, half of arrays. Compared are the result, the gradient and, of scalar programs,
the second derivative along a direction, within 1e-9; a library that is not installed is left out, and said so.
A program is skipped where a library lacks an operation: the table at the end counts these by reason.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from libraries import Library, MissingError, hips, pytorch
from report import options

import tinygrad_edu as tg
from tinygrad_edu.testing.drawing import random_program
from tinygrad_edu.testing.measure import directions
from tinygrad_edu.testing.programs import Program

TOLERANCE = 1e-9


def ours(program: Program, leaf: Callable[[Any], Any], u: Any, vs: Sequence[Any]) -> list[Any]:
    """Result, gradients of u . result and their derivative along vs, by this package."""
    nodes = [leaf(x) for x in program.inputs]
    out = program(*nodes)
    out.backward(u)
    found = [out.data, *(node.grad for node in nodes)]
    if vs:
        every = tuple(range(len(vs)))
        gradient = tg.grad(lambda *xs: u * program(*xs), every)
        second = tg.grad(lambda *xs: sum(v * g for v, g in zip(vs, gradient(*xs), strict=True)), every)
        found += [node.data for node in second(*map(leaf, program.inputs))]
    return found


def differ(found: Sequence[Any], expected: Sequence[Any]) -> str:
    """The first two numbers that are not within the tolerance of each other, in words; empty if there are none."""
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape or not np.all(np.abs(one - other) <= TOLERANCE * (1.0 + np.abs(other))):
            return f"number {place}: {one} and {other}"
    return ""


def compare(kind: str, program: Program, libraries: Sequence[Library], counts: Counter[tuple[str, ...]]) -> None:
    """Evaluate one program everywhere, and count what became of it."""
    rng = np.random.default_rng(0)
    (u,) = directions([np.asarray(program(*program.inputs))], rng)
    u = float(u) if kind == "scalar" else u
    vs = directions(program.inputs, rng) if kind == "scalar" else []
    leaf = tg.Value if kind == "scalar" else tg.Tensor
    expected = ours(program, leaf, u, vs)
    others = [(library.name, lambda library=library: library.derive(
        lambda *xs: library.run(program, xs), program.inputs, u, vs)) for library in libraries]
    if kind == "scalar":
        others.append(("our Tensors", lambda: ours(program, tg.Tensor, u, vs)))
    for name, evaluate in others:
        try:
            fault = differ(evaluate(), expected)
        except MissingError as error:
            counts[kind, name, "skipped", str(error)] += 1
            continue
        except np.linalg.LinAlgError:
            counts[kind, name, "skipped", "det, whose gradient there inverts a singular matrix"] += 1
            continue
        except (ArithmeticError, AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            fault = f"it raises {type(error).__name__}: {error}"
        counts[kind, name, "compared"] += 1
        if fault:
            counts[kind, name, "differs"] += 1
            print(f"--- {name} differs, {fault}\n{program}")


def installed() -> list[Library]:
    """The libraries to compare with, and a word on those that are not there."""
    found = []
    for name, library in (("torch", pytorch), ("autograd", hips)):
        try:
            found.append(library())
        except ModuleNotFoundError:
            print(f"{name} is not installed, and not compared with; pip install '.[parity]' brings it")
    return found


def report(counts: Counter[tuple[str, ...]]) -> None:
    """Print a line for each kind of program and library, with what was skipped and why."""
    print(f"{'programs':<10}{'compared with':<16}{'compared':>10}{'skipped':>10}{'differ':>10}")
    for kind, name in sorted({key[:2] for key in counts}):
        skipped = {key[3]: n for key, n in counts.items() if key[:3] == (kind, name, "skipped")}
        print(f"{kind:<10}{name:<16}{counts[kind, name, 'compared']:>10}{sum(skipped.values()):>10}"
              f"{counts[kind, name, 'differs']:>10}", *(f"  {reason}: {n}" for reason, n in sorted(skipped.items())))


def main() -> int:
    """Compare; 0 if nothing differs."""
    chosen = options(__doc__, 5000, "programs")
    warnings.filterwarnings("ignore", message="Output seems independent of input")  # sign has that right
    rng, libraries = np.random.default_rng(chosen.seed), installed()
    counts: Counter[tuple[str, ...]] = Counter()
    rows: Counter[str] = Counter()
    for i in range(chosen.count):
        kind = ("scalar", "array")[i % 2]
        program = random_program(rng, kind)
        rows.update(step.row.name for step in program.steps)
        compare(kind, program, libraries, counts)
    print(f"{chosen.count} programs of {rows.total()} steps, {len(rows)} of the table's {len(tg.TABLE)} rows in them")
    report(counts)
    return 1 if not counts or any(key[2] == "differs" for key in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
