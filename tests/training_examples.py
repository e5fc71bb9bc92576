"""What the tests of training runs share: a small problem, a net for it, and a short run."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim


def problem(count=50):
    """Points in two classes, float64."""
    return tg.data.make_moons(count, noise=0.1, rng=0)


def net(seed=0, dropout=0.0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(2, 8, rng=rng), nn.Tanh(), nn.Dropout(dropout, rng=rng), nn.Linear(8, 2, rng=rng))


def train(model, epochs=3, method=optim.SGD, **options):
    """A short run with the settings of most tests."""
    options = {"data": problem(), "progress": False, "rng": 1, "batch_size": 16, **options}
    data = options.pop("data")
    return tg.fit(model, nn.cross_entropy, method(model.parameters(), lr=0.1), data, epochs, **options)


def weights(model):
    return np.concatenate([np.ravel(p.data) for p in model.parameters()])
