"""Pictures of graphs to be looked at: each kind of thing that `tg.draw` draws.

    python tests/pictures/gallery.py FOLDER

writes one SVG for each, and an index.html that shows them all.
"""

import sys
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn


def expression():
    """The expression of micrograd's README."""
    a, b = Value(-4.0, "a"), Value(2.0, "b")
    c, d = a + b, a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    g.label = "g"
    g.backward()
    return g


def neuron():
    """z = w . x + b and a = tanh(z), with gradients."""
    unit = nn.Neuron(3, activation="tanh", rng=0)
    a = unit([Value(1.0, "x0"), Value(-2.0, "x1"), Value(0.5, "x2")])
    a.label = "a"
    a.backward()
    return a


def perceptron():
    """The squared error of a small multilayer perceptron on one point."""
    model = nn.MLP(3, [4, 4, 1], rng=0)
    loss = (model([Value(1.0, "x0"), Value(-2.0, "x1"), Value(0.5, "x2")]) - 1.0) ** 2
    loss.label = "loss"
    loss.backward()
    return loss


def convolution():
    """A convolution of an image, relu and maximum."""
    layer = nn.Conv2d(1, 2, 3, padding=1, rng=0)
    image = Tensor(np.random.default_rng(0).random((1, 1, 8, 8)), label="image")
    total = nn.max_pool2d(tg.relu(layer(image)), 2).sum()
    total.backward()
    return total


def lstm():
    """An LSTM cell over three steps."""
    cell, state = nn.LSTMCell(2, 3, rng=0), None
    for t in range(3):
        state = cell(np.full((1, 2), float(t)), state)
    total = state[0].sum()
    total.backward()
    return total


def attention():
    """Two heads over four positions."""
    x = Tensor(np.random.default_rng(1).standard_normal((1, 4, 6)), label="x")
    total = nn.MultiHeadAttention(6, 2, rng=0)(x).sum()
    total.backward()
    return total


def dead():
    """A relu that passes nothing on."""
    w, x, v = Value(-2.0, "w"), Value(1.5, "x"), Value(3.0, "v")
    hidden = (w * x).relu()
    hidden.label = "dead"
    y = hidden * v + x
    y.label = "y"
    y.backward()
    return y


PICTURES = {
    "expression": lambda: tg.draw(expression(), engine="own"),
    "neuron": lambda: tg.draw(neuron(), show=("data", "grad", "derivatives"), engine="own"),
    "neuron_in_numbers": lambda: tg.draw(neuron(), granularity="scalar", show=("data", "grad", "derivatives"),
                                         engine="own"),
    "perceptron_collapsed": lambda: tg.draw(perceptron(), depth=1, engine="own"),
    "perceptron": lambda: tg.draw(perceptron(), depth="all", engine="own"),
    "perceptron_every_neuron": lambda: tg.draw(perceptron(), depth="all", stacked=False, engine="own"),
    "convolution": lambda: tg.draw(convolution(), engine="own"),
    "lstm": lambda: tg.draw(lstm(), direction="TB", engine="own"),
    "lstm_collapsed": lambda: tg.draw(lstm(), depth=0, engine="own"),
    "attention": lambda: tg.draw(attention(), direction="TB", engine="own"),
    "dead_relu": lambda: tg.draw(dead(), color_by="saturation", engine="own"),
    "by_gradient": lambda: tg.draw(expression(), color_by="grad", engine="own"),
}


def main(folder):
    """Write the pictures and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make().export(folder / f"{name}.svg")
    figures = "\n".join(f'<h2>{name.replace("_", " ")}</h2>\n<img src="{name}.svg">' for name in PICTURES)
    (folder / "index.html").write_text(f'<!DOCTYPE html><meta charset="utf-8"><title>Gallery</title>\n{figures}\n')


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
