"""How names, numbers and arrays are written in an explanation, for a terminal and for LaTeX."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from ..viz.text import number, plain

WIDTH = 24
"""No name is longer."""

FEW = 6
"""An array of at most so many elements is written out."""

_SIMPLE = re.compile(r"\w+(\[\d+\])?")

_ESCAPED = {"\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "_": r"\_",
            "^": r"\wedge ", "~": r"\sim ", "&": r"\&{}", "<": r"\lt ", ">": r"\gt ", " ": r"\ ", "'": r"{\prime}",
            '"': r"{\prime\prime}", "`": r"{\backprime}"}
"""What means something in formulas, or in the HTML that a formula may be pasted into."""


def name_text(name: str) -> str:
    """A name as a few harmless characters; in brackets, where a letter in front could be taken for part of it."""
    short = plain(name, WIDTH)
    return short if _SIMPLE.fullmatch(short) else f"({short})"


def name_latex(name: str) -> str:
    r"""A name as LaTeX: letters and numbers, with all that LaTeX would act on escaped.

    >>> name_latex("a"), name_latex("x_1"), name_latex("$")
    ('a', '\\mathrm{x\\_1}', '\\mathrm{\\$}')
    """
    short = plain(name, WIDTH)
    generated = re.fullmatch(r"v(\d+)", short)
    if generated:
        return f"v_{{{generated[1]}}}"
    return short if len(short) == 1 and short.isalpha() else rf"\mathrm{{{escaped(short)}}}"


def escaped(text: str) -> str:
    """Any text as one line of harmless characters, for a formula in LaTeX."""
    return "".join([_ESCAPED.get(ch, ch) for ch in plain(text, 160)])


def derivative_text(of: str, by: str) -> str:
    """The derivative of one by the other: ``dL/da``."""
    return f"d{name_text(of)}/d{name_text(by)}"


def derivative_latex(of: str, by: str) -> str:
    r"""The same as LaTeX, ``\frac{\partial L}{\partial a}``."""
    return rf"\frac{{\partial {name_latex(of)}}}{{\partial {name_latex(by)}}}"


def number_latex(x: float) -> str:
    r"""A number as LaTeX.

    >>> number_latex(-2.5), number_latex(1e-9), number_latex(float("inf"))
    ('-2.5', '1 \\cdot 10^{-9}', '\\infty')
    """
    if not math.isfinite(x):
        return r"\mathrm{nan}" if x != x else r"\infty" if x > 0 else r"-\infty"
    mantissa, _, exponent = number(x).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def payload_text(x: Any) -> str:
    """A number; a small array, or the shape and length of a large one."""
    if x is None:
        return "none"
    array = np.asarray(x)
    if array.size == 1:
        return number(float(array.item()))
    if array.size <= FEW:
        return " ".join(np.array2string(array, precision=4, separator=", ").split())
    return f"array {array.shape} of norm {number(norm(array))}"


def payload_latex(x: Any) -> str:
    """The same as LaTeX."""
    if x is not None and np.size(x) == 1:
        return number_latex(float(np.asarray(x).item()))
    return rf"\text{{{payload_text(x)}}}"


def norm(x: Any) -> float:
    """The square root of the sum of squares, which themselves may be too large or too small."""
    array = np.abs(np.asarray(x, dtype=np.float64))
    largest = float(np.max(array, initial=0.0))
    if not 0.0 < largest < math.inf:
        return largest
    return largest * math.sqrt(float(np.sum(np.square(array / largest))))


def counted(n: int, word: str) -> str:
    """A count, which may be too large for a float and too long for a line.

    >>> counted(1, "path"), counted(2**60, "path")
    ('1 path', 'about 1.15e+18 paths')
    """
    if n < 10**15:
        return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"
    exponent = math.log10(n)
    return f"about {10 ** (exponent % 1):.2f}e+{int(exponent)} {word}s"
