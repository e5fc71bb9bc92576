"""A long hunt for wrong derivatives, by hand: ``python tests/hunt.py --minutes 30``.

Draws random programs of the whole table and checks each with gradcheck to second order; between them, every row
with check_operation, each time with other operands. Prints what it finds, as code that can be run, and its counts.
"""

import argparse
import time
import warnings

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.testing import GradientError, check_operation, gradcheck
from tinygrad_edu.testing.drawing import random_program


def check_program(rng: np.random.Generator, max_steps: int) -> str:
    """What is wrong with the derivatives of one random program; nothing, where all is well."""
    kind = ("scalar", "array")[int(rng.integers(2))]
    program = random_program(rng, kind, int(rng.integers(1, max_steps + 1)))
    try:
        gradcheck(program, *program.inputs, order=2, seed=int(rng.integers(2**31)))
    except (GradientError, Warning) as error:
        return f"{type(error).__name__}: {error}\n{program}"
    return ""


def main() -> None:
    """Hunt until the time is up, or so many programs were tried."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--programs", type=int, default=0, help="stop after so many programs, and leave the rows out")
    parser.add_argument("--steps", type=int, default=12, help="the longest program")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")  # a kink in a program that should have none is a finding too
    rng = np.random.default_rng(options.seed)
    rows = list(tg.TABLE.values())
    end = time.monotonic() + 60.0 * options.minutes
    programs = checked = found = 0
    while time.monotonic() < end and not 0 < options.programs <= programs:
        findings = [check_program(rng, options.steps) for _ in range(10)]
        programs += len(findings)
        if not options.programs:
            try:
                check_operation(rows[checked % len(rows)], rng=rng, repeat=5)
            except GradientError as error:
                findings.append(str(error))
            checked += 1
        for finding in filter(None, findings):
            found += 1
            print(finding, end="\n\n", flush=True)
    print(f"{programs} programs to second order, {checked} checks of rows, {found} findings")


if __name__ == "__main__":
    main()
