"""Views to draw: one of each kind of part, with any text wherever a text can stand."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.viz.snapshot import CONSTANT, LEAF, RESULT, picture, snapshot
from tinygrad_edu.viz.view import MODULE, OPERATION, VALUE, Box, Frame, View, Wire

HOSTILE = [
    "<script>alert(1)</script>", "</svg>", "]]>", "<!-- x", "--> y", "&lt;b&gt;", "&amp;amp;", "&#60;", "&nbsp",
    'say "hi"', "'", "it's", "back\\slash", "ends in \\", "\\N\\G\\E\\L\\n\\l\\r", "two\nlines", "tab\there", "\r",
    "{a|b}", "<p> q", "a | b", "{{", "}}", "  spaces   inside  ", "", " ", "b0", "x" * 10_000, "<" * 10_000,
    "\\" * 101, '"' * 101, "\u202egnp.exe", "\u2066a\u2069", "\u05d0\u05d1\u05d2", "\x00null", "\x1b[31mred",
    "\x7f\x85", "\ud800", "a\udfff", "\ufffe\uffff", '"]; end', "end", "#quot;", "#35;", "%%{init: {}}%%", "`x`",
    "subgraph", ":::c", "style a:#b;", "a-->b", "graph; x", "$x^2$", "\\frac{1}{2}", "100 %", "#", "_a_^b^", "${x}",
    "{0}", "%s", "e\u0301", "\U0001f469\u200d\U0001f680", "javascript:alert(1)", "' onload='x", '" onload="x',
    "digraph { a -> b }", "// no comment", "/* none", "*/",
]
"""Names that have broken, or broken out of, one format or another."""


def graph_of(label="a"):
    """a * a + 1, with gradients: 4 nodes, of which a has the label."""
    a = tg.Value(3.0, label)
    y = a * a + 1.0
    y.backward()
    return snapshot([y])


def view_of(text="a", caption=""):
    """A view with each kind of box, of frame and of wire; the text stands in each of them."""
    boxes = (
        Box(0, VALUE, text, (text, "grad 6"), 1, 0, LEAF),
        Box(1, OPERATION, "*", (), 1, 2, "operation"),
        Box(2, VALUE, "", ("data 9", "grad 1"), 0, 2, RESULT, shade=-0.5),
        Box(3, VALUE, text, (text,), -1, 1, CONSTANT, picture=picture(np.array([[1.0, -2.0], [np.nan, 0.0]]))),
        Box(4, MODULE, text, (text,), 0, -1, "module", stack=16),
        Box(5, OPERATION, text, (text,), -1, 3, "operation"),
        Box(6, VALUE, text, (), -1, 3, "root"),
        Box(7, VALUE, "", (), -1, 3, "unreached"),
    )
    wires = (Wire(0, 1), Wire(0, 1), Wire(1, 2, text), Wire(2, 4, "", 3), Wire(4, 5, text, 2), Wire(3, 5), Wire(5, 6))
    frames = (Frame(0, text, -1, 4), Frame(1, text, 0))
    return View(graph_of(text), boxes, wires, frames, caption)
