"""An explanation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..viz.text import number, plain
from .causes import Cause
from .letters import WIDTH, counted, derivative_text, payload_text
from .parts import Derivation, Local, Path

COLUMNS, SHORTEST = 100, 12
"""No line is longer than the first; no formula is cut to less than the second."""


def rendered(found: Derivation) -> str:
    """All that was found out, in lines of at most COLUMNS characters."""
    whole = derivative_text(found.of, found.by)
    lines = _single(whole, found) if found.count == 1 and found.paths else [*_several(whole, found)]
    lines += _glossary(found)
    if found.causes:
        lines += ["", headline(found), *cause_lines(found)]
    return "\n".join([line.rstrip()[:COLUMNS] for line in lines])


def _single(whole: str, found: Derivation) -> list[str]:
    path = found.paths[0]
    indent = " " * len(whole)
    if len(path.derivatives) <= 1:
        return [f"{whole} = {payload_text(found.value)}"]
    return [*_folded(f"{whole} = ", symbol_factors(path), f"{indent}   "),
            *(_folded(f"{indent} = ", number_factors(path), f"{indent}   ") if has_numbers(path) else []),
            f"{indent} = {payload_text(found.value)}"]


def _several(whole: str, found: Derivation) -> Iterable[str]:
    if found.value is None:
        yield f"{whole} is None: no gradient gets there"
        return
    yield f"{whole} = {payload_text(found.value)}, the sum over {counted(found.count, 'path')}"
    if found.share_note:
        yield f"shares are not shown: {found.share_note}"
    for k, path in enumerate(found.paths, start=1):
        yield ""
        yield from _folded(f"{k:3}.  ", symbol_factors(path), "      ")
        several = len(path.derivatives) > 1 and has_numbers(path)
        lines = _folded("    = ", number_factors(path), "      ") if several else []
        total = f" = {payload_text(path.product)}{share_text(path.share)}"
        if lines and len(lines[-1] + total) <= COLUMNS:
            lines[-1] += total
        else:
            lines.append(f"   {total}")
        yield from lines
    if found.rest_count:
        yield ""
        yield "    " + rest_text(found)


def rest_text(found: Derivation) -> str:
    """What is left out, as one number."""
    which = "the largest" if found.exact else "the largest found"
    return f"and {counted(found.rest_count, 'more path')}, {payload_text(found.rest)} together; these are {which}"


def share_text(share: float | None) -> str:
    """A share behind a number."""
    return "" if share is None else f"    ({percent(share)})"


def percent(share: float) -> str:
    """A share in percent, without the sign of a zero."""
    return f"{100.0 * share + 0.0:.4g} %"


def has_numbers(path: Path) -> bool:
    """Whether the local derivatives are numbers, whose product can be written."""
    return len(path.derivatives) > 0 and all(d is not None for d in path.derivatives)


def symbol_factors(path: Path) -> list[str]:
    """The factors of the chain rule in symbols."""
    return _with_gap(path, [derivative_text(path.nodes[k], path.nodes[k + 1]) for k in path.written[0]]) or ["1"]


def number_factors(path: Path) -> list[str]:
    """The factors of the chain rule in numbers."""
    return _with_gap(path, [number(path.derivatives[k] or 0.0) for k in path.written[0]])


def _with_gap(path: Path, factors: list[str]) -> list[str]:
    shown, left = path.written
    half = len(shown) // 2
    return [*factors[:half], f"... {left:,} more ...", *factors[half:]] if left else factors


def _folded(first: str, factors: Sequence[str], indent: str) -> list[str]:
    """A product, continued on further lines where it is too long for one."""
    lines = [first + factors[0]]
    for factor in factors[1:]:
        if len(lines[-1]) + len(factor) + 3 <= COLUMNS:
            lines[-1] += f" * {factor}"
        else:
            lines.append(f"{indent}* {factor}")
    return lines


# ---- what the names stand for ----------------------------------------------------------------------------------------


def _glossary(found: Derivation) -> list[str]:
    if not found.symbols:
        return []
    left = [symbol_line(found, name) for name in found.symbols]
    size = max(map(len, left))
    right: dict[str, list[str]] = {}
    for entry in found.locals:
        right.setdefault(entry.of, []).append(local_text(entry))
    lines = ["", "where"]
    for name, line in zip(found.symbols, left, strict=True):
        entries = right.get(name, [""])
        if size + 5 + max(map(len, entries)) > COLUMNS:
            lines.append(f"  {plain(line, COLUMNS - 2)}")
            lines += [f"      {plain(entry, COLUMNS - 6)}" for entry in entries if entry]
        else:
            lines += [f"  {mark.ljust(size)}   {entry}" for mark, entry in
                      zip([line, *[""] * (len(entries) - 1)], entries, strict=True)]
    return lines


def symbol_line(found: Derivation, name: str) -> str:
    """A name and what it stands for: where there is no room for all, the formula gives way, not the number."""
    symbol = found.symbols[name]
    shown = plain(symbol.name, WIDTH)
    room = COLUMNS - 2 - len(shown) - len(symbol.data) - 2 * len(" = ")
    return " = ".join(filter(None, [shown, plain(symbol.definition, max(room, SHORTEST)), symbol.data]))


def local_text(entry: Local) -> str:
    """A local derivative: its symbol, its rule as a formula, its number."""
    value = "" if entry.number is None else number(entry.number)
    sides = [derivative_text(entry.of, entry.by), entry.formula, value if value != entry.formula else ""]
    operand = "" if entry.operand is None else f"  (operand {entry.operand})"
    return "" if not any(sides[1:]) else " = ".join(filter(None, sides)) + operand


# ---- why it is small -------------------------------------------------------------------------------------------------


def headline(found: Derivation) -> str:
    """What the causes explain."""
    whole = derivative_text(found.of, found.by)
    if found.value is None:
        return f"why {whole} is None:"
    return f"why {whole} is 0:" if not np.any(found.value) else f"what else is to be known of {whole}:"


def cause_line(cause: Cause) -> str:
    """One cause: where, which kind, what happens."""
    text = plain(cause.text, 160)
    said = text if cause.kind in text else f"{cause.kind}: {text}"
    return f"{plain(cause.name, WIDTH)}: {said}" + (f" ({counted(cause.count, 'path')})" if cause.count else "")


def cause_lines(found: Derivation) -> list[str]:
    """All causes, folded."""
    lines = []
    for cause in found.causes:
        words = cause_line(cause).split(" ")
        lines.append(f"  {words[0]}")
        for word in words[1:]:
            if len(lines[-1]) + len(word) + 1 <= COLUMNS:
                lines[-1] += f" {word}"
            else:
                lines.append(f"      {word}")
    return [*lines, *([f"  ... and {found.more_causes:,} more places"] if found.more_causes else [])]
