"""Which program draws DOT: the one that the user names, `dot` on the PATH, the graphviz-pure wheel, or none."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ..errors import MissingExtraError

OWN = "own"
"""The choice of our own layout, whatever programs there are."""

VARIABLE = "TINYGRAD_EDU_DOT"
"""The environment variable that chooses, as the argument does: a program, or OWN."""

WHEEL = "graphviz-pure"
"""The distribution of the extra [dot], and the name of the program in it."""


def find_dot(choice: str | None = None) -> str | None:
    """The program that draws DOT, or None where our own layout is to draw, or has to.

    Args:
        choice: the name or path of a program; "dot" for any that there is; or "own". None leaves it to the environment
            variable TINYGRAD_EDU_DOT, and where that is not set, to what there is.

    Raises:
        MissingExtraError: the program that was chosen does not exist, or cannot be run.
    """
    chosen = choice or os.environ.get(VARIABLE)
    if chosen == OWN:
        return None
    if chosen and chosen != "dot":
        program = shutil.which(chosen)
        if program is None:
            source = "engine=" if choice else f"${VARIABLE} is "
            raise MissingExtraError(f"{source}{chosen!r}: there is no such program; {ADVICE}")
        return program
    program = shutil.which("dot") or _of_the_wheel()
    if chosen and program is None:
        raise MissingExtraError(f"there is no dot program; {ADVICE}")
    return program


ADVICE = "run: pip install 'tinygrad_edu[dot]', or install Graphviz"
"""How to get a program."""


def _of_the_wheel() -> str | None:
    """The program that graphviz-pure has installed: found in its list of files, as PATH may lack the folder."""
    try:
        files = distribution(WHEEL).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        path = Path(os.path.normpath(file.locate()))
        if path.name in (WHEEL, f"{WHEEL}.exe") and os.access(path, os.X_OK):
            return str(path)
    return None


WHEEL_FORMATS = frozenset({"canon", "dot", "gv", "jpe", "jpeg", "jpg", "json", "json0", "plain", "plain-ext", "png",
                           "svg", "xdot", "xdot1.2", "xdot1.4", "xdot_json"})
"""What the wheel's program writes."""


def is_wheel(program: str) -> bool:
    """Whether a program is the wheel's, which writes WHEEL_FORMATS only: neither PDF nor PostScript."""
    return Path(program).stem == WHEEL
