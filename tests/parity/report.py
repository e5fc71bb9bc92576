"""What the programs that compare have in common: their options, and the table of what was compared and what differs."""

from __future__ import annotations

import argparse
from collections import Counter


def options(description: str | None, count: int, of_what: str) -> argparse.Namespace:
    """`count` and `seed` from the command line.

    Args:
        description: of the program; its first line is shown.
        count: how many there are by default.
        of_what: what is counted.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=count, help=f"how many {of_what} to draw (default: {count})")
    parser.add_argument("--seed", type=int, default=0, help="where the random generators start (default: 0)")
    return parser.parse_args()


class Comparison:
    """Counts, by name, of what was compared and what differs."""

    def __init__(self) -> None:
        self.compared, self.differing = Counter[str](), Counter[str]()

    def add(self, name: str, problem: str, times: int = 1) -> None:
        """Count a comparison, or several that are told together, and print the problem, if there is one."""
        self.compared[name] += times
        if problem:
            self.differing[name] += 1
            print(f"--- {name}: {problem}")

    def told(self, what: str) -> int:
        """Print the table, and return 0 if nothing differs; where nothing was compared, that is no success."""
        print(f"{what:<40}{'compared':>10}{'differ':>10}")
        for name, count in self.compared.items():
            print(f"{name:<40}{count:>10}{self.differing[name]:>10}")
        return 0 if self.compared and not self.differing else 1
