"""The steps of a layout, each on graphs of its own: columns, the order within them, and places."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st
from viz_views import chain, graph_of, view_of_graph

from tinygrad_edu.viz.layering import layered, ranked
from tinygrad_edu.viz.layout import layout
from tinygrad_edu.viz.ordering import Order, ordered
from tinygrad_edu.viz.placing import fitted


@st.composite
def acyclic(draw, most=9):
    """Nodes, and edges that lead to later ones."""
    size = draw(st.integers(2, most))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda pair: pair[0] < pair[1])
    return size, [(a, 0, b, 0) for a, b in draw(st.lists(pairs, max_size=16, unique=True))]


@given(acyclic())
def test_edges_lead_to_later_columns(graph):
    size, edges = graph
    column = ranked(size, edges, (), ())
    assert all(column[a] < column[b] for a, _, b, _ in edges)
    assert min(column) >= 0


@given(acyclic())
def test_segments_join_neighbouring_columns_and_make_up_the_edges(graph):
    size, edges = graph
    layers = layered(size, edges, (), ())
    column = {node: place for place, nodes in enumerate(layers.columns) for node in nodes}
    assert all(column[b] == column[a] + 1 for a, _, b, _ in layers.segments)
    for (tail, _, head, _), way in zip(edges, layers.ways, strict=True):
        ends = [layers.segments[number] for number in way]
        assert ends[0][0] == tail
        assert ends[-1][2] == head
        assert all(a[2] == b[0] for a, b in itertools.pairwise(ends))


def crossings(columns, segments):
    """By trying all pairs."""
    place = {node: (i, j) for i, nodes in enumerate(columns) for j, node in enumerate(nodes)}
    return sum(place[a][0] == place[c][0] and (place[a][1] - place[c][1]) * (place[b][1] - place[d][1]) < 0
               for (a, _, b, _), (c, _, d, _) in itertools.combinations(segments, 2))


@given(acyclic())
def test_crossings_are_counted_right(graph):
    size, edges = graph
    layers = layered(size, edges, (), ())
    assert Order(layers, [(0, 0)] * size).crossings() == crossings(layers.columns, layers.segments)


@given(acyclic(7))
def test_few_crossings_are_left(graph):
    """At most one more than the least that any order has, for graphs small enough to try them all."""
    size, edges = graph
    layers = layered(size, edges, (), ())
    if math.prod(math.factorial(len(nodes)) for nodes in layers.columns) > 3000:
        return
    orders = itertools.product(*[list(itertools.permutations(nodes)) for nodes in layers.columns])
    least = min(crossings(columns, layers.segments) for columns in orders)
    left = ordered(layers, [(0, 0)] * size)
    assert left == crossings(layers.columns, layers.segments)
    assert least <= left <= least + 1


@given(acyclic())
def test_swaps_only_ever_remove_crossings(graph):
    size, edges = graph
    order = Order(layered(size, edges, (), ()), [(0, 0)] * size)
    before, improved = order.crossings(), order.swap()
    assert order.crossings() < before if improved else order.crossings() == before


def test_a_swap_untangles_two_wires():
    order = Order(layered(4, [(0, 0, 3, 0), (1, 0, 2, 0)], (), ()), [(0, 0)] * 4)
    assert order.crossings() == 1
    assert order.swap()
    assert order.crossings() == 0


def test_a_tree_has_no_crossings():
    layers = layered(15, [(i, 0, (i - 1) // 2, 0) for i in (13, 1, 7, 4, 10, 2, 8, 14, 3, 9, 5, 11, 6, 12)], (), ())
    assert ordered(layers, [(0, 0)] * 15) == 0


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 10), st.floats(0, 30)), min_size=1, max_size=8),
       st.lists(st.floats(0, 40), min_size=8, max_size=8), st.floats(-150, 150))
def test_fitted_positions_keep_their_distances_and_are_the_closest(nodes, extras, start):
    """No other positions that keep the distances are nearer to those wanted."""
    wanted, weights, distances = zip(*nodes, strict=True)

    def badness(positions):
        return sum(w * (p - x)**2 for w, p, x in zip(weights, positions, wanted, strict=True))

    found = fitted(wanted, weights, distances)
    for (a, b), distance in zip(itertools.pairwise(found), distances[1:], strict=True):
        assert b - a >= distance - 1e-9
    other = [start]
    for distance, extra in zip(distances[1:], extras, strict=False):
        other.append(other[-1] + distance + extra)
    for share in (1.0, 0.1, 0.001):  # and on the way there
        between = [a + share * (b - a) for a, b in zip(found, other, strict=True)]
        assert badness(found) <= badness(between) + 1e-6


def test_a_scalar_chain_of_real_nodes_is_laid_out():
    view = view_of_graph(graph_of(chain(200)))
    assert len(layout(view).boxes) == len(view.boxes) > 500
