"""The tour: ``python -m tinygrad_edu``, or ``tinygrad-edu``. Five parts, from one expression to three networks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .data import load_digits
from .errors import MissingExtraError
from .extras import extra
from .tour.digits import read_the_digits
from .tour.expression import differentiate_an_expression
from .tour.moons import learn_the_moons
from .tour.report import DEFAULT, refusal, report_page, write
from .tour.text import show


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tour; returns the exit code: 0, 1 for a missing extra or report, 130 after Ctrl-C."""
    options = _parser().parse_args(argv)
    path, code = _report_path(options), 0
    try:
        show("tinygrad_edu: a tour in five parts (Ctrl-C leaves it).")
        for module in ("tqdm", *(["matplotlib"] if path is not None else [])):
            extra(module, "tour")  # what is missing is told now, not after the first parts
        load_digits()
        y = differentiate_an_expression()
        learn_the_moons(np.random.default_rng(options.seed), steps=20 if options.quick else 40)
        reports = read_the_digits(options.seed, options.quick)
        show()
        if path is not None:
            command = f"tinygrad-edu --seed {options.seed}{' --quick' if options.quick else ''}"
            try:
                write(path, report_page(y, reports, reports[1], command, options.seed))
            except OSError as error:
                print(f"tinygrad-edu: no report: {error}", file=sys.stderr)
                code = 1
            else:
                show(f"All this as a page, to be opened in a browser: {path}")
        show(f"digits test accuracy: {100.0 * reports[1].accuracy:.1f} %")
    except MissingExtraError as error:
        print(f"tinygrad-edu: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Come back any time.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads the output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu", description="Differentiate an expression, then train four neural networks: one made of "
        "single numbers, and three made of arrays that read handwritten digits, as a vector, an image and a sequence.")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N",
                        help="what all randomness starts from: the data split and the first weights (default: 0)")
    parser.add_argument("--quick", action="store_true", help="train for less time, with less accuracy")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--report", type=Path, metavar="PATH",
                       help=f"the page that is written with curves and pictures (default: {DEFAULT}, in this folder); "
                       "of existing files, only such pages are overwritten")
    where.add_argument("--no-report", action="store_true", help="write no page")
    return parser


def _report_path(options: argparse.Namespace) -> Path | None:
    """Where the report is to be written; None for nowhere, which is told unless it was wished."""
    if options.no_report:
        return None
    wished: Path = options.report or DEFAULT
    why = refusal(wished)
    if why and options.report is not None:
        _parser().error(f"argument --report: {why}")
    if why:
        print(f"tinygrad-edu: {why}; there will be no report (--report PATH writes one elsewhere).", file=sys.stderr)
    return None if why else wished.absolute()


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


if __name__ == "__main__":
    sys.exit(main())
