"""Move weights between PyTorch and this package, both ways, for every layer that both have, and compare outputs.

    pip install '.[parity]' && python tests/parity/state_dicts_parity.py --count 20 --seed 0

Each comparison draws a layer's settings, fills PyTorch's parameters and buffers with random numbers, and hands its
state dict to our layer as it is: as tensors, as trained parameters, or as arrays. Then ours, drawn anew, is loaded
there. After each way, outputs in training and in evaluation and the state dicts that these leave are compared, within
1e-5 of float32 and 1e-10 of float64. The program walks tinygrad_edu.nn, and fails if a layer with parameters or
buffers is neither compared nor excluded by name.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from report import Comparison, options

import tinygrad_edu as tg
from tinygrad_edu import nn

try:
    import torch
except ModuleNotFoundError:
    sys.exit("torch is not installed; pip install '.[parity]' brings it")

TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
Rng = np.random.Generator
Case = tuple[Any, Any, Any]
"""A layer of ours, PyTorch's of the same settings, and an input: a shape, or integers."""

# ---- the layers ------------------------------------------------------------------------------------------------------


def sizes(rng: Rng, count: int, high: int = 5) -> list[int]:
    """Numbers from 1 on."""
    return [int(n) for n in rng.integers(1, high + 1, count)]


def coin(rng: Rng) -> bool:
    """True or False."""
    return bool(rng.integers(2))


def both(name: str, other: str, arguments: Any, options: dict[str, Any], x: Any) -> Case:
    """A layer of either library with the same arguments."""
    return getattr(nn, name)(*arguments, **options), getattr(torch.nn, other)(*arguments, **options), x


def linear(name: str, rng: Rng) -> Case:
    """With and without a bias, on any leading axes."""
    n, m, batch = sizes(rng, 3)
    return both(name, name, (n, m), {"bias": coin(rng)}, (batch, 2, n) if coin(rng) else (n,))


def convolution(name: str, rng: Rng) -> Case:
    """Kernels that are not square, groups, strides, dilations and paddings."""
    axes = 1 if name == "Conv1d" else 2
    groups, share, out, batch = sizes(rng, 4, 3)

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high + 1, axes))

    options = {"stride": each(1, 3), "padding": each(0, 2), "dilation": each(1, 2), "groups": groups, "bias": coin(rng)}
    return both(name, name, (groups * share, groups * out, each(1, 3)), options,
                (batch, groups * share, *each(5, 8)))


def batch_norm(name: str, rng: Rng) -> Case:
    """With running statistics, which move on."""
    (channels,) = sizes(rng, 1)
    options = {"affine": coin(rng), "eps": 1e-5 if coin(rng) else 0.1, "momentum": (0.1, 0.7, None)[rng.integers(3)]}
    rest = (3, 2) if name == "BatchNorm2d" else ((), (3,))[rng.integers(2)]
    return both(name, name, (channels,), options, (4, channels, *rest))


def layer_norm(name: str, rng: Rng) -> Case:
    """Over one axis or two."""
    shape = tuple(int(n) for n in rng.integers(2, 6, int(rng.integers(1, 3))))
    return both(name, name, (shape,), {"elementwise_affine": coin(rng), "bias": coin(rng)}, (3, 2, *shape))


def embedding(name: str, rng: Rng) -> Case:
    """Rows of a table."""
    rows, size = sizes(rng, 2)
    return both(name, name, (rows, size), {}, rng.integers(0, rows, (3, 4)))


def cell(name: str, rng: Rng) -> Case:
    """One step."""
    n, m, batch = sizes(rng, 3)
    options: dict[str, Any] = {"bias": coin(rng)}
    if name == "RNNCell":
        options["nonlinearity"] = str(rng.choice(["tanh", "relu"]))
    return both(name, name, (n, m), options, (batch, n))


def sequence(name: str, rng: Rng) -> Case:
    """Layers and directions."""
    n, m, batch, steps, layers = sizes(rng, 5, 4)
    options: dict[str, Any] = {"num_layers": layers, "bias": coin(rng), "batch_first": coin(rng),
                               "bidirectional": coin(rng)}
    if name == "RNN":
        options["nonlinearity"] = str(rng.choice(["tanh", "relu"]))
    return both(name, name, (n, m), options, (batch, steps, n))


