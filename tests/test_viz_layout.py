"""The layout of views: what may not overlap, what contains what, where wires run, and that all is done again alike."""

import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from viz_views import all_views, collapsed, doubled, graph_of, made_up, mlp, ping_pong, sampled, view_of_graph

from tinygrad_edu.viz.layout import Layout, layout
from tinygrad_edu.viz.measure import box_size
from tinygrad_edu.viz.view import View

VIEWS = all_views()
CASES = [(name, direction) for name in VIEWS for direction in ("LR", "TB")]
EPS = 1e-6


@pytest.fixture(scope="module", params=CASES, ids=lambda case: " ".join(case))
def drawn(request):
    name, direction = request.param
    view = VIEWS[name]
    return view, layout(view, direction)


def overlap(a, b):
    return (a.x < b.x + b.w - EPS and b.x < a.x + a.w - EPS and a.y < b.y + b.h - EPS and b.y < a.y + a.h - EPS)


def inside(a, b):
    return (a.x > b.x + EPS and a.y > b.y + EPS and a.x + a.w < b.x + b.w - EPS and a.y + a.h < b.y + b.h - EPS)


def crosses(line, place):
    """Whether the line passes the inside of the place: clipped to it, one of its pieces has some length left."""
    left, right, top, bottom = place.x + EPS, place.x + place.w - EPS, place.y + EPS, place.y + place.h - EPS
    for (x0, y0), (x1, y1) in itertools.pairwise(line):
        low, high = 0.0, 1.0
        for start, step, a, b in ((x0, x1 - x0, left, right), (y0, y1 - y0, top, bottom)):
            if step == 0:
                if not a < start < b:
                    low, high = 1.0, 0.0
            else:
                ends = sorted([(a - start) / step, (b - start) / step])
                low, high = max(low, ends[0]), min(high, ends[1])
        if low < high:
            return True
    return False


def around(view, frame):
    """The frames around and including this one."""
    found = set()
    while frame != -1:
        found.add(frame)
        frame = view.frames[frame].outer
    return found


def test_thirty_views_are_tried():
    assert len(VIEWS) >= 30


def test_every_part_has_a_finite_place_within_the_picture(drawn):
    view, placed = drawn
    assert (len(placed.boxes), len(placed.frames), len(placed.wires)) == (
        len(view.boxes), len(view.frames), len(view.wires))
    for place in (*placed.boxes, *placed.frames):
        assert all(isinstance(v, float) and math.isfinite(v) for v in (place.x, place.y, place.w, place.h))
        assert min(place.x, place.y) >= 0
        assert min(place.w, place.h) > 0
        assert place.x + place.w <= placed.width
        assert place.y + place.h <= placed.height
    for x, y in itertools.chain.from_iterable(placed.wires):
        assert 0 <= x <= placed.width
        assert 0 <= y <= placed.height


def test_every_box_is_large_enough_for_its_texts(drawn):
    """Those of blocks drawn alike are as large as the largest of them."""
    view, placed = drawn
    for box, place in zip(view.boxes, placed.boxes, strict=True):
        width, height = box_size(box)
        assert place.w >= width
        assert place.h >= height


def test_no_two_boxes_overlap(drawn):
    _, placed = drawn
    for a, b in itertools.combinations(placed.boxes, 2):
        assert not overlap(a, b)


def test_frames_hold_their_own_and_nothing_else(drawn):
    view, placed = drawn
    for box, place in zip(view.boxes, placed.boxes, strict=True):
        own = around(view, box.frame)
        for frame, border in enumerate(placed.frames):
            assert inside(place, border) if frame in own else not overlap(place, border)
    for a, b in itertools.permutations(range(len(view.frames)), 2):
        if b in around(view, a):
            assert inside(placed.frames[a], placed.frames[b])
        elif a not in around(view, b):
            assert not overlap(placed.frames[a], placed.frames[b])


def test_no_wire_crosses_a_box(drawn):
    """Not even those that it joins, whose borders it only touches."""
    _, placed = drawn
    for points in placed.wires:
        line = sampled(points)
        xs, ys = [x for x, _ in line], [y for _, y in line]
        for place in placed.boxes:
            if min(xs) < place.x + place.w and place.x < max(xs) and min(ys) < place.y + place.h and place.y < max(ys):
                assert not crosses(line, place)


