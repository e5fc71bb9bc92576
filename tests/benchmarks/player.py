"""How large the pages of players are, and how long they take to be made, opened, stepped and unfolded.

    pip install '.[browser]' && python tests/benchmarks/player.py

The graphs are losses of a perceptron, of about 50, 500 and 6,000 nodes. Chromium is that on PATH, or at CHROMIUM.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

import tinygrad_edu as tg

ROUNDS = 5

GRAPHS = ((2, 2), (14, 2), (32, 21))
"""The width of both hidden layers, and the number of rows."""

STEP = """async () => {
    const next = document.getElementById("next"), scrub = document.getElementById("scrub"), times = [];
    scrub.value = Math.floor(scrub.max / 2);
    scrub.dispatchEvent(new Event("input"));
    for (let i = 0; i < 10; i++) {
        const start = performance.now();
        next.click();
        document.getElementById("graph").getBoundingClientRect();
        times.push(performance.now() - start);
        await new Promise(requestAnimationFrame);
    }
    return times.sort((a, b) => a - b)[5]; }"""
"""The milliseconds of one step: script and layout, without the frame that is painted then."""

OPEN = """async () => {
    const depth = document.getElementById("depth"), start = performance.now();
    depth.value = depth.lastElementChild.value;
    depth.dispatchEvent(new Event("change"));
    await new Promise(requestAnimationFrame);
    await new Promise(done => setTimeout(done));
    return performance.now() - start; }"""
"""The milliseconds until every module is open and painted."""


def loss(width, rows):
    model = tg.nn.MLP(3, [width, width, 1], rng=0)
    data = np.random.default_rng(0).normal(size=(rows, 3)).tolist()
    return sum(((model(row) - 1.0) ** 2 for row in data), start=tg.Value(0.0))


def first_box(browser, address):
    """Seconds from asking for the page until a box is drawn, and the page."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("#world .box")
    return time.perf_counter() - start, page


def main():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        sys.exit("no Chromium: run apt-get install chromium, or set CHROMIUM to its path")
    print(f"{'nodes':>6} {'boxes':>6} {'shown':>6} {'steps':>6} {'page kB':>8} {'notebook kB':>12} {'made s':>7} "
          f"{'opened s':>9} {'step ms':>8} {'unfold ms':>10}")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for width, rows in GRAPHS:
            root = loss(width, rows)
            start = time.perf_counter()
            player = tg.play(root, names={})
            made = time.perf_counter() - start
            file = player.save(Path(folder) / "page.html")
            times = []
            for _ in range(ROUNDS):
                seconds, page = first_box(browser, file.as_uri())
                times.append(seconds)
                if len(times) < ROUNDS:
                    page.close()
            shown = page.locator("#world .box").count()
            steps = int(page.get_attribute("#scrub", "max"))
            step, unfold = page.evaluate(STEP), page.evaluate(OPEN)
            boxes = page.locator("#world .box").count()
            page.close()
            shown_in_notebook = len(player._repr_mimebundle_()["text/html"].encode())
            print(f"{len(player.graph.items):6} {boxes:6} {shown:6} {steps:6} {file.stat().st_size / 1e3:8.0f} "
                  f"{shown_in_notebook / 1e3:12.0f} {made:7.2f} {statistics.median(times):9.2f} {step:8.1f} "
                  f"{unfold:10.0f}")
        browser.close()


if __name__ == "__main__":
    main()
