"""`tg.draw(error)`: what failed, what it was made from, and that showing one error never raises another."""

import gc
import os
import subprocess
import sys
import weakref
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import AnomalyError, DataError, ShapeError, TinygradError
from tinygrad_edu.viz import neighbourhood, reprs


def error_of(function, kind=TinygradError):
    """What the function raises."""
    with pytest.raises(kind) as caught:
        function()
    return caught.value


def anomaly(function):
    """What it raises under detect_anomaly()."""
    with tg.detect_anomaly(), np.errstate(all="ignore"):
        return error_of(function, AnomalyError)


def failed(view):
    """The boxes that are marked, as (kind, title, lines)."""
    return [(box.kind, box.title, box.lines) for box in view.boxes if box.tone == "failed"]


def wires_to(view, title):
    """The titles of the boxes that lead to the one box of this title, with the labels."""
    target, = (box.place for box in view.boxes if box.title == title)
    return [(view.boxes[wire.source].title, wire.label) for wire in view.wires if wire.target == target]


def test_a_shape_error_shows_the_operation_that_has_no_result():
    """With the shapes on its wires, in the order of the operands, and what the wrong one was made from."""
    x, w = Tensor(np.ones((4, 3)), "x"), Tensor(np.ones((4, 2)), "w")
    view = tg.draw(error_of(lambda: (2.0 * x) @ w, ShapeError)).shown
    assert failed(view) == [("operation", "matmul @", ("failed",))]
    assert wires_to(view, "matmul @") == [("", "1: (4, 3)"), ("w", "2: (4, 2)")]
    assert "x" in [source for source, _ in wires_to(view, "*")]
    assert "matmul of shapes (4, 3), (4, 2)" in view.caption
    assert "inner sizes 3 and 4" in view.caption


def test_plain_arrays_among_the_operands_are_boxes_too():
    view = tg.draw(error_of(lambda: np.ones((2, 5)) @ Tensor(np.ones((4, 3)), "t"))).shown
    (first, one), (second, two) = wires_to(view, "matmul @")
    assert (one, second, two) == ("1: (2, 5)", "t", "2: (4, 3)")
    constant, = (box for box in view.boxes if box.tone == "constant")
    assert (constant.title, constant.picture.shape) == (first, (2, 5))


def test_an_operand_that_is_used_twice_has_two_wires():
    x = Tensor(np.ones((4, 3)), "x")
    assert wires_to(tg.draw(error_of(lambda: x @ x)).shown, "matmul @") == [("x", "1: (4, 3)"), ("x", "2: (4, 3)")]


@pytest.mark.parametrize("function", [
    lambda x: x.reshape(5, 5), lambda x: x[7], lambda x: x.sum(axis=4), lambda x: tg.stack([x, x[0]]),
    lambda x: nn.Conv2d(1, 2, 3, rng=0)(x), lambda x: nn.cross_entropy(x, np.array([0, 1, 2])),
    lambda x: tg.where(np.ones(5, bool), x, x), lambda x: tg.linalg.inv(x) if hasattr(tg, "linalg") else x[9]])
def test_every_operation_that_fails_is_a_marked_box_with_its_operands(function):
    view = tg.draw(error_of(lambda: function(Tensor(np.ones((4, 3)), "x") * 1.0))).shown
    (kind, title, lines), = failed(view)
    assert (kind, lines[0]) == ("operation", "failed")
    assert all(label for _, label in wires_to(view, title))


def test_the_first_nan_is_marked_with_the_operation_that_made_it():
    """Of an array, with how many elements are nan."""
    x = Tensor([1.0, -1.0, -2.0], "x")
    view = tg.draw(anomaly(lambda: tg.log(x) * 2.0)).shown
    (operation, value) = failed(view)
    assert operation[:2] == ("operation", "log")
    assert value[2][-1] == "nan in 2 of 3"
    assert wires_to(view, "log") == [("x", "")]
    assert "log gave nan" in view.caption
    a = Value(-2.0, "a")
    assert failed(tg.draw(anomaly(lambda: tg.log(a))).shown) == [("operation", "log", ()), ("value", "", ("data nan",))]


def test_a_nan_of_numbers_without_a_graph_is_drawn_too():
    view = tg.draw(anomaly(lambda: tg.log(Value(-1.0, "c", requires_grad=False)))).shown
    assert failed(view) == [("operation", "log", ("not finite",))]
    assert wires_to(view, "log") == [("c", "")]


@pytest.mark.parametrize(("leaf", "line"), [(Value(0.0, "z"), "cotangent inf"),
                                            (Tensor([0.0, 1.0, 0.0], "z"), "cotangent inf in 2 of 3")])
