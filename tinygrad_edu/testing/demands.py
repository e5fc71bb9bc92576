"""What a row of the table has to give: the numbers of its function, and their slopes in every mode and order.

Each demand is a function of a row and a random generator, which tries the row wherever it can be tried and
raises a GradientError with the operation, the shapes, what was compared and both numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import GradientError
from ..ops.linear import Reduction
from ..ops.row import Elementwise, Row
from ..ops.selections import stack
from ..tensor import Tensor
from ..transforms import hessian
from ..value import Value
from .examples import Example, ScalarExample, Shape, examples, scalar_example
from .gradients import gradcheck
from .measure import Function
from .orders import (
    backward,
    check_complex_step,
    check_first_order,
    check_second_order,
    check_third_order,
    equal,
)

SMALL: tuple[Shape, ...] = ((0,), (2, 0), (1,), (1, 1), ())
"""Shapes of none and of one element."""


def everywhere(row: Row) -> list[Example | ScalarExample]:
    """The examples of a row, on arrays and, where they can record it, on Values."""
    on_values = scalar_example(row)
    return [*examples(row), *([on_values] if on_values else [])]


# ---- forward ---------------------------------------------------------------------------------------------------------


def has_examples(row: Row, rng: np.random.Generator) -> None:
    """There is a domain for each operand, and an example to try: else all of the below would pass in silence."""
    most = max((len(shapes) for shapes, _ in row.cases), default=0)
    if not row.domain or most > len(row.domain):
        raise GradientError(f"{row.name}: a domain for {len(row.domain)} operands, but they are {most or 'more'}; "
                            "name the intervals to draw each from")
    if not all(low < high for intervals in row.domain for low, high in intervals):
        raise GradientError(f"{row.name}: an interval of the domain {row.domain} is empty")
    if not examples(row):
        raise GradientError(f"{row.name}: there is no example to try it on; name some with cases=[(shapes, others)], "
                            "such as [(((2, 3),), {'axis': 0})]")


def matches(row: Row, reference: Function, rng: np.random.Generator) -> None:
    """Arrays and Tensors give what the reference gives, to twelve digits."""
    for example in examples(row):
        xs = example.draw(rng)
        expected = reference(*xs, **example.params)
        for kind, result in (("arrays", example(*xs)), ("Tensors", example(*map(Tensor, xs)).data)):
            equal(f"{example} of {kind}, with the reference", expected, result, 1e-12, 1e-12)


def forward(row: Row, rng: np.random.Generator) -> None:
    """Floats, arrays, Values and Tensors give the numbers of the array function."""
    for example in examples(row):
        xs = example.draw(rng)
        equal(f"{example} of Tensors", example.plain(*xs), example(*map(Tensor, xs)).data, 1e-14, 1e-15)
        equal(f"{example} of arrays", example.plain(*xs), example(*xs), 1e-14, 1e-15)
    on_values = scalar_example(row)
    if on_values is not None:
        _forward_on_floats(on_values, on_values.draw(rng))


def _forward_on_floats(example: ScalarExample, xs: Sequence[float]) -> None:
    expected = example.plain(*xs)
    equal(f"{example}", expected, example(*map(Value, xs)).data, 1e-14, 1e-15)
    equal(f"{example}, as floats", expected, example(*xs), 1e-14, 1e-15)
    if isinstance(example.row, Elementwise):
        for shape in ((), (1,), (2,)):
            arrays = [np.full(shape, x) for x in xs]
            equal(f"{example}, as arrays of shape {shape}", np.full(shape, expected), example(*arrays), 1e-14, 1e-15)
            equal(f"{example}, as Tensors of shape {shape}", np.full(shape, expected),
                  example(*map(Tensor, arrays)).data, 1e-14, 1e-15)


# ---- derivatives -----------------------------------------------------------------------------------------------------


def first_order(row: Row, rng: np.random.Generator) -> None:
    """Both modes give the slope that finite differences measure."""
    for example in everywhere(row):
        xs = example.draw(rng)
        try:
            check_first_order(example, xs, rng, example.plain)
        except GradientError as error:
            raise _explained(error, example, xs) from None


def _explained(error: GradientError, example: Example | ScalarExample, xs: Sequence[Any]) -> GradientError:
    """The error with what gradcheck has to say of it: which element is wrong, and the likely cause."""
    try:
        gradcheck(example, *xs)
    except GradientError as found:
        found.args = (f"{error}\n{found}",)
        return found
    return error


def complex_step(row: Row, rng: np.random.Generator) -> None:
    """Both modes give the slope of a complex step to twelve digits, where the function takes complex numbers."""
    for example in examples(row) if row.analytic else ():
        check_complex_step(example, example.draw(rng), rng, example.plain)


def second_order(row: Row, rng: np.random.Generator) -> None:
    """Every nesting of the modes gives the curvature that finite differences measure."""
    for example in everywhere(row):
        check_second_order(example, example.draw(rng), rng)


def third_order(row: Row, rng: np.random.Generator) -> None:
    """The third derivative of a function of numbers is the slope of the second, on Values and on Tensors."""
    if isinstance(row, Elementwise):
        example = ScalarExample(row, len(row.domain))
        check_third_order(example, example.draw(rng), rng)


def families(row: Row, rng: np.random.Generator) -> None:
    """Values and Tensors have the same result, gradient and Hessian."""
    example = scalar_example(row)
    if example is None:
        return
    xs = example.draw(rng)
    arrays, every = [np.asarray(x) for x in xs], tuple(range(len(xs)))

    def twin(*tensors: Any) -> Any:
        return row(stack(tensors)) if isinstance(row, Reduction) else row(*tensors)

    out, gradients = backward(example, xs, 1.0)
    twin_out, twin_gradients = backward(twin, arrays, 1.0)
    equal(f"{example}, beside Tensors", twin_out.data, out.data)
    equal(f"{example}: gradient, beside Tensors", twin_gradients, gradients, order=1)
    equal(f"{example}: Hessian, beside Tensors", hessian(twin, every)(*arrays), hessian(example, every)(*xs),
          1e-10, 1e-10, order=2)


def broadcasting(row: Row, rng: np.random.Generator) -> None:
    """Axes that are missing, of size 1 or of size 0: each gradient has its operand's shape and the right numbers."""
    if isinstance(row, Elementwise) and len(row.domain) > 1:
        whole = rng.integers(0, 4, rng.integers(0, 4))
        drawn = [np.where(rng.random(whole.size) < 0.4, 1, whole)[rng.integers(0, whole.size + 1):] for _ in row.domain]
        of_any_shape(Example(row, tuple(tuple(map(int, shape)) for shape in drawn)), rng)


def sizes(row: Row, rng: np.random.Generator) -> None:
    """Axes of size 0 and 1 are axes like others, in either mode and order."""
    for shape in SMALL if isinstance(row, Elementwise) else ():
        of_any_shape(Example(row, (shape,) * len(row.domain)), rng)


def of_any_shape(example: Example, rng: np.random.Generator) -> None:
    """The result has the function's shape, each gradient its operand's, and both orders the right numbers."""
    xs = example.draw(rng)
    expected = np.asarray(example.plain(*xs))
    out, gradients = backward(example, xs, np.ones_like(expected))
    whole = np.broadcast_shapes(*example.shapes) if isinstance(example.row, Elementwise) else expected.shape
    for shape in (expected.shape, out.shape):
        if shape != whole:
            raise GradientError(f"{example}: a result of shape {shape}, expected is {whole}")
    for i, (gradient, x) in enumerate(zip(gradients, xs, strict=True)):
        if gradient.shape != x.shape:
            raise GradientError(f"{example}: gradient {i} has shape {gradient.shape}, expected is {x.shape}",
                                input=f"operand {i}")
    check_first_order(example, xs, rng, example.plain)
    check_second_order(example, xs, rng)
