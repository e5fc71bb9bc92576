"""Compare recurrent networks, attention and transformers with PyTorch: outputs, last states and all gradients.

    pip install '.[parity]' && python tests/parity/recurrent_parity.py --count 300 --seed 0

Each comparison draws a module and its settings, moves PyTorch's weights across by state dict, draws inputs, a state to
start from or none, and lengths or none (PyTorch: packed sequences), and compares every number within 1e-10 of float64.
The table at the end counts the comparisons by module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from report import Comparison, options
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import tinygrad_edu as tg

TOLERANCE = 1e-10

Numbers = dict[str, Any]


def differ(ours: Numbers, theirs: Numbers) -> str:
    """The first array that is not within the tolerance, in words; empty if there is none."""
    if ours.keys() != theirs.keys():
        return f"{sorted(ours)} and {sorted(theirs)}"
    for name, found in ours.items():
        found, expected = np.asarray(found), theirs[name].detach().numpy()
        if found.shape != expected.shape:
            return f"{name}: shapes {found.shape} and {expected.shape}"
        if not np.all(np.abs(found - expected) <= TOLERANCE * (1.0 + np.abs(expected))):
            return f"{name}: off by {np.abs(found - expected).max()}"
    return ""


def pair(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Any, Any]:
    """The same numbers as a leaf of either library."""
    array = rng.standard_normal(shape)
    return tg.Tensor(array), torch.tensor(array, requires_grad=True)


def flat(name: str, result: Any) -> Numbers:
    """The arrays of a nested result by name."""
    if isinstance(result, (tuple, list)):
        return {key: x for i, part in enumerate(result) for key, x in flat(f"{name}.{i}", part).items()}
    return {name: result}


def compare(module: Any, twin: Any, ours: Callable[[], Any], theirs: Callable[[], Any], leaves: Numbers,
            rng: np.random.Generator) -> str:
    """Run both, differentiate along a random direction, and compare all that there is."""
    results, expected = flat("result", ours()), flat("result", theirs())
    directions = {name: rng.standard_normal(tuple(x.shape)) for name, x in expected.items()}
    sum((torch.tensor(directions[name]) * x).sum() for name, x in expected.items()).backward()
    total: Any = 0.0
    for name, x in results.items():
        total = total + (directions[name] * x).sum()
    total.backward()
    found = {name: x.data for name, x in results.items()}
    gradients, wanted = dict(module.named_parameters()), dict(twin.named_parameters())
    for name, parameter in gradients.items():
        found[f"gradient of {name}"], expected[f"gradient of {name}"] = parameter.grad, wanted[name].grad
    for name, (leaf, other) in leaves.items():
        found[f"gradient of {name}"], expected[f"gradient of {name}"] = leaf.grad, other.grad
    return differ(found, expected)


def moved(module: Any, twin: Any) -> None:
    """The twin's weights put into the module, by the names in its state dict."""
    module.load_state_dict({name: x.numpy() for name, x in twin.state_dict().items()})


# ---- what is compared ------------------------------------------------------------------------------------------------


def coin(rng: np.random.Generator) -> bool:
    """True or False."""
    return bool(rng.integers(2))


def cell(name: str, rng: np.random.Generator) -> str:
    """One step, or three in a row, of a cell, with and without a batch, a state and biases."""
    sizes, options = tuple(map(int, rng.integers(1, 6, 2))), {"bias": coin(rng)}
    if name == "RNNCell":
        options["nonlinearity"] = str(rng.choice(["tanh", "relu"]))
    twin = getattr(torch.nn, name)(*sizes, **options, dtype=torch.float64)
    module = getattr(tg.nn, name)(*sizes, **options)
    moved(module, twin)
    batch = (int(rng.integers(1, 5)),) if coin(rng) else ()
    leaves = {f"x{t}": pair((*batch, sizes[0]), rng) for t in range(rng.integers(1, 4))}
    inputs = list(leaves.values())
    start = [pair((*batch, sizes[1]), rng) for _ in range(2 if name == "LSTMCell" else 1)] if coin(rng) else []
    leaves |= {f"state {i}": leaf for i, leaf in enumerate(start)}

    def steps(step: Any, side: int) -> Any:
        state = (tuple(s[side] for s in start) if name == "LSTMCell" else start[0][side]) if start else None
        for x in inputs:
            state = step(x[side], state)
        return state

    return compare(module, twin, lambda: steps(module, 0), lambda: steps(twin, 1), leaves, rng)


