"""Strategies for hypothesis: Values, Tensors, shapes, the parameters of a module, and whole graphs.

They shrink to what is read most easily: few and simple numbers, small shapes, short programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..extras import extra
from ..nn.module import Module
from ..ops.row import Interval
from ..tensor import Tensor
from ..value import Value
from .drawing import Kind, draw_program
from .programs import Program

st = extra("hypothesis.strategies", "testing")
arrays = extra("hypothesis.extra.numpy", "testing")

Strategy = Any
"""A strategy of hypothesis, which is typed only where it is installed."""

REAL: tuple[Interval, ...] = ((-2.0, 2.0),)
"""The domain unless another is given; rows of the table have theirs in `row.domain`."""

# ---- nodes -----------------------------------------------------------------------------------------------------------


def values(domain: Sequence[Interval] = REAL) -> Strategy:
    """Values, leaves of a graph, with data from a union of intervals (low, high).

    >>> from hypothesis import find
    >>> find(values(domain=[(0.5, 3.0)]), lambda v: v.data > 1.2)
    Value(data=2, grad=None)
    """
    return _numbers(domain, np.float64).map(Value)


def tensors(shape: Any = None, dtype: Any = np.float64, domain: Sequence[Interval] = REAL) -> Strategy:
    """Tensors, leaves of a graph, with data from a union of intervals (low, high).

    `shape` is a tuple, a number, a strategy of either, or None for up to 3 axes of 1 to 3 elements; `dtype`
    is float64 or float32.

    >>> from hypothesis import find
    >>> find(tensors((2, 2)), lambda t: t.data.sum() > 0.5)
    Tensor([[1., 1.],
            [1., 1.]])
    """
    if shape is None:
        shape = arrays.array_shapes(min_dims=0, max_dims=3, max_side=3)
    return arrays.arrays(dtype, shape, elements=_numbers(domain, np.dtype(dtype))).map(Tensor)


def broadcastable_shapes(count: int, max_dims: int = 3, max_side: int = 3) -> Strategy:
    """Tuples of `count` shapes that broadcast together, with axes of 1 to `max_side` elements.

    >>> from hypothesis import find
    >>> find(broadcastable_shapes(2), lambda shapes: len(shapes[0]) > len(shapes[1]))
    ((1,), ())
    """
    shapes = arrays.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, max_side=max_side)
    return shapes.map(lambda found: found.input_shapes)


def parameters_of(module: Module, domain: Sequence[Interval] = REAL) -> Strategy:
    """Dicts of new data for the parameters of a module, by name; ``module.load_state_dict(drawn)`` takes them.

    Each has the shape and dtype of the parameter; buffers stay as they are. The module itself is not changed,
    so that a failing example, which hypothesis prints, is all that is needed to see the failure again.

    >>> import tinygrad_edu as tg
    >>> from hypothesis import find
    >>> find(parameters_of(tg.nn.Linear(2, 1, rng=0)), lambda state: state["weight"].sum() > 0.5)
    {'weight': array([[1., 1.]]), 'bias': array([0.])}
    """
    state = module.state_dict()
    named = {name: _like(parameter.data, domain) for name, parameter in module.named_parameters()}
    return st.fixed_dictionaries(named).map(lambda drawn: {**state, **drawn})


def _like(data: Any, domain: Sequence[Interval]) -> Strategy:
    if isinstance(data, float):
        return _numbers(domain, np.float64)
    return arrays.arrays(data.dtype, data.shape, elements=_numbers(domain, data.dtype))


def _numbers(domain: Sequence[Interval], dtype: Any) -> Strategy:
    """Floats that `dtype` can hold, from a union of intervals."""
    kind = np.dtype(dtype).type
    return st.one_of(*(st.floats(_at_least(low, kind), -_at_least(-high, kind), allow_subnormal=False,
                                 width=8 * kind().itemsize) for low, high in domain))


def _at_least(bound: float, kind: Callable[[float], Any]) -> float:
    """The least number of a floating-point type that is not below `bound`."""
    nearest = kind(bound)
    return float(nearest if float(nearest) >= bound else np.nextafter(nearest, kind(np.inf)))


# ---- graphs ----------------------------------------------------------------------------------------------------------


def graphs(kind: Kind | None = None, max_steps: int = 8) -> Strategy:
    """Programs of at most `max_steps` steps drawn from the operation table, see `Program`.

    `kind` is "scalar", for Values; "array", for Tensors; or None for either. The rows are those that the table
    has when a program is drawn. Smooth where they stand, the programs can be measured; they shrink to short ones.

    >>> from hypothesis import find
    >>> find(graphs("scalar"), lambda program: any(step.row.name == "tanh" for step in program.steps))
    import numpy as np
    import tinygrad_edu as tg
    <BLANKLINE>
    x0 = tg.Value(1.0)
    a = tg.tanh(x0)
    a.backward()
    """
    return st.composite(_program)(kind, max_steps)


def _program(draw: Callable[[Any], Any], kind: Kind | None, max_steps: int) -> Program:
    if kind is None:
        kind = draw(st.sampled_from(("scalar", "array")))
    return draw_program(lambda count: int(draw(st.integers(0, count - 1))), kind, max_steps)
