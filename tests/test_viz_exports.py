"""What is written for others: JSON, Mermaid, web pages, and files by their suffix."""

import json
import math

import numpy as np
import pytest
from viz_examples import graph_of, view_of

import tinygrad_edu as tg
from tinygrad_edu.errors import MissingExtraError, UnsupportedError
from tinygrad_edu.viz import drawing
from tinygrad_edu.viz.drawing import Drawing
from tinygrad_edu.viz.exports import to_html, to_json
from tinygrad_edu.viz.mermaid import mermaid
from tinygrad_edu.viz.snapshot import snapshot
from tinygrad_edu.viz.text import tree
from tinygrad_edu.viz.view import VALUE, Box, View, Wire


def refuse(constant):
    """What JSON does not have."""
    raise AssertionError(f"{constant} is no JSON")


def read(*roots):
    """The JSON of a graph, read strictly."""
    return json.loads(to_json(snapshot(roots)), parse_constant=refuse)


# ---- JSON ------------------------------------------------------------------------------------------------------------


def test_json_has_the_whole_graph():
    """y = a * a + b: 2 a by each edge of a, where the product remembers a for each of them."""
    a, b = tg.Value(3.0, "a"), tg.Value(1.0, "b")
    y = a * a + b
    y.backward()
    said = read(y)
    by_name = {node["name"] or node["symbol"]: node for node in said["nodes"]}
    assert (said["format"], said["version"]) == ("tinygrad_edu graph", 1)
    assert {name: (node["data"], node["grad"], node["kind"]) for name, node in by_name.items()} == {
        "a": (3.0, 6.0, "leaf"), "b": (1.0, 1.0, "leaf"), "*": (9.0, 1.0, "result"), "+": (10.0, 1.0, "result")}
    ends = [(said["nodes"][e["source"]], said["nodes"][e["target"]], e["derivative"]) for e in said["edges"]]
    assert [(s["name"] or s["symbol"], t["symbol"], d) for s, t, d in ends] == [
        ("a", "*", 3.0), ("a", "*", 3.0), ("*", "+", 1.0), ("b", "+", 1.0)]
    assert [said["nodes"][place]["symbol"] for place in said["roots"]] == ["+"]


def test_json_has_the_blocks_and_which_node_is_in_which():
    model = tg.nn.MLP(2, [2, 1], rng=0)
    said = read(model([1.0, 2.0]))
    names = [block["name"] for block in said["blocks"]]
    assert names[:3] == ["MLP", "layers.0", "neurons.0"]
    assert {names[node["block"]] for node in said["nodes"] if node["name"] == "b"} == {"neurons.0", "neurons.1"}
    assert [block["outer"] for block in said["blocks"]][:3] == [-1, 0, 1]


def test_json_writes_numbers_that_it_does_not_have_as_strings_and_null_for_what_is_not_there():
    """Where they stand alone, in arrays, and as the norm of one."""
    a, b, c = tg.Value(math.nan, "a"), tg.Value(math.inf, "b"), tg.Value(-math.inf, "c")
    said = {node["name"]: node for node in read(a + b + c)["nodes"]}
    assert [said[name]["data"] for name in "abc"] == ["nan", "inf", "-inf"]
    assert said["a"]["grad"] is None
    x = tg.Tensor([[1.0, math.nan], [-math.inf, 2.0]], label="x")
    data = next(node for node in read(x * 2.0)["nodes"] if node["name"] == "x")["data"]
    assert data["cells"] == [[1.0, "nan"], ["-inf", 2.0]]
    assert data["norm"] == "nan"
    assert (data["shape"], data["dtype"], data["whole"]) == ([2, 2], "float64", True)


def test_json_says_the_arguments_of_operations():
    """As JSON where it can, else as the text that Python shows."""
    x = tg.Tensor(np.ones((3, 4)))
    summed = next(node for node in read(x.sum(axis=(0, 1), keepdims=True))["nodes"] if node["op"] == "sum")
    assert summed["params"] == {"axis": [0, 1], "keepdims": True}
    cut = next(node for node in read(x[1:, ::2])["nodes"] if node["kind"] == "result")
    assert "slice(1, None, None)" in json.dumps(cut["params"])