class Attending(torch.nn.MultiheadAttention):
    """PyTorch's, of x on itself, its mask and its second result out of the way."""

    causal = False

    def forward(self, x: Any) -> Any:
        """The output alone."""
        return super().forward(x, x, x, attn_mask=mask(x, self.causal), need_weights=False)[0]


class Encoding(torch.nn.TransformerEncoderLayer):
    """PyTorch's, causal or not."""

    causal = False

    def forward(self, x: Any) -> Any:
        """The output."""
        return super().forward(x, src_mask=mask(x, self.causal))


def mask(x: Any, causal: bool) -> Any:
    """What a step does not see, or None."""
    steps = x.shape[1]
    return torch.ones(steps, steps).triu(1).bool() if causal else None


def attention(name: str, rng: Rng) -> Case:
    """Heads, with and without biases and a mask."""
    heads, d, batch, steps = sizes(rng, 4, 4)
    causal, bias = coin(rng), coin(rng)
    twin = Attending(heads * d, heads, bias=bias, batch_first=True)
    twin.causal = causal
    return nn.MultiHeadAttention(heads * d, heads, causal, bias), twin, (batch, steps, heads * d)


def encoder(name: str, rng: Rng) -> Case:
    """Norms first and last, with and without a mask, with three activations."""
    heads, d, batch, steps, hidden = sizes(rng, 5, 4)
    causal, first, size = coin(rng), coin(rng), heads * (d + 1)
    activations: dict[str, Callable[[Any], Any]] = {
        "relu": torch.relu, "gelu": lambda x: torch.nn.functional.gelu(x, approximate="tanh"), "tanh": torch.tanh}
    activation = str(rng.choice(list(activations)))
    twin = Encoding(size, heads, hidden, 0.0, activations[activation], batch_first=True, norm_first=first)
    twin.causal = causal
    return nn.TransformerBlock(size, heads, hidden, 0.0, causal, first, activation), twin, (batch, steps, size)


def sequential(name: str, rng: Rng) -> Case:
    """An image network, layers without parameters and another Sequential among them."""
    channels, out, hidden = sizes(rng, 3)

    def made(lib: Any) -> Any:
        inner = lib.Sequential(lib.Linear(out * 4, hidden), lib.LayerNorm(hidden), lib.Tanh())
        return lib.Sequential(lib.Conv2d(channels, out, 3, padding=1), lib.BatchNorm2d(out), lib.ReLU(),
                              lib.MaxPool2d(2), lib.Flatten(), inner, lib.Linear(hidden, 2, bias=False))

    return made(nn), made(torch.nn), (3, channels, 4, 5)


KINDS: dict[str, Callable[[str, Rng], Case]] = {
    "Linear": linear, "Conv1d": convolution, "Conv2d": convolution, "BatchNorm1d": batch_norm,
    "BatchNorm2d": batch_norm, "LayerNorm": layer_norm, "Embedding": embedding, "RNNCell": cell, "GRUCell": cell,
    "LSTMCell": cell, "RNN": sequence, "GRU": sequence, "LSTM": sequence, "MultiHeadAttention": attention,
    "TransformerBlock": encoder, "Sequential": sequential}

WEIGHTLESS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("ReLU", "Tanh", "Sigmoid", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Softmax", "LogSoftmax",
                     "Dropout", "Flatten"), ()),
    "MaxPool2d": (2,), "AvgPool2d": (2,), "AdaptiveAvgPool2d": (1,)}
"""Layers whose state dict is empty, as is PyTorch's: their arguments."""

EXCLUDED = {
    "Module": "the base of all", "Residual": "a Sequential, which torch.nn does not have",
    **dict.fromkeys(("Neuron", "Layer", "MLP", "ScalarRNNCell", "ScalarConv2d"),
                    "the scalar family, whose numbers are single; to_tensors() leads to one that is compared")}


def uncovered() -> list[str]:
    """What is wrong with the lists above, in words: a class of tinygrad_edu.nn in none or two, or with weights."""
    classes = {name for name, thing in vars(nn).items() if isinstance(thing, type) and issubclass(thing, nn.Module)}
    listed = Counter([*KINDS, *WEIGHTLESS, *EXCLUDED])
    faults = [f"nn.{name} is neither compared nor excluded" for name in sorted(classes - listed.keys())]
    faults += [f"there is no nn.{name}" for name in sorted(listed.keys() - classes)]
    faults += [f"nn.{name} is listed {count} times" for name, count in listed.items() if count > 1]
    return faults + [f"nn.{name} has weights" for name, arguments in WEIGHTLESS.items()
                     for lib in (nn, torch.nn) if getattr(lib, name)(*arguments).state_dict()]


