"""A notebook in JupyterLab: run, converted to a page, and opened by somebody who does not trust it."""

import math
import re
import shutil
import subprocess
import sys
import time

import graphs
import pytest
from servers import jupyter

OUTPUT = ".jp-OutputArea-output"
DRAWING = f"{OUTPUT}.jp-RenderedSVG img"
EXPLANATION = f"{OUTPUT}:has(table):not(:has(iframe))"

LOADED = "image => image.complete && image.naturalWidth > 0"

ON_TOP = """image => { const {left, top, width, height} = image.getBoundingClientRect();
    return [.1, .5, .9].every(s => document.elementFromPoint(left + s * width, top + s * height) === image); }"""

LIMIT = 60
"""Seconds that all cells may take."""


# ---- run from the menu of JupyterLab ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(new_page, tmp_path_factory):
    """The folder of a notebook that was run from the menu of JupyterLab, and the page that it is still open in."""
    folder, home = tmp_path_factory.mktemp("notebook"), tmp_path_factory.mktemp("home")
    graphs.write_notebook(folder / "graphs.ipynb")
    with jupyter(folder, home) as address, new_page() as page:
        page.goto(f"{address}/doc/tree/graphs.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        wait(page, lambda: connected(page, address), "no kernel was started")
        menu(page, "Run", "Run All Cells")
        wait(page, (folder / "gradients.json").exists, "the last cell did not run")
        page.wait_for_selector("text=all done")
        menu(page, "File", "Save Notebook")
        wait(page, lambda: "all done\\n" in (folder / "graphs.ipynb").read_text(), "the notebook was not saved")
        yield folder, page


def connected(page, address):
    """Whether the notebook has its kernel; before that, JupyterLab would ask for one."""
    answer = page.request.get(f"{address}/api/kernels")  # an error, while a kernel is being started
    return answer.ok and any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in answer.json())


def menu(page, name, entry):
    page.locator(".lm-MenuBar-itemLabel", has_text=name).first.click()
    page.locator(f'.lm-Menu-itemLabel:text-is("{entry}")').click()


def wait(page, done, otherwise):
    until = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < until, otherwise
        page.wait_for_timeout(100)


def step_by_button(frame):
    for _ in range(graphs.steps(frame)[1]):
        frame.click("#next")


def step_by_key(frame):
    for _ in range(graphs.steps(frame)[1]):
        frame.press("#next", "ArrowRight")


def jump(frame):
    frame.click("#end")


def check_players(page, wanted):
    """Each is played to its end, in its own way; then the gradients are those that backward() left."""
    found = page.locator("iframe[srcdoc]")
    assert found.count() == len(graphs.SOURCES)
    ways = (step_by_button, step_by_key, jump)
    for place, way, which in zip(range(found.count()), ways, graphs.SOURCES, strict=True):
        found.nth(place).scroll_into_view_if_needed()
        frame = found.nth(place).element_handle().content_frame()
        frame.wait_for_selector("#world .box")
        frame.click("#first")
        assert {box["grad"] for box in graphs.boxes(frame)} == {""}
        way(frame)
        graphs.check_totals(frame, wanted[which])


def check_drawings(page, drawings):
    assert drawings.count() == len(graphs.SOURCES)
    for i in range(drawings.count()):
        drawings.nth(i).scroll_into_view_if_needed()
        assert drawings.nth(i).evaluate(LOADED)


def check_explanations(page, wanted):
    """Each is there, and those of numbers begin with the gradient of the first leaf."""
    found = page.locator(EXPLANATION)
    assert found.count() == len(graphs.SOURCES)
    for place, which in enumerate(graphs.SOURCES):
        found.nth(place).scroll_into_view_if_needed()
        assert found.nth(place).is_visible()
        text = found.nth(place).text_content()
        label, grad = next(iter(wanted[which].items()))
        assert label in text
        if isinstance(grad, float):
            assert math.isclose(float(re.search(r"= (\S+), the sum over", text)[1]), grad, rel_tol=1e-3)


