"""The checks can fail: a rule spoiled in any of several ways is caught, for every position of every row."""

from functools import partial

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import GradientError
from tinygrad_edu.ops.array_row import Fused, Linear
from tinygrad_edu.ops.linear import Reduction
from tinygrad_edu.ops.row import Elementwise, Nary, Row
from tinygrad_edu.testing.examples import Example, ScalarExample, elementwise, examples, scalar_example
from tinygrad_edu.testing.gradients import gradcheck
from tinygrad_edu.testing.operations import check_operation

SPOILS = {"scaled": lambda d, _: 1.01 * d, "flipped": lambda d, _: -1.0 * d, "added": lambda d, _: d + 0.01}
UNEVEN = {"uneven": lambda d, arguments: d + 0.01 * arguments[1]}
"""For a rule that states proportions, which are divided by their sum: it is given (out, x)."""

ZERO = {("sign", 0)}
"""Derivatives that are 0 everywhere: scaled they stay what they are, so only an added error can show."""


def positions(row: Row) -> range:
    """The operands of a row that a derivative flows to."""
    return range(len(row.domain))


def rules(row: Row) -> list[tuple[str, int]]:
    """Where the row keeps each derivative it states: the attribute, and the operand's position."""
    if isinstance(row, Reduction):
        return [("element", 0)]
    if isinstance(row, Fused):
        return [*(("vjps", i) for i in positions(row)), ("_jvp", 0)]
    attribute = {Elementwise: "derivatives", Nary: "partials"}.get(type(row), "transposes")
    return [(attribute, i) for i in positions(row)]


def spoils(row: Row, position: int) -> list[str]:
    """The ways of spoiling a rule that change its derivative."""
    if isinstance(row, Reduction) and row.share:
        return list(UNEVEN)
    if (row.name, position) in ZERO:
        return ["added"]
    return [*SPOILS, *(["swapped"] if isinstance(row, Elementwise | Nary) and swappable(row, position) else [])]


def swappable(row: Row, position: int) -> bool:
    """Whether the rule of the next operand is another one: the two operands of a sum have the same."""
    stated, count = getattr(row, "derivatives", range(len(row.domain))), len(row.domain)
    return count > 1 and stated[position] != stated[(position + 1) % count]


def spoiled(rule, change):
    """`rule` with its result changed."""
    if not callable(rule):
        return lambda *arguments: change(rule, arguments)
    return lambda *arguments, **params: change(rule(*arguments, **params), arguments)


def spoiled_at(place, rule, change):
    """A rule that takes the operand's position in front: its result changed for one position."""
    wrong = spoiled(rule, change)
    return lambda position, *rest, **params: (wrong if position == place else rule)(position, *rest, **params)


def spoiled_part(place, rule, change):
    """A rule that gives the derivatives by all operands: one of them changed."""
    return lambda *arguments: [change(d, arguments) if i == place else d for i, d in enumerate(rule(*arguments))]


def swapped(rule, place):
    """A rule that gives the derivatives by all operands: one of them that of the next operand."""
    def wrong(*arguments):
        found = rule(*arguments)
        return [found[(i + 1) % len(found)] if i == place else d for i, d in enumerate(found)]

    return wrong


def spoil(monkeypatch, row: Row, attribute: str, position: int, how: str) -> None:
    """Put a spoiled rule in the place of the one for `position`, and forget how it was recorded before."""
    stated = getattr(row, attribute)
    change = (SPOILS | UNEVEN).get(how)
    if change is None:
        wrong = swapped(stated, position) if isinstance(row, Nary) else (
            *stated[:position], stated[(position + 1) % len(stated)], *stated[position + 1:])
    elif isinstance(row, Nary):
        wrong = spoiled_part(position, stated, change)
    elif isinstance(row, Linear) and row.variadic:
        wrong = (spoiled_at(position, *stated, change),)
    elif isinstance(stated, tuple):
        wrong = (*stated[:position], spoiled(stated[position], change), *stated[position + 1:])
    else:
        wrong = spoiled(stated, change)
    monkeypatch.setattr(row, attribute, wrong)
    monkeypatch.setattr(row, "recorders", {})


def first_order(example: Example | ScalarExample, rng: np.random.Generator) -> None:
    """The check of first derivatives that is published for any function, at operands drawn for it."""
    gradcheck(example, *example.draw(rng))


def second_order(example: Example | ScalarExample, rng: np.random.Generator) -> None:
    """The check of second derivatives, at operands drawn for it."""
    gradcheck(example, *example.draw(rng), order=2)


def caught(tried, check=first_order) -> bool:
    """Whether `check` complains of one of the examples; a wrong shape may be an error of the engine's already."""
    for seed in range(5):
        for example in tried:
            try:
                check(example, np.random.default_rng(seed))
            except GradientError as complaint:
                return complaint.cause is not None
            except ValueError:
                return True
    return False


