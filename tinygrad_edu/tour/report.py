"""The report of the tour: one page with graph, curves, answers and mistakes. It loads nothing, and sends nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import os
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

import tinygrad_edu as tg

from ..extras import extra
from ..player.page import script
from ..saving import atomic
from .digits import TRAINING, Report
from .text import Array

DEFAULT = Path("tinygrad-edu-report.html")
"""Where the report is written, if nothing else is said."""

MARK = '<meta name="generator" content="tinygrad_edu tour">'
"""What tells a report from other files."""

INK = "#010203"
"""Stands for the colour of the page's text while matplotlib draws."""

# ---- the file --------------------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    """Why no report can be written there, "" if one can: only reports are overwritten."""
    if path.exists() and not path.is_file():
        return f"{path} is not a file"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not os.access(path.parent, os.W_OK):
        return f"nothing may be written to the folder {path.parent.resolve()}"
    try:
        with path.open("rb") as file:
            ours = MARK.encode() in file.read(1000)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return "" if ours else f"{path} is there, and is no report"


def write(path: Path, page: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    if why := refusal(path):  # it may have come while the tour ran
        raise OSError(why)
    atomic.write(path, page.encode())


# ---- the page --------------------------------------------------------------------------------------------------------


def report_page(y: tg.Value, reports: Sequence[Report], shown: Report, command: str, seed: int) -> str:
    """The page.

    Args:
        y: the result of the expression.
        reports: what came out of the networks.
        shown: the one of them whose answers are shown.
        command: how the tour was called.
        seed: what its randomness started from.
    """
    drawing = tg.draw(y, direction="TB", names={"y": y}, engine="own")
    text = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    program = base64.b64encode(hashlib.sha256(f"\n{script()}\n".encode()).digest()).decode()
    counts = tg.nn.confusion_matrix(shown.scores, shown.digits)
    wrong = mistakes(shown)
    words = ("The greatest mistakes first; the bars are the probabilities that the network gave to the ten digits."
             if len(wrong) else "Nothing.")
    return Template(text).substitute(
        mark=MARK, script=f"sha256-{program}", seed=seed, command=html.escape(command),
        accuracy=f"{100.0 * shown.accuracy:.1f} %", tested=len(shown.digits), wrong_count=len(wrong),
        parameters=f"{shown.parameters:,}", learned=f"{TRAINING:,}",
        graph=inlined(drawing.to_svg(), "graph-"), graph_text=html.escape(drawing.to_text()),
        player=html.escape(tg.play(y, names={"y": y}).to_html()),
        networks="\n".join(map(_row, reports)),
        curves="\n".join([_curves(report, place) for place, report in enumerate(reports)]),
        answers="".join(f'<th scope="col">{digit}</th>' for digit in range(len(counts))),
        confusion="\n".join([_answers(digit, row) for digit, row in enumerate(counts.tolist())]),
        wrong_words=words, wrong="\n".join([_mistake(shown, place) for place in wrong]))


def mistakes(report: Report) -> Array:
    """The places of the test digits that were read wrongly, the greatest lead of a wrong answer first."""
    rows = np.arange(len(report.digits))
    lead = report.scores.max(axis=1) - report.scores[rows, report.digits]
    wrong = np.flatnonzero(report.scores.argmax(axis=1) != report.digits)
    return wrong[np.argsort(-lead[wrong], kind="stable")]


def inlined(svg: str, prefix: str) -> str:
    """A picture as a part of a page: without a head, and with ids that no other picture has."""
    svg = re.sub(r'<metadata>.*?</metadata>|<style\b.*?</style>| xmlns(:\w+)?="[^"]*"', "", svg[svg.index("<svg"):],
                 flags=re.DOTALL)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", svg.replace(INK, "currentColor")).strip()


def _row(report: Report) -> str:
    cells = (f"{report.parameters:,}", len(report.history), f"{100.0 * report.accuracy:.1f} %", len(mistakes(report)),
             f"{report.seconds:.1f}")
    return (f'<tr><th scope="row">{html.escape(report.network.name)}</th>'
            + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")


def _curves(report: Report, place: int) -> str:
    """The loss and the accuracy over the epochs, and both in words for who does not see them."""
    rc = extra("matplotlib", "tour").rc_context({
        "svg.fonttype": "none", "svg.hashsalt": "tour", "font.family": "sans-serif", "font.size": 10.0,
        "axes.spines.top": False, "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)})
    with rc:
        figure = extra("matplotlib.figure", "tour").Figure(figsize=(9.6, 2.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        tg.plots.curves(report.history, "loss", ax=left)
        tg.plots.curves(report.history, "accuracy", ax=right)
        left.set_ylim(bottom=0.0)
        right.set_ylim(0.0, 1.02)
        for ax in (left, right):
            ax.grid(alpha=0.12, color=INK)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True)
    name = html.escape(report.network.name)
    first, last = report.history.rows[0], report.history.rows[-1]
    label = html.escape(f"Curves over {len(report.history)} epochs: the loss from {first['loss']:.3f} to "
                        f"{last['loss']:.3f}, the accuracy on training digits with noise from "
                        f"{100.0 * first['accuracy']:.1f} % to {100.0 * last['accuracy']:.1f} %.")
    svg = inlined(file.getvalue(), f"curves-{place}-").replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return f'<h3>{name[:1].upper()}{name[1:]}</h3>\n<figure class="wide">\n{svg}\n</figure>'


def _answers(digit: int, row: Sequence[int]) -> str:
    kinds = ["zero" if not n else "hit" if answer == digit else "miss" for answer, n in enumerate(row)]
    return (f'<tr><th scope="row">{digit}</th>'
            + "".join(f'<td class="{kind}">{n}</td>' for kind, n in zip(kinds, row, strict=True)) + "</tr>")


def _mistake(report: Report, place: int) -> str:
    """A digit as ink on paper, what it is and was read as, and the probability of each answer."""
    digit, answer = int(report.digits[place]), int(report.scores[place].argmax())
    chances = np.asarray(tg.softmax(report.scores[place].astype(float)))
    bars = "".join(
        f'<rect class="{"right" if k == digit else "wrong" if k == answer else "other"}" x="{14 * k + 2}" '
        f'y="{32 - 30 * p:.1f}" width="10" height="{30 * p + 0.5:.1f}"/><text x="{14 * k + 7}" y="42">{k}</text>'
        for k, p in enumerate(chances.tolist()))
    said = (f"<b>a {digit}</b>, read as <i>{answer}</i>: {digit} has {100.0 * chances[digit]:.0f}&nbsp;%, "
            f"{answer} has {100.0 * chances[answer]:.0f}&nbsp;%")
    label = "; ".join(f"{k}: {100.0 * p:.0f} %" for k, p in enumerate(chances.tolist()))
    return (f'<li><figure>{_ink(report.images[place], f"a {digit}")}<figcaption>{said}</figcaption>'
            f'<svg class="bars" role="img" aria-label="{label}" viewBox="0 0 142 44">{bars}</svg></figure></li>')


def _ink(image: Array, label: str) -> str:
    """An image of numbers from 0 to 1, a path for each shade."""
    shades = np.rint(255.0 * np.clip(image, 0.0, 1.0)).astype(int)
    paths = []
    for shade in np.unique(shades[shades > 0]).tolist():
        squares = "".join(f"M{column} {row}h1v1h-1z" for row, column in np.argwhere(shades == shade).tolist())
        paths.append(f'<path fill="currentColor" fill-opacity="{shade / 255.0:.3g}" d="{squares}"/>')
    height, width = image.shape
    return (f'<svg class="ink" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" '
            f'shape-rendering="crispEdges">{"".join(paths)}</svg>')
