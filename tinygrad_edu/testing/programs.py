"""Programs of the operation table as plain data: graphs to try an engine on, which print as Python code."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..node import Node
from ..ops.linear import broadcast_to
from ..ops.row import Row
from ..ops.selections import stack
from ..tensor import Tensor
from ..value import Value

Operand = Any
"""An int is the place of an earlier result, inputs included; a float or an array is a constant."""

# ---- programs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of a program.

    Attributes:
        row: the operation.
        operands: for each, the place of an earlier result (an int) or a constant (a float or an array).
        params: the other arguments.
        together: whether the operands are one sequence, which a `Reduction` takes of Values.
    """

    row: Row
    operands: tuple[Operand, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False

    @property
    def places(self) -> tuple[int, ...]:
        """The places of the results that it reads."""
        return tuple(o for o in self.operands if isinstance(o, int))

    def arguments(self, results: Sequence[Any]) -> list[Any]:
        """The operands, given all earlier results."""
        return [results[o] if isinstance(o, int) else o for o in self.operands]

    def apply(self, arguments: Sequence[Any]) -> Any:
        """The operation on numbers, arrays or nodes; arrays and Tensors `together` are stacked first."""
        if not self.together:
            return self.row(*arguments, **self.params)
        if all(isinstance(x, float) or (isinstance(x, Node) and x.is_scalar) for x in arguments):
            return self.row(list(arguments))
        shape = np.broadcast_shapes(*(getattr(x, "shape", ()) for x in arguments))
        return self.row(stack([broadcast_to(x, shape) for x in arguments]), axis=0)


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """Operations one after the other, each of earlier results; the last one's is the program's.

    Steps and inputs that do not reach the last result are left out when it is made.

    >>> from tinygrad_edu.ops import TABLE
    >>> program = Program((0.5, 7.0, 2.0), (Step(TABLE["tanh"], (0,)), Step(TABLE["exp"], (1,)),
    ...                                     Step(TABLE["multiply"], (3, 2))))
    >>> program
    import numpy as np
    import tinygrad_edu as tg
    <BLANKLINE>
    x0 = tg.Value(0.5)
    x1 = tg.Value(2.0)
    a = tg.tanh(x0)
    b = tg.multiply(a, x1)
    b.backward()
    >>> round(program(*program.inputs), 4)
    0.9242

    Attributes:
        inputs: numbers or arrays at which it stands.
        steps: the operations, in order.

    Raises:
        DataError: there is no step, or one reads what is not there before it.
    """

    inputs: tuple[Any, ...]
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise DataError("a program needs at least one step")
        for place, step in enumerate(self.steps, start=len(self.inputs)):
            if not all(0 <= o < place for o in step.places):
                raise DataError(f"step {place - len(self.inputs)}, {step.row.name}, reads the places {step.places}, of "
                                f"which only those from 0 to {place - 1} are there before it")
        count, needed = len(self.inputs), {len(self.inputs) + len(self.steps) - 1}
        for place in reversed(range(len(self.steps))):
            if count + place in needed:
                needed.update(self.steps[place].places)
        order = {old: new for new, old in enumerate(sorted(needed))}
        # the class is frozen for its users; nobody has seen this object yet
        object.__setattr__(self, "inputs", tuple(x for i, x in enumerate(self.inputs) if i in needed))
        object.__setattr__(self, "steps", tuple(
            replace(step, operands=tuple(order[o] if isinstance(o, int) else o for o in step.operands))
            for place, step in enumerate(self.steps, start=count) if place in needed))

    def __call__(self, *inputs: Any) -> Any:
        """The last result, of numbers, arrays, Values or Tensors; a scalar program takes batches of numbers too."""
        if len(inputs) != len(self.inputs):
            raise TypeError(f"the program takes {len(self.inputs)} inputs, not {len(inputs)}")
        results = list(inputs)
        for step in self.steps:
            results.append(step.apply(step.arguments(results)))
        return results[-1]

    def nodes(self) -> list[Any]:
        """New leaves to call it on: a Value for each number among the inputs, a Tensor for each array."""
        return [Value(x) if isinstance(x, float) else Tensor(x) for x in self.inputs]

    def code(self) -> str:
        """The program as Python code, which builds the same graph and differentiates it."""
        names = [f"x{i}" for i in range(len(self.inputs))] + [_name(i) for i in range(len(self.steps))]
        lines = [f"{name} = tg.{'Value' if isinstance(x, float) else 'Tensor'}({_literal(x, '')})"
                 for name, x in zip(names, self.inputs, strict=False)]
        lines += [f"{name} = {_call(step, names)}"
                  for name, step in zip(names[len(self.inputs):], self.steps, strict=True)]
        total = names[-1] if np.ndim(self(*self.inputs)) == 0 else f"tg.sum({names[-1]})"
        kinds = {type(option) for step in self.steps for option in step.params.values() if is_dataclass(option)}
        imports = sorted(f"from {kind.__module__} import {kind.__name__}" for kind in kinds)
        imports = ["import numpy as np", "import tinygrad_edu as tg", *imports]
        return "\n".join([*imports, "", *lines, f"{total}.backward()"])

    __repr__ = code

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The code again, for IPython and for the failing examples of hypothesis."""
        printer.text(self.code())


# ---- as Python code --------------------------------------------------------------------------------------------------

_LETTERS = "abcdefghijklmnopqrstuvw"


def _name(place: int) -> str:
    number, letter = divmod(place, len(_LETTERS))
    return _LETTERS[letter] + (str(number) if number else "")


def _call(step: Step, names: Sequence[str]) -> str:
    row = step.row
    home = vars(sys.modules[row.__module__])  # the package itself, unless a row says otherwise
    function = f"tg.{row.name}" if home.get(row.name) is row else f"tg.TABLE[{row.name!r}]"
    operands = ", ".join(names[o] if isinstance(o, int) else _literal(o) for o in step.operands)
    options = [f"{key}={_literal(value)}" for key, value in step.params.items()]
    return f"{function}({', '.join([f'[{operands}]' if step.together else operands, *options])})"


def _literal(x: Any, array: str = "np.array") -> str:
    """An expression for a constant; a list alone where the caller makes an array of it."""
    if isinstance(x, np.ndarray):
        if not x.size:
            return f"np.zeros({x.shape}, dtype=np.{x.dtype})"
        kind = ", dtype=np.float32" if x.dtype == np.float32 else ""
        return f"{array}({_nested(x.tolist())}{kind})" if array else f"{_nested(x.tolist())}{kind}"
    if isinstance(x, np.float32):
        return f"np.float32({_nested(x.item())})"
    if isinstance(x, tuple):
        return f"({', '.join(map(_literal, x))}{',' if len(x) == 1 else ''})"
    if isinstance(x, type) and x.__module__ == "numpy":
        return f"np.{x.__name__}"
    return _nested(x.item() if isinstance(x, np.generic) else x)


def _nested(x: Any) -> str:
    """The repr of a number or of nested lists of them, inf and nan by the names that they have in NumPy."""
    if isinstance(x, list):
        return f"[{', '.join(map(_nested, x))}]"
    if isinstance(x, float) and not math.isfinite(x):
        return f"np.{x}" if x > 0.0 or x != x else "-np.inf"
    return repr(x)
