"""Names that try to break a picture or an export, or to break out of it: they are shown, and nothing else happens."""

import html.parser
import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from viz_examples import HOSTILE, graph_of, view_of

import tinygrad_edu as tg
from tinygrad_edu.viz.dot import body
from tinygrad_edu.viz.drawing import Drawing
from tinygrad_edu.viz.exports import to_html, to_json
from tinygrad_edu.viz.mermaid import mermaid
from tinygrad_edu.viz.snapshot import snapshot
from tinygrad_edu.viz.text import plain

NAMES = st.one_of(st.text(), st.sampled_from(HOSTILE), st.text(alphabet='\\"{}|<>& ;#\n`[]()\0e', max_size=12))


def times(text, count):
    """What stands for many: the text, cut so that the count has room."""
    return " ".join(filter(None, [plain(text, 48), f"\N{MULTIPLICATION SIGN}{count}"]))


# ---- DOT, read by its own rules --------------------------------------------------------------------------------------

TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|->|[{}\[\]=]|[\w.#-]+')


def tokens(line):
    """The tokens of a line of DOT; what is no token fails. An HTML-like string is one, from < to the > that matches."""
    found, place = [], 0
    while place < len(line):
        if line[place] == "<":
            end = place
            depth = 1
            while depth:
                end += 1
                depth += {"<": 1, ">": -1}.get(line[end], 0)
            end += 1
        else:
            match = TOKEN.match(line, place)
            assert match, f"no token at {line[place:place + 60]!r}"
            end = match.end()
        found.append(line[place:end])
        place = end
    return [token for token in found if not token.isspace()]


def attributes(line):
    """What a statement says as name=value."""
    parts = tokens(line)
    return {parts[i - 1]: parts[i + 1] for i, part in enumerate(parts) if part == "="}


def shown_lines(value):
    r"""The lines that Graphviz shows of a label: \n ends one, \N and its like become something else, then entities."""
    assert value[0] == value[-1] == '"'
    lines, inside = [""], iter(value[1:-1])
    for ch in inside:
        mark = next(inside) if ch == "\\" else None
        if mark is not None and mark in "nlr":
            lines.append("")
        elif mark is not None and mark in "NGETHL":
            lines[-1] += "(the name of the part)"
        else:
            lines[-1] += mark or ch
    return [html.unescape(line) for line in lines]


def shown_fields(value):
    """The fields that Graphviz shows of a record: bars divide them, spaces run together unless escaped."""
    assert value[0] == value[-1] == '"'
    fields, inside, depth = [[""]], iter(value[1:-1]), 0
    for ch in inside:
        if ch == "\\":
            fields[-1].append(next(inside))
        elif ch in "{}":
            depth += 1 if ch == "{" else -1
            assert depth in (0, 1)
        elif ch == "|":
            fields.append([""])
        else:
            assert ch not in "<>", "that begins a port"
            fields[-1].append(ch if ch != " " else "")
    assert depth == 0
    return [html.unescape("".join(field)) for field in fields]


def check_dot(text, direction="LR"):
    """Every statement is as it was meant, and every text comes back."""
    shown, lines = plain(text), [line.strip() for line in body(view_of(text), direction)]
    heads = [" ".join(tokens(line)[:3 if "->" in tokens(line) else 2 if line[0] == "s" else 1]) for line in lines]
    assert heads == [
        "rankdir", "node", "edge", "b3", "b5", "b6", "b7",
        "subgraph cluster_0", "b2", "b4", "subgraph cluster_1", "b0", "b1", "}", "}",
        "b0 -> b1", "b0 -> b1", "b1 -> b2", "b2 -> b4", "b4 -> b5", "b3 -> b5", "b5 -> b6"]
    labels = {head: attributes(line).get("label") for head, line in zip(heads, lines, strict=True)}
    assert shown_fields(labels["b0"]) == [field for field in (shown, shown, "grad 6") if field]
    assert shown_fields(labels["b6"]) == [shown]
    assert shown_lines(labels["b4"]) == [times(text, 16), shown]
    assert shown_lines(labels["b5"]) == [shown, shown]
    assert shown_lines(labels["subgraph cluster_0"]) == [times(text, 4)]
    assert shown_lines(labels["subgraph cluster_1"]) == [shown]
    assert shown_lines(labels["b4 -> b5"]) == [times(text, 2)]
    assert labels["b1 -> b2"] is None if not shown else shown_lines(labels["b1 -> b2"]) == [shown]
    table = ET.fromstring(labels["b3"][1:-1])
    cells = [cell.text for cell in table.iter("TD") if len(cell) == 0 and "WIDTH" not in cell.attrib]
    words = [shown_lines('"' + cell.replace("&", "&amp;") + '"')[0] for cell in cells]  # XML has decoded its entities
    assert [word.replace("\xa0", " ") for word in words] == ([shown, shown] if shown else [])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_dot_shows_a_listed_name_as_it_is(text):
    """In records, boxes, circles, tables, frames and on wires, in both directions."""
    check_dot(text)
    check_dot(text, "TB")


@given(NAMES)
def test_dot_shows_any_name_as_it_is(text):
    """And keeps to the statements that were meant."""
    check_dot(text)


# ---- Mermaid ---------------------------------------------------------------------------------------------------------

STATEMENT = re.compile(
    r'flowchart (LR|TB)|end|subgraph f\d+\["(?P<frame>[^"]*)"\]|b\d+(\(\[|\[\[|\[)"(?P<box>[^"]*)"(\]\)|\]\]|\])'
    r'|b\d+ -->(\|"(?P<wire>[^"]+)"\|)? b\d+|classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}|class [b\d,]+ \w+')
"""What a line of a flowchart may be; texts stand in quotes."""


def check_mermaid(text):
    """Each line is a statement; the texts have no mark of their own, and give back the name."""
    shown = plain(text)
    found = {"frame": [], "box": [], "wire": []}
    for line in mermaid(view_of(text)).splitlines():
        match = STATEMENT.fullmatch(line)
        assert match, line
        for kind, texts in found.items():
            if match[kind] is not None:
                for part in match[kind].split("<br>"):
                    assert not re.search(r"[^\w .,#;-]", part), part
                    texts.append(re.sub(r"#(\d+);", lambda code: chr(int(code[1])), part))
    assert found["frame"] == [times(text, 4), shown or " "]
    assert found["wire"] == [label for label in (shown, times("", 3), times(text, 2)) if label]
    boxes = ([shown] * 2, [shown] * 2, [shown], [], ["data 9", "grad 1"], [times(text, 16), shown],
             [shown, shown, "grad 6"], ["*"])
    assert found["box"] == [part for box in boxes for part in list(filter(None, box)) or [" "]]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_mermaid_shows_a_listed_name_as_it_is(text):
    """All that is no letter or digit is written by its number."""
    check_mermaid(text)


@given(NAMES)
def test_mermaid_shows_any_name_as_it_is(text):
    """The flowchart has the statements that were meant."""
    check_mermaid(text)


# ---- JSON and HTML ---------------------------------------------------------------------------------------------------


def refuse(constant):
    """What JSON does not have."""
    raise AssertionError(f"{constant} is no JSON")


def check_json(text):
    """Strictly: no NaN, only ASCII; the label is the same string."""
    written = to_json(graph_of(text), caption=text)
    assert written.isascii()
    read = json.loads(written, parse_constant=refuse)
    assert read["nodes"][0]["name"] == text
    assert read["caption"] == text


class Page(html.parser.HTMLParser):
    """The tags of a page, and what it says."""

    def __init__(self):
        super().__init__()
        self.tags, self.said = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data):
        self.said.append(data)


