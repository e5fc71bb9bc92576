"""Graphs as text: the tree that a terminal shows, and how names and numbers are written in every picture."""

from __future__ import annotations

from collections import Counter

from .snapshot import RESULT, Graph, Item, Picture

JOINER = "\u200d"
"""Has no width and is not "printable", but joins the parts of one emoji."""


def spelled(text: str) -> str:
    r"""Any text as one line of harmless characters.

    What would break a line, or turn the direction of what follows, or cannot be written to a file, is spelt out:
    control characters, lone surrogates, invisible marks.

    >>> print(spelled("two\nlines"), spelled("\u202ea"))
    two\nlines \u202ea
    """
    return "".join([ch if ch.isprintable() or ch == JOINER else ascii(ch)[1:-1] for ch in text])


def plain(text: str, width: int = 60) -> str:
    """Any text as `spelled`, cut to `width`.

    >>> plain("a" * 100, width=8)
    'aaaaaaa…'
    """
    line = spelled(text[:width + 1])  # a name may be a whole book
    return line if len(line) <= width else line[:width - 1] + "…"


def times(text: str, count: int) -> str:
    """A text, and behind it how many it stands for, if that is more than one; there is room for that in `plain`."""
    if count == 1:
        return text
    return " ".join(filter(None, [plain(text, width=48), f"\N{MULTIPLICATION SIGN}{count}"]))


SHORT = 3
"""How many digits are shown where there is little room, or where they mean little: on wires, and of norms."""


def number(x: float, digits: int = 4) -> str:
    """A number in a few digits.

    >>> number(0.123456), number(-2.0), number(float("nan"))
    ('0.1235', '-2', 'nan')
    """
    return f"{x:.{digits}g}"


def amount(data: float | Picture | None) -> str:
    """What a column says: a number, also of an array that has but one; else the norm, which alone would hide the sign
    of one; "-" for what is not there.
    """
    if isinstance(data, Picture):
        return number(data.low) if data.cells.size == 1 else f"norm {number(data.norm, SHORT)}"
    return "-" if data is None else number(data)


def measured(what: str, x: float | Picture) -> str:
    """What a line in a box says of "data", the norm of which needs no further word, or of "grad"."""
    text = amount(x)
    return text if what == "data" and text.startswith("norm") else f"{what} {text}"


def kind_of_array(data: float | Picture | None) -> str:
    """The shape and type of an array, "" of a number."""
    return f"{data.shape} {data.dtype}" if isinstance(data, Picture) and data.shape else ""


def title(item: Item) -> str:
    """What a node is called: its name, its operation, or both; what has neither is called by its kind.

    The symbol of a result with a name stands behind an equals sign: ``y = tanh``.
    """
    if item.kind != RESULT:
        return plain(item.name) or item.kind
    symbol = plain(item.symbol)
    return f"{plain(item.name)} = {symbol}" if item.name else symbol


def summary(graph: Graph) -> str:
    """One line: how many nodes and edges there are, and what the roots are.

    >>> from ..value import Value
    >>> from .snapshot import snapshot
    >>> a = Value(3.0, "a")
    >>> summary(snapshot([a * a + 1.0]))
    '4 nodes, 4 edges; + is 10'
    """
    edges = sum(len(item.inputs) for item in graph.items)
    roots = [f"{title(item)} is {amount(item.data)}" for item in map(graph.items.__getitem__, graph.roots[:3])]
    return "; ".join([f"{_counted(len(graph.items), 'node')}, {_counted(edges, 'edge')}", *roots,
                      *(["..."] if len(graph.roots) > 3 else [])])


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


# ---- the tree --------------------------------------------------------------------------------------------------------

INDENTS = 12
"""How many levels are indented; deeper ones say their depth instead."""


def tree(graph: Graph, max_lines: int = 100, width: int = 100) -> str:
    """The graph as indented lines: each node above what it was made from, with data and gradient.

    What is used in several places is unfolded at the first, and marked "again" at the others; there it has a number,
    unless it has a name. A gradient that was not computed is "-".

    Args:
        graph: what to list.
        max_lines: how many nodes to list; the last line says how many are left out.
        width: no line is longer.

    >>> from ..value import Value
    >>> from .snapshot import snapshot
    >>> a = Value(3.0, "a")
    >>> y = a * a + 1.0
    >>> y.backward()
    >>> print(tree(snapshot([y])))
    node        data  grad
    +           10    1
      *         9     1
        a       3     6
        a       3     6     again
      constant  1     -
    """
    uses = Counter(source for item in graph.items for source in item.inputs)
    rows = [("node", "data", "grad", "")]
    seen: set[int] = set()
    waiting = [(0, place) for place in reversed(graph.roots)]
    while waiting and len(rows) <= max_lines:
        depth, place = waiting.pop()
        item = graph.items[place]
        rows.append((_indent(depth) + title(item) + (f" #{place}" if uses[place] > 1 and not item.name else ""),
                     f"{kind_of_array(item.data)} {amount(item.data)}".strip(), amount(item.grad),
                     "again" if place in seen else ""))
        if place not in seen:
            waiting += [(depth + 1, source) for source in reversed(item.inputs)]
        seen.add(place)
    lines = _aligned(rows, width)
    left = len(graph.items) - len(seen)
    return "\n".join([*lines, f"... and {_counted(left, 'more node')}"] if left else lines)


def _indent(depth: int) -> str:
    return "  " * depth if depth <= INDENTS else "  " * INDENTS + f"[{depth}] "


def _aligned(rows: list[tuple[str, str, str, str]], width: int) -> list[str]:
    """The rows as lines with columns; the names give way where a line would be too long."""
    sizes = [max(len(row[i]) for row in rows) for i in range(4)]
    sizes[0] = max(1, min(sizes[0], width - sum(sizes[1:]) - 6))
    lines = []
    for row in rows:
        cells = [cell if len(cell) <= size else cell[:size - 1] + "…" for cell, size in zip(row, sizes, strict=True)]
        lines.append("  ".join([cell.ljust(size) for cell, size in zip(cells, sizes, strict=True)]).rstrip()[:width])
    return lines
