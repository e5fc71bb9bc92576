"""Explanations of graphs that try to mislead: names that collide, numbers at the ends of the range, odd operations."""

import tinygrad_edu as tg
from tinygrad_edu import Value


def test_two_nodes_of_one_label_are_told_apart_in_formulas():
    """Also one that no path goes through, or whose label is what nodes without a name are called."""
    a, b, c = Value(2.0, "w"), Value(3.0, "w"), Value(5.0, "v1")
    found = tg.explain((a * b) * c, a, names={})
    assert {name: symbol.definition for name, symbol in found.symbols.items()} == {
        "v2": "v3 * v1", "v3": "w * (w #2)", "w": ""}
    assert [(entry.of, entry.by, entry.formula, entry.number) for entry in found.locals] == [
        ("v2", "v3", "v1", 5.0), ("v3", "w", "w #2", 3.0)]
