"""The rows of the operation table as functions of PyTorch and of HIPS autograd, to run random programs on them."""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.ops.array_row import ArrayRow
from tinygrad_edu.testing.programs import Program

Functions = dict[str, Callable[..., Any]]


class MissingError(Exception):
    """A library has no such operation, or not for these arguments."""


@dataclass(frozen=True)
class Library:
    """What a program is evaluated with.

    Attributes:
        name: for the table of results.
        functions: what stands for each row, by the row's name and with its arguments.
        constant: makes an array of the library's own kind.
        stack: joins results that broadcast, along a new first axis.
        derive: of (f, inputs, u, vs), the list of f, the gradients of u . f and, where there are vs, the
            gradients of their derivative along vs.
    """

    name: str
    functions: Functions
    constant: Callable[[Any], Any]
    stack: Callable[[Sequence[Any]], Any]
    derive: Callable[..., list[Any]]

    def run(self, program: Program, inputs: Sequence[Any]) -> Any:
        """The result of a program, each row replaced by the library's function."""
        results = list(inputs)
        for step in program.steps:
            if step.row.name not in self.functions:
                raise MissingError(step.row.name)
            operands = [results[o] if isinstance(o, int) else self.constant(o) for o in step.operands]
            if step.together:
                operands = [self.stack(operands)]
            params = {"axis": 0} if step.together else step.params
            if isinstance(step.row, ArrayRow):
                params = step.row.bind(tuple(operands), dict(params))[1]  # the defaults too
            results.append(self.functions[step.row.name](*operands, **params))
        return results[-1]


# ---- the same in either library --------------------------------------------------------------------------------------

SAME_NAMES = """
    add subtract multiply divide negative abs sign square sqrt reciprocal exp expm1 log log1p log2 log10 logaddexp sin
    cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh maximum minimum reshape matmul cumsum"""
"""Rows that both libraries have under NumPy's name."""