def sequence(name: str, rng: np.random.Generator) -> str:
    """A whole sequence, layers, directions, layouts and lengths drawn."""
    sizes = tuple(map(int, rng.integers(1, 6, 2)))
    options: dict[str, Any] = {"num_layers": int(rng.integers(1, 4)), "bias": coin(rng), "batch_first": coin(rng),
                               "bidirectional": coin(rng)}
    if name == "RNN":
        options["nonlinearity"] = str(rng.choice(["tanh", "relu"]))
    twin = getattr(torch.nn, name)(*sizes, **options, dtype=torch.float64)
    module = getattr(tg.nn, name)(*sizes, **options)
    moved(module, twin)
    steps, batch = int(rng.integers(1, 8)), (int(rng.integers(1, 5)),) if rng.random() < 0.8 else ()
    lengths = rng.integers(1, steps + 1, batch) if batch and coin(rng) else None
    order = (*batch, steps) if options["batch_first"] else (steps, *batch)
    leaves = {"x": pair((*order, sizes[0]), rng)}
    count = options["num_layers"] * (2 if options["bidirectional"] else 1)
    start = [pair((count, *batch, sizes[1]), rng) for _ in range(2 if name == "LSTM" else 1)] if coin(rng) else []
    leaves |= {f"state {i}": leaf for i, leaf in enumerate(start)}

    def state(side: int) -> Any:
        return None if not start else tuple(s[side] for s in start) if name == "LSTM" else start[0][side]

    def theirs() -> Any:
        x = leaves["x"][1]
        if lengths is None:
            return twin(x, state(1))
        packed = pack_padded_sequence(x, torch.tensor(lengths), options["batch_first"], enforce_sorted=False)
        outputs, last = twin(packed, state(1))
        return pad_packed_sequence(outputs, options["batch_first"], total_length=steps)[0], last

    return compare(module, twin, lambda: module(leaves["x"][0], state(0), lengths), theirs, leaves, rng)


def attention(name: str, rng: np.random.Generator) -> str:
    """Attention on itself, causal or not, or on a context."""
    heads, d = map(int, rng.integers(1, 4, 2))
    size, causal, bias = heads * d, coin(rng), coin(rng)
    twin = torch.nn.MultiheadAttention(size, heads, bias=bias, batch_first=True, dtype=torch.float64)
    module = tg.nn.MultiHeadAttention(size, heads, causal, bias)
    if bias:
        torch.nn.init.normal_(twin.in_proj_bias)
    moved(module, twin)
    batch = (int(rng.integers(1, 4)),) if coin(rng) else ()
    leaves = {"x": pair((*batch, int(rng.integers(1, 6)), size), rng)}
    if not causal and coin(rng):
        leaves["context"] = pair((*batch, int(rng.integers(1, 6)), size), rng)
    (x, y), context = leaves["x"], leaves.get("context", (None, leaves["x"][1]))
    mask = torch.ones(y.shape[-2], y.shape[-2]).triu(1).bool() if causal else None
    return compare(module, twin, lambda: module(x, context[0]),
                   lambda: twin(y, context[1], context[1], attn_mask=mask, need_weights=False)[0], leaves, rng)


def transformer(name: str, rng: np.random.Generator) -> str:
    """A block, its norms first or last, causal or not, with four activations."""
    heads, d, hidden = map(int, rng.integers(1, 4, 3))
    size, causal, first = heads * (d + 1), coin(rng), coin(rng)
    activation = str(rng.choice(["relu", "tanh", "sigmoid", "gelu"]))
    function = (lambda x: torch.nn.functional.gelu(x, approximate="tanh")) if activation == "gelu" else getattr(
        torch, activation)
    twin = torch.nn.TransformerEncoderLayer(size, heads, hidden, 0.0, function, batch_first=True, norm_first=first,
                                            dtype=torch.float64)
    for parameter in twin.parameters():
        torch.nn.init.normal_(parameter)
    module = tg.nn.TransformerBlock(size, heads, hidden, 0.0, causal, first, activation)
    moved(module, twin)
    x, y = pair((int(rng.integers(1, 4)), int(rng.integers(1, 6)), size), rng)
    mask = torch.ones(y.shape[-2], y.shape[-2]).triu(1).bool() if causal else None
    return compare(module, twin, lambda: module(x), lambda: twin(y, src_mask=mask), {"x": (x, y)}, rng)


KINDS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "RNNCell": cell, "GRUCell": cell, "LSTMCell": cell, "RNN": sequence, "GRU": sequence, "LSTM": sequence,
    "MultiHeadAttention": attention, "TransformerBlock": transformer}


def main() -> int:
    """Compare; 0 if nothing differs."""
    chosen, comparison = options(__doc__, 300, "settings of each module"), Comparison()
    for number in range(chosen.count):
        for place, (name, kind) in enumerate(KINDS.items()):
            seed = (chosen.seed, number, place)
            torch.manual_seed(hash(seed) % 2**32)
            fault = kind(name, np.random.default_rng(seed))
            comparison.add(name, f"drawn from {seed}, {fault}" if fault else "")
    return comparison.told("module")


if __name__ == "__main__":
    sys.exit(main())
