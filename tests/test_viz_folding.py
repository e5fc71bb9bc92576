"""Views: which modules are open, what stands for what alike, what is written and coloured."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.viz.folding import MOST, view_of
from tinygrad_edu.viz.snapshot import snapshot
from tinygrad_edu.viz.view import MODULE, OPERATION, VALUE


def view(*roots, **options):
    return view_of(snapshot(roots), **options)


def titles(shown, kind):
    return [box.title for box in shown.boxes if box.kind == kind]


def ends(shown):
    """Each wire by the titles of its ends, or their places where they have none."""
    name = [box.title or str(box.place) for box in shown.boxes]
    return sorted((name[w.source], name[w.target], w.count) for w in shown.wires)


def test_operations_stand_between_operands_and_results():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    c.label = "c"
    c.backward()
    shown = view(c, show=("data", "grad", "derivatives"))
    assert [(box.kind, box.title, box.lines, box.tone) for box in shown.boxes] == [
        (VALUE, "a", ("data 2", "grad 3"), "leaf"), (VALUE, "b", ("data 3", "grad 2"), "leaf"),
        (OPERATION, "*", (), "operation"), (VALUE, "c", ("data 6", "grad 1"), "root")]
    assert [(w.source, w.target, w.label) for w in shown.wires] == [(0, 2, "3"), (1, 2, "2"), (2, 3, "")]
    assert shown.caption == "3 nodes"


def test_the_same_operand_twice_has_two_wires():
    a = Value(2.0, "a")
    shown = view(a + a)
    assert ends(shown) == [("+", "2", 1), ("a", "+", 1), ("a", "+", 1)]


def test_what_was_not_computed_is_said_and_what_was_not_reached_is_marked():
    """Before backward() nothing is marked; after it, a variable without a gradient is."""
    a = Value(2.0, "a")
    assert view(a * 2.0).boxes[0].lines == ("data 2", "grad not computed")
    assert view(a * 2.0).boxes[0].tone == "leaf"
    b = Value(3.0, "b")
    y = a * b
    b.requires_grad = False
    y.backward()
    b.requires_grad = True
    assert [box.tone for box in view(y).boxes if box.title in ("a", "b")] == ["leaf", "unreached"]
    assert view(y, show=("data",)).boxes[0].lines == ("data 2",)


def test_arrays_say_their_shape_and_norm_and_single_ones_their_number():
    t = Tensor([[3.0, 4.0]], label="t")
    total = (t * t).sum()
    total.label = "total"
    total.backward()
    lines = {box.title: box.lines for box in view(total).boxes}
    assert lines["t"] == ("1x2 float64", "norm 5", "grad norm 10")
    assert lines["total"] == ("data 25", "grad 1")


def test_constants_and_frozen_nodes_have_tones_and_no_gradient():
    frozen = Value(2.0, "f", requires_grad=False)
    x = Value(1.0)
    shown = view(x * frozen * 3.0)
    assert {box.tone: box.lines for box in shown.boxes if box.tone in ("frozen", "constant")} == {
        "frozen": ("data 2",), "constant": ("data 3",)}


# ---- modules ---------------------------------------------------------------------------------------------------------


def model_and_output():
    model = nn.MLP(3, [4, 4, 1], rng=0)
    y = model([Value(1.0, "x0"), Value(2.0, "x1"), Value(3.0, "x2")])
    y.backward()
    return model, y


def test_each_depth_opens_one_more_level_of_modules():
    _, y = model_and_output()
    shown = [view(y, depth=depth) for depth in (0, 1, 2, 3)]
    assert [titles(v, MODULE) for v in shown] == [
        ["MLP"], ["layers.0: Layer", "layers.1: Layer", "layers.2: Layer"], ["neurons.0: Neuron"] * 3, []]
    assert [[frame.title for frame in v.frames][:2] for v in shown] == [
        [], ["MLP"], ["MLP", "layers.0: Layer"], ["MLP", "layers.0: Layer"]]
    assert ends(shown[0]) == [("MLP", "4", 1), ("x0", "MLP", 4), ("x1", "MLP", 4), ("x2", "MLP", 4)]
    assert "depth 1 of 3" in shown[1].caption
    assert [box.title for box in view(y, depth="all").boxes] == [box.title for box in shown[3].boxes]
    assert len(view(y, depth=99).boxes) == len(shown[3].boxes)


def test_a_root_is_seen_behind_the_closed_module_that_made_it():
    """Also one that the module goes on with, to which no wire leads back, and a parameter."""
    _, y = model_and_output()
    shown = view(y, depth=0)
    assert (shown.boxes[-1].tone, shown.boxes[-1].lines[0]) == ("root", f"data {y.data:.4g}")
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
    out = net(Tensor(np.ones((1, 2)), label="x"))
    hidden, out.label = out.inputs[0], "out"
    hidden.label, net[0].weight.label = "hidden", "w"
    assert ends(view(hidden, out, net[0].weight, depth=0)) == [
        ("Sequential", "hidden", 1), ("Sequential", "out", 1), ("w", "Sequential", 1), ("x", "Sequential", 1)]
    for depth in range(3):
        assert len(view(hidden, out, depth=depth).boxes) == len(view(hidden, out, max_nodes=len(
            view(hidden, out, depth=depth).boxes)).boxes)


def test_modules_alike_and_side_by_side_are_one_with_their_number():
    """4 neurons of a layer are one; turned off, all stand there; wires then count what they bundle."""
    _, y = model_and_output()
    shown = view(y, depth=2)
    assert [box.stack for box in shown.boxes if box.kind == MODULE] == [4, 4, 1]
    assert ("neurons.0: Neuron", "neurons.0: Neuron", 16) in ends(shown)
    apart = view(y, depth=2, stacked=False)
    assert len(titles(apart, MODULE)) == 9
    assert sum(w.count for w in apart.wires) == sum(w.count for w in shown.wires)


def test_modules_that_follow_one_another_are_not_alike():
    """The cells of a recurrent network, and layers of one size in a row."""
    cell = nn.RNNCell(3, 3, rng=0)
    h = np.ones((1, 3))
    for _ in range(3):
        h = cell(np.ones((1, 3)), h)
    assert titles(view(h, depth=0), MODULE) == ["RNNCell, call 1", "RNNCell, call 2", "RNNCell, call 3"]
    net = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1))
    assert titles(view(net(Tensor(np.ones((2, 3)))), depth=1), MODULE) == ["0: Linear", "1: Linear"]


def test_modules_with_other_content_are_not_alike():
    """Side by side, but one with relu and one without; or wired in another way inside."""
    class Two(nn.Module):
        def __init__(self, first, second):
            self.parts = [first, second]

        def forward(self, x):
            return self.parts[0](x) + self.parts[1](x)

    relu, linear = nn.Neuron(2, rng=0), nn.Neuron(2, nonlin=False, rng=0)
    x = [Value(1.0), Value(2.0)]
    assert [box.stack for box in view(Two(relu, nn.Neuron(2, rng=1))(x), depth=1).boxes if box.kind == MODULE] == [2]
    assert [box.stack for box in view(Two(relu, linear)(x), depth=1).boxes if box.kind == MODULE] == [1, 1]


def test_calls_on_many_rows_are_one_stack_whose_weights_are_shown_where_they_are_used():
    model = nn.MLP(2, [4, 1], rng=0)
    loss = sum(model([float(k), 1.0]) ** 2 for k in range(5))
    closed, opened = view(loss, depth=0), view(loss, depth="all")
    assert [box.stack for box in closed.boxes if box.kind == MODULE] == [5]
    assert not any("w.0" in box.title for box in closed.boxes)
    assert any("w.0" in box.title for box in opened.boxes)
    assert not any("neurons.1" in box.title for box in opened.boxes)  # shown by neurons.0


def test_every_wire_of_the_graph_is_in_the_view_or_inside_a_closed_module():
    """Counts of wires between items, at full depth: one for each operand, one for each result."""
    _, y = model_and_output()
    graph = snapshot([y])
    shown = view_of(graph, depth="all", stacked=False)
    results = [item for item in graph.items if item.op]
    assert sum(w.count for w in shown.wires) == sum(len(item.inputs) for item in results) + len(results)
    assert len(shown.boxes) == len(graph.items) + len(results)


def test_the_deepest_level_that_fits_is_chosen():
    _, y = model_and_output()
    sizes = {depth: len(view(y, depth=depth).boxes) for depth in (0, 1, 2, 3)}
    for depth in (0, 1, 2, 3):
        if depth == 3 or sizes[depth + 1] > sizes[depth]:
            assert len(view(y, max_nodes=sizes[depth]).boxes) == sizes[depth]
    assert len(view(y, max_nodes=1).boxes) == sizes[0]


def test_what_no_page_can_hold_is_refused_with_advice():
    x = Value(1.0)
    for _ in range(MOST):
        x = x + 1.0
    with pytest.raises(DataError, match=r"boxes are more than a picture can hold \(10,000\).*modules"):
        view(x)


@pytest.mark.parametrize(("options", "words"), [
    ({"depth": -1}, "depth"), ({"depth": "deep"}, "depth"), ({"depth": True}, "depth"), ({"show": ("value",)}, "value"),
    ({"color_by": "size"}, "'grad', 'saturation', 'op'"), ({"color_by": ["grad"]}, "color_by"),
    ({"show": None}, "show"), ({"show": "gradient"}, "'gradient'"), ({"max_nodes": "all"}, "max_nodes"),
    ({"max_nodes": None}, "max_nodes")])
def test_unknown_settings_are_told(options, words):
    with pytest.raises(DataError, match=words):
        view(Value(1.0) * 2.0, **options)


def test_one_thing_to_show_may_stand_alone():
    assert view(Value(2.0) * 3.0, show="data").boxes[0].lines == ("data 2",)


def test_a_single_number_of_an_array_keeps_its_sign():
    x = Tensor([[-3.0]])
    y = (x * 2.0).sum()
    y.backward(np.array(-1.5))
    lines = [box.lines for box in view(y).boxes if box.kind == VALUE]
    assert lines[0] == ("1x1 float64", "data -3", "grad -3")
    assert lines[-1] == ("data -6", "grad -1.5")


def test_wires_inside_modules_alike_are_those_of_one():
    """A neuron of four has each weight once; what enters the four enters four times."""
    layer = nn.Layer(2, 4, rng=0)
    x = [Value(1.0, "x0"), Value(2.0, "x1")]
    shown = view(*layer(x), depth="all")
    counts = {(start, end): count for start, end, count in ends(shown)}
    assert counts["w.0", "w\N{MIDDLE DOT}x + b"] == 1
    assert counts["x0", "w\N{MIDDLE DOT}x + b"] == 4
    assert {count for (_, end), count in counts.items() if end == "relu"} == {1}


# ---- colours ---------------------------------------------------------------------------------------------------------


def shades(shown):
    return {box.title: box.shade for box in shown.boxes if box.shade is not None}


def test_colours_by_gradient_are_relative_to_the_largest():
    a, b, dead = Value(1.0, "a"), Value(1.0, "b"), Value(1.0, "dead")
    y = a * 4.0 - b * 2.0 + dead * 0.0
    y.backward()
    found = shades(view(y, color_by="grad"))
    assert (found["a"], found["b"], found["dead"]) == (1.0, -0.5, 0.0)
    assert shades(view(a * 2.0, color_by=None)) == {}


def test_colours_by_gradient_of_arrays_are_by_norm_and_nan_stands_out():
    t, u = Tensor([3.0, 4.0], label="t"), Tensor([1.0, 0.0], label="u")
    (t * t + u).sum().backward()
    found = shades(view((t * t + u).sum(), color_by="grad"))
    assert found["t"] == 1.0
    assert found["u"] == pytest.approx(np.sqrt(2.0) / 10.0)
    t.grad = np.array([np.nan, 1.0])
    assert shades(view(t * 2.0, color_by="grad"))["t"] == 1.0


def test_colours_by_saturation_tell_flat_from_steep():
    x = Value(20.0)
    for flat, steep, function in ((20.0, 0.0, tg.tanh), (20.0, 0.0, tg.sigmoid), (-1.0, 1.0, tg.relu)):
        results = []
        for number in (flat, steep):
            y = function(Value(number) * 1.0)
            y.label = "y"
            results.append(shades(view(y, color_by="saturation"))["y"])
        assert results == pytest.approx([1.0, 0.0], abs=1e-6)
    t = tg.relu(Tensor([-1.0, 1.0, 1.0, 1.0]))
    t.label = "t"
    assert shades(view(t, color_by="saturation"))["t"] == 0.25
    assert shades(view(x * 2.0, color_by="saturation")) == {}


def test_colours_by_operation_are_one_for_each():
    a = Value(1.0)
    found = view(tg.tanh(a * a) + a * 2.0, color_by="op")
    by_symbol = {}
    for box in found.boxes:
        if box.kind == OPERATION:
            by_symbol.setdefault(box.title, set()).add(box.shade)
    assert all(len(colours) == 1 for colours in by_symbol.values())
    assert len(set.union(*by_symbol.values())) == len(by_symbol) == 3


def test_neurons_that_are_coloured_by_their_numbers_are_all_shown():
    """One of two is dead: shown as one of them, both would seem so, or none."""
    model = nn.MLP(1, [2, 1], rng=0)
    alive, dead = model.layers[0].neurons
    alive.w[0].data, dead.w[0].data = 1.0, -1.0
    out = model([Value(2.0)])
    out.backward()
    assert any(frame.stack == 2 for frame in view(out).frames)
    for by in ("saturation", "grad"):
        coloured = view(out, color_by=by)
        assert all(frame.stack == 1 for frame in coloured.frames)
    relus = [box.shade for box in view(out, color_by="saturation").boxes
             if box.item >= 0 and box.kind == VALUE and box.shade is not None]
    assert sorted(relus) == [0.0, 1.0]