def shared(m: Any) -> Functions:
    """The rows that are written the same in a library `m`, by the formulas of their docstrings."""
    return {name: getattr(m, name) for name in SAME_NAMES.split()} | {
        "power": lambda x, y: x**y, "clip": lambda x, low, high: m.minimum(m.maximum(x, low), high),
        # products with masks, as the gradient of HIPS's where() does not undo broadcasting
        "leaky_relu": lambda x, slope: (x > 0.0) * x + slope * ((x <= 0.0) * x),
        "elu": lambda x, alpha: (x > 0.0) * x + alpha * m.expm1((x <= 0.0) * x),
        "weighted_sum": lambda *xs: sum((w * x for w, x in zip(xs[:len(xs) // 2], xs[len(xs) // 2:-1], strict=True)),
                                        xs[-1]),
        "lstm_gates": lambda z: m.concatenate([f(x) for f, x in zip(lstm_functions(m), quarters(z), strict=True)], -1),
        "lstm_memory": lambda gates, c: quarters(gates)[1] * c + quarters(gates)[0] * quarters(gates)[2],
        "lstm_hidden": lambda gates, c: quarters(gates)[3] * c}


def quarters(x: Any) -> list[Any]:
    """The four gates of a long short-term memory, along the last axis."""
    n = x.shape[-1] // 4
    return [x[..., k * n:(k + 1) * n] for k in range(4)]


def lstm_functions(m: Any) -> list[Callable[[Any], Any]]:
    """What each gate is put through: three sigmoids, as a library `m` writes them, and a tanh."""
    def sigmoid(x: Any) -> Any:
        return 1.0 / (1.0 + m.exp(-x))

    return [sigmoid, sigmoid, m.tanh, sigmoid]


def places(shape: Sequence[int], index: Any) -> Any:
    """Where the elements of x[index] stand in x.ravel()."""
    return np.array(np.arange(math.prod(shape)).reshape(shape)[index], order="C")


def window_places(shape: Sequence[int], size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Any:
    """Where the elements of all windows over the last axes stand in x.ravel()."""
    found, first = np.arange(math.prod(shape)).reshape(shape), len(shape) - len(size)
    for axis, (n, s, d) in enumerate(zip(size, stride, dilation, strict=True), start=first):
        starts = np.arange(0, shape[axis] - (n - 1) * d, s)
        found = np.moveaxis(np.take(found, starts[:, None] + d * np.arange(n), axis), axis + 1, -1)
    return found


def border(shape: Sequence[int], width: Sequence[tuple[int, int]]) -> Any:
    """1 where padding goes, 0 in the middle."""
    return 1.0 - np.pad(np.ones(shape), width)


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


def pytorch() -> Library:
    """PyTorch, in float64."""
    torch = importlib.import_module("torch")

    def constant(x: Any) -> Any:
        return torch.tensor(x, dtype=torch.float64)

    def derive(function: Callable[..., Any], inputs: Sequence[Any], u: Any, vs: Sequence[Any]) -> list[Any]:
        xs = [constant(x).requires_grad_() for x in inputs]
        out = function(*xs)
        gradients = torch.autograd.grad((constant(u) * out).sum(), xs, create_graph=bool(vs))
        found = [out, *gradients]
        if vs:
            along = sum(v * g for v, g in zip(vs, gradients, strict=True))
            found += (torch.autograd.grad(along, xs, materialize_grads=True) if along.requires_grad
                      else [torch.zeros_like(x) for x in xs])  # linear programs
        # copied: a gradient that is 0 everywhere may have no memory, which numpy() would read all the same
        return [torch.empty(x.shape, dtype=x.dtype).copy_(x.detach()).numpy() for x in found]

    functions = shared(torch) | torch_activations(torch) | torch_reductions(torch) | torch_arrays(torch)
    return Library("PyTorch", functions, constant, lambda xs: torch.stack(torch.broadcast_tensors(*xs)), derive)


def torch_activations(torch: Any) -> Functions:
    """Activations, and what is made of log-softmax."""
    f = torch.nn.functional
    return {"sigmoid": torch.sigmoid, "relu": f.relu, "gelu": lambda x: f.gelu(x, approximate="tanh"), "silu": f.silu,
            "softplus": f.softplus, "log_softmax": lambda x, axis: f.log_softmax(x, axis),
            "cross_entropy": lambda x, target: f.cross_entropy(x, torch.tensor(target), reduction="none")}


def torch_reductions(torch: Any) -> Functions:
    """Reductions; amax and amin share a gradient between ties, as ours do."""
    def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, axis, keepdims: function(x, dim=tuple(range(x.ndim)) if axis is None else axis,
                                                  keepdim=keepdims)

    return {"sum": reduction(torch.sum), "mean": reduction(torch.mean), "max": reduction(torch.amax),
            "min": reduction(torch.amin), "logsumexp": reduction(torch.logsumexp),
            "norm": reduction(torch.linalg.vector_norm)}


def torch_arrays(torch: Any) -> Functions:
    """Shapes, selections and linear algebra."""
    def put(values: Any, index: Any, shape: Sequence[int]) -> Any:
        zeros = torch.zeros(math.prod(shape), dtype=torch.float64)
        return zeros.index_add(0, torch.tensor(index.ravel()), values.reshape(-1)).reshape(shape)

    def windows(x: Any, size: Any, stride: Any, dilation: Any) -> Any:
        for axis, (n, s, d) in enumerate(zip(size, stride, dilation, strict=True), start=x.ndim - len(size)):
            x = x.unfold(axis, (n - 1) * d + 1, s)[..., ::d]
        return x

    def pad(x: Any, fill: Any, width: Any) -> Any:
        zeros = torch.nn.functional.pad(x, tuple(itertools.chain.from_iterable(reversed(width))))
        return zeros + fill * torch.tensor(border(x.shape, width))

    return {"transpose": lambda x, axes: x.permute(*(reversed(range(x.ndim)) if axes is None else axes)),
            "broadcast_to": lambda x, shape: x.expand(shape), "astype": lambda x, dtype: x.to(torch.float64),
            "where": lambda x, y, condition: torch.where(torch.tensor(condition), x, y),
            "getitem": lambda x, index: x.reshape(-1)[torch.tensor(places(x.shape, index))],
            "scatter": lambda x, index, shape: put(x, places(shape, index), shape),
            "concatenate": lambda *xs, cuts, axis: torch.cat(xs, axis),
            "stack": lambda *xs, axis: torch.stack(xs, axis), "pad": pad, "windows": windows,
            "overlap": lambda x, shape, stride, dilation: put(
                x, window_places(shape, x.shape[-len(stride):], stride, dilation), shape),
            "einsum": lambda *xs, subscripts: torch.einsum(subscripts, *xs),
            "inv": torch.linalg.inv, "solve": torch.linalg.solve, "det": torch.linalg.det,
            "roll": lambda x, shift, axis: torch.roll(x, shift, axis)}


# ---- HIPS autograd ---------------------------------------------------------------------------------------------------


def hips() -> Library:
    """HIPS autograd."""
    autograd, anp = importlib.import_module("autograd"), importlib.import_module("autograd.numpy")

    def derive(function: Callable[..., Any], xs: Sequence[Any], u: Any, vs: Sequence[Any]) -> list[Any]:
        every = tuple(range(len(xs)))
        gradient = autograd.grad(lambda *xs: anp.sum(u * function(*xs)), every)
        found = [function(*xs), *gradient(*xs)]
        if vs:
            found += autograd.grad(lambda *xs: sum(v * g for v, g in zip(vs, gradient(*xs), strict=True)), every)(*xs)
        return found

    return Library("HIPS autograd", shared(anp) | hips_formulas(anp) | hips_selections(anp) | hips_products(anp),
                   lambda x: x, anp.stack, derive)


def hips_formulas(anp: Any) -> Functions:
    """Activations and reductions, written out."""
    def length(x: Any, axis: Any, keepdims: bool) -> Any:
        return anp.sqrt(anp.sum(x * x, axis=axis, keepdims=keepdims))

    def logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
        return anp.log(anp.sum(anp.exp(x), axis=axis, keepdims=keepdims))

    def log_softmax(x: Any, axis: int) -> Any:
        return x - logsumexp(x, axis, keepdims=True)

    def cross_entropy(x: Any, target: Any) -> Any:
        weights = target if target.ndim == x.ndim else np.eye(x.shape[-1])[target]
        return -anp.sum(weights * log_softmax(x, -1), axis=-1)

    return {"sigmoid": lambda x: 1.0 / (1.0 + anp.exp(-x)), "relu": lambda x: anp.maximum(x, 0.0),
            "gelu": lambda x: 0.5 * x * (1.0 + anp.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x))),
            "silu": lambda x: x / (1.0 + anp.exp(-x)), "softplus": lambda x: anp.log1p(anp.exp(x)),
            "sum": anp.sum, "mean": anp.mean, "max": anp.max, "min": anp.min, "logsumexp": logsumexp, "norm": length,
            "log_softmax": log_softmax, "cross_entropy": cross_entropy}


def hips_selections(anp: Any) -> Functions:
    """Shapes and selections, by products with matrices of 0 and 1.

    HIPS's own gradients are wrong, or raise, for transpose() with negative axes, roll() along several axes and
    some indices of one element.
    """
    def take(x: Any, index: Any) -> Any:
        matrix = np.eye(math.prod(x.shape))[:, index.ravel()]
        return anp.reshape(anp.dot(anp.reshape(x, (-1,)), matrix), index.shape)

    def put(values: Any, index: Any, shape: Sequence[int]) -> Any:
        matrix = np.eye(math.prod(shape))[:, index.ravel()]
        return anp.reshape(anp.dot(matrix, anp.reshape(values, (-1,))), shape)

    return {"transpose": lambda x, axes: anp.transpose(x, None if axes is None else [a % x.ndim for a in axes]),
            "broadcast_to": lambda x, shape: x * np.ones(shape), "astype": lambda x, dtype: 1.0 * x,
            "where": lambda x, y, condition: condition * x + ~condition * y,
            "getitem": lambda x, index: take(x, places(x.shape, index)),
            "scatter": lambda x, index, shape: put(x, places(shape, index), shape),
            "concatenate": lambda *xs, cuts, axis: anp.concatenate(xs, axis),
            "stack": lambda *xs, axis: anp.stack(xs, axis),
            "pad": lambda x, fill, width: anp.pad(x, width, "constant") + fill * border(x.shape, width),
            "roll": lambda x, shift, axis: take(x, np.roll(places(x.shape, ...), shift, axis)),
            "windows": lambda x, size, stride, dilation: take(x, window_places(x.shape, size, stride, dilation)),
            "overlap": lambda x, shape, stride, dilation: put(
                x, window_places(shape, x.shape[-len(stride):], stride, dilation), shape)}


def hips_products(anp: Any) -> Functions:
    """Products and linear algebra; the gradients of einsum() and solve() raise where operands broadcast."""
    def einsum(*xs: Any, subscripts: str) -> Any:
        labels = subscripts.partition("->")[0].split(",")
        sizes = {pair for text, x in zip(labels, xs, strict=True) for pair in zip(text, x.shape, strict=True)}
        if len(sizes) > len({label for label, _ in sizes}):
            raise MissingError("einsum over axes of sizes 1 and n")
        return anp.einsum(subscripts, *xs)

    def solve(a: Any, b: Any) -> Any:
        batch = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), 1, 1)
        return anp.linalg.solve(a * np.ones(batch), b * np.ones(batch))

    return {"einsum": einsum, "inv": anp.linalg.inv, "solve": solve, "det": anp.linalg.det}
