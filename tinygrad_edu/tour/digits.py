"""Parts 3, 4 and 5: three networks with a node for each array learn to read the same handwritten digits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_edu as tg

from ..extras import extra
from .text import Array, confusion_table, pictures, show

TRAINING = 1350
"""How many of the digits are there to learn from; the others are the test."""

# ---- the networks --------------------------------------------------------------------------------------------------


class Noise(tg.nn.Module):
    """x + 0.15 z with z standard normal: (...) -> (...); after ``eval()``, x itself.

    As no two epochs show the same pixels, they cannot be learned by heart.

    Args:
        rng: where z comes from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def forward(self, x: Any) -> Any:
        return x + 0.15 * self.rng.standard_normal(x.shape) if self.training else x

    def __repr__(self) -> str:
        return "Noise()"


def perceptron(rng: np.random.Generator) -> tg.nn.Module:
    """Three layers, each of which sees all that the one before gave: (batch, 64) -> scores (batch, 10)."""
    return tg.nn.Sequential(Noise(rng), tg.nn.Linear(64, 256, rng=rng), tg.nn.ReLU(),
                            tg.nn.Linear(256, 128, rng=rng), tg.nn.ReLU(), tg.nn.Linear(128, 10, rng=rng))


def convolutional(rng: np.random.Generator) -> tg.nn.Module:
    """Small filters, the same at every place of the image: (batch, 1, 8, 8) -> scores (batch, 10)."""
    return tg.nn.Sequential(Noise(rng), tg.nn.Conv2d(1, 16, 3, padding=1, rng=rng), tg.nn.ReLU(),
                            tg.nn.Conv2d(16, 32, 3, padding=1, rng=rng), tg.nn.ReLU(),
                            tg.nn.MaxPool2d(2), tg.nn.Flatten(), tg.nn.Linear(32 * 4 * 4, 10, rng=rng))


class RowReader(tg.nn.Module):
    """A memory that meets one row of the image after the other: (batch, 8, 8) -> scores (batch, 10).

    Args:
        rng: where the weights and the noise come from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.noise = Noise(rng)
        self.lstm = tg.nn.LSTM(8, 64, batch_first=True, rng=rng)
        self.head = tg.nn.Linear(64, 10, rng=rng)

    def forward(self, rows: Any) -> Any:
        """The scores, from what the memory gives after the last row."""
        outputs, _ = self.lstm(self.noise(rows))
        return self.head(outputs[:, -1])


@dataclass(frozen=True)
class Network:
    """A part of the tour: a network, and how it is trained.

    Attributes:
        name: what it is called.
        layout: how it takes the digits, see `tg.data.load_digits`.
        build: makes the model of a generator.
        lr: the greatest learning rate.
        epochs: how often it sees the training digits; `quick_epochs` in a quick tour.
        words: what is said of it.
    """

    name: str
    layout: str
    build: Callable[[np.random.Generator], tg.nn.Module]
    lr: float
    epochs: int
    quick_epochs: int
    words: str


PERCEPTRON = Network("perceptron", "flat", perceptron, 2e-3, 60, 5, """\
The image is a vector of 64 pixels. Which of them are neighbours is not known to the network.""")
CNN = Network("convolutional network", "images", convolutional, 5e-3, 25, 3, """\
The image is an image: 16 filters of 3 x 3 pixels slide over it, then 32 filters over what these give, and of each
2 x 2 places the greatest is kept.""")
LSTM = Network("LSTM", "rows", RowReader, 1e-2, 30, 6, """\
The image is a sequence: the network reads its eight rows from the top, and answers after the last.""")

# ---- learning and being tested ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What came out of a part.

    Attributes:
        network: which one it was.
        parameters: how many numbers it learned.
        seconds: how long that took.
        images: those of the test, (count, 8, 8), with the true `digits` and the `scores` of all ten classes.
        history: the loss and the accuracy of each epoch.
    """

    network: Network
    parameters: int
    seconds: float
    images: Array
    digits: Array
    scores: Array
    history: tg.History = field(default_factory=tg.History)

    @property
    def accuracy(self) -> float:
        """The share of the test digits that it read rightly."""
        return tg.nn.accuracy(self.scores, self.digits)


