"""What the tests of players share: graphs to play, and what the page is given and makes of it."""

import base64
import json
import re
import zlib

import numpy as np

from tinygrad_edu import Value, nn


def data_of(player):
    """What the page is given."""
    packed = re.search(r'<script id="data"[^>]*>([^<]*)</script>', player.to_html())[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def real(x):
    """A number as the page reads it."""
    return float(x["real"].replace("Infinity", "inf")) if isinstance(x, dict) and "real" in x else x


def played(data):
    """The gradients that the page comes to: its arithmetic on numbers, on the data that it is given."""
    totals = {data["root"]: real(data["seed"])}
    for place in range(len(data["items"]) - 1, -1, -1):
        fields = data["items"][place]
        if place in totals and len(fields) > 5:
            for source, edge in zip(fields[5], fields[6], strict=True):
                if edge is not None:
                    given = isinstance(edge, dict) and "part" in edge
                    part = real(edge["part"]) if given else totals[place] * real(edge)
                    totals[source] = totals[source] + part if source in totals else part
    return totals


def scalar():
    """L = tanh(d a) + d d with d = a b + c; d is read three times."""
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(5.8, "c")
    d = a * b + c
    d.label = "d"
    out = (d * a).tanh() + d * d
    out.label = "L"
    return out


def perceptron(rows=1):
    """The error of a perceptron on some rows."""
    model, rng = nn.MLP(3, [4, 4, 1], rng=0), np.random.default_rng(0)
    terms = [(model([Value(x) for x in row]) - 1.0) ** 2 for row in rng.normal(size=(rows, 3)).tolist()]
    return sum(terms[1:], terms[0])