STATED = [pytest.param(row, attribute, position, how, id=f"{row.name}-{attribute}-{position}-{how}")
          for row in tg.TABLE.values() for attribute, position in rules(row) for how in spoils(row, position)]


@pytest.mark.parametrize(("row", "attribute", "position", "how"), STATED)
def test_a_spoiled_rule_is_caught(monkeypatch, row, attribute, position, how):
    """Each stated derivative, off by one per cent, negated or with an error added, fails the first-order check."""
    spoil(monkeypatch, row, attribute, position, how)
    assert caught(examples(row))
    on_values = scalar_example(row)
    assert on_values is None or caught([on_values])


@pytest.mark.parametrize("factor", [1.01, -1.0])
@pytest.mark.parametrize("row", tg.TABLE.values(), ids=lambda row: row.name)
def test_a_mode_spoiled_at_one_position_is_caught(monkeypatch, row, factor):
    """An error in what a kind of row makes of its rules, for one operand in one of the modes, is found as well."""
    vjp, jvp = row.vjp, row.jvp

    def wrong_vjp(position, *rest, at):
        return (factor if position == at else 1.0) * vjp(position, *rest)

    def wrong_jvp(out, arguments, tangents, params, at):
        scaled = [factor * t if i == at and t is not None else t for i, t in enumerate(tangents)]
        return jvp(out, arguments, scaled, params)

    for at in positions(row):
        for mode, wrong in (("vjp", wrong_vjp), ("jvp", wrong_jvp)) if (row.name, at) not in ZERO else ():
            with monkeypatch.context() as patch:
                patch.setattr(row, mode, partial(wrong, at=at))
                assert caught(examples(row)), f"{mode} of operand {at}"


@pytest.mark.parametrize("row", [row for row in tg.TABLE.values() if len(row.domain) > 1], ids=lambda row: row.name)
def test_the_cotangent_of_another_operand_is_caught(monkeypatch, row):
    """What flows to one operand, sent to another: of every kind of row, also where one rule serves all operands."""
    vjp = row.vjp

    def wrong(position, cotangent, out, arguments, params, at):
        return vjp((at + 1) % len(arguments) if position == at else position, cotangent, out, arguments, params)

    for at in positions(row):
        if swappable(row, at):
            with monkeypatch.context() as patch:
                patch.setattr(row, "vjp", partial(wrong, at=at))
                assert caught(examples(row)), f"operand {at}"


BROADCAST = [*(row for row in elementwise() if len(row.domain) > 1),
             *(tg.TABLE[name] for name in ("matmul", "solve", "where"))]


@pytest.mark.parametrize("row", BROADCAST, ids=lambda row: row.name)
def test_a_broadcast_that_is_not_summed_is_caught(monkeypatch, row):
    """Of the cotangent of a stretched operand only one slice is taken: the gradient has the shape, and a wrong sum."""
    fit = tg.Tensor.fit

    def sliced(self, cotangent):
        if np.ndim(cotangent) > self.ndim:
            cotangent = cotangent[(0,) * (np.ndim(cotangent) - self.ndim)]
        if np.shape(cotangent) != self.shape and np.size(cotangent) > self.size:
            cotangent = cotangent[tuple(slice(0, n) for n in self.shape)]
        return fit(self, cotangent)

    monkeypatch.setattr(tg.Tensor, "fit", sliced)
    assert caught(examples(row))
    assert caught(examples(row), second_order)


@pytest.mark.parametrize("name", ["multiply", "sum", "matmul", "logsumexp", "getitem", "weighted_sum"])
def test_the_one_call_finds_a_spoiled_rule(monkeypatch, name):
    """check_operation raises where its parts do, for each kind of row."""
    row = tg.TABLE[name]
    check_operation(row, repeat=1)
    attribute, position = rules(row)[0]
    spoil(monkeypatch, row, attribute, position, "scaled")
    with pytest.raises(tg.errors.GradientError, match=row.name):
        check_operation(row, repeat=1)


@pytest.mark.parametrize("name", ["sin", "matmul", "inv", "logsumexp", "where", "max"])
def test_a_rule_cut_off_from_the_graph_is_caught_in_second_order(monkeypatch, name):
    """A rule that is right, but computed on plain arrays, has no derivative of its own: the second order shows it."""
    row = tg.TABLE[name]
    vjp = row.vjp
    monkeypatch.setattr(row, "vjp", lambda *arguments: detached(vjp(*arguments)))
    assert not caught(examples(row))
    assert caught(examples(row), second_order)


def detached(x):
    """The data of a Tensor, as a constant."""
    return x.detach() if isinstance(x, tg.Tensor) else x


def test_every_row_is_spoiled_somewhere():
    """The corrupted rows are those of the table, and each has an example to be caught on."""
    assert {param.values[0].name for param in STATED} == set(tg.TABLE)
    assert all(examples(row) for row in tg.TABLE.values())
