"""Count the arithmetic of layers with drawn settings here and by PyTorch's FlopCounterMode, and compare.

    pip install '.[parity]' && python tests/parity/flops_parity.py --count 300 --seed 0

PyTorch counts products alone: matmul, convolution and their like, a multiplication and an addition as 2. So only
the rows that are products are counted here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from report import Comparison, options

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.engine import history
from tinygrad_edu.nn.flops import flops

try:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
except ModuleNotFoundError:
    sys.exit("torch is not installed; pip install '.[parity]' brings it")

PRODUCTS = {"matmul", "einsum", "convolution"}


def layers(rng: np.random.Generator) -> Iterator[tuple[Any, Any, tuple[int, ...]]]:
    """Pairs of a layer here and in PyTorch, and the shape of an input."""
    n, a, b, size, groups = (int(rng.integers(1, 9)) for _ in range(5))
    kernel, stride, padding, dilation = (int(rng.integers(1, 4)) for _ in range(4))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    length = size + kernel * dilation
    yield nn.Linear(a, b), torch.nn.Linear(a, b), (n, size, a)
    yield (nn.Conv1d(a * groups, b * groups, kernel, **options),
           torch.nn.Conv1d(a * groups, b * groups, kernel, **options), (n, a * groups, length))
    yield (nn.Conv2d(a * groups, b * groups, kernel, **options),
           torch.nn.Conv2d(a * groups, b * groups, kernel, **options), (n, a * groups, length, length + 1))
    for kind in ("RNNCell", "GRUCell", "LSTMCell"):
        yield getattr(nn, kind)(a, b), getattr(torch.nn, kind)(a, b), (n, a)


def counted(layer: Any, x: Any) -> int:
    """What the products in the graph of layer(x) count."""
    y = layer(tg.Tensor(x))
    nodes = history(*(y if isinstance(y, tuple) else (y,)))
    return sum(flops(node) for node in nodes if node.op is not None and node.op.name in PRODUCTS)


def counted_by_torch(layer: Any, x: Any) -> int:
    """What PyTorch counts."""
    with FlopCounterMode(display=False) as counter:
        layer(torch.tensor(x, dtype=torch.float32))
    return int(counter.get_total_flops())


def main() -> int:
    """Compare; 1 if anything differs."""
    chosen, comparison = options(__doc__, 100, "settings of each layer"), Comparison()
    rng = np.random.default_rng(chosen.seed)
    for _ in range(chosen.count):
        for mine, theirs, shape in layers(rng):
            x = rng.standard_normal(shape)
            here, there = counted(mine, x), counted_by_torch(theirs, x)
            comparison.add(type(mine).__name__, "" if here == there else (
                f"{mine!r} on {shape}: {here:,} here, {there:,} in PyTorch"))
    return comparison.told("layer")


if __name__ == "__main__":
    sys.exit(main())