def read_page(text):
    """The page of a graph with the text as the names of its nodes, and in the caption."""
    page = Page()
    a = tg.Value(3.0, text)
    y = a * 2.0
    y.label = text
    written = to_html('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>', snapshot([y, a]), text)
    written.encode()
    page.feed(written)
    page.close()
    return page


def check_page(text):
    """No name becomes a tag or an attribute; no script, and nothing to load, is in the page."""
    page = read_page(text)
    assert page.tags == read_page("a").tags
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "link", "img", "base", "form"}
    assert not [name for _, names in page.tags for name in names if name.startswith("on") or name in ("src", "href")]
    if plain(text, 1000).strip():
        assert plain(text, 1000) in page.said


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_json_and_pages_hold_a_listed_name_as_it_is(text):
    """The page with our own picture of it has the tags that a harmless name gives it, and our picture is XML."""
    check_json(text)
    check_page(text)
    pages = [Page(), Page()]
    for page, name in zip(pages, (text or " ", "a"), strict=True):
        made = Drawing(view_of(name, caption="all"), engine="own")
        ET.fromstring(made.to_svg())
        page.feed(made.to_html())
        page.close()
    kinds = [{tag for tag, _ in page.tags} for page in pages]
    assert kinds[0] == kinds[1]


@given(NAMES)
def test_json_and_pages_hold_any_name_as_it_is(text):
    """Whatever it is."""
    check_json(text)
    check_page(text)