# ---- what is compared ------------------------------------------------------------------------------------------------


def randomise(state: dict[str, Any], rng: Rng) -> dict[str, Any]:
    """Numbers in place of zeros and ones, which would hide what lands where; variances stay positive."""
    return {name: np.array(rng.integers(1, 9)) if name.endswith("tracked") else
            rng.uniform(0.5, 2.0, np.shape(x)).astype(np.asarray(x).dtype) if name.endswith("running_var") else
            rng.uniform(-1.0, 1.0, np.shape(x)).astype(np.asarray(x).dtype) for name, x in state.items()}


def flat(result: Any) -> list[Any]:
    """The arrays of a nested result."""
    return [x for part in result for x in flat(part)] if isinstance(result, tuple) else [result]


def outputs(layer: Any, x: Any, state: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the layer gives in evaluation, in training, and afterwards; and what it then holds."""
    found: dict[str, Any] = {}
    for stage, training in (("evaluation", False), ("training", True), ("evaluation after training", False)):
        layer.train(training)
        found |= {f"output {i} in {stage}": y for i, y in enumerate(flat(layer(x)))}
    return found | state()


def differ(layer: Any, twin: Any, x: Any, tolerance: float) -> str:
    """What the two do not agree in; empty if there is nothing."""
    ours = outputs(layer, x, layer.state_dict)
    theirs = outputs(twin, torch.tensor(x), twin.state_dict)
    if list(ours) != list(theirs):
        return f"{list(ours)} and {list(theirs)}"
    for name, found in ours.items():
        expected = theirs[name].detach().numpy()
        found = found.data if isinstance(found, tg.Tensor) else np.asarray(found)
        if found.shape != expected.shape or found.dtype != expected.dtype:
            return f"{name}: {found.dtype} {found.shape} and {expected.dtype} {expected.shape}"
        if not np.all(np.abs(found - expected) <= tolerance * (1.0 + np.abs(expected))):
            return f"{name}: off by {np.abs(found - expected).max()}"
    return ""


def fault(name: str, dtype: str, rng: Rng) -> str:
    """Weights moved both ways; what differs in words, empty if nothing does."""
    torch.set_default_dtype(getattr(torch, dtype))
    tg.set_default_dtype(dtype)
    try:
        layer, twin, x = KINDS[name](name, rng)
        x = rng.standard_normal(x).astype(dtype) if isinstance(x, tuple) else x
        twin.load_state_dict({key: torch.tensor(entry) for key, entry in randomise(twin.state_dict(), rng).items()})
        form = int(rng.integers(3))
        state = twin.state_dict(keep_vars=form == 1)  # as parameters, which require gradients
        layer.load_state_dict({key: entry.numpy() for key, entry in state.items()} if form == 2 else state)
        problem = differ(layer, twin, x, TOLERANCES[dtype])
        if problem:
            return f"{layer} from PyTorch, {problem}"
        layer.load_state_dict(randomise(layer.state_dict(), rng))
        twin.load_state_dict({key: torch.tensor(entry) for key, entry in layer.state_dict().items()})
        problem = differ(layer, twin, x, TOLERANCES[dtype])
        return f"{layer} to PyTorch, {problem}" if problem else ""
    finally:
        torch.set_default_dtype(torch.float32)
        tg.set_default_dtype(np.float64)


def main() -> int:
    """Compare; 0 if nothing differs and nothing was left out."""
    chosen, comparison = options(__doc__, 20, "settings of each layer and dtype"), Comparison()
    warnings.filterwarnings("ignore", category=UserWarning, module="torch")
    missing = uncovered()
    for place, name in enumerate(KINDS):
        for number in range(chosen.count):
            seed = (chosen.seed, place, number)
            for dtype in TOLERANCES:
                problem = fault(name, dtype, np.random.default_rng(seed))
                comparison.add(name, f"{dtype}, drawn from {seed}, {problem}" if problem else "", times=2)
    failed = comparison.told(f"moved from and to PyTorch {torch.__version__}")
    print(f"no weights: {', '.join(WEIGHTLESS)}")
    print("\n".join([*(f"left out: {name}, {why}" for name, why in EXCLUDED.items()), *missing]))
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
