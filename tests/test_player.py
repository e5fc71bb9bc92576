"""The page of a player: the pass it plays against `.grad`, what it holds, and what it must not."""

import base64
import json
import re
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viz_examples import HOSTILE

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, ShapeError, StaleGraphError
from tinygrad_edu.player.page import script, style
from tinygrad_edu.testing.strategies import graphs
from tinygrad_edu.viz.snapshot import Picture


def data_of(player):
    """What the page is given."""
    packed = re.search(r'<script id="data"[^>]*>([^<]*)</script>', player.to_html())[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def real(x):
    """A number as the page reads it."""
    return float(x["real"].replace("Infinity", "inf")) if isinstance(x, dict) and "real" in x else x


def played(data):
    """The gradients that the page comes to: its arithmetic on numbers, on the data that it is given."""
    totals = {data["root"]: real(data["seed"])}
    for place in range(len(data["items"]) - 1, -1, -1):
        fields = data["items"][place]
        if place in totals and len(fields) > 5:
            for source, edge in zip(fields[5], fields[6], strict=True):
                if edge is not None:
                    given = isinstance(edge, dict) and "part" in edge
                    part = real(edge["part"]) if given else totals[place] * real(edge)
                    totals[source] = totals[source] + part if source in totals else part
    return totals


def scalar():
    """L = tanh(d a) + d d with d = a b + c; d is read three times."""
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(5.8, "c")
    d = a * b + c
    d.label = "d"
    out = (d * a).tanh() + d * d
    out.label = "L"
    return out


def perceptron(rows=1):
    """The error of a perceptron on some rows."""
    model, rng = nn.MLP(3, [4, 4, 1], rng=0), np.random.default_rng(0)
    terms = [(model([Value(x) for x in row]) - 1.0) ** 2 for row in rng.normal(size=(rows, 3)).tolist()]
    return sum(terms[1:], terms[0])


# ---- the pass --------------------------------------------------------------------------------------------------------


@given(graphs("scalar"))
@settings(max_examples=200, deadline=None)
def test_the_pass_that_is_played_ends_with_the_gradients_of_backward(program):
    """To the last bit: the page adds up the same products in the same order."""
    leaves = program.nodes()
    out = program(*leaves)
    player = tg.play(out, names={f"leaf{k}": leaf for k, leaf in enumerate(leaves)})
    totals = played(data_of(player))
    out.backward()
    names = {item.name: item.place for item in player.graph.items}
    for k, leaf in enumerate(leaves):
        if f"leaf{k}" in names:
            got = totals.get(names[f"leaf{k}"])
            assert (got is None and leaf.grad is None) or got == leaf.grad or (got != got and leaf.grad != leaf.grad)


@given(graphs("tensor"))
@settings(max_examples=60, deadline=None)
def test_the_parts_of_an_array_s_gradient_end_with_that_of_backward(program):
    """The norm after the last part is the norm of `.grad`."""
    leaves = program.nodes()
    out = tg.sum(program(*leaves) * 1.0)
    if not out.requires_grad:
        return
    player = tg.play(out, names={f"leaf{k}": leaf for k, leaf in enumerate(leaves)})
    out.backward()
    last = {}
    items = player.graph.items
    for item in reversed(items):
        for source, handed in zip(item.inputs, player.replay.handed[item.place], strict=False):
            if handed is not None:
                last[source] = handed.part if handed.running is None else handed.running
    for item in items:
        if item.name.startswith("leaf") and item.place in last:
            grad, found = leaves[int(item.name[4:])].grad, last[item.place]
            norm = np.linalg.norm(np.asarray(grad, np.float64).ravel())
            np.testing.assert_allclose(found.norm if isinstance(found, Picture) else abs(found), norm, rtol=1e-6,
                                       atol=1e-12)


def test_playing_reads_and_writes_no_gradient():
    out = scalar()
    tg.play(out)
    assert all(x.grad is None for x in tg.engine.history(out))
    out.backward()
    before = [x.grad for x in tg.engine.history(out)]
    player = tg.play(out)
    assert [x.grad for x in tg.engine.history(out)] == before
    assert "several passes" not in data_of(player)["end"]


def test_a_gradient_of_the_same_norm_is_told_apart_from_the_one_that_is_played():
    """That of -y, or one whose elements are in another order."""
    x = Tensor([1.0, 2.0], "x")
    out = (x * x).sum()
    (-out).backward()
    assert "The .grad of x, " in data_of(tg.play(out))["end"]
    x.grad = np.array([4.0, 2.0])
    assert "The .grad of x, " in data_of(tg.play(out))["end"]
    x.grad = np.array([2.0, 4.0])
    assert "x, " not in data_of(tg.play(out))["end"]


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


def test_a_label_is_not_given_to_a_node_that_has_none():
    a, b = Value(2.0, "v2"), Value(3.0)
    data = data_of(tg.play((a * b + 1.0) * a, names={}))
    names = [item[0] for item in data["items"] if item[0]]
    assert names.count("v2") == 1
    assert len(set(names)) == len(names) == 5


def test_gradients_of_several_passes_are_told_apart_from_the_one_that_is_played():
    out = scalar()
    out.backward()
    out.backward()
    end = data_of(tg.play(out))["end"]
    assert "The .grad of a, b, c" in end
    assert "zero_grad()" in end


def test_a_hook_is_a_step_and_what_it_gives_flows_on():
    a = Value(3.0, "a")
    b = a * 2.0
    b.label = "b"
    b.register_hook(lambda g: g * 10.0)
    out = b * 4.0
    player = tg.play(out)
    hooked = [fields for fields in data_of(player)["items"] if len(fields) == 8]
    assert [(fields[0], fields[7]) for fields in hooked] == [("b", 40.0)]
    out.backward()
    assert {item.name: item.grad for item in player.graph.items}["a"] == a.grad == 80.0


def test_a_leaf_that_was_frozen_when_it_was_read_gets_nothing_along_that_edge():
    a = Tensor([1.0, 2.0], label="a", requires_grad=False)
    first = a * 3.0
    a.requires_grad = True
    out = tg.sum(first + a * 5.0)
    player = tg.play(out)
    out.backward()
    last = [handed for item in player.graph.items for source, handed in
            zip(item.inputs, player.replay.handed[item.place], strict=False)
            if player.graph.items[source].name == "a" and handed is not None]
    assert len(last) == 1
    np.testing.assert_allclose(last[0].part.cells.ravel(), a.grad)


def test_a_cotangent_is_where_the_pass_begins():
    x = Tensor([1.0, 2.0], label="x")
    y = x * 3.0
    player = tg.play(y, gradient=np.array([1.0, 10.0]))
    np.testing.assert_allclose({item.name: item.grad for item in player.graph.items}["x"].cells, [[3.0, 30.0]])
    with pytest.raises(ShapeError, match="not a single number"):
        tg.play(y)


def test_a_result_that_requires_no_gradient_plays_forward_alone():
    a = Value(2.0, "a", requires_grad=False)
    with tg.no_grad():
        constant = a * 3.0
    data = data_of(tg.play(constant))
    assert data["seed"] is None
    assert "Nothing flows back" in data["end"]


def test_a_stale_graph_is_refused():
    a = Value(2.0, "a")
    out = a * a
    a.data = 3.0
    with pytest.raises(StaleGraphError, match="compute the result again"):
        tg.play(out)


def test_numbers_that_json_has_not_arrive():
    a = Value(float("inf"), "a")
    out = a * 0.0
    fields = {item[0]: item for item in data_of(tg.play(out))["items"]}
    assert real(fields["a"][4]) == float("inf")
    assert real(data_of(tg.play(out))["items"][-1][4]) != real(data_of(tg.play(out))["items"][-1][4])


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
