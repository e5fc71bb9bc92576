"""The colours of a drawing.

Boxes bring a light background of their own; all that stands on the page is of middle tone, so that a picture
reads on light and on dark pages without knowing which it is on.
"""

from __future__ import annotations

import math

from .measure import SMALL
from .snapshot import CONSTANT, FROZEN, LEAF, RESULT

TEXT = "#16181d"
"""Of texts in boxes."""

ON_PAGE = "#757b85"
"""Of texts on the page, wires and frames: 4.2:1 on white, 4.4:1 on #111."""

TONES = {
    LEAF: ("#e3eefc", "#3f7fc4"),
    FROZEN: ("#eef0f3", "#3f7fc4"),
    CONSTANT: ("#e2e3e6", "#9a9ea6"),
    RESULT: ("#ffffff", "#858b96"),
    "unreached": ("#fdf3f0", "#c2583c"),
    "failed": ("#fbd5cf", "#b3261e"),
    "root": ("#fff4cc", "#c98a00"),
    "operation": ("#efe9fb", "#8f74c9"),
    "module": ("#e2f3ee", "#3a9483"),
}
"""The background and the border of each tone."""

DASHES = {FROZEN: "5 3", "unreached": "2 3"}
"""Borders that are not drawn through."""

LOW, MIDDLE, HIGH = (112, 176, 232), (250, 250, 250), (245, 166, 86)
"""Blue, white and orange, which stay apart for the colour-blind: of shades -1, 0 and 1. Dark text reads on all."""

NO_NUMBER = "#c9c9c9"


def shaded(shade: float) -> str:
    """The colour of a shade from -1 to 1; grey for nan.

    >>> shaded(-1.0), shaded(0.0), shaded(2.0)
    ('#70b0e8', '#fafafa', '#f5a656')
    """
    if math.isnan(shade):
        return NO_NUMBER
    end, share = (HIGH if shade > 0 else LOW), min(abs(shade), 1.0)
    return "#" + "".join([f"{round(a + (b - a) * share):02x}" for a, b in zip(MIDDLE, end, strict=True)])


def fill_and_border(tone: str, shade: float | None) -> tuple[str, str]:
    """The background and the border of a box."""
    fill, border = TONES.get(tone, TONES[RESULT])
    return (fill if shade is None else shaded(shade)), border


LABEL = f'font-size="{SMALL:g}" fill="{ON_PAGE}"'
"""How text on the page is written."""