def loss(scores: Any, digits: Array) -> Any:
    """The cross entropy, of targets that leave a tenth of the probability to all ten classes alike.

    So a network that is sure of everything is not the best, and the loss cannot fall below 0.50.
    """
    return tg.nn.cross_entropy(scores, 0.9 * np.eye(10)[digits] + 0.1 / 10)


def learn(network: Network, rng: np.random.Generator, epochs: int) -> Report:
    """Train a network on the first of the digits in random order, and test it on the others.

    Raises:
        KeyboardInterrupt: Ctrl-C ended the training.
    """
    pixels, digits = tg.data.load_digits(network.layout)
    order = rng.permutation(len(pixels))
    train, test = order[:TRAINING], order[TRAINING:]
    model = network.build(rng)
    summary = model.summary((1, *pixels.shape[1:]))
    show(f"{network.words}\n\n{summary}\n")
    optimizer = tg.optim.Adam(model.parameters(), lr=network.lr)
    batches = tg.data.batches(pixels[train], digits[train], batch_size=32, rng=rng)
    scheduler = tg.optim.OneCycleLR(optimizer, network.lr, epochs * len(batches))
    begun = time.perf_counter()
    with extra("threadpoolctl", "tour").threadpool_limits(1):  # to share products this small out costs more
        history = tg.fit(model, loss, optimizer, batches, epochs, metrics=[tg.nn.accuracy], scheduler=scheduler,
                         schedule="step")
    seconds = time.perf_counter() - begun
    if history.interrupted:  # tg.fit returns then, but who pressed Ctrl-C wants to leave the tour
        raise KeyboardInterrupt
    model.eval()
    with tg.no_grad():
        scores = model(pixels[test]).data
    report = Report(network, summary.parameters, seconds, pixels[test].reshape(-1, 8, 8), digits[test], scores,
                    history)
    show(f"In {epochs} epochs the loss fell from {history['loss'][0]:.3f} to {history['loss'][-1]:.3f}. Of the digits "
         f"it learned from, the network\nreads {100.0 * history['accuracy'][-1]:.1f} % with noise on them; of the "
         f"test, {100.0 * report.accuracy:.1f} %.")
    return report


def hardest(report: Report, count: int = 4) -> list[str]:
    """The test digits for which the right answer's lead is the least, or most negative, as text."""
    scores, digits = report.scores, report.digits
    rows = np.arange(len(digits))
    others = scores.copy()
    others[rows, digits] = -np.inf
    worst = np.argsort(scores[rows, digits] - others.max(axis=1))[:count]
    return pictures(report.images[worst], [f"a {digits[i]}, read as {scores[i].argmax()}" for i in worst])


def comparison(reports: list[Report]) -> list[str]:
    """A table of the networks beside each other."""
    return [f"  {'network':<24}{'parameters':>12}{'test accuracy':>16}{'seconds':>10}"] + [
        f"  {r.network.name:<24}{r.parameters:>12,}{100.0 * r.accuracy:>14.1f} %{r.seconds:>10.1f}" for r in reports]


# ---- the parts -----------------------------------------------------------------------------------------------------


def read_the_digits(seed: int, quick: bool) -> list[Report]:
    """Parts 3, 4 and 5, and what they come to. All networks learn from the same digits; the second is the CNN.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """

    def part(network: Network) -> Report:
        return learn(network, np.random.default_rng(seed), network.quick_epochs if quick else network.epochs)

    show("\n3. A network of arrays learns to read digits\n")
    show(f"{TRAINING} handwritten digits of 8 x 8 pixels are to learn from, the others to be tested on. Noise on the "
         "pixels keeps\nthem from being learned by heart; and as the targets leave a tenth of the probability to all "
         "ten classes\nalike, the loss cannot fall below 0.50.\n")
    reports = [part(PERCEPTRON)]
    show("\n4. A convolutional network looks at the image\n")
    reports.append(cnn := part(CNN))
    show("\nThose of the test that were the hardest for it:\n")
    show("\n".join(hardest(cnn)))
    show("\n5. A recurrent network reads the image row by row\n")
    reports.append(part(LSTM))
    show("\nThe three networks, with the same digits to learn from and the same test:\n")
    show("\n".join(comparison(reports)))
    show("\nThe test of the convolutional network: each row is a true digit, each column an answer.\n")
    show("\n".join(confusion_table(tg.nn.confusion_matrix(cnn.scores, cnn.digits))))
    return reports
