"""The tree of a graph, and how names and numbers are written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.viz.snapshot import snapshot
from tinygrad_edu.viz.text import number, plain, summary, times, tree


def cells(line):
    """The columns of a line, which two spaces or more divide."""
    return [cell.strip() for cell in line.strip().split("  ") if cell.strip()]


def example():
    a, b = tg.Value(2.0, "a"), tg.Value(-3.0, "b")
    shared = a * b
    y = shared + tg.tanh(shared)
    y.label = "y"
    return y


def test_each_node_stands_above_what_it_was_made_from():
    """With its name, its symbol and its data; the levels are indented."""
    lines = tree(snapshot([tg.Value(2.0, "a") * tg.Value(-3.0, "b")])).splitlines()
    assert [line[:len(line) - len(line.lstrip())] for line in lines] == ["", "", "  ", "  "]
    assert [cells(line)[0] for line in lines] == ["node", "*", "a", "b"]
    assert [cells(line)[1] for line in lines[1:]] == ["-6", "2", "-3"]


def test_a_gradient_that_was_not_computed_is_no_zero():
    """A hyphen, before backward(); numbers after it, zero among them."""
    x, zero = tg.Value(2.0, "x"), tg.Value(0.0, "zero")
    y = x * zero
    before = [cells(line)[2] for line in tree(snapshot([y])).splitlines()[1:]]
    y.backward()
    after = [cells(line)[2] for line in tree(snapshot([y])).splitlines()[1:]]
    assert before == ["-", "-", "-"]
    assert after == ["1", "0", "2"]


def test_a_shared_node_is_unfolded_once_and_marked_again():
    """The second time its inputs are not listed, and both times it has the same number."""
    y = example()
    lines = tree(snapshot([y])).splitlines()[1:]
    assert [cells(line)[0] for line in lines] == ["y = +", "* #2", "a", "b", "tanh", "* #2"]
    assert [line.endswith("again") for line in lines] == [False, False, False, False, False, True]


def test_an_input_used_twice_by_one_node_stands_twice():
    a = tg.Value(3.0, "a")
    lines = tree(snapshot([a + a])).splitlines()
    assert [cells(line)[0] for line in lines[2:]] == ["a", "a"]
    assert lines[3].endswith("again")


def test_arrays_tell_shape_type_and_norm_and_those_without_axes_their_number():
    x = tg.Tensor(np.array([[3.0, 4.0]], np.float32), label="x")
    y = (x * -1.0).sum()
    y.backward()
    lines = tree(snapshot([y])).splitlines()
    assert cells(lines[1])[1:] == ["-7", "1"]
    assert cells(lines[3]) == ["x", "(1, 2) float32 norm 5", "norm 1.41"]


def test_plain_numbers_and_frozen_nodes_are_called_what_they_are():
    frozen = tg.Value(2.0)
    frozen.requires_grad = False
    text = tree(snapshot([tg.Value(1.0) * 3.0 + frozen]))
    assert {"leaf", "constant", "frozen"} <= set(text.split())


def test_what_exceeds_the_limit_is_counted():
    """The last line says how many nodes are not listed."""
    node = tg.Value(1.0, "x")
    for _ in range(50):
        node = node.tanh()
    lines = tree(snapshot([node]), max_lines=10).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "... and 41 more nodes"
    assert "more" not in tree(snapshot([node]), max_lines=51)
    assert tree(snapshot([node]), max_lines=50).endswith("... and 1 more node")


def test_a_long_chain_is_listed_without_recursion_and_within_the_width():
    """Where the indents end, the depth is told instead."""
    node = tg.Value(1.0, "x")
    for _ in range(50_000):
        node = -node
    graph = snapshot([node])
    lines = tree(graph, max_lines=100_000, width=60).splitlines()
    assert len(lines) == 50_002
    assert max(map(len, lines)) <= 60
    assert "[50000] x" in lines[-1]


def test_several_roots_are_listed_one_after_the_other():
    a = tg.Value(1.0, "a")
    lines = tree(snapshot([a + 1.0, a * 2.0])).splitlines()
    assert [cells(line)[0] for line in lines if not line.startswith(" ")] == ["node", "+", "*"]
    assert summary(snapshot([a + 1.0, a * 2.0])) == "5 nodes, 4 edges; + is 2; * is 2"


@given(st.text(), st.integers(20, 120))
def test_no_name_breaks_a_line(name, width):
    """Whatever it holds, there is a line for each node, of the width asked for, that can be written and printed."""
    a = tg.Value(1.0, name)
    b = tg.Value(2.0, "b")
    lines = tree(snapshot([a * b]), width=width).splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    "\n".join(lines).encode()


@given(st.text(), st.integers(1, 80))
def test_plain_text_is_short_harmless_and_left_as_it_is_where_it_is_harmless(text, width):
    line = plain(text, width)
    assert len(line) <= width
    assert len(line.splitlines()) <= 1
    assert all(ch.isprintable() or ch == "\u200d" for ch in line)
    assert plain(line, width) == line
    if text.isprintable() and len(text) <= width:
        assert line == text


@pytest.mark.parametrize("mark", ["\n", "\r", "\t", "\0", "\x1b", "\u202e", "\u2066", "\u200f", "\ud800", "\ufffe",
                                  "\x85", "\u2028"])
def test_marks_that_do_harm_are_spelt_out(mark):
    """They are shown as Python writes them."""
    assert plain(f"a{mark}b") == f"a{ascii(mark)[1:-1]}b"


def test_numbers_have_four_digits():
    assert [number(x) for x in (1.0, 1 / 3, 12345.678, 1e-9, float("nan"), float("-inf"))] == \
        ["1", "0.3333", "1.235e+04", "1e-09", "nan", "-inf"]
    assert times("x", 1) == "x"
    assert times("x", 3) == "x \N{MULTIPLICATION SIGN}3"
    assert times("", 3) == "\N{MULTIPLICATION SIGN}3"
