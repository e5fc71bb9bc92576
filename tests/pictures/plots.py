"""Pictures of plots to be looked at: each function of `tg.plots` on a model that was trained.

    python tests/pictures/plots.py FOLDER [STYLE]

writes one PNG for each, in a style of matplotlib such as dark_background, and an index.html that shows them all.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.tour.digits import CNN, LSTM, loss


def moons():
    """A network of single numbers, some steps into learning two half moons."""
    points, labels = tg.data.make_moons(100, noise=0.1, rng=0)
    model = nn.MLP(2, [16, 16, 1], rng=0)
    optimizer = tg.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        nn.hinge_loss([model(point) for point in points], 2 * labels - 1).backward()
        optimizer.step()
    return model, points, labels


def wine():
    """Three kinds of wine by two of their features."""
    points, labels = tg.data.load_wine()
    points = points[:, [0, 6]]
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    model = nn.Sequential(nn.Linear(2, 32, rng=0), nn.Tanh(), nn.Linear(32, 3, rng=1))
    tg.fit(model, nn.cross_entropy, tg.optim.Adam(model.parameters(), 0.02), (points, labels), 60, rng=0,
           progress=False)
    return model, points, labels


def digits(network):
    """A network of the tour after some epochs, with its history and the digits that it was not trained on."""
    pixels, targets = tg.data.load_digits(network.layout)
    model = network.build(np.random.default_rng(0))
    history = tg.fit(model, loss, tg.optim.Adam(model.parameters(), 3e-3), (pixels[:1350], targets[:1350]), 12,
                     metrics=[nn.accuracy], validation=(pixels[1350:], targets[1350:]), rng=0, progress=False)
    return model, history, pixels[1350:], targets[1350:]


def pictures():
    """The plots by name, each made when it is asked for."""
    scalar, points, sides = moons()
    tensors, features, kinds = wine()
    cnn, history, images, labels = digits(CNN)
    reader, _, rows, _ = digits(LSTM)
    linear = nn.Sequential(nn.Linear(64, 10, rng=0))
    pixels, targets = tg.data.load_digits("flat")
    tg.fit(linear, nn.cross_entropy, tg.optim.Adam(linear.parameters(), 1e-2), (pixels, targets), 20, rng=0,
           progress=False)
    nn.cross_entropy(cnn(images[:64]), labels[:64]).backward()
    deep = nn.Sequential(*[part for k in range(8) for part in (nn.Linear(16, 16, rng=k), nn.Sigmoid())])
    unused = nn.Linear(16, 1, rng=0)
    deep.extra = unused
    deep(np.ones((4, 16))).sum().backward()
    cnn.eval()
    with tg.no_grad():
        scores = cnn(images)
    return {
        "curves": lambda: plots.curves(history, log=True),
        "curves_accuracy": lambda: plots.curves(history, "accuracy", "validation_accuracy"),
        "decision_boundary_two": lambda: plots.decision_boundary(scalar, points, sides),
        "decision_boundary_three": lambda: plots.decision_boundary(tensors, features, kinds,
                                                                   names=["first", "second", "third"]),
        "histograms_weights": lambda: plots.histograms(cnn),
        "histograms_gradients": lambda: plots.histograms(cnn, "gradients"),
        "histograms_of_values": lambda: plots.histograms(scalar),
        "activations": lambda: plots.activations(cnn, images[:200]),
        "activations_of_values": lambda: plots.activations(scalar, points),
        "gradient_flow": lambda: plots.gradient_flow(cnn),
        "gradient_flow_vanishing": lambda: plots.gradient_flow(deep),
        "confusion_matrix": lambda: plots.confusion_matrix(scores, labels),
        "confusion_matrix_names": lambda: plots.confusion_matrix(
            tensors(features), kinds, names=["first", "second", "third"]),
        "filters": lambda: plots.filters(cnn),
        "filters_of_channels": lambda: plots.filters(cnn[4 - 1], most=128),
        "filters_linear": lambda: plots.filters(linear, shape=(8, 8)),
        "feature_maps": lambda: plots.feature_maps(cnn, images[3]),
        "feature_maps_relu": lambda: plots.feature_maps(cnn, images[3], layer="4"),
        "states": lambda: plots.states(reader, rows[:1]),
        "loss_surface": lambda: plots.loss_surface(
            cnn, lambda: nn.cross_entropy(cnn(images[:64]), labels[:64]), rng=0, points=21),
        "loss_surface_of_values": lambda: plots.loss_surface(
            scalar, lambda: nn.hinge_loss([scalar(p) for p in points[::5]], 2 * sides[::5] - 1), rng=0, points=15),
        "several": lambda: several(history, scalar, points, sides, cnn, images[3], scores, labels),
    }


def several(history, scalar, points, sides, cnn, image, scores, labels):
    """A figure of one's own that four plots fill."""
    _, axes = plt.subplots(2, 2, figsize=(11, 8.5), layout="constrained")
    plots.curves(history, ax=axes[0, 0])
    plots.decision_boundary(scalar, points, sides, ax=axes[0, 1])
    plots.confusion_matrix(scores, labels, ax=axes[1, 0])
    return plots.feature_maps(cnn, image, ax=axes[1, 1])


def main(folder, style="default"):
    """Write the pictures and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pictures()
    with plt.style.context(style):
        for name, make in made.items():
            make().figure.savefig(folder / f"{name}.png", dpi=90)
            plt.close("all")
    figures = "\n".join(f'<h2>{name.replace("_", " ")}</h2>\n<img src="{name}.png">' for name in made)
    (folder / "index.html").write_text(f'<!DOCTYPE html><meta charset="utf-8"><title>Plots</title>\n{figures}\n')


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), *sys.argv[2:])
