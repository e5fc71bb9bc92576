"""Let a real Graphviz, and fpdf2, draw what the names of graphs could break, and read the pictures.

    pip install '.[dot,pdf,testing]' && python tests/parity/drawing_parity.py

Every name of tests/viz_examples.py and some random ones must come out of the SVG as they went in. The programs are
an extra, and so this is no part of the ordinary suite.
"""

from __future__ import annotations

import struct
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

import viz_examples

import tinygrad_edu as tg
from tinygrad_edu.viz.drawing import PIXELS, Drawing
from tinygrad_edu.viz.engines import find_dot
from tinygrad_edu.viz.snapshot import snapshot
from tinygrad_edu.viz.text import plain, times
from tinygrad_edu.viz.view import OPERATION, VALUE, Box, View, Wire

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> dict[str, list[str]]:
    """The texts of each part of a picture, by the title that Graphviz gives it."""
    root = ET.fromstring(svg)
    return {group.find(f"{SVG}title").text: [text.text or "" for text in group.iter(f"{SVG}text")]
            for group in root.iter(f"{SVG}g") if group.get("class") in ("node", "edge", "cluster")}


def tidy(text: str) -> str:
    """Without what no drawing shows: spaces at the ends, and which kind of space it is."""
    return text.replace("\xa0", " ").strip()


def check(text: str, direction: str) -> None:
    """The SVG of a view with this text has it in every place."""
    made = Drawing(viz_examples.view_of(text), direction, engine="dot")
    found = words(made.pipe("svg", quiet=True, encoding="utf-8"))
    shown = plain(text)
    wanted = {"b0": [shown, shown, "grad 6"], "b3": [shown, shown], "b4": [times(text, 16), shown],
              "b5": [shown, shown], "b6": [shown], "b1->b2": [shown], "b4->b5": [times(text, 2)],
              "cluster_0": [times(text, 4)], "cluster_1": [shown]}
    for part, texts in wanted.items():
        got = [tidy(word) for word in found[part] if tidy(word)]
        assert got == [tidy(word) for word in texts if tidy(word)], (part, text, got)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet='\\"{}|<>& ;#\n`[]()0eN', max_size=12)), st.sampled_from(["LR", "TB"]))
def check_random_names(text: str, direction: str) -> None:
    """Names that nobody thought of."""
    check(text, direction)


def check_pixels() -> tuple[int, int]:
    """The size of the PNG of a chain that is far longer than the longest side allowed."""
    boxes = [Box(i, VALUE if i % 2 else OPERATION, "x", (), -1, -1, "leaf") for i in range(400)]
    chain = View(viz_examples.graph_of(), tuple(boxes), tuple([Wire(i, i + 1) for i in range(399)]), ())
    width, height = struct.unpack(">II", Drawing(chain, engine="dot").pipe("png")[16:24])
    assert max(width, height) <= PIXELS, (width, height)
    return width, height


def main() -> None:
    """Check all of it, and say what was checked."""
    for text in viz_examples.HOSTILE:
        check(text, "LR")
        check(text, "TB")
    check_random_names()
    size = check_pixels()
    x = tg.Value(0.5, "\u2202x \u00d7 \u6f22")
    page = Drawing(viz_examples.view_of(x.label), engine="dot").pipe("pdf", quiet=True)
    assert page.startswith(b"%PDF-")
    assert page.rstrip().endswith(b"%%EOF")
    changed = Drawing(viz_examples.view_of(), engine="dot")
    changed.node("extra", "added by hand")
    assert words(changed.to_svg())["extra"] == ["added by hand"]
    assert repr(Drawing(viz_examples.view_of())).startswith("4 nodes, 4 edges; + is 10")
    assert snapshot([x]).items[0].name == x.label
    print(f"{find_dot()}: {len(viz_examples.HOSTILE)} listed names and 300 random ones come back from the SVG; "
          f"a PNG of 400 boxes has {size[0]} x {size[1]} pixels; fpdf2 wrote a page of {len(page)} bytes")


if __name__ == "__main__":
    main()