def test_a_cotangent_that_is_not_finite_marks_the_input_and_its_operation(leaf, line):
    """d sqrt(z)/dz is infinite at 0: z is marked, not the result, which is fine."""
    view = tg.draw(anomaly(lambda: (leaf ** 0.5).sum().backward() if isinstance(leaf, Tensor)
                           else (leaf ** 0.5).backward())).shown
    (_, title, lines), operation = sorted(failed(view), key=lambda box: box[0] == "operation")
    assert (title, lines[-1], operation[:2]) == ("z", line, ("operation", "**"))


def test_other_errors_mark_their_nodes():
    x = Tensor(np.ones((4, 3)), "x")
    assert [title for _, title, _ in failed(tg.draw(error_of(x.backward)).shown)] == ["x"]


def chain(steps):
    """A vector after so many additions of 1, whose 5 elements fit no 3."""
    x = Tensor(np.zeros(5), "x")
    for _ in range(steps):
        x = x + 1.0
    return x


@pytest.mark.parametrize("around", [None, 0, 1, 2, 5, 19, 30])
def test_as_many_steps_are_shown_as_are_asked_for(around):
    """By default 2; the operation that failed is the end, its operand one step behind; an ellipsis stands for more."""
    view = tg.draw(error_of(lambda: chain(18) * np.ones(3)), around=around).shown
    steps = 2 if around is None else around
    nodes = [item for item in view.graph.items if item.kind != "constant"]
    assert len(nodes) == min(max(steps, 1), 19)
    assert [box.title for box in view.boxes].count("…") == (max(steps, 1) < 19)
    assert all(wire.source < wire.target for wire in view.wires)


def test_around_is_for_any_node():
    y = chain(10)
    assert len(tg.draw(y, around=3).shown.graph.items) == 4 + 3
    assert "at most 3 steps" in tg.draw(y, around=3).shown.caption
    assert len(tg.draw(y).shown.graph.items) == 21
    for wrong in (-1, True, 1.5, "2"):
        with pytest.raises(DataError, match="around must be a number of steps"):
            tg.draw(y, around=wrong)
    with pytest.raises(DataError, match="granularity"):
        tg.draw(y, around=1, granularity="scalar")


def test_a_million_nodes_behind_an_error_are_not_looked_at():
    """tg.draw refuses so many; of an error, the few that are near are drawn."""
    a = Value(1.0)
    for _ in range(310_000):
        a = a + 1.0
    with pytest.raises(DataError):
        tg.draw(a)
    view = tg.draw(anomaly(lambda: tg.log(a - 1e9))).shown
    assert len(view.graph.items) < 10
    assert failed(view)


def test_of_many_operands_the_odd_one_is_shown():
    """Each shape once before others; the rest is a number."""
    parts = [Tensor(np.ones((2, 2)), "even") for _ in range(300)] + [Tensor(np.ones((3, 3)), "odd")]
    view = tg.draw(error_of(lambda: tg.concatenate(parts))).shown
    assert failed(view)[0][2] == ("failed", "289 more operands")
    assert [source for source, _ in wires_to(view, "concatenate")].count("odd") == 1
    many = sum(Value(float(i)) for i in range(3)) + nn.Neuron(784, rng=0)([1.0] * 784)
    assert len(tg.draw(anomaly(lambda: tg.log(many - 1e9))).shown.boxes) < 80


@pytest.mark.parametrize(("count", "place"), [(5, 3), (20, 17)])
def test_the_failed_neuron_of_many_alike_is_the_one_that_is_shown(count, place):
    """Neither does another, of the five that are shown, stand for it, nor is it among those left out of twenty.

    Its answer is 0, so that with a weight of 1e308 the next neuron's is finite; but 10 * 1e308, its cotangent, is not.
    """
    layer, last = nn.Layer(2, count, rng=0), nn.Neuron(count, nonlin=False, rng=0)
    for parameter in layer.neurons[place].parameters():
        parameter.data = -1.0
    last.w[place].data = 1e308
    y = last(layer([1.0, Value(20.0, "v")])) * 10.0
    error = anomaly(y.backward)
    view = tg.draw(error).shown
    value, = (box for box in view.boxes if box.tone == "failed" and box.kind == "value")
    assert value.lines[-1] == "cotangent inf"
    assert value.lines[0] == "data 0"
    assert all(box.stack == 1 for box in view.boxes)
    assert all(frame.stack == 1 for frame in view.frames)
    assert len(view.boxes) < 200


