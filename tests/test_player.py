"""The pass that a player plays, against `.grad`."""

import numpy as np
import pytest
from hypothesis import given, settings
from player_examples import data_of, played, real, scalar

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.errors import ShapeError, StaleGraphError
from tinygrad_edu.testing.strategies import graphs
from tinygrad_edu.viz.snapshot import Picture


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
