"""The tour: ``python -m tinygrad_edu``, or ``tinygrad-edu``. Five parts, from one expression to three networks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import numpy as np

from .data import load_digits
from .errors import MissingExtraError
from .extras import extra
from .tour.digits import read_the_digits
from .tour.expression import differentiate_an_expression
from .tour.moons import learn_the_moons
from .tour.text import show


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tour; returns the exit code: 0, 1 for a missing extra, 130 after Ctrl-C."""
    options = _parser().parse_args(argv)
    try:
        show("tinygrad_edu: a tour in five parts (Ctrl-C leaves it).")
        extra("tqdm", "tour")  # what is missing is told now, not after the first parts
        load_digits()
        differentiate_an_expression()
        learn_the_moons(np.random.default_rng(options.seed), steps=20 if options.quick else 40)
        read_the_digits(options.seed, options.quick)
    except MissingExtraError as error:
        print(f"tinygrad-edu: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Come back any time.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads the output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu", description="Differentiate an expression, then train four neural networks: one made of "
        "single numbers, and three made of arrays that read handwritten digits, as a vector, an image and a sequence.")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N",
                        help="what all randomness starts from: the data split and the first weights (default: 0)")
    parser.add_argument("--quick", action="store_true", help="train for less time, with less accuracy")
    return parser


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


if __name__ == "__main__":
    sys.exit(main())