def test_names_are_those_of_the_functions_the_error_passed_through():
    """Not of whoever caught it; a label is stronger."""
    def layer(inside):
        weight = Tensor(np.ones((4, 2)))
        return inside @ weight

    outside = Tensor(np.ones((4, 3)))
    error = error_of(lambda: layer(outside))
    assert [box.title for box in tg.draw(error).shown.boxes if box.kind == "value"] == ["inside", "weight"]
    assert [box.title for box in tg.draw(error, names={"y": outside}).shown.boxes if box.kind == "value"] == ["y", ""]


def test_a_notebook_shows_text_and_picture():
    error = error_of(lambda: Tensor(np.ones(2), "<b>&") + Tensor(np.ones(3), "v"))
    bundle = error._repr_mimebundle_()
    assert bundle["text/plain"] == f"tinygrad_edu.errors.ShapeError: {error}".strip()
    drawn = ET.fromstring(bundle["image/svg+xml"])
    assert "failed" in "".join(drawn.itertext())
    assert bundle["text/html"].startswith("<pre>tinygrad_edu.errors.ShapeError: add of shapes (2,), (3,)")
    assert "<b>" not in bundle["text/html"]
    assert error._repr_mimebundle_(include=["text/plain"]).keys() == {"text/plain"}
    assert DataError("no <nodes>")._repr_mimebundle_() == {
        "text/plain": "tinygrad_edu.errors.DataError: no <nodes>",
        "text/html": "<pre>tinygrad_edu.errors.DataError: no &lt;nodes&gt;</pre>"}


def test_showing_an_error_raises_no_other(monkeypatch):
    """Whatever goes wrong, the text is left; nodes may be anything."""
    error = ShapeError("odd", [3.0, "no node"])
    assert error._repr_mimebundle_().keys() == {"text/plain", "text/html"}
    good = error_of(lambda: Tensor(np.ones(2)) + Tensor(np.ones(3)))

    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(reprs, "layout", broken)
    assert good._repr_mimebundle_().keys() == {"text/plain", "text/html"}


def test_the_graph_lives_no_longer_than_the_error():
    def failing():
        x = Tensor(np.ones((4, 3)))
        try:
            x @ x
        except ShapeError as error:
            return error, weakref.ref(x)

    def shown():  # a function of its own, as Python keeps what the variables of a running one were at a look at them
        error, alive = failing()
        error._repr_mimebundle_()
        return tg.draw(error), alive

    drawing, alive = shown()
    gc.collect()
    assert alive() is None
    assert "matmul" in drawing.to_svg()


def test_every_export_of_a_failure_works(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = tg.draw(error_of(lambda: chain(5) * np.ones(3)), engine="own")
    for suffix in ("svg", "html", "dot", "mmd", "json", "txt"):
        assert drawing.export(tmp_path / f"failure.{suffix}").stat().st_size > 100
    assert "failed" in drawing.to_mermaid()


@pytest.mark.parametrize("by", ["grad", "saturation", "op"])
def test_failures_can_be_coloured_and_folded(by):
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU())
    error = error_of(lambda: model(np.ones((2, 3))) @ np.ones((3, 3)))
    for depth in (0, 1, "all", None):
        assert tg.draw(error, depth=depth, color_by=by).to_svg()


def test_few_nodes_are_taken_however_many_steps_are_asked_for():
    """Each node is a sum of the twelve before it."""
    layers = [[Value(float(i)) for i in range(12)]]
    for _ in range(60):
        layers.append([tg.sum(layers[-1]) * float(i + 1) for i in range(12)])
    found = neighbourhood.near([layers[-1][0]], 1000)
    assert len(found) <= neighbourhood.MOST + 12 * neighbourhood.OPERANDS


SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.run_cell("import numpy as np, sys, tinygrad_edu as tg; x = tg.Tensor(np.ones((4, 3)))")
shell.run_cell("y = x @ x")
shell.run_cell("print(tg.draw(sys.last_value).shown.boxes[-1].title)")
shell.run_cell("raise tg.errors.DataError('nothing to see')")
"""


def test_an_uncaught_error_in_ipython_says_how_to_see_it():
    """After IPython's own text, of errors with nodes; what it says works."""
    pytest.importorskip("IPython")
    run = subprocess.run([sys.executable, "-c", SHELL], capture_output=True, text=True, check=True,
                         env={**os.environ, "PYTHONPATH": str(Path(tg.__file__).parent.parent)})
    text = run.stdout + run.stderr
    assert text.index("ShapeError: matmul of shapes") < text.index("tg.draw(sys.last_value) draws where this happened")
    assert "y = x @ x" in text
    assert "\nmatmul @\n" in text
    assert text.count("tg.draw(sys.last_value) draws") == 1
    assert "nothing to see" in text
    assert "Unexpected exception" not in text
