"""Two spirals by a network of single numbers, a node for each: the share of points that it tells apart.

    python tests/learned/spirals.py

The number of epochs and of training points follow the validation points, which are drawn apart from those of the test.
"""

import numpy as np
from common import run, train

import tinygrad_edu as tg

POINTS = {"train": (400, 1), "validation": (400, 2), "test": (1000, 3)}
"""How many points each part has, and the seed that they are drawn with."""

ARMS = tg.data.make_spirals(4000, noise=0.0, rng=0)


def hinge(model, x, y):
    """The hinge loss of a batch."""
    return tg.nn.hinge_loss([model(point) for point in x.tolist()], (2 * y - 1).tolist())


def points(part):
    """The points and classes of a part."""
    size, seed = POINTS[part]
    return tg.data.make_spirals(size, rng=seed)


def accuracy(answer, part):
    """The share of points for which answer(point) has the sign of their class."""
    x, y = points(part)
    with tg.no_grad():
        return np.mean([(answer(point) > 0.0) == label for point, label in zip(x.tolist(), y, strict=True)])


def nearest_arm(point):
    """Positive where the spiral of class 1 is nearer: nearly the best answer, as the noise mixes both in the middle."""
    distances = np.hypot(*(ARMS[0] - point).T)
    return distances[ARMS[1] == 0].min() - distances[ARMS[1] == 1].min()


def main():
    """Train, and print the accuracy on all three parts."""
    rng = np.random.default_rng(0)
    model = tg.nn.MLP(2, [16, 16, 1], rng=rng)
    batches = tg.data.batches(*points("train"), batch_size=20, rng=rng)
    train(model, hinge, batches, epochs=150, lr=0.01)
    print(f"train {100.0 * accuracy(model, 'train'):.1f} %, validation {100.0 * accuracy(model, 'validation'):.1f} %")
    print(f"spirals accuracy on {POINTS['test'][0]} new points: {100.0 * accuracy(model, 'test'):.1f} % "
          f"(nearest spiral: {100.0 * accuracy(nearest_arm, 'test'):.1f} %)")


if __name__ == "__main__":
    run(main)
