"""Views for the tests of drawings: of real graphs, flat or in frames, and of boxes and wires made up."""

import random
from functools import reduce
from itertools import pairwise

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.viz.snapshot import RESULT, Graph, Picture, snapshot
from tinygrad_edu.viz.view import MODULE, OPERATION, VALUE, Box, Frame, View, Wire

NOTHING = Graph((), (), ())


def made_up(wires, frames=(), homes=None, kinds=None, titles=None, **options):
    """A view of boxes named by their numbers: `frames` are the outer ones of each, `homes` the frame of each box."""
    count = max([end for wire in wires for end in wire[:2]], default=-1) + 1
    homes = homes or [-1] * count
    boxes = [Box(i, kinds[i] if kinds else VALUE, titles[i] if titles else f"n{i}", (), home, -1, "result")
             for i, home in enumerate(homes)]
    return View(NOTHING, tuple(boxes), tuple(Wire(*wire) for wire in wires),
                tuple(Frame(i, f"f{i}", outer) for i, outer in enumerate(frames)), **options)


def payload(data):
    return f"{data.shape}" if isinstance(data, Picture) else f"{data:.4g}"


def view_of_graph(graph, framed=True, caption=""):
    """Every item a box, and before each result its operation; blocks as frames."""
    boxes, wires, shown = [], [], {}

    def add(*fields, **options):
        boxes.append(Box(len(boxes), *fields, **options))
        return len(boxes) - 1

    for item in graph.items:
        home = item.block if framed else -1
        if item.kind == RESULT:
            operation = add(OPERATION, item.symbol, (), home, item.place, "operation")
            for source, derivative in zip(item.inputs, item.derivatives, strict=True):
                wires.append(Wire(shown[source], operation, "" if derivative is None else f"{derivative:.3g}"))
        lines = [f"data {payload(item.data)}"] + ([f"grad {payload(item.grad)}"] if item.grad is not None else [])
        tone = "root" if item.place in graph.roots else item.kind
        shown[item.place] = add(VALUE, item.name, tuple(lines), home, item.place, tone,
                                picture=item.data if isinstance(item.data, Picture) else None)
        if item.kind == RESULT:
            wires.append(Wire(operation, shown[item.place]))
    frames = [Frame(b.place, f"{b.name} {b.kind}" + (f" {b.call + 1}" if b.calls > 1 else ""), b.outer)
              for b in graph.blocks]
    return View(graph, tuple(boxes), tuple(wires), tuple(frames) if framed else (), caption)


def collapsed(graph, depth=1):
    """Every block of this depth one box for all its calls, which makes recurrent modules cycles."""
    def outermost(block):
        while block >= 0 and graph.blocks[block].depth >= depth:
            block = graph.blocks[block].outer if graph.blocks[block].depth > depth else -2 - block
        return block

    boxes, bundles, shown, modules = [], {}, {}, {}
    for item in graph.items:
        home = outermost(item.block)
        if home <= -2:
            name = graph.blocks[-2 - home].name
            if name not in modules:
                modules[name] = len(boxes)
                boxes.append(Box(len(boxes), MODULE, name, (graph.blocks[-2 - home].kind,), -1, -1, "module", 2))
            shown[item.place] = modules[name]
        else:
            shown[item.place] = len(boxes)
            boxes.append(Box(len(boxes), VALUE, item.name or item.symbol, (payload(item.data),), -1, item.place,
                             item.kind))
        for source in item.inputs:
            ends = shown[source], shown[item.place]
            if ends[0] != ends[1]:
                bundles[ends] = bundles.get(ends, 0) + 1
    return View(graph, tuple(boxes), tuple(Wire(*ends, "", count) for ends, count in bundles.items()), (),
                "recurrent modules collapsed")


# ---- graphs ----------------------------------------------------------------------------------------------------------


def micrograd():
    a, b = Value(-4.0, "a"), Value(2.0, "b")
    c, d = a + b, a * b + b**3
    c = c + c + 1
    c = c + 1 + c - a
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    f = (c - d)**2
    g = f / 2.0 + 10.0 / f
    g.backward()
    return g


def neuron():
    x = [Value(v, f"x{i}") for i, v in enumerate([2.0, 0.0])]
    w = [Value(v, f"w{i}") for i, v in enumerate([-3.0, 1.0])]
    out = (x[0] * w[0] + x[1] * w[1] + Value(6.88, "b")).tanh()
    out.label = "o"
    out.backward()
    return out


def doubled():
    a = Value(3.0, "a")
    out = a + a
    out.backward()
    return out


def mlp(sizes=(3, 4, 4, 1), batch=1, plain=True):
    model = nn.MLP(sizes[0], list(sizes[1:]), rng=1)
    rng = np.random.default_rng(0)
    rows = [[float(v) if plain else Value(float(v)) for v in rng.normal(size=sizes[0])] for _ in range(batch)]
    losses = [(model(row) - 1.0)**2 for row in rows]
    loss = reduce(lambda p, q: p + q, losses)
    loss.backward()
    return loss


