"""Run layers with drawn settings on this package and on PyTorch, and compare outputs and gradients.

    pip install '.[parity]' && python tests/parity/layers_parity.py --count 2000 --seed 0

The weights are moved across as a state dict. Compared are, in float64 and within 1e-10: the output, the gradient by
the input and by each parameter, and the derivative of that by the input along a direction.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from report import Comparison, options

import tinygrad_edu as tg
from tinygrad_edu import nn

try:
    import torch
except ModuleNotFoundError:
    sys.exit("torch is not installed; pip install '.[parity]' brings it")

TOLERANCE = 1e-10

Setting = tuple[tuple[Any, ...], dict[str, Any], tuple[int, ...]]
"""The arguments of a layer, its options, and the shape of its input."""


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def each(rng: np.random.Generator, axes: int, low: int, high: int) -> Any:
    """A number for each axis, or, as often, one for all."""
    numbers = rng.integers(low, high + 1, axes)
    return int(numbers[0]) if rng.random() < 0.5 else tuple(map(int, numbers))


def image(rng: np.random.Generator, axes: int, size: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """Sizes at least as large as a window."""
    size, padding, dilation = (np.broadcast_to(x, axes) for x in (size, padding, dilation))
    return tuple(map(int, np.maximum((size - 1) * dilation + 1 - 2 * padding, 1) + rng.integers(0, 5, axes)))


def batch(rng: np.random.Generator, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape behind a batch, or, now and then, without one."""
    return (int(rng.integers(1, 4)), *shape) if rng.random() < 0.9 else tuple(shape)


def convolution(rng: np.random.Generator, axes: int) -> Setting:
    """Arguments of Conv1d or Conv2d."""
    groups, share, out = map(int, rng.integers(1, 4, 3))
    options = {"stride": each(rng, axes, 1, 3), "padding": each(rng, axes, 0, 2), "dilation": each(rng, axes, 1, 3),
               "groups": groups, "bias": bool(rng.random() < 0.7)}
    if rng.random() < 0.2:
        options |= {"stride": 1, "padding": str(rng.choice(["same", "valid"]))}
    size = each(rng, axes, 1, 4)
    sizes = image(rng, axes, size, 0 if isinstance(options["padding"], str) else options["padding"],
                  options["dilation"])
    return (groups * share, groups * out, size), options, batch(rng, (groups * share, *sizes))


def pooling(rng: np.random.Generator, dilated: bool) -> Setting:
    """Arguments of MaxPool2d or AvgPool2d."""
    size, dilation = each(rng, 2, 1, 4), each(rng, 2, 1, 2) if dilated else 1
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in np.broadcast_to(size, 2))
    options: dict[str, Any] = {"stride": None if rng.random() < 0.5 else each(rng, 2, 1, 3), "padding": padding}
    options |= {"dilation": dilation} if dilated else {"count_include_pad": bool(rng.random() < 0.5)}
    channels, sizes = int(rng.integers(1, 4)), image(rng, 2, size, padding, dilation)
    # where a window has no place inside the image, PyTorch 2.13 writes into memory that is not its own
    sizes = tuple(map(int, np.maximum(sizes, dilation)))
    return (size,), options, batch(rng, (channels, *sizes))


def flattening(rng: np.random.Generator) -> Setting:
    """Arguments of Flatten."""
    start, end = sorted(map(int, rng.integers(0, 4, 2)))
    return (start, end - 4 if rng.random() < 0.5 else end), {}, tuple(map(int, rng.integers(1, 4, 4)))


LAYERS = {
    "Conv1d": lambda rng: convolution(rng, 1),
    "Conv2d": lambda rng: convolution(rng, 2),
    "MaxPool2d": lambda rng: pooling(rng, dilated=True),
    "AvgPool2d": lambda rng: pooling(rng, dilated=False),
    "AdaptiveAvgPool2d": lambda rng: ((1,), {}, batch(rng, tuple(map(int, rng.integers(1, 6, 3))))),
    "Flatten": flattening,
}
"""How the setting of each layer is drawn; the names are PyTorch's as well."""


# ---- what is compared ------------------------------------------------------------------------------------------------


def ours(layer: Any, x: Any, v: Any) -> list[Any]:
    """Output, gradients of sin(output), and the gradients of their derivative by x along v."""
    node, parameters = tg.Tensor(x), layer.parameters()
    y = layer(node)
    tg.sum(tg.sin(y)).backward(create_graph=True)
    leaves = [node, *parameters]
    first = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.zero_grad()
    tg.sum(first[0] * v).backward()
    second = [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]
    return [y.data, *(g.data for g in first), *second]


def theirs(layer: Any, x: Any, v: Any) -> list[Any]:
    """The same of PyTorch."""
    leaf = torch.tensor(x, requires_grad=True)
    leaves = [leaf, *layer.parameters()]
    y = layer(leaf)
    first = torch.autograd.grad(y.sin().sum(), leaves, create_graph=True)
    second = torch.autograd.grad((first[0] * torch.tensor(v)).sum(), leaves, allow_unused=True)
    found = [y, *first, *(torch.zeros_like(a) if g is None else g for a, g in zip(leaves, second, strict=True))]
    return [a.detach().numpy() for a in found]


def fault(name: str, setting: Setting, seed: int) -> str:
    """What differs, in words; empty if nothing does."""
    arguments, options, shape = setting
    rng = np.random.default_rng(seed)
    layer = getattr(nn, name)(*arguments, **options)
    twin = getattr(torch.nn, name)(*arguments, **options).double()
    twin.load_state_dict({key: torch.tensor(array) for key, array in layer.state_dict().items()})
    x, v = rng.standard_normal(shape), rng.standard_normal(shape)
    for place, (one, other) in enumerate(zip(ours(layer, x, v), theirs(twin, x, v), strict=True)):
        if one.shape != other.shape or not np.all(np.abs(one - other) <= TOLERANCE * (1.0 + np.abs(other))):
            return f"number {place}: {one} and {other}"
    return ""


def main() -> int:
    """Compare; 0 if nothing differs."""
    chosen, comparison = options(__doc__, 2000, "settings of each layer"), Comparison()
    warnings.filterwarnings("ignore", message="Using padding='same'")  # PyTorch's, of a copy that it makes
    rng = np.random.default_rng(chosen.seed)
    for name, draw in LAYERS.items():
        for seed in range(chosen.count):
            setting = draw(rng)
            differs = fault(name, setting, seed)
            comparison.add(name, f"{setting[:2]} of {setting[2]}, {differs}" if differs else "")
    return comparison.told("layer")


if __name__ == "__main__":
    sys.exit(main())
