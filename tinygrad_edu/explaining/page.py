"""An explanation as HTML: tables of text, which need no script and no MathJax."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from .letters import counted, derivative_text, payload_text
from .parts import Derivation
from .text import (
    cause_line,
    has_numbers,
    headline,
    local_text,
    number_factors,
    percent,
    rest_text,
    symbol_factors,
    symbol_line,
)

_LEFT = ' style="text-align:left"'


def rendered(found: Derivation) -> str:
    """A heading, a table of the paths, one of the symbols, a list of causes."""
    whole = derivative_text(found.of, found.by)
    value = "None: no gradient gets there" if found.value is None else payload_text(found.value)
    sign = "is" if found.value is None else "="
    parts = [f"<p><b>{_safe(f'{whole} {sign} {value}')}</b>{_safe(_number_of_paths(found))}</p>"]
    if found.paths:
        parts.append(_table(("path", "in numbers", "product", "share"), _paths(found)))
    if found.rest_count:
        parts.append(f"<p>{_safe(rest_text(found))}</p>")
    if found.symbols:
        parts.append(_table(("where", "local derivative"), _symbols(found)))
    if found.causes:
        items = [cause_line(cause) for cause in found.causes]
        items += [f"... and {found.more_causes:,} more places"] if found.more_causes else []
        parts.append(f"<p>{_safe(headline(found))}</p><ul>{''.join(f'<li>{_safe(item)}</li>' for item in items)}</ul>")
    return f"<div>{''.join(parts)}</div>"


def _safe(text: str) -> str:
    return html.escape(text)


def _number_of_paths(found: Derivation) -> str:
    if found.value is None:
        return ""
    note = f"; shares are not shown: {found.share_note}" if found.share_note else ""
    return f", the sum over {counted(found.count, 'path')}{note}"


def _paths(found: Derivation) -> Iterable[Sequence[str]]:
    for path in found.paths:
        yield (" * ".join(symbol_factors(path)), " * ".join(number_factors(path)) if has_numbers(path) else "",
               payload_text(path.product), "" if path.share is None else percent(path.share))


def _symbols(found: Derivation) -> Iterable[Sequence[str]]:
    for name in found.symbols:
        yield symbol_line(found, name), "; ".join(filter(None, [local_text(x) for x in found.locals if x.of == name]))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["".join(f"<th{_LEFT}>{_safe(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td{_LEFT}>{_safe(cell)}</td>" for cell in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