def test_wires_leave_their_source_and_enter_their_target_at_a_border(drawn):
    view, placed = drawn
    for wire, points in zip(view.wires, placed.wires, strict=True):
        assert len(points) % 3 == 1
        for (x, y), place in ((points[0], placed.boxes[wire.source]), (points[-1], placed.boxes[wire.target])):
            across = abs(x - place.x) < EPS or abs(x - place.x - place.w) < EPS
            along = abs(y - place.y) < EPS or abs(y - place.y - place.h) < EPS
            assert across != along  # at one side, not at a corner
            assert place.x - EPS <= x <= place.x + place.w + EPS
            assert place.y - EPS <= y <= place.y + place.h + EPS


def test_wires_lead_forward_but_for_those_that_close_a_cycle(drawn):
    view, placed = drawn
    axis = 0 if placed.direction == "LR" else 1
    if not view.frames:
        for wire, points in zip(view.wires, placed.wires, strict=True):
            if wire.source > wire.target:  # between collapsed modules
                continue
            places = [round(point[axis], 6) for point in points]
            assert places == sorted(places)


def test_wires_with_the_same_ends_are_drawn_apart():
    view = view_of_graph(graph_of(doubled()))
    first, second = [sampled(points) for wire, points in zip(view.wires, layout(view).wires, strict=True)
                     if (wire.source, wire.target) == (0, 1)]
    assert min(math.dist(p, q) for p in first for q in second) > 4.0


def test_wires_with_the_same_ends_are_drawn_apart_across_frames():
    view = made_up([(0, 1), (0, 1), (0, 2)], frames=[-1, 0], homes=[-1, 1, -1])
    wires = layout(view).wires
    assert min(math.dist(p, q) for p in sampled(wires[0]) for q in sampled(wires[1])) > 4.0


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_wire_between_modules_that_closes_a_cycle_points_back(direction):
    view = collapsed(graph_of(ping_pong()))
    placed = layout(view, direction)
    axis = 0 if direction == "LR" else 1
    pairs = {(wire.source, wire.target): points for wire, points in zip(view.wires, placed.wires, strict=True)}
    back = [ends for ends in pairs if ends[::-1] in pairs]
    assert len(back) == 2
    steps = sorted(points[-1][axis] - points[0][axis] for ends, points in pairs.items() if ends in back)
    assert steps[0] < 0 < steps[1]


def test_a_cycle_through_frames_is_drawn():
    view = made_up([(0, 1), (1, 2), (2, 3), (3, 0), (1, 3)], frames=[-1, -1], homes=[0, 1, 0, 1])
    placed = layout(view)
    assert not overlap(*placed.frames)
    for points in placed.wires:
        assert not any(crosses(sampled(points), place) for place in placed.boxes)


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_wire_from_a_box_to_itself_goes_around_it(direction):
    placed = layout(made_up([(0, 0), (0, 0), (0, 1), (2, 1)]), direction)
    loops = [sampled(points) for points in placed.wires[:2]]
    for line in loops:
        assert not any(crosses(line, place) for place in placed.boxes)
    highest = [min(point[1 if direction == "LR" else 0] for point in line) for line in loops]
    assert len({round(y) for y in highest}) == 2
    assert min(highest) > 0


# ---- what is alike ---------------------------------------------------------------------------------------------------


def relative(view, placed, frame):
    """The places of all in a frame, from its corner."""
    border = placed.frames[frame]
    return [(round(p.x - border.x, 6), round(p.y - border.y, 6), p.w, p.h)
            for box, p in zip(view.boxes, placed.boxes, strict=True) if frame in around(view, box.frame)]


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_neurons_of_a_layer_are_drawn_alike_whatever_their_numbers(direction):
    view = view_of_graph(graph_of(mlp((3, 5, 5, 1))))
    placed = layout(view, direction)
    layers = {}
    for frame in view.frames:
        if "Neuron" in frame.title:
            layers.setdefault(frame.outer, []).append(frame.place)
    assert sorted(len(neurons) for neurons in layers.values()) == [1, 5, 5]
    for neurons in layers.values():
        assert len({tuple(relative(view, placed, neuron)) for neuron in neurons}) == 1
        assert len({placed.frames[n].x if direction == "LR" else placed.frames[n].y for n in neurons}) == 1


def test_frames_of_another_structure_are_drawn_in_their_own_way():
    view = made_up([(0, 1), (2, 3), (3, 4)], frames=[-1, -1], homes=[0, 0, 1, 1, 1])
    placed = layout(view)
    assert placed.frames[0].w < placed.frames[1].w


