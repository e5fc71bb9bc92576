"""Run micrograd's own test file and its demo's training on this package, and compare number by number.

    pip install '.[parity]' && python tests/parity/micrograd_parity.py

Fetches micrograd's source distribution with pip for the test file, which holds its numbers against PyTorch;
only the import is changed, and the tolerance sharpened to 1e-9. Needs micrograd and PyTorch, and so is no
part of the ordinary suite.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import micrograd.engine
import micrograd.nn
import numpy as np

import tinygrad_edu as tg

TOLERANCE = 1e-9


def own_test_file() -> str:
    """The text of micrograd's test/test_engine.py."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "micrograd",
                        "--dest", folder, "micrograd"], check=True, stderr=subprocess.DEVNULL)
        archive, = Path(folder).glob("micrograd-*.tar.gz")
        with tarfile.open(archive) as source:
            member = next(m for m in source.getmembers() if m.name.endswith("test/test_engine.py"))
            return source.extractfile(member).read().decode()


def run_own_tests() -> int:
    """Run micrograd's tests on this package's Value; the number that passed. A failure raises."""
    text, imports = re.subn(r"from micrograd\.engine import", "from tinygrad_edu import", own_test_file())
    assert imports == 1
    text = re.sub(r"\b1e-6\b", str(TOLERANCE), text)
    names: dict[str, object] = {}
    exec(compile(text, "test_engine.py", "exec"), names)
    tests = [name for name in names if name.startswith("test_")]
    for name in tests:
        names[name]()
        print(f"micrograd's {name} passes on tinygrad_edu.Value, within {TOLERANCE} of PyTorch")
    return len(tests)


def train(value: type, mlp: type, weights: list[float], points: list[list[float]], signs: list[int],
          steps: int = 20) -> list[float]:
    """The demo's training: an MLP(2, [16, 16, 1]) on moons, hinge loss and L2, a falling rate; all its numbers."""
    model = mlp(2, [16, 16, 1])
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.data = weight
    seen: list[float] = []
    for step in range(steps):
        scores = [model([value(number) for number in point]) for point in points]
        hinge = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        loss = sum(hinge) * (1.0 / len(hinge)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * step / 100) * p.grad
        seen += [loss.data, *(s.data for s in scores), *(p.grad for p in model.parameters()),
                 *(p.data for p in model.parameters())]
    return seen


def main() -> int:
    """Compare everything; 0 if all agree."""
    sys.setrecursionlimit(10 ** 6)  # micrograd's backward is recursive
    tests = run_own_tests()
    points, labels = tg.data.make_moons(100, noise=0.1, rng=1337)
    weights = [p.data for p in micrograd.nn.MLP(2, [16, 16, 1]).parameters()]
    ours, theirs = (np.array(train(value, mlp, weights, points.tolist(), (2 * labels - 1).tolist()))
                    for value, mlp in ((tg.Value, tg.nn.MLP), (micrograd.engine.Value, micrograd.nn.MLP)))
    worst = float(np.max(np.abs(ours - theirs) / (1.0 + np.abs(theirs))))
    print(f"the demo's training, 20 steps, {ours.size} numbers: largest difference {worst:.1e}")
    return 0 if tests and worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
