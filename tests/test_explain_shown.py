"""How an explanation shows itself: aligned text, LaTeX and HTML that no name can break or break out of."""

import html.parser
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from viz_examples import HOSTILE

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.explaining.formula import as_formula, named

ALLOWED = {"div", "p", "b", "table", "tr", "th", "td", "ul", "li"}


def explained(label):
    """A graph with this name at the variable, at an interior node, at an operand and at a node that is dead."""
    a, b = Value(2.0, label), Value(-3.0, label + "'")
    h = a * b
    h.label = label + "h"
    dead = tg.relu(h)
    dead.label = label
    return tg.explain(h + dead, a, names={})


class Reader(html.parser.HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.text = set(), [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.open.append(tag)
        assert attributes in ([], [("style", "text-align:left")])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError("a comment")


def check_latex(source):
    """One aligned environment: braces in balance, no command that a name could bring, nothing that leaves it."""
    assert source.startswith("$$\\begin{aligned}\n")
    assert source.endswith("\n\\end{aligned}$$")
    check_characters(source)
    inner = source.removeprefix("$$").removesuffix("$$")
    assert not re.search(r"(?<!\\)(?:\\\\)*[$#%~]", inner)
    assert "<" not in inner
    assert ">" not in inner
    commands = set(re.findall(r"\\([A-Za-z]+)", inner))
    assert commands <= {"begin", "end", "frac", "partial", "mathrm", "left", "right", "cdot", "backslash", "wedge",
                        "sim", "lt", "gt", "prime", "backprime", "text", "operatorname", "relu", "infty"}
    depth = 0
    for brace in re.findall(r"\\.|[{}]", inner.replace("\\\\", "")):
        depth += (brace == "{") - (brace == "}")
        assert depth >= 0
    assert depth == 0
    assert inner.count("\\begin{") == inner.count("\\end{") == 1
    for row in inner.split("\\\\\n"):
        assert len(re.findall(r"(?<!\\)&", row)) <= 1, row


def check_characters(text):
    """Nothing that turns the direction of a line, or breaks it, or cannot be written to a file."""
    assert all(ch.isprintable() or ch in "\n\u200d" for ch in text)


def check_text(text):
    check_characters(text)
    assert all(len(line) <= 100 for line in text.split("\n"))


def check(label):
    found = explained(label)
    check_text(repr(found))
    check_latex(found._repr_latex_())
    check_characters(found._repr_html_())
    page = Reader(found._repr_html_())
    assert not page.open
    assert page.tags <= ALLOWED
    assert re.search("dead", page.text)


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_names_that_broke_other_formats(label):
    check(label)


@given(st.text(max_size=40))
@settings(max_examples=400, deadline=None)
def test_no_name_breaks_or_breaks_out_of_a_format(label):
    check(label)


@given(st.text(alphabet="\\{}$%#_^~&<>'\"`/!- anbegid", max_size=30))
@settings(max_examples=400, deadline=None)
def test_no_name_of_what_latex_and_html_act_on_does(label):
    check(label)


def test_a_notebook_gets_all_three():
    a = Value(2.0)
    found = DisplayFormatter().format(tg.explain(a * a, a, names={"a": a}))[0]
    assert set(found) == {"text/plain", "text/latex", "text/html"}
    bundle = tg.explain(a * a, a)._repr_mimebundle_(include=["text/latex"])
    assert list(bundle) == ["text/latex"]
    assert "text/html" not in tg.explain(a * a, a)._repr_mimebundle_(exclude=["text/html"])


def test_the_latex_of_an_expression():
    """Fractions of partial derivatives, the rule of tanh from the table, the product in numbers."""
    a, b, c = Value(2.0), Value(-3.0), Value(5.8)
    e = a * b
    d = e + c
    y = d.tanh()
    latex = tg.explain(y, a)._repr_latex_()
    assert (r"\frac{\partial y}{\partial a} &= \frac{\partial y}{\partial d} \frac{\partial d}{\partial e} "
            r"\frac{\partial e}{\partial a}") in latex.replace("\\, ", " ").replace("  ", " ")
    assert r"&= 0.961 \cdot 1 \cdot \left(-3\right)" in latex
    assert r"\frac{\partial y}{\partial d} &= 1 - y \cdot y = 0.961" in latex
    check_latex(latex.replace("\\tanh", "").replace("\\, ", ""))


def test_the_html_says_what_the_text_says():
    a, b = Value(2.0), Value(-3.0)
    y = a * b + a
    page = Reader(tg.explain(y, a)._repr_html_()).text
    for part in ("dy/da = -2", "the sum over 2 paths", "150 %", "-50 %", "v1 = a * b = -6", "dv1/da = b = -3"):
        assert part in page


@pytest.mark.parametrize(("function", "formula"), [
    (tg.tanh, "1 - y * y"), (tg.exp, "y"), (tg.sin, "cos(x)"), (tg.sigmoid, "y * (1 - y)"), (tg.log, "1 / x"),
    (tg.sqrt, "0.5 / y"), (tg.relu, "x > 0"), (lambda x: x**3.0, "3 * x ** 2"), (lambda x: 2.0 / x, "-y / x"),
    (tg.square, "2 * x"), (lambda x: tg.maximum(x, 0.1), "0.5 * (x > 0.1) + 0.5 * (x >= 0.1)")],
    ids=["tanh", "exp", "sin", "sigmoid", "log", "sqrt", "relu", "cube", "ratio", "square", "maximum"])
@pytest.mark.parametrize("node", [Value(0.5), Tensor([0.5, 0.6])], ids=["value", "tensor"])
def test_the_rule_of_the_table_is_written_as_a_formula(function, formula, node):
    """As mathematics has it; applied to numbers it is the derivative."""
    y = function(node)
    found = tg.explain(y, node, names={"y": y, "x": node}, gradient=None if isinstance(y, Value) else np.ones(2))
    assert found.locals[0].formula == formula
    number = eval(formula, vars(tg), {"x": node.data, "y": y.data})
    np.testing.assert_allclose(found.value, number, rtol=1e-12)


def trees():
    """Arithmetic of x and of numbers, as functions of x."""
    leaves = st.one_of(st.just(lambda x: x), st.sampled_from([0.0, 1.0, -2.0, 3.0]).map(lambda c: lambda x: c))
    signs = st.sampled_from([tg.add, tg.subtract, tg.multiply, tg.divide, tg.power])
    return st.recursive(leaves, lambda inner: st.one_of(
        st.tuples(signs, inner, inner).map(lambda t: lambda x: t[0](t[1](x), t[2](x))),
        inner.map(lambda f: lambda x: tg.negative(f(x)))), max_leaves=6)


@given(trees())
@settings(max_examples=300, deadline=None)
def test_a_formula_has_the_brackets_that_it_needs(function):
    """Python reads back what was computed; LaTeX has its braces and brackets in balance."""
    formula = as_formula(function(named("x")))
    with np.errstate(all="ignore"):
        expected = function(np.float64(1.5))
    if not np.isfinite(expected) or "inf" in formula.text or "nan" in formula.text:
        return  # Python raises there
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(eval(formula.text, {"x": np.float64(1.5)}), expected, rtol=2e-3)
    assert formula.latex.count("{") == formula.latex.count("}")
    assert formula.latex.count("\\left(") == formula.latex.count("\\right)")


def test_a_rule_that_is_no_formula_is_left_out():
    """One that asks what its operands are, and one that would fill lines."""
    x = Value(0.5)
    for y in (tg.logaddexp(x, 1.0), tg.gelu(x)):
        assert len(tg.explain(y, x).locals[0].formula) <= 70


def test_arrays_are_written_short():
    w = Tensor(np.ones((30, 20)))
    loss = tg.tanh(tg.matmul(np.ones((10, 30)), w)).sum()
    text = repr(tg.explain(loss, w))
    assert "array (30, 20) of norm" in text
    check_text(text)


def test_every_operation_of_the_table_can_be_explained():
    """On Tensors, by each operand, with the parameters of its first case: text, LaTeX and HTML are well formed."""
    rng = np.random.default_rng(0)
    for row in tg.TABLE.values():
        shapes, params = row.cases[0] if row.cases else (((2, 3),) * len(row.domain), {})
        low = [d[0] for d in row.domain]
        leaves = [Tensor(rng.uniform(*low[min(k, len(low) - 1)], shape)) for k, shape in enumerate(shapes)]
        out = row(*leaves, **params)
        for leaf in leaves:
            found = tg.explain(out, leaf, gradient=np.ones(out.shape))
            out.backward(np.ones(out.shape))
            np.testing.assert_allclose(found.value, leaf.grad, rtol=1e-9)
            for each in leaves:
                each.zero_grad()
            check_text(repr(found))
            Reader(found._repr_html_())
            latex = found._repr_latex_()
            assert latex.count("{") == latex.count("}")
            assert "}_{\\mathtt" not in latex.replace("}}_{\\mathtt", "")  # a subscript of a subscript


def test_a_formula_gives_way_to_the_number_that_it_comes_to():
    model = tg.nn.MLP(3, [4, 1], rng=0)
    out = model([1.0, 2.0, 3.0])
    lines = str(tg.explain(out, model.layers[1].neurons[0].b, names={"out": out})).splitlines()
    line, = [line for line in lines if "weighted_sum" in line and "layers.1" in line and "=" in line][:1]
    assert line.split(" = ")[-1].strip().startswith(f"{out.data:.4g}"[:6])
    assert all(len(line) <= 100 for line in lines)