def spelled_mlp(sizes, batch=1):
    """A perceptron of products and sums, one node each, as micrograd writes it."""
    rng = np.random.default_rng(0)
    layers = [[([Value(float(v)) for v in rng.normal(size=m)], Value(0.0)) for _ in range(n)]
              for m, n in pairwise(sizes)]
    losses = []
    for _ in range(batch):
        x = [Value(float(v)) for v in rng.normal(size=sizes[0])]
        for weights in layers:
            x = [reduce(lambda p, q: p + q, [wi * xi for wi, xi in zip(w, x, strict=True)], b).tanh()
                 for w, b in weights]
        losses.append((x[0] - 1.0)**2)
    loss = reduce(lambda p, q: p + q, losses)
    loss.backward()
    return loss


def chain(length=60):
    x = Value(0.3, "x")
    y = x
    for i in range(length):
        y = (y * 1.1).tanh() if i % 3 else y + x
    return y


def wide(count=40):
    return tg.sum([Value(float(i), f"v{i}") for i in range(count)])


def attention():
    model = nn.MultiHeadAttention(8, 2, rng=0)
    out = model(Tensor(np.random.default_rng(0).normal(size=(2, 5, 8)))).sum()
    out.backward()
    return out


def cnn():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3, rng=0))
    out = nn.cross_entropy(model(np.random.default_rng(0).normal(size=(2, 1, 8, 8))), np.array([0, 2]))
    out.backward()
    return out


def recurrent(cell, steps=3, width=3):
    cell = cell(2, width, rng=0)
    state = None
    for step in range(steps):
        state = cell(Tensor(np.full((1, 2), float(step))), state)
    out = (state[0] if isinstance(state, tuple) else state).sum()
    out.backward()
    return out


def residual():
    block = nn.Sequential(nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=0), nn.Tanh())),
                          nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=1), nn.Tanh())), nn.Linear(4, 1, rng=2))
    out = block(Tensor(np.ones((2, 4)))).sum()
    out.backward()
    return out


def mesh(seed, nodes=40, reach=8):
    """A random expression, in which each result has two operands among the last few."""
    rng = random.Random(seed)
    values = [Value(rng.random(), f"x{i}") for i in range(4)]
    for _ in range(nodes):
        a, b = rng.choice(values[-reach:]), rng.choice(values[-reach:])
        values.append(rng.choice([a + b, a * b, a - b]))
    return values[-1]


class Outer(nn.Module):
    """Two recurrent parts that feed each other, so that they make a cycle when each is one box."""

    def __init__(self):
        self.first, self.second = nn.Neuron(2, rng=0), nn.Neuron(1, rng=1)

    def __call__(self, xs):
        h = 0.0
        for x in xs:
            h = self.second([self.first([x, h])])
        return h


def ping_pong():
    out = Outer()([Value(float(i), f"x{i}") for i in range(3)])
    out.backward()
    return out


def graph_of(*roots):
    return snapshot(roots)


# ---- geometry --------------------------------------------------------------------------------------------------------


def sampled(points, pieces=12):
    """Points along a path of cubic Bézier curves; only the ends of those that are straight."""
    line = [points[0]]
    for a, b, c in zip(points[1::3], points[2::3], points[3::3], strict=True):
        start = line[-1]
        straight = len({start[0], a[0], b[0], c[0]}) == 1 or len({start[1], a[1], b[1], c[1]}) == 1
        for step in range(1, pieces) if not straight else ():
            t = step / pieces
            s = 1 - t
            weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
            line.append(tuple(sum(w * p[axis] for w, p in zip(weights, (start, a, b, c), strict=True))
                              for axis in (0, 1)))
        line.append(c)
    return line


def all_views():
    """Thirty views, by name; those of which `flat` stands in the name have no frames."""
    graphs = {
        "micrograd": micrograd, "neuron": neuron, "doubled": doubled, "mlp": mlp, "attention": attention, "cnn": cnn,
        "mlp on variables": lambda: mlp((2, 3, 1), 2, plain=False), "mlp batch": lambda: mlp((2, 4, 1), 3),
        "rnn": lambda: recurrent(nn.RNNCell, 4), "gru": lambda: recurrent(nn.GRUCell),
        "lstm": lambda: recurrent(nn.LSTMCell), "residual": residual, "ping pong": ping_pong, "chain": chain,
        "wide": wide, "spelled mlp": lambda: spelled_mlp((3, 4, 4, 1)),
        "spelled batch": lambda: spelled_mlp((2, 3, 1), 3),
        "mesh": lambda: mesh(1), "wide mesh": lambda: mesh(2, 60, 20), "far mesh": lambda: mesh(3, 80, 80),
    }
    found = {}
    for name, make in graphs.items():
        graph = graph_of(make())
        found[f"{name} flat"] = view_of_graph(graph, framed=False)
        if graph.blocks:
            found[f"{name} framed"] = view_of_graph(graph)
    for name in ("ping pong", "mlp batch", "lstm"):
        found[f"{name} collapsed"] = collapsed(graph_of(graphs[name]()))
    found["two roots flat"] = view_of_graph(graph_of(neuron(), micrograd(), Value(1.0, "alone")), framed=False)
    return found