PROBE = """
from viz_views import *
from tinygrad_edu.viz.layout import layout
from tinygrad_edu.viz.svg import svg
import hashlib
for make in (micrograd, mlp, lambda: recurrent(nn.LSTMCell)):
    for view in (view_of_graph(graph_of(make())), collapsed(graph_of(make()))):
        print(hashlib.sha256(svg(view, layout(view)).encode()).hexdigest())
"""


def test_two_processes_draw_the_same():
    """Whatever the seed of the hashes of strings."""
    def run(seed):
        paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        return subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True,
                              env=environment).stdout
    first = run("1")
    assert len(set(first.split())) == 6
    assert first == run("2")


# ---- extremes --------------------------------------------------------------------------------------------------------


def test_an_empty_view_has_a_small_layout():
    placed = layout(made_up([]))
    assert isinstance(placed, Layout)
    assert placed.boxes == placed.frames == placed.wires == ()
    assert 0 < placed.width < 100
    assert 0 < placed.height < 100


def test_one_box_stands_in_the_middle():
    view = made_up([], homes=[-1])
    placed = layout(view)
    place, = placed.boxes
    assert place.x == placed.width - place.x - place.w
    assert place.y == placed.height - place.y - place.h


def test_a_frame_without_boxes_has_room_for_its_title():
    placed = layout(made_up([], frames=[-1, 0]))
    assert inside(placed.frames[1], placed.frames[0])
    assert placed.frames[1].h > 18


def test_boxes_are_as_wide_as_their_texts_up_to_a_limit():
    short, long, huge, wide = layout(made_up([], homes=[-1] * 4, titles=["ab", "abcdefghijkl", "x" * 10_000,
                                                                          "値" * 12])).boxes
    assert short.w < long.w < huge.w < 300
    assert wide.w > 1.8 * long.w


def test_long_chains_and_deep_frames_need_no_recursion():
    depth = 1200
    chained = layout(made_up([(i, i + 1) for i in range(3000)]))
    assert len(chained.boxes) == 3001
    nest = layout(made_up([(0, 1)], frames=[i - 1 for i in range(depth)], homes=[-1, depth - 1]))
    assert inside(nest.boxes[1], nest.frames[-1])


def test_a_chain_is_drawn_as_one_straight_line():
    placed = layout(made_up([(i, i + 1) for i in range(20)]))
    assert len({y for points in placed.wires for _, y in points}) == 1


def test_a_long_wire_beside_a_chain_is_straight_but_at_its_ends():
    """Through all columns between it keeps its height."""
    length = 12
    placed = layout(made_up([*[(i, i + 1) for i in range(length)], (0, length)]))
    heights = [y for _, y in placed.wires[-1]]
    assert len({round(y, 3) for y in heights}) <= 3


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_longest_wire_around_others_bends_at_its_ends_alone(direction):
    """In micrograd's example, a wire along most of the picture."""
    placed = layout(VIEWS["micrograd flat"], direction)
    along, across = (0, 1) if direction == "LR" else (1, 0)
    longest = max(placed.wires, key=lambda points: points[-1][along] - points[0][along])
    assert longest[-1][along] - longest[0][along] > (placed.width, placed.height)[along] / 3
    assert len({round(point[across], 3) for point in longest}) <= 3


def test_disconnected_parts_do_not_mix():
    first, second = [(0, 2), (1, 2), (2, 3)], [(4, 6), (5, 6), (6, 7)]
    placed = layout(made_up([*first, *second]))
    for ours, theirs in itertools.product(placed.boxes[:4], placed.boxes[4:]):
        assert not overlap(ours, theirs)


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="'LR' or 'TB', not 'RL'"):
        layout(made_up([(0, 1)]), "RL")


def test_three_times_the_boxes_cost_about_three_times_the_work():
    """Counted in calls of functions, which no other process changes."""
    def calls(view: View) -> int:
        count = 0

        def counting(frame, event, arg):
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counting)
        try:
            layout(view)
        finally:
            sys.setprofile(None)
        return count

    few, many = (made_up([(i, i + 1) for i in range(n)] + [(i, i + 3) for i in range(n - 3)]) for n in (600, 1800))
    assert calls(many) < 3 * 1.3 * calls(few)
