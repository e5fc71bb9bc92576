"""What a notebook shows of what stands alone in a cell, by IPython's own formatter."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.viz.reprs import FEW


def shown(x):
    return DisplayFormatter().format(x)[0]


def things():
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU())
    return {"value": Value(2.0), "tensor": Tensor([1.0, 2.0]), "result": Value(2.0) * 3.0, "module": model,
            "scalar module": nn.MLP(2, [2, 1]), "history": tg.History([{"loss": 1.0}]),
            "drawing": tg.draw(Value(2.0) * 3.0), "summary": model.summary()}


@pytest.mark.parametrize("name", list(things()))
def test_everything_has_a_text_and_something_richer(name):
    """The text stands alone where a notebook is not trusted: it says what it is, not where it is in memory."""
    found = shown(things()[name])
    assert {"text/html", "image/svg+xml"} & set(found)
    assert len(found["text/plain"]) > 5
    assert " at 0x" not in found["text/plain"]


def test_a_small_graph_is_its_picture():
    a = Value(2.0, "a")
    y = (a * 3.0).tanh()
    y.backward()
    picture = shown(y)["image/svg+xml"]
    assert ET.fromstring(picture).tag.endswith("svg")
    assert "tanh" in picture
    assert "grad" in picture


def test_a_large_graph_is_a_line():
    """One that nobody could read at a glance is not drawn unasked, and not even looked at as a whole."""
    x = Value(1.0)
    for _ in range(FEW + 1):
        x = x + 1.0
    found = shown(x)
    assert "image/svg+xml" not in found
    assert "add" in found["text/html"]


def test_numbers_stand_in_the_table_and_what_was_not_computed_is_no_number():
    x = Value(2.5, "<x>")
    assert "2.5" in shown(x)["text/html"]
    assert "not computed" in shown(x)["text/html"]
    assert "&lt;x&gt;" in shown(x)["text/html"]
    assert "<x>" not in shown(x)["text/html"]
    x.grad = 0.0
    assert "not computed" not in shown(x)["text/html"]
    t = Tensor(np.arange(1000.0))
    t.grad = np.ones(1000)
    html = shown(t)["text/html"]
    assert "(1000,) float64" in html
    assert "..." in html
    assert len(html) < 600


def test_gradients_that_are_graphs_are_shown_as_numbers():
    x = Value(2.0)
    (x * x * x).backward(create_graph=True)
    assert "12" in shown(x)["text/html"]
    x.zero_grad()


def test_only_what_is_asked_for_is_given():
    x = Value(2.0) * 3.0
    assert set(x._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    assert set(x._repr_mimebundle_(exclude=["image/svg+xml"])) == {"text/plain"}
