"""The graphs that are played, as the source that a notebook's cells have; and what a page shows of them."""

import json
import math
import re

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook

HEAD = """
import json
import numpy as np
import tinygrad_edu as tg
"""

SOURCES = {
    "scalar": """
a, b, c = tg.Value(0.7, "a"), tg.Value(-1.3, "b"), tg.Value(0.4, "c")
root = tg.tanh(a * b + c) * a + b / c
root.label = "root"
leaves = [a, b, c]
""",
    "mlp": """
model = tg.nn.MLP(2, [3, 1], rng=0, activation="tanh")
rows, targets = [[0.5, -1.0], [2.0, 0.3]], [1.0, -1.0]
root = sum(((model(row) - target) ** 2 for row, target in zip(rows, targets)), start=tg.Value(0.0))
for name, leaf in model.named_parameters():
    leaf.label = name
leaves = model.parameters()
""",
    "cnn": """
class Net(tg.nn.Module):
    def __init__(self):
        self.features = tg.nn.Sequential(tg.nn.Conv2d(1, 2, 3, rng=0), tg.nn.ReLU(), tg.nn.MaxPool2d(2))
        self.head = tg.nn.Linear(8, 3, rng=1)

    def forward(self, x):
        return self.head(self.features(x).reshape(x.shape[0], -1))

net = Net()
images = tg.Tensor(np.random.default_rng(0).normal(size=(2, 1, 6, 6)), "images")
root = tg.nn.cross_entropy(net(images), [0, 2])
for name, leaf in net.named_parameters():
    leaf.label = name
leaves = [images, *net.parameters()]
""",
}
"""Each makes `root` and its `leaves`, each with a label of its own."""


def made(which):
    """The variables that a source leaves behind; the backward pass is done."""
    space = {}
    exec(HEAD + SOURCES[which], space)
    space["root"].backward()
    return space


def gradients(space):
    """What `.grad` of each leaf is, by its label."""
    return {leaf.label: np.asarray(leaf.grad, dtype=float).tolist() for leaf in space["leaves"]}


def write_notebook(path):
    """A notebook that draws, plays and explains each graph; its last cell writes gradients.json."""
    cells = [HEAD + "gradients = {}\n"]
    for which, source in SOURCES.items():
        cells += [source + "root.backward()\ngradients[" + repr(which) + "] = "
                  "{leaf.label: np.asarray(leaf.grad, dtype=float).tolist() for leaf in leaves}",
                  "tg.draw(root)", "tg.play(root, depth='all')", "tg.explain(root, leaves[0])"]
    cells.append("with open('gradients.json', 'w') as file:\n    json.dump(gradients, file)\nprint('all', 'done')")
    nbformat.write(new_notebook(cells=[new_code_cell(source.strip()) for source in cells], metadata={
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}), path)


def read_gradients(folder):
    """What the notebook wrote."""
    return json.loads((folder / "gradients.json").read_text())


# ---- what a page shows


def boxes(frame):
    """Of each value's box what it says: its node, label and gradient."""
    return frame.evaluate("""() => [...document.querySelectorAll("#world .box[data-grad]")].map(box => (
        {item: +box.dataset.item, label: box.getAttribute("aria-label"), grad: box.dataset.grad}))""")


def steps(frame):
    """Which step the page is at, and which is the last."""
    return tuple(frame.evaluate("""() => { const {value, max} = document.getElementById("scrub");
        return [+value, +max]; }"""))


def check_totals(frame, wanted):
    """At the last step, the gradient of each leaf is its `.grad`: numbers to 1e-12; arrays their norms, and as far as
    the page says them their least and greatest entries.
    """
    at, last = steps(frame)
    assert at == last > 0
    found = {box["label"].partition(", data ")[0]: box for box in boxes(frame)}
    for label, grad in wanted.items():
        assert label in found, f"no box of {label}: {sorted(found)}"
        box = found[label]
        assert math.isclose(float(box["grad"]), np.linalg.norm(grad) if isinstance(grad, list) else grad,
                            rel_tol=1e-12), label
        if isinstance(grad, list):
            said = re.search(r"gradient (\S+) float64, norm \S+, from (\S+) to (\S+)$", box["label"])
            assert said, box["label"]
            assert said[1] == "x".join(map(str, np.shape(grad)))
            assert np.allclose([float(said[2]), float(said[3])], [np.min(grad), np.max(grad)], rtol=1e-3), label
