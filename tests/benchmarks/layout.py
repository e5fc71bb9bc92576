"""How long the layout of large views takes: a perceptron on a batch of four, flat and in frames, at several sizes.

    python tests/benchmarks/layout.py [--profile]

The aim is at most 1 s for about 6,000 boxes, and about twice the time for twice the boxes.
"""

import argparse
import cProfile
import gc
import pstats
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from viz_views import graph_of, mlp, spelled_mlp, view_of_graph

from tinygrad_edu.viz.layout import layout
from tinygrad_edu.viz.svg import svg


def views():
    for width in (4, 8, 16, 24):
        sizes = (3, width, width, 1)
        graph = graph_of(spelled_mlp(sizes, 4))
        yield f"spelled out, {width} wide, flat", view_of_graph(graph, framed=False)
    for width in (8, 16, 32):
        graph = graph_of(mlp((3, width, width, 1), 4))
        yield f"nn.MLP, {width} wide, in frames", view_of_graph(graph)
        yield f"nn.MLP, {width} wide, flat", view_of_graph(graph, framed=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", action="store_true", help="also say where the time of the largest goes")
    options = parser.parse_args()
    print(f"{'view':36} {'boxes':>6} {'wires':>6} {'layout s':>9} {'us/wire':>8} {'svg s':>6} {'svg MB':>7}")
    for name, view in views():
        times = []
        for _ in range(3):
            gc.collect()
            start = time.perf_counter()
            placed = layout(view)
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        text = svg(view, placed)
        drawn = time.perf_counter() - start
        best = min(times)
        print(f"{name:36} {len(view.boxes):6} {len(view.wires):6} {best:9.3f} {best / len(view.wires) * 1e6:8.1f} "
              f"{drawn:6.2f} {len(text) / 1e6:7.2f}")
        if options.profile and len(view.boxes) > 5000:
            with cProfile.Profile() as profile:
                layout(view)
            pstats.Stats(profile).sort_stats("tottime").print_stats(14)


if __name__ == "__main__":
    main()