def test_drawings_are_seen_in_jupyterlab(executed):
    _, page = executed
    check_drawings(page, page.locator(DRAWING))


def test_explanations_are_seen_in_jupyterlab(executed):
    folder, page = executed
    check_explanations(page, graphs.read_gradients(folder))


def test_players_in_jupyterlab_end_at_the_gradients_of_the_engine(executed):
    folder, page = executed
    check_players(page, graphs.read_gradients(folder))


def test_nothing_goes_wrong_in_jupyterlab(executed):
    """Neither in the players' frames nor around them; nothing of JupyterLab itself needs to be left out."""
    _, page = executed
    assert page.watch.errors == []


def test_an_error_within_a_frame_would_be_noticed(executed):
    _, page = executed
    before = len(page.watch.errors)
    frame = page.locator("iframe[srcdoc]").first.element_handle().content_frame()
    frame.evaluate("() => { setTimeout(() => { throw Error('on purpose'); }); console.error('also on purpose'); }")
    wait(page, lambda: len(page.watch.errors) == before + 2, "not both errors were noticed")
    del page.watch.errors[before:]


# ---- converted to a page ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def converted(executed, new_page):
    """The notebook as a page of its own, opened from a file, without a network."""
    folder, _ = executed
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", str(folder / "graphs.ipynb")], check=True,
                   capture_output=True)
    with new_page(offline=True) as page:
        page.route(re.compile("^https?:"), lambda route: route.abort())
        page.goto((folder / "graphs.html").as_uri())
        page.wait_for_selector("iframe[srcdoc]")
        yield folder, page


def test_drawings_are_seen_in_a_converted_notebook(converted):
    _, page = converted
    check_drawings(page, page.locator(".jp-RenderedSVG svg, .jp-RenderedSVG img"))


def test_explanations_are_seen_in_a_converted_notebook(converted):
    folder, page = converted
    check_explanations(page, graphs.read_gradients(folder))


def test_players_in_a_converted_notebook_end_at_the_gradients_of_the_engine(converted):
    folder, page = converted
    check_players(page, graphs.read_gradients(folder))


def test_nothing_else_goes_wrong_in_a_converted_notebook(converted):
    """Nbconvert's own template asks for RequireJS and MathJax; the browser logs that it got neither, and no more."""
    _, page = converted
    asked = page.watch.outside()
    assert all(re.search("/(require|mathjax)[./]", url) for url in asked)
    assert page.watch.errors == [(url, "Failed to load resource: net::ERR_FAILED") for url in asked]


# ---- opened by somebody who does not trust it ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def untrusted(executed, new_page, tmp_path_factory):
    """The notebook as it was saved, opened in a server that has not run it."""
    folder, home = tmp_path_factory.mktemp("copied"), tmp_path_factory.mktemp("another_home")
    shutil.copy(executed[0] / "graphs.ipynb", folder)
    with jupyter(folder, home) as address, new_page() as page:
        page.goto(f"{address}/doc/tree/graphs.ipynb")
        page.wait_for_selector("text=all done")
        yield page


def test_an_untrusted_notebook_runs_no_player(untrusted):
    assert untrusted.locator(f"{OUTPUT}.jp-mod-trusted").count() == 0
    assert untrusted.locator("iframe").count() == 0
    assert len(untrusted.frames) == 1


def test_an_untrusted_notebook_shows_the_pictures_of_its_players(untrusted):
    pictures = untrusted.locator(f"{OUTPUT} img[alt*=' nodes, ']")
    assert pictures.count() == len(graphs.SOURCES)
    for i in range(pictures.count()):
        pictures.nth(i).scroll_into_view_if_needed()
        assert pictures.nth(i).is_visible()
        assert pictures.nth(i).evaluate(LOADED)
        assert pictures.nth(i).evaluate(ON_TOP)
