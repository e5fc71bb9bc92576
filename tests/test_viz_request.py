"""`tg.draw`: what it takes, where names come from, and what it refuses."""

import graphviz
import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.viz import request as request_module

GLOBAL = Value(7.0)


def titles(drawing):
    return [box.title for box in drawing.shown.boxes if box.kind == "value" and box.title]


def test_a_drawing_is_a_digraph_that_names_the_callers_variables():
    """Local and global ones, and elements of lists; what has a label keeps it."""
    a, weights, labelled = Value(2.0), [Value(1.0), Value(3.0)], Value(5.0, "five")
    loss = a * weights[0] + weights[1] * labelled + GLOBAL
    drawing = tg.draw(loss)
    assert isinstance(drawing, graphviz.Digraph)
    assert isinstance(drawing, tg.Drawing)
    assert sorted(titles(drawing)) == ["GLOBAL", "a", "five", "loss", "weights[0]", "weights[1]"]


def test_names_may_be_given():
    a, b = Value(2.0), Value(3.0)
    assert titles(tg.draw(a * b, names={"left": a})) == ["left"]
    assert titles(tg.draw(a * b, names={})) == []
    with pytest.raises(DataError, match="names must be a dict"):
        tg.draw(a * b, names=["a"])


def test_micrograds_function_is_there():
    a = Value(2.0)
    b = a * 3.0
    drawing = tg.draw_dot(b, format="png", rankdir="TB")
    assert (drawing.format, drawing.direction) == ("png", "TB")
    assert titles(drawing) == ["a", "b"]
    assert tg.draw_dot(b).format == "svg"


def test_several_roots_and_the_nodes_of_an_error_are_drawn():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    assert [box.title for box in tg.draw([a * 2.0, b * 3.0]).shown.boxes if box.tone == "root"] == ["", ""]
    with pytest.raises(tg.errors.ShapeError) as caught:
        Tensor(np.ones(2), "u") + Tensor(np.ones(3), "v")
    assert titles(tg.draw(caught.value)) == ["u", "v"]


def test_arrays_open_into_numbers_on_demand():
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    drawing = tg.draw(y, granularity="scalar")
    assert {"x[0]", "x[1]", "y"} <= set(titles(drawing))
    assert "data 5" in drawing.to_svg()


@pytest.mark.parametrize("engine", ["own", None])
def test_every_text_export_works_without_a_program(engine, monkeypatch, tmp_path):
    """Of a neuron with its module, with no Graphviz anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TINYGRAD_EDU_DOT", raising=False)
    y = nn.Neuron(2, rng=0)([1.0, 2.0])
    y.backward()
    drawing = tg.draw(y, engine=engine)
    for suffix in ("svg", "html", "dot", "mmd", "json", "txt"):
        assert drawing.export(tmp_path / f"neuron.{suffix}").stat().st_size > 100


@pytest.mark.parametrize(("arguments", "options", "words"), [
    ((3.0,), {}, "takes a Value, a Tensor"), (([],), {}, "takes a Value"), ((np.ones(3),), {}, "takes a Value"),
    ((None,), {}, "takes a Value"), ((GLOBAL * 2.0,), {"direction": "RL"}, "direction"),
    ((GLOBAL * 2.0,), {"granularity": "bit"}, "granularity"), ((GLOBAL * 2.0,), {"depth": "deep"}, "depth"),
    ((nn.Linear(1, 1),), {}, r"draw\(model\(x\)\)"), ((tg.errors.DataError("no nodes"),), {}, "takes a Value")])
def test_bad_arguments_are_told(arguments, options, words):
    with pytest.raises(DataError, match=words):
        tg.draw(*arguments, **options)


def test_a_deep_graph_is_refused_before_it_is_looked_at():
    """100,000 operations outside of modules: told how many boxes, without a snapshot of them and without recursion."""
    x = Value(1.0)
    for _ in range(100_000):
        x = x + 1.0
    with pytest.raises(DataError, match=r"200,000 boxes.*modules"):
        tg.draw(x)


def test_what_would_take_too_long_is_refused_with_advice(monkeypatch):
    """Even in modules, which would be few boxes: counted in a moment, it need not be looked at."""
    model = nn.MLP(2, [4, 1], rng=0)
    loss = tg.sum([model([float(k), 1.0]) for k in range(20)])
    assert len(tg.draw(loss).shown.boxes) > 0
    monkeypatch.setattr(request_module, "LARGEST", 100)
    with pytest.raises(DataError, match=r"\(up to 100 are drawn\); draw that of fewer rows"):
        tg.draw(loss)


def test_a_large_model_is_shown_closed():
    """A thousand rows through a perceptron are one box, with their number."""
    model = nn.MLP(2, [8, 8, 1], rng=0)
    scores = [model([float(k), 1.0]) for k in range(500)]
    drawing = tg.draw(tg.sum(scores))
    assert len(drawing.shown.boxes) <= 300
    assert [frame.stack for frame in drawing.shown.frames if frame.title == "MLP"] == [500]
