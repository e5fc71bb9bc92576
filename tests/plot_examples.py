"""What the tests of plots share: axes, and small models."""

import matplotlib.pyplot as plt
import numpy as np

from tinygrad_edu import nn

CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])


def line(a, b, c):
    """A Linear with the score a x + b y + c."""
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": np.array([[a, b]]), "bias": np.array([c])})
    return model


def axes():
    """Axes to draw on, of a figure that pyplot knows."""
    return plt.subplots()[1]


def text_of(ax):
    """All texts on the axes."""
    return [text.get_text() for text in ax.texts]


def convolutional():
    """Two convolutions and a Linear, on images of 6 x 6 pixels."""
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, rng=0), nn.ReLU(), nn.Conv2d(4, 2, 3, rng=1), nn.Flatten(),
                         nn.Linear(32, 3, rng=2))


def images(count=1):
    """Images for it."""
    return np.random.default_rng(0).standard_normal((count, 1, 6, 6))
