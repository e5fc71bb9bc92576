"""The drawing of laid out views: well-formed for every text, readable on light and dark, findable for a program."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from viz_views import all_views, attention, doubled, graph_of, made_up, micrograd, view_of_graph

from tinygrad_edu.viz.colours import ON_PAGE, TEXT, TONES, shaded
from tinygrad_edu.viz.layout import layout
from tinygrad_edu.viz.measure import EM, FONT, SMALL, box_size, cells, shortened
from tinygrad_edu.viz.snapshot import picture
from tinygrad_edu.viz.svg import svg
from tinygrad_edu.viz.text import spelled
from tinygrad_edu.viz.view import MODULE, OPERATION, VALUE, Box, Frame, View, Wire

SVG = "{http://www.w3.org/2000/svg}"
VIEWS = all_views()


def drawn(view, direction="LR"):
    """The root of the picture, parsed."""
    return ET.fromstring(svg(view, layout(view, direction)))


def boxed(**fields):
    """A view of one box."""
    usual = {"place": 0, "kind": VALUE, "title": "a", "lines": (), "frame": -1, "item": 3, "tone": "leaf"}
    box = Box(**{**usual, **fields})
    return View(made_up([]).graph, (box,), (), ())


def group(root, name):
    found, = [g for g in root.iter(f"{SVG}g") if g.get("id") == name]
    return found


def assert_within(mark, place):
    """A rect is within a place, but for rounding."""
    x, y, w, h = (float(mark.get(name)) for name in ("x", "y", "width", "height"))
    assert place.x - 0.01 <= x
    assert place.y - 0.01 <= y
    assert x + w <= place.x + place.w + 0.01
    assert y + h <= place.y + place.h + 0.01


def texts(element):
    return [text.text for text in element.iter(f"{SVG}text")]


def rects(element):
    return list(element.iter(f"{SVG}rect"))


# ---- any text --------------------------------------------------------------------------------------------------------

HOSTILE = ["<script>alert(1)</script>", "]]>", "\"'&<>", "a\nb\tc\r\0", "\ud800\udfff", "\u202eabc\u2066\u200f",
           "x" * 10_000, "\uffff\ufffe", "", "e" + "\u0301" * 10_000, "\U0001f600" * 50, "שלום עולם", "&#0;",
           "--><!--", "onload=alert(1)", "javascript:alert(1)", "\x7f\x85\u2028", "%s {0}"]


def everywhere(text):
    """A view that shows the text wherever one may stand."""
    boxes = [Box(i, kind, text, (text, text), 0, -1, "leaf") for i, kind in enumerate((VALUE, OPERATION, MODULE))]
    wires = [Wire(0, 1, text), Wire(1, 2, text, 4), Wire(2, 0, text)]
    return View(made_up([]).graph, tuple(boxes), tuple(wires), (Frame(0, text, -1, 3),), text)


def assert_harmless(text):
    source = svg(everywhere(text), layout(everywhere(text)))
    root = ET.fromstring(source.encode("utf-8"))  # which surrogates would not survive
    assert {element.tag for element in root.iter()} <= {
        SVG + tag for tag in ("svg", "g", "title", "rect", "path", "text")}
    for element in root.iter():
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)
    assert "url(" not in re.sub(r">[^<]*<", "><", source)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", source)
    return root


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_texts_stay_texts(text):
    root = assert_harmless(text)
    if text.isprintable() and text.isascii() and text:
        assert root.find(f"{SVG}title").text == text
        assert group(root, "b0").find(f"{SVG}title").text == "\n".join([text] * 3)
        if len(text) < 20:
            assert texts(group(root, "b0")) == [text] * 3


@given(st.text() | st.text(st.characters(codec=None)))
def test_every_text_gives_well_formed_xml(text):
    assert_harmless(text)


@given(st.text(st.characters(codec=None)))
def test_spelling_leaves_ordinary_characters_as_they_are(text):
    """And what it spells out says which character it was."""
    for character in text:
        told = spelled(character)
        assert told == character if character.isprintable() else told in (character, ascii(character)[1:-1])
    assert spelled(text) == "".join(map(spelled, text)) == spelled(spelled(text))


@given(st.text(), st.integers(2, 40))
def test_shortened_texts_fit(text, limit):
    short = shortened(text, limit)
    assert cells(short) <= limit
    assert len(short) <= 4 * limit + 1
    if text.isascii() and text.isprintable() and len(text) <= limit:
        assert short == text.strip()


def test_cut_texts_show_in_full_as_a_tooltip():
    root = drawn(boxed(title="name " * 30, lines=("data 1.5",)))
    assert texts(group(root, "b0"))[0].endswith("…")
    assert group(root, "b0").find(f"{SVG}title").text == "name " * 30 + "\ndata 1.5"


# ---- the whole -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIEWS)
def test_every_part_is_found_by_its_number(name):
    view = VIEWS[name]
    root = drawn(view)
    groups = {g.get("id"): g for g in root.iter(f"{SVG}g") if g.get("id")}
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids)) == len(view.boxes) + len(view.wires) + len(view.frames)
    for place, wire in enumerate(view.wires):
        assert groups[f"w{place}"].get("data-source") == str(wire.source)
        assert groups[f"w{place}"].get("data-target") == str(wire.target)
    for box in view.boxes:
        assert groups[f"b{box.place}"].get("data-item") == str(box.item)
        assert groups[f"b{box.place}"].get("class").split() == ["box", box.kind, box.tone]


def test_a_picture_is_as_large_as_its_content_and_shrinks_to_the_page():
    view = VIEWS["micrograd flat"]
    placed = layout(view)
    root = drawn(view)
    assert root.get("viewBox").split()[2:] == [root.get("width"), root.get("height")]
    assert float(root.get("width")) == pytest.approx(placed.width, abs=0.01)
    assert "max-width:100%" in root.get("style")


def test_an_empty_view_is_a_picture():
    root = drawn(made_up([]))
    assert not texts(root)
    assert float(root.get("width")) > 0


def test_the_caption_is_below_all_and_in_lines():
    view = made_up([(0, 1)], caption="so many words " * 12)
    placed, root = layout(view), drawn(view)
    lines = [text for text in root.iter(f"{SVG}text") if text.get("class") == "caption"]
    assert len(lines) > 1
    assert " ".join(text.text for text in lines) == ("so many words " * 12).strip()
    assert all(placed.height < float(line.get("y")) < float(root.get("height")) for line in lines)
    assert all(len(line.text) * EM * SMALL < float(root.get("width")) for line in lines)


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_paths_begin_and_end_where_the_layout_says(direction):
    view = view_of_graph(graph_of(micrograd()))
    placed = layout(view, direction)
    root = drawn(view, direction)
    for place, points in enumerate(placed.wires):
        line, head = group(root, f"w{place}").findall(f"{SVG}path")
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", line.get("d"))]
        tip = [float(n) for n in re.findall(r"-?\d+\.?\d*", head.get("d"))[:2]]
        assert numbers[:2] == pytest.approx(points[0], abs=0.01)
        assert tip == pytest.approx(points[-1], abs=0.01)
        assert math.dist(numbers[-2:], tip) < 10.0


def test_local_derivatives_stand_at_the_heads_of_wires_and_counts_with_them():
    view = view_of_graph(graph_of(doubled()))
    view = replace(view, wires=(*view.wires[:-1], replace(view.wires[-1], count=4)))
    root = drawn(view)
    labels = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "label"]
    assert labels == ["1", "1", "\N{MULTIPLICATION SIGN}4"]


@pytest.mark.parametrize("name", ["micrograd flat", "mlp framed", "lstm collapsed"])
def test_labels_do_not_stand_on_boxes(name):
    view = VIEWS[name]
    placed, root = layout(view), drawn(view)
    for text in root.iter(f"{SVG}text"):
        if text.get("class") == "label":
            x, y, wide = float(text.get("x")), float(text.get("y")), cells(text.text) * EM * SMALL
            left, right = (x - wide, x) if text.get("text-anchor") == "end" else (x, x + wide)
            assert not any(left < p.x + p.w and p.x < right and y - 7 < p.y + p.h and p.y < y for p in placed.boxes)


# ---- boxes -----------------------------------------------------------------------------------------------------------


def test_a_value_is_a_row_of_title_data_and_grad():
    root = drawn(boxed(title="x1", lines=("data 1.5", "grad 0.2")))
    row = list(group(root, "b0").iter(f"{SVG}text"))
    assert [text.text for text in row] == ["x1", "data 1.5", "grad 0.2"]
    assert len({text.get("y") for text in row}) == 1
    assert [text.get("font-weight") for text in row] == ["bold", None, None]
    xs = [float(text.get("x")) for text in row]
    assert all(a + cells(text.text) * EM * FONT < b for a, text, b in zip(xs, row, xs[1:], strict=False))


def test_texts_stay_within_their_boxes():
    for view in VIEWS.values():
        for box in view.boxes:
            shown = [shortened(text, 28) for text in (box.title, *box.lines)]
            if box.picture is None and box.kind != MODULE:
                assert sum(map(cells, shown)) * EM * FONT < box_size(box)[0]


def test_an_operation_is_rounder_than_a_value():
    value, operation = (float(rects(group(drawn(boxed(kind=kind)), "b0"))[0].get("rx")) for kind in (VALUE, OPERATION))
    assert operation > 3 * value


def test_every_tone_looks_different():
    looks = set()
    for tone in TONES:
        rect = rects(group(drawn(boxed(tone=tone)), "b0"))[0]
        looks.add(tuple(rect.get(name) for name in ("fill", "stroke", "stroke-width", "stroke-dasharray")))
    assert len(looks) == len(TONES)


def test_frozen_is_dashed_unreached_marked_and_the_root_thick():
    look = {tone: rects(group(drawn(boxed(tone=tone)), "b0"))[0] for tone in ("leaf", "frozen", "unreached", "root")}
    assert look["leaf"].get("stroke-dasharray") is None
    assert look["frozen"].get("stroke-dasharray")
    assert group(drawn(boxed(tone="unreached")), "b0").find(f"{SVG}path") is not None
    assert float(look["root"].get("stroke-width")) > 2 > float(look["leaf"].get("stroke-width"))


def test_an_unknown_tone_is_drawn():
    assert rects(drawn(boxed(tone="<new>")))


def test_a_stack_shows_boxes_behind_and_their_number():
    view = boxed(kind=MODULE, title="neuron", stack=16)
    place = layout(view).boxes[0]
    cards = rects(group(drawn(view), "b0"))
    assert len(cards) == 3
    assert "\N{MULTIPLICATION SIGN}16" in texts(drawn(view))
    for card in cards:
        assert_within(card, place)


def test_a_stacked_frame_says_how_many_it_is():
    view = View(made_up([]).graph, (Box(0, VALUE, "a", (), 0, 0, "leaf"),), (), (Frame(0, "Neuron", -1, 16),))
    assert texts(group(drawn(view), "f0")) == ["Neuron \N{MULTIPLICATION SIGN}16"]
    assert len(rects(group(drawn(view), "f0"))) == 3


def test_a_matrix_is_a_map_of_its_cells():
    array = np.array([[1.0, -2.0, 0.0], [np.nan, 0.5, 2.0]])
    marks = rects(group(drawn(boxed(picture=picture(array))), "b0"))
    fills = [mark.get("fill") for mark in marks[1:7]]
    assert fills == [shaded(v) for v in (0.5, -1.0, 0.0, math.nan, 0.25, 1.0)]
    assert len({mark.get("x") for mark in marks[1:7]}) == 3


def test_a_large_array_takes_at_most_24_by_24_cells():
    root = drawn(boxed(picture=picture(np.random.default_rng(0).normal(size=(300, 500)))))
    assert len(rects(root)) <= 24 * 24 + 2


def test_one_row_is_drawn_as_bars_up_and_down():
    marks = rects(group(drawn(boxed(picture=picture(np.array([3.0, -1.5, 0.0])))), "b0"))[1:]
    heights = [float(mark.get("height")) for mark in marks]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.05)
    assert heights[2] == 0
    assert float(marks[0].get("y")) + heights[0] == pytest.approx(float(marks[1].get("y")), abs=0.02)


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.zeros(0), np.array([np.nan, np.inf, -np.inf]),
                                   np.full((2, 2), np.inf), np.zeros((2, 2)), np.array([1e308, -1e308])],
                         ids=lambda a: str(a.tolist()))
def test_arrays_without_a_scale_are_drawn(array):
    with np.errstate(all="ignore"):
        root = drawn(boxed(picture=picture(array)))
    for element in root.iter():
        assert not any(word in value for value in element.attrib.values() for word in ("nan", "inf"))


def test_pictures_and_texts_are_within_their_boxes():
    view = view_of_graph(graph_of(attention()))
    placed, root = layout(view), drawn(view)
    for box, place in zip(view.boxes, placed.boxes, strict=True):
        for mark in rects(group(root, f"b{box.place}")):
            assert_within(mark, place)


# ---- colours ---------------------------------------------------------------------------------------------------------


def contrast(a, b):
    """The contrast ratio of WCAG 2.1."""
    def luminance(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055)**2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_is_read_on_every_background_a_box_can_have():
    backgrounds = [fill for fill, _ in TONES.values()] + [shaded(s / 10) for s in range(-10, 11)]
    assert min(contrast(TEXT, background) for background in backgrounds) >= 7.0


def test_what_stands_on_the_page_is_read_on_light_and_dark():
    assert min(contrast(ON_PAGE, page) for page in ("#ffffff", "#111111")) >= 4.0


def test_shades_go_from_blue_to_orange_evenly():
    red, blue = ([int(shaded(s / 10)[i:i + 2], 16) for s in range(-10, 11)] for i in (1, 5))
    assert red[:11] == sorted(red[:11])
    assert blue[10:] == sorted(blue[10:], reverse=True)
    assert blue[0] > red[0] + 100
    assert red[-1] > blue[-1] + 100


def test_a_shade_colours_a_box():
    fills = [rects(group(drawn(boxed(shade=shade)), "b0"))[0].get("fill") for shade in (None, -1.0, 0.3)]
    assert fills == [TONES["leaf"][0], shaded(-1.0), shaded(0.3)]
