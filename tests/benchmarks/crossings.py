"""Count how often wires cross, in our own layout and in Graphviz's, on the graphs without frames of the layout's tests.

    pip install '.[dot]' && python tests/benchmarks/crossings.py

Both lay out boxes of the same sizes. Curves are compared as lines through many of their points; Graphviz is told to
draw no arrowheads, as its wires would end before the boxes.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import viz_views

from tinygrad_edu.viz.engines import find_dot
from tinygrad_edu.viz.layout import layout

CELL = 120.0
"""The side of the squares within which pieces of wires are compared, in points."""

TOO_NEAR = 1e-7
"""Pieces that only touch do not cross."""


def crossings(lines):
    """How many pieces of different lines cross."""
    pieces = [(wire, p, q) for wire, line in enumerate(lines) for p, q in itertools.pairwise(line) if p != q]
    grid = defaultdict(list)
    for number, (_, p, q) in enumerate(pieces):
        columns, rows = ([int(x // CELL) for x in sorted(pair)] for pair in zip(p, q, strict=True))
        for square in itertools.product(range(columns[0], columns[1] + 1), range(rows[0], rows[1] + 1)):
            grid[square].append(number)
    pairs = {pair for numbers in grid.values() for pair in itertools.combinations(numbers, 2)}
    return sum(cross(pieces[a], pieces[b]) for a, b in pairs)


def cross(one, other):
    """Whether two pieces, of different lines, cross."""
    (wire, p, q), (another, r, s) = one, other
    return wire != another and apart(p, q, r, s) and apart(r, s, p, q)


def apart(p, q, r, s):
    """Whether r and s are on different sides of the line through p and q."""
    sides = [(q[0] - p[0]) * (x[1] - p[1]) - (q[1] - p[1]) * (x[0] - p[0]) for x in (r, s)]
    return min(sides) < -TOO_NEAR and max(sides) > TOO_NEAR


def of_graphviz(program, view, placed):
    """The wires that Graphviz draws between boxes of the same sizes."""
    lines = ['digraph { rankdir=LR; node [shape=box, fixedsize=true, label=""]; edge [arrowhead=none]']
    lines += [f"n{box.place} [width={place.w / 72:.3f}, height={place.h / 72:.3f}]"
              for box, place in zip(view.boxes, placed.boxes, strict=True)]
    lines += [f"n{wire.source} -> n{wire.target}" for wire in view.wires]
    told = subprocess.run([program, "-Tjson"], input="\n".join([*lines, "}"]), capture_output=True, text=True,
                          check=True).stdout
    return [viz_views.sampled([tuple(point) for point in drawn["points"]])
            for edge in json.loads(told).get("edges", []) for drawn in edge["_draw_"] if drawn["op"] in "bB"]


def main():
    """Print both counts for each graph, and the sums."""
    program = find_dot()
    if program is None:
        sys.exit("there is no Graphviz: pip install 'tinygrad_edu[dot]'")
    print(f"{'graph':<28}{'boxes':>7}{'ours':>7}{'theirs':>7}")
    total = [0, 0]
    for name, view in viz_views.all_views().items():
        if not view.frames:
            placed = layout(view)
            counts = crossings([viz_views.sampled(wire) for wire in placed.wires]), crossings(
                of_graphviz(program, view, placed))
            total = [total[0] + counts[0], total[1] + counts[1]]
            print(f"{name:<28}{len(view.boxes):>7}{counts[0]:>7}{counts[1]:>7}")
    print(f"{'all':<35}{total[0]:>7}{total[1]:>7}   ratio {total[0] / total[1]:.2f}")


if __name__ == "__main__":
    main()
