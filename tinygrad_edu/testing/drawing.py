"""Random programs: drawn from the operation table, and smooth where they stand.

A program is drawn from a source of choices, ``choose(n)``, a number from 0 to n - 1 of which 0 is the simplest:
a random generator, or a library that shrinks what fails. Every operand lies in its row's domain, and no kink,
pole or steep slope is near, so that derivatives can be measured.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import DataError, SingularMatrixError
from ..ops.linear import Reduction
from ..ops.row import TABLE, Elementwise, Interval, Row, ScalarRow
from .examples import Shape, examples
from .measure import directions, moved
from .programs import Operand, Program, Step

Kind = Literal["scalar", "array"]
Choose = Callable[[int], int]

# ---- numbers and domains ---------------------------------------------------------------------------------------------

INPUTS: tuple[Interval, ...] = ((-2.0, -0.2), (0.2, 2.0))
"""Where inputs lie: at 0 too many functions have a kink."""

SHAPES: tuple[Shape, ...] = ((2,), (), (3,), (2, 3), (2, 1), (3, 3), (2, 2, 2))
"""The shapes of inputs."""

LARGE, STEEP = 20.0, 20.0
"""No result is larger, and no slope at a step or of the program so far is steeper."""


@functools.cache
def simple_numbers(intervals: tuple[Interval, ...]) -> tuple[float, ...]:
    """Some hundred numbers of few digits inside the intervals, those that read most easily first.

    >>> simple_numbers(((0.2, 3.0),))[:5]
    (1.0, 2.0, 0.9, 1.1, 0.8)
    """
    found = set()
    for low, high in _within(intervals):
        digits = 2 - math.floor(math.log10(high - low))
        unit = 10.0**-digits
        found |= {round(i * unit, 15) for i in range(math.ceil(low / unit), math.floor(high / unit) + 1)}
    return tuple(sorted(found, key=_reading_effort))


def _reading_effort(x: float) -> tuple[Any, ...]:
    return len(repr(abs(x))), not x.is_integer(), abs(abs(x) - 1.0), x < 0.0, x


def _within(intervals: Sequence[Interval]) -> list[Interval]:
    """The intervals without a margin of a hundredth at either end."""
    return [(low + 0.01 * (high - low), high - 0.01 * (high - low)) for low, high in intervals]


def _inside(x: Any, intervals: Sequence[Interval]) -> bool:
    return bool(np.all(np.any([(low <= x) & (x <= high) for low, high in _within(intervals)], axis=0)))


def _smooth(curve: Callable[[float], Any], step: float = 1e-2) -> bool:
    """Whether a curve is of moderate size and slope around 0, and bends like a parabola: a kink would not."""
    def along(h: float) -> tuple[Any, Any]:
        ahead, behind = np.asarray(curve(h)), np.asarray(curve(-h))
        return (ahead - behind) / (2.0 * h), (ahead - 2.0 * middle + behind) / h

    try:
        with np.errstate(all="ignore"):
            middle = np.asarray(curve(0.0))
            (long, long_bend), (short, short_bend) = along(step), along(step / 2.0)
            slack = 0.02 * (1.0 + np.abs(short))
            return bool(np.all((np.abs(middle) < LARGE) & (np.abs(short) < STEEP) & (np.abs(long - short) <= slack)
                               & (np.abs(2.0 * short_bend - long_bend) <= slack)))
    except SingularMatrixError:
        return False


# ---- drawing ---------------------------------------------------------------------------------------------------------

FACTORS = (0.5, -0.5, -1.0, 2.0, 0.1, -0.1)
"""What a result is multiplied by to bring it into the domain of another row; else it is shifted."""


class _Refused(Exception):  # noqa: N818 - no error: the step is drawn again
    """A step is not smooth, or one too many."""


class _Sketch:
    """A program in the making: inputs, steps and results so far."""

    def __init__(self, choose: Choose, inputs: Sequence[Any], max_steps: int) -> None:
        self.choose, self.inputs, self.max_steps = choose, tuple(inputs), max_steps
        self.steps: list[Step] = []
        self.results: list[Any] = list(inputs)

    def attempt(self, row: Row, kind: Kind) -> bool:
        """Add a step of `row`, with those that fit its operands; nothing, where it is refused."""
        known = len(self.steps)
        shapes, params = self._plan(row, kind)
        together = kind == "scalar" and isinstance(row, Reduction)
        try:
            self.add(Step(row, self._operands(row, shapes), params, together))
        except _Refused:
            del self.steps[known:], self.results[len(self.inputs) + known:]
            return False
        return True

    def add(self, step: Step) -> int:
        """The place of the result of a new step."""
        if len(self.steps) >= self.max_steps or not self._is_smooth(step):
            raise _Refused
        result = step.apply(step.arguments(self.results))
        self.steps.append(step)
        self.results.append(float(result) if isinstance(self.inputs[0], float) else np.asarray(result))
        return len(self.results) - 1

    def _is_smooth(self, step: Step) -> bool:
        """Whether the step is smooth in each operand by itself, and the program up to it in the inputs."""
        rng = np.random.default_rng(len(self.steps))
        xs, program = step.arguments(self.results), Program(self.inputs, (*self.steps, step))
        vs, input_vs = directions(xs, rng), directions(program.inputs, rng)
        return (_smooth(lambda t: step.apply(moved(xs, vs, t)))
                and _smooth(lambda t: program(*moved(program.inputs, input_vs, t))))

    def _plan(self, row: Row, kind: Kind) -> tuple[Sequence[Shape | None], Mapping[str, Any]]:
        """The shapes of operands, None for any that broadcasts, and the other arguments."""
        if kind == "scalar" and isinstance(row, Reduction):
            return (None,) * (1 + self.choose(4)), {}
        if kind == "scalar" or isinstance(row, Elementwise):
            return (None,) * len(row.domain), {}
        cases = examples(row)
        example = cases[self.choose(len(cases))]
        return example.shapes, example.params

    def _operands(self, row: Row, shapes: Sequence[Shape | None]) -> tuple[Operand, ...]:
        chosen: list[Operand] = []
        for i, shape in enumerate(shapes):
            domain = row.domain[min(i, len(row.domain) - 1)]
            results = len(self.results)
            # the latest result most often, or most steps would not reach the end; never constants alone
            latest = i == 0 and self.choose(3) < 2
            free = i < len(shapes) - 1 or any(isinstance(o, int) for o in chosen)
            back = 0 if latest else self.choose(results + free)
            if back == results or (shape and 0 in shape):
                chosen.append(_constant(self.choose, domain, shape))
            else:
                place = self._shaped(results - 1 - back, chosen, shape)
                chosen.append(self._fitted(place, domain))
        return tuple(chosen)

    def _shaped(self, place: int, others: Sequence[Operand], shape: Shape | None) -> int:
        """The place of a result of `shape` (None: which broadcasts with `others`), made from the one at `place`."""
        mine = np.shape(self.results[place])
        if shape is None:
            shape = np.broadcast_shapes(*(np.shape(self.results[o]) for o in others if isinstance(o, int)))
            if _broadcast(mine, shape):
                return place
        if mine == shape:
            return place
        size, wanted = math.prod(mine), math.prod(shape)
        if size == wanted:
            return self.add(Step(TABLE["reshape"], (place,), {"shape": shape}))
        if len(mine) != 1:
            place = self.add(Step(TABLE["reshape"], (place,), {"shape": (size,)}))
        index = (np.arange(wanted) % size).reshape(shape)
        return self.add(Step(TABLE["getitem"], (place,), {"index": index}))

    def _fitted(self, place: int, domain: Sequence[Interval]) -> int:
        """The place of a result inside `domain`, made from the one at `place`.

        No choice is made here: the choices of a step then do not depend on the numbers, and earlier steps can
        be taken out of a program that shrinks without another meaning for all that follows.
        """
        x = self.results[place]
        if _inside(x, domain):
            return place
        factor = next((c for c in FACTORS if _inside(c * x, domain)), None)
        if factor is not None:
            return self.add(Step(TABLE["multiply"], (place, factor)))
        low, high = _within(domain)[-1]
        least, most, width = float(np.min(x)), float(np.max(x)), high - low
        factor = next(c for c in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0) if c * (most - least) <= 0.8 * width)
        if factor != 1.0:
            place = self.add(Step(TABLE["multiply"], (place, factor)))
        shift = (low + high) / 2.0 - factor * (least + most) / 2.0
        return self.add(Step(TABLE["add"], (place, round(shift, 2 - math.floor(math.log10(width))))))


def _broadcast(left: Shape, right: Shape) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(left), reversed(right), strict=False))


def _constant(choose: Choose, domain: Sequence[Interval], shape: Shape | None) -> Any:
    """A number of the domain, or an array of them, all different as long as there are enough."""
    numbers = simple_numbers(tuple(domain))
    if not shape:
        return numbers[choose(len(numbers))]
    size = math.prod(shape)
    left = list(numbers) * (1 + size // len(numbers))
    return np.array([left.pop(choose(len(left))) for _ in range(size)]).reshape(shape)


def _input(choose: Choose, kind: Kind) -> Any:
    if kind == "scalar":
        return _constant(choose, INPUTS, ())
    return np.asarray(_constant(choose, INPUTS, SHAPES[choose(len(SHAPES))]))


def _rows(kind: Kind) -> Iterator[Row]:
    """The rows that can be drawn: Values record scalar ones alone; arrays need a case to take shapes from."""
    for row in TABLE.values():
        if row.domain and (isinstance(row, ScalarRow) if kind == "scalar" else examples(row)):
            yield row


def draw_program(choose: Choose, kind: Kind = "scalar", max_steps: int = 8) -> Program:
    """A program of at most `max_steps` steps, every choice in it made by ``choose(n)``, a number from 0 to n - 1.

    It is drawn from the rows that the table has now, one's own included. `kind` "scalar" has numbers for
    inputs and the rows that Values record; "array" has arrays, and all rows.
    """
    if max_steps < 1:
        raise DataError(f"a program needs at least one step, not {max_steps}")
    inputs = [_input(choose, kind) for _ in range(1 + choose(3))]
    sketch, rows = _Sketch(choose, inputs, max_steps), list(_rows(kind))
    for _ in range(2 * max_steps):
        sketch.attempt(rows[choose(len(rows))], kind)
        # one choice for each step whether more follow, not their number first: what fails then shrinks step by step
        if sketch.steps and choose(max_steps) == 0:
            break
    if not sketch.steps:
        sketch.add(Step(TABLE["square"], (len(inputs) - 1,)))
    return Program(sketch.inputs, tuple(sketch.steps))


def random_program(rng: np.random.Generator, kind: Kind = "scalar", max_steps: int = 8) -> Program:
    """A program drawn with a random generator, see `draw_program`.

    >>> program = random_program(np.random.default_rng(0), max_steps=3)
    >>> isinstance(program(*program.inputs), float)
    True
    """
    return draw_program(lambda count: int(rng.integers(count)), kind, max_steps)
