"""An explanation as LaTeX, as MathJax in a notebook sets it."""

from __future__ import annotations

from ..viz.text import plain
from .letters import WIDTH, counted, derivative_latex, escaped, name_latex, number_latex, payload_latex
from .parts import Derivation, Local, Path, Symbol
from .text import has_numbers


def rendered(found: Derivation) -> str:
    """One aligned environment between double dollar signs."""
    rows = _sum(found) if found.paths else [rf"{_whole(found)} &= \text{{none}}"]
    rows += [_symbol(symbol) for symbol in found.symbols.values()]
    rows += [row for entry in found.locals if (row := _local(entry))]
    rows += [rf"&\mathrm{{{escaped(line)}}}" for line in _causes(found)]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def _whole(found: Derivation) -> str:
    return derivative_latex(found.of, found.by)


def _sum(found: Derivation) -> list[str]:
    rows = []
    for k, path in enumerate(found.paths):
        rows.append(rf"{_whole(found) if k == 0 else ''} &{'=' if k == 0 else '+'} {_symbols(path)}")
    if found.rest_count:
        rows.append(rf"&+ \text{{{counted(found.rest_count, 'more path')}}}")
    if all(has_numbers(path) for path in found.paths):
        rows += [rf"&{'+' if k else '='} {_numbers(path)}" for k, path in enumerate(found.paths)]
    if len(found.paths) > 1:
        rows += [rf"&{'+' if k else '='} {_bracketed(payload_latex(path.product))}"
                 for k, path in enumerate(found.paths)]
    if found.rest_count:
        rows.append(rf"&+ {_bracketed(payload_latex(found.rest))}")
    rows.append(rf"&= {payload_latex(found.value)}")
    return rows


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)" if text.startswith("-") else text


def _product(path: Path, factors: list[str], sign: str) -> str:
    shown, left = path.written
    half = len(shown) // 2
    if left:
        factors = [*factors[:half], rf"\underbrace{{\cdots}}_{{{left}}}", *factors[half:]]
    return sign.join(factors) or "1"


def _symbols(path: Path) -> str:
    return _product(path, [derivative_latex(path.nodes[k], path.nodes[k + 1]) for k in path.written[0]], r"\, ")


def _numbers(path: Path) -> str:
    return _product(path, [_bracketed(number_latex(path.derivatives[k] or 0.0)) for k in path.written[0]], r" \cdot ")


def _symbol(symbol: Symbol) -> str:
    sides = [name_latex(symbol.name), symbol.latex, rf"\mathrm{{{escaped(symbol.data)}}}"]
    return " &= ".join([sides[0], " = ".join(filter(None, sides[1:]))])


def _local(entry: Local) -> str:
    sides = [entry.latex, "" if entry.number is None else number_latex(entry.number)]
    if not any(sides):
        return ""
    return f"{derivative_latex(entry.of, entry.by)} &= {' = '.join(filter(None, dict.fromkeys(sides)))}"


def _causes(found: Derivation) -> list[str]:
    return [f"{plain(cause.name, WIDTH)}: {cause.kind}" for cause in found.causes]