# ---- Mermaid ---------------------------------------------------------------------------------------------------------


def test_mermaid_nests_frames_and_keeps_two_wires():
    lines = mermaid(view_of(), "TB").splitlines()
    assert lines[0] == "flowchart TB"
    assert lines.count("b0 --> b1") == 2
    outer, inner = (next(i for i, line in enumerate(lines) if line.startswith(f"subgraph f{n}[")) for n in (0, 1))
    assert outer < lines.index('b2["data 9<br>grad 1"]') < inner < next(
        i for i, line in enumerate(lines) if line.startswith("b0[")) < lines.index("end")
    assert lines.count("end") == 2


def test_mermaid_refuses_what_it_would_not_draw_and_says_what_to_do():
    """More than 500 wires, or than 50,000 characters; 500 wires are fine."""
    boxes = tuple([Box(i, VALUE, "x", (), -1, -1, "leaf") for i in range(502)])
    chain = [Wire(i, i + 1) for i in range(501)]
    assert mermaid(View(graph_of(), boxes, tuple(chain[:500]), ())).count("-->") == 500
    with pytest.raises(UnsupportedError, match=r"^501 wires, but Mermaid draws at most 500; fold modules .*SVG$"):
        mermaid(View(graph_of(), boxes, tuple(chain), ()))
    words = tuple([Box(i, VALUE, "<" * 50, ("<" * 50,), -1, -1, "leaf") for i in range(200)])
    with pytest.raises(UnsupportedError, match=r"characters, but Mermaid reads at most 50,000; fold modules"):
        mermaid(View(graph_of(), words, (), ()))


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_has_the_picture_its_caption_and_the_graph_as_text():
    """The head of the SVG file stays out of it; without a caption, the summary stands there."""
    graph = graph_of()
    page = to_html('<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg id="picture"></svg>', graph, "folded to depth 1")
    assert '<figure>\n<svg id="picture"></svg>\n<figcaption>folded to depth 1</figcaption>' in page
    assert f"<pre>{tree(graph)}</pre>" in page
    assert page.count("<!DOCTYPE") == 1
    assert "<?xml" not in page
    assert "<figcaption>4 nodes, 4 edges; + is 10</figcaption>" in to_html("<svg/>", graph)


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """A drawing by a stand-in for our own layout."""
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "own")
    monkeypatch.setattr(drawing, "own_svg", lambda view, direction: "<svg>\N{MULTIPLICATION SIGN}</svg>")
    return Drawing(view_of("\u2202", caption="all"))


def test_the_suffix_says_what_is_exported(made, tmp_path):
    """In UTF-8; in any case of letters."""
    wanted = {"svg": made.to_svg(), "html": made.to_html(), "json": made.to_json(), "mmd": made.to_mermaid(),
              "txt": made.to_text(), "dot": made.source, "gv": made.source}
    assert len(set(wanted.values())) == 6
    for suffix, text in wanted.items():
        for name in (f"a.{suffix}", f"b.v2.{suffix.upper()}"):
            assert made.export(tmp_path / name) == tmp_path / name
            assert (tmp_path / name).read_text(encoding="utf-8") == text
    assert "\N{MULTIPLICATION SIGN}</svg>" in wanted["html"]
    assert json.loads(wanted["json"])["caption"] == "all"


def test_a_suffix_that_is_not_known_is_refused_with_those_that_are(made, tmp_path):
    for name in ("a.docx", "a"):
        with pytest.raises(ValueError, match=r"has the suffix .*; known are .dot, .gv, .html, .jpg, .json, .mmd, .pdf"):
            made.export(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_export_that_fails_leaves_the_old_file(made, tmp_path):
    (tmp_path / "a.png").write_text("old")
    with pytest.raises(MissingExtraError, match=r"^png needs a program; run: pip install"):
        made.export(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_text() == "old"


def test_text_can_be_cut(made):
    assert made.to_text(max_lines=2).endswith("... and 2 more nodes")
    assert max(map(len, made.to_text(width=20).splitlines())) <= 20
