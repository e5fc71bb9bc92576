"""The step of a long short-term memory, in three rows: gates, memory, hidden state.

Put together from sigmoid, tanh and products it would be a node for each gate and each product, and a slice
and its transpose for each quarter of the gates. The tanh of the memory stays a node of its own: its
derivative follows from its result, where a row that hid it would compute it again for each operand.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..errors import ShapeError
from .array_row import Fused, LinearInEach, row
from .elementwise import sigmoid
from .row import add_up
from .selections import _concatenate, scatter

_REAL = (((-2.0, 2.0),),)


def _gate(gates: Any, k: int) -> Any:
    """The k-th of the input, forget, cell and output gate, which are one after the other along the last axis."""
    n = gates.shape[-1] // 4
    return gates[..., k * n:(k + 1) * n]


def _check_shapes(name: str, gates: Any, c: Any) -> None:
    """Raise unless the gates are four times c along the last axis: the rules do not broadcast."""
    shape = np.shape(c)
    if not shape or np.shape(gates) != (*shape[:-1], 4 * shape[-1]):
        raise ShapeError(f"{name}: takes gates of shape (..., 4 n) with a memory of shape (..., n), not "
                         f"{np.shape(gates)} with {shape}")


def _slopes(gates: Any) -> Any:
    """The derivative of each gate: (1 - s) s of a sigmoid s, (1 - t) (1 + t) of a tanh t."""
    return (1.0 - gates) * (gates + _is_tanh(gates.shape[-1], gates.dtype))


@functools.lru_cache(maxsize=64)
def _is_tanh(size: int, dtype: np.dtype[Any]) -> Any:
    """1 for the cell gate, 0 for the others."""
    mask = np.zeros(size, dtype)
    mask[size // 2:3 * size // 4] = 1.0
    mask.flags.writeable = False
    return mask


@row(Fused, [lambda g, out, z: g * _slopes(out)], lambda out, zs, ts: ts[0] * _slopes(out), latex=r"\gamma({0})",
     domain=_REAL, cases=[(((2, 8),), {}), (((4,),), {}), (((2, 1, 4),), {})])
def lstm_gates(z: Any, /) -> Any:
    """The gates of a long short-term memory: sigmoid of the quarters 1, 2 and 4 of the last axis, tanh of the third.

    >>> lstm_gates([0.0, 0.0, 0.0, 0.0])
    array([0.5, 0.5, 0. , 0.5])
    """
    z = np.asarray(z)
    size = z.shape[-1] if z.ndim else 0
    if size % 4 or not z.ndim:
        raise ShapeError(f"lstm_gates: the last axis of shape {z.shape} does not divide into four gates")
    out = sigmoid.array(z)
    cell = (Ellipsis, slice(size // 2, 3 * size // 4))
    np.tanh(z[cell], out=out[cell])
    return out


def _memory_parts(g: Any, gates: Any, c: Any) -> list[Any]:
    """What of a cotangent of the new memory flows to the input, the forget and the cell gate."""
    return [g * _gate(gates, 2), g * c, g * _gate(gates, 0)]


def _memory_by_gates(g: Any, out: Any, gates: Any, c: Any) -> Any:
    n = c.shape[-1]
    parts = [*_memory_parts(g, gates, c), np.zeros(c.shape, g.dtype)]
    return _concatenate(*parts, axis=-1, cuts=(0, n, 2 * n, 3 * n, 4 * n))


def _add_memory_parts(total: Any, g: Any, operands: Any, params: Any) -> None:
    for k, part in enumerate(_memory_parts(g, *operands)):
        gate = _gate(total, k)
        gate += part


def _memory_tangent(out: Any, operands: Any, tangents: Any) -> Any:
    (gates, c), (by_gates, by_c) = operands, tangents
    terms = [] if by_c is None else [_gate(gates, 1) * by_c]
    if by_gates is not None:
        terms += [_gate(by_gates, 1) * c, _gate(by_gates, 0) * _gate(gates, 2), _gate(gates, 0) * _gate(by_gates, 2)]
    return add_up(terms)


@row(Fused, [_memory_by_gates, lambda g, out, gates, c: g * _gate(gates, 1)], _memory_tangent, analytic=True,
     adders={0: _add_memory_parts}, latex=r"f \odot {1} + i \odot t", domain=_REAL * 2,
     cases=[(((2, 8), (2, 2)), {}), (((4,), (1,)), {})])
def lstm_memory(gates: Any, c: Any, /) -> Any:
    """The new memory f c + i t, of the gates (i, f, t, o) along the last axis and the old memory c.

    >>> lstm_memory(np.array([0.5, 1.0, 2.0, 0.0]), np.array([3.0]))
    array([4.])
    """
    _check_shapes("lstm_memory", gates, c)
    return _gate(gates, 1) * c + _gate(gates, 0) * _gate(gates, 2)


def _hidden_part(g: Any, c: Any) -> Any:
    """What of a cotangent of the hidden state flows to the output gate."""
    return g * c


def _hidden_by_gates(g: Any, gates: Any, c: Any) -> Any:
    return scatter(_hidden_part(g, c), (Ellipsis, slice(3 * c.shape[-1], None)), gates.shape)


def _add_hidden_part(total: Any, g: Any, operands: Any, params: Any) -> None:
    gate = _gate(total, 3)
    gate += _hidden_part(g, operands[1])


@row(LinearInEach, _hidden_by_gates, lambda g, gates, c: g * _gate(gates, 3), analytic=True,
     adders={0: _add_hidden_part}, latex=r"o \odot {1}", domain=_REAL * 2,
     cases=[(((2, 8), (2, 2)), {}), (((4,), (1,)), {})])
def lstm_hidden(gates: Any, c: Any, /) -> Any:
    """The hidden state o c, of the gates (i, f, t, o) along the last axis and c, the tanh of the memory.

    >>> lstm_hidden(np.array([0.0, 0.0, 0.0, 0.5]), np.array([1.0]))
    array([0.5])
    """
    _check_shapes("lstm_hidden", gates, c)
    return _gate(gates, 3) * c
