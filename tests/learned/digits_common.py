"""What the programs that read digits share: shifted images, training, the three splits, and the choice of settings."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import tinygrad_edu as tg

SPLITS, TRAINING, VALIDATION = (0, 1, 2), 1350, 300
tg.set_default_dtype(np.float32)


class Shifted:
    """Batches of digits, in each pass in a new order, and every image shifted by up to one pixel each way.

    Orders and shifts come from `rng`, which tg.fit finds under this name and holds in its checkpoints.

    Args:
        images: of shape (count, ..., 8, 8).
        labels: of shape (count,).
    """

    def __init__(self, images: Any, labels: Any, batch_size: int, rng: np.random.Generator) -> None:
        self.labels, self.batch_size, self.rng = labels, batch_size, rng
        padded = np.pad(images, [(0, 0)] * (images.ndim - 2) + [(1, 1), (1, 1)])
        self.shifts = np.stack([padded[..., down:down + 8, right:right + 8] for down in range(3) for right in range(3)])

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        order = self.rng.permutation(len(self.labels))
        for start in range(0, len(order), self.batch_size):
            rows = order[start:start + self.batch_size]
            yield self.shifts[self.rng.integers(9, size=len(rows)), rows], self.labels[rows]


def accuracy(network: Callable[..., tg.nn.Module], layout: str, setting: dict[str, Any], split: int,
             validate: bool = False) -> float:
    """The share of right answers for the test part of a split, after training on the others.

    Args:
        network: makes a model of its settings and a generator.
        layout: of the digits, see `tg.data.load_digits`.
        setting: "epochs", "lr", and what `network` takes.
        split: the seed of the order, of which the first 1350 digits are there to train on.
        validate: look, in place of the test part, at the last 300 of these, and train on the first 1050.
    """
    images, labels = tg.data.load_digits(layout)
    images = images.astype(np.float32)
    order = np.random.default_rng(split).permutation(len(labels))
    rows, unseen = order[:TRAINING], order[TRAINING:]
    if validate:
        rows, unseen = rows[:-VALIDATION], rows[-VALIDATION:]
    rng = np.random.default_rng(split)
    sizes = {name: value for name, value in setting.items() if name not in ("epochs", "lr")}
    model, data = network(**sizes, rng=rng), Shifted(images[rows], labels[rows], 32, rng)
    optimizer = tg.optim.Adam(model.parameters(), lr=setting["lr"])
    scheduler = tg.optim.OneCycleLR(optimizer, setting["lr"], setting["epochs"] * len(data))
    history = tg.fit(model, tg.nn.cross_entropy, optimizer, data, setting["epochs"], scheduler=scheduler,
                     schedule="step", metrics=[tg.nn.accuracy], progress=not validate)
    if history.interrupted:
        raise SystemExit(130)
    return tg.evaluate(model, tg.nn.cross_entropy, (images[unseen], labels[unseen]), [tg.nn.accuracy])["accuracy"]


def main(name: str, network: Callable[..., tg.nn.Module], layout: str, settings: Sequence[dict[str, Any]],
         chosen: int) -> None:
    """Print the accuracy for each split, and the mean; or, to see how the setting was chosen, those by validation."""
    parser = argparse.ArgumentParser(description=f"Read digits by {name}.")
    parser.add_argument("--validate", action="store_true", help="try all settings on a part of the training digits")
    if parser.parse_args().validate:
        for setting in settings:
            reached = [accuracy(network, layout, setting, split, validate=True) for split in SPLITS]
            print(f"{setting}: {np.round(np.multiply(reached, 100.0), 1)}, mean {100.0 * np.mean(reached):.2f} %",
                  flush=True)
        return
    print(f"the setting: {settings[chosen]}")
    reached = []
    for split in SPLITS:
        reached.append(accuracy(network, layout, settings[chosen], split))
        print(f"split {split}: {100.0 * reached[-1]:.1f} %", flush=True)
    print(f"digits read by {name}, mean of three splits: {100.0 * np.mean(reached):.1f} %")
