"""The page of a player: what it holds, what it must not, and what is refused."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from player_examples import data_of, perceptron, scalar
from viz_examples import HOSTILE

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.player.page import script, style

# ---- the page --------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """What a page is made of."""

    def __init__(self):
        super().__init__()
        self.tags, self.references, self.handlers = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_the_program_and_its_style_are_small():
    assert len(style().encode()) + len(script().encode()) <= 25_000


def test_the_page_refers_to_nothing_outside():
    reader = Reader()
    page = tg.play(perceptron()).to_html()
    reader.feed(page)
    assert reader.references == reader.handlers == []
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|//cdn|@import|url\(", page)
    assert reader.tags.count("script") == 2
    assert {"h1", "main", "title"} <= set(reader.tags)


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
@settings(max_examples=60, deadline=None)
def test_no_name_breaks_the_page(name):
    """Whatever a node is called, the page has the same elements, and its data the name as text."""
    def page(label):
        a = Value(2.0, label)
        out = a * 3.0
        out.label = label
        return tg.play(out, names={})

    plain, hostile = Reader(), Reader()
    plain.feed(page("a").to_html())
    player = page(name)
    hostile.feed(player.to_html())
    assert hostile.tags == plain.tags
    assert hostile.handlers == []
    shown = Reader()
    shown.feed(player._repr_mimebundle_()["text/html"])
    assert shown.tags == ["div", "img", "iframe"]
    assert shown.handlers == []
    player.to_html().encode()


def test_a_notebook_shows_the_page_in_a_box_of_its_own_over_a_picture():
    bundle = tg.play(scalar(), height=300)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert 'sandbox="allow-scripts allow-downloads"' in bundle["text/html"]
    assert "allow-same-origin" not in bundle["text/html"]
    assert "height:300px" in bundle["text/html"]
    picture = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', bundle["text/html"])[1]
    assert base64.b64decode(picture).decode() == tg.play(scalar()).to_svg()
    assert bundle["text/plain"].startswith("9 nodes, 11 edges; L = + is")


def test_the_picture_alone_is_shown_where_it_is_asked_for(monkeypatch):
    assert set(tg.play(scalar(), static=True)._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    monkeypatch.setenv("TINYGRAD_EDU_STATIC", "1")
    assert set(tg.play(scalar())._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert set(tg.play(scalar())._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}


def test_it_is_saved_as_a_page_or_a_picture(tmp_path):
    player = tg.play(scalar())
    assert player.save(tmp_path / "graph.html").read_text(encoding="utf-8") == player.to_html()
    assert player.save(str(tmp_path / "graph.svg")).read_text(encoding="utf-8") == player.to_svg()
    with pytest.raises(ValueError, match=r"'\.png'; known are \.html, \.svg"):
        player.save(tmp_path / "graph.png")


def test_names_come_from_the_caller():
    left, right = Value(1.0), Value(2.0)
    product = left * right
    assert [fields[0] for fields in data_of(tg.play(product))["items"]] == ["left", "right", "product"]


# ---- modules ---------------------------------------------------------------------------------------------------------


def test_each_level_of_open_modules_has_a_layout_and_the_first_is_as_asked():
    loss = perceptron(rows=2)
    data = data_of(tg.play(loss, max_nodes=60))
    assert len(data["layouts"]) == 4  # the perceptron, its layers, their neurons
    sizes = [len(layout["boxes"]) for layout in data["layouts"]]
    assert sizes == sorted(sizes)
    assert sizes[data["opened"]] <= 60 < sizes[data["opened"] + 1]
    assert data_of(tg.play(loss, depth="all"))["opened"] == 3
    assert data_of(tg.play(loss, depth=1))["opened"] == 1
    assert data_of(tg.play(loss, depth=0))["opened"] == 0


def test_every_box_and_frame_of_a_layout_is_known_to_the_page():
    data = data_of(tg.play(perceptron(rows=2)))
    for depth, layout in enumerate(data["layouts"]):
        names = [name for name, *_ in [*layout["boxes"], *layout["frames"]]]
        assert len(set(names)) == len(names)
        assert all(-len(data["blocks"]) <= name < 2 * len(data["items"]) for name in names)
        assert all(source in names and target in names for source, target, _ in layout["wires"])
        for name in names:
            block = -1 - name if name < 0 else data["items"][name // 2][3]
            depths = 0
            while block >= 0:
                block, depths = data["blocks"][block][1], depths + 1
            assert depths <= depth + 1
    deepest = data["layouts"][-1]
    assert len([name for name, *_ in deepest["boxes"] if name >= 0]) == sum(
        2 if fields[2] == 3 else 1 for fields in data["items"])


def test_arrays_are_played_with_shapes_norms_and_cells():
    x = Tensor([[1.0, -2.0], [np.nan, 0.0]], label="x")
    data = data_of(tg.play(tg.sum(x * 1.0)))
    shown = data["items"][0][4]
    assert shown["kind"] == "2x2 float64"
    assert shown["size"] == [2, 2]
    digits = data["digits"]
    assert [digits.index(cell) for cell in shown["cells"]] == [31 + 16, 0, 63, 31]


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "message"), [
    ({"node": [1.0]}, "takes one Value or Tensor"),
    ({"node": nn.MLP(2, [1], rng=0)}, "takes one Value or Tensor"),
    ({"direction": "up"}, "direction is 'up'"),
    ({"theme": "pink"}, "theme 'pink'"),
    ({"height": 0}, "number of pixels, not 0"),
    ({"height": True}, "number of pixels, not True"),
    ({"depth": -1}, "depth must be"),
    ({"max_nodes": "many"}, "max_nodes must be"),
    ({"names": [1]}, "names must be a dict"),
])
def test_other_arguments_are_refused_and_named(arguments, message):
    with pytest.raises(DataError, match=message):
        tg.play(**{"node": scalar(), **arguments})


def test_a_graph_that_no_page_can_hold_is_refused():
    x = Value(1.0)
    for _ in range(20_001):
        x = x + 1.0
    with pytest.raises(DataError, match="20,002 nodes is more than a page can hold"):
        tg.play(x)


def test_parameters_are_told_from_other_leaves():
    """The page hides them with the modules that use them."""
    weight, data = Value(0.5), Value(2.0)
    module = nn.Neuron(1, rng=0)
    module.w[0] = weight
    player = tg.play(module([data]))
    kinds = [fields[2] for fields in data_of(player)["items"]]
    parameters = [item.place for item in player.graph.items if item.parameter]
    assert len(parameters) == 2
    assert [place for place, kind in enumerate(kinds) if kind > 3] == parameters


@pytest.mark.parametrize("wrong", [{"names": 3}, {"depth": "x"}, {"max_nodes": "x"}])
def test_errors_of_what_a_drawing_takes_too_name_what_was_called(wrong):
    with pytest.raises(DataError, match=r"^play: "):
        tg.play(scalar(), **wrong)


def test_a_graph_of_too_many_boxes_is_refused_in_the_name_of_what_was_called():
    chain = Value(1.0)
    for _ in range(3400):
        chain = chain * 1.0
    with pytest.raises(DataError, match=r"^play: 10,201 boxes"):
        tg.play(chain)
