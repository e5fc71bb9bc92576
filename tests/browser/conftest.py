"""The player, drawings and explanations in a real browser: Chromium, JupyterLab, and axe-core for accessibility.

    pip install '.[browser]' && pytest tests/browser

The ordinary `pytest` does not collect this folder. Beside the extra it needs two things that pip does not install, and
without them the tests fail, as a skipped one would look like a passed one:

- Chromium: `apt-get install chromium`. The variable CHROMIUM is its path, where it is not on PATH.
- axe-core: `npm install axe-core`, in the folder that the tests are run from. The variable AXE is the path of
  axe.min.js elsewhere.
"""

import os
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import graphs
import pytest

import tinygrad_edu as tg
from tinygrad_edu.player import Player


@pytest.fixture(scope="session")
def browser():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path or not Path(path).exists():
        pytest.fail("no Chromium: run apt-get install chromium, or set CHROMIUM to its path", pytrace=False)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("no Playwright: run pip install '.[browser]'", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe():
    """The program of axe-core."""
    path = Path(os.environ.get("AXE") or "node_modules/axe-core/axe.min.js")
    if not path.is_file():
        pytest.fail(f"no axe-core at {path}: run npm install axe-core, or set AXE to the path of its axe.min.js",
                    pytrace=False)
    return path.read_text(encoding="utf-8")


class Watch:
    """What goes wrong in a browser page and in all frames within it, and what they ask the network for."""

    def __init__(self, page):
        self.errors, self.requests = [], []
        page.on("pageerror", lambda error: self.errors.append(("", f"uncaught: {error}")))
        page.on("console", lambda message: message.type == "error" and self.errors.append(
            (message.location["url"], message.text)))
        page.on("dialog", self._dialog)
        page.on("crash", lambda _: self.errors.append(("", "the page crashed")))
        page.on("request", lambda request: self.requests.append(request.url))

    def _dialog(self, dialog):
        self.errors.append(("", f"a dialog: {dialog.message}"))
        dialog.dismiss()

    def outside(self):
        """The requests to anything but files and the page itself."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:", "about:"))]


@pytest.fixture(scope="session")
def new_page(browser):
    """A context manager that opens a page, with a Watch, under options of Playwright."""

    @contextmanager
    def opened(**options):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.watch = Watch(page)
        yield page
        context.close()

    return opened


@pytest.fixture
def playing(new_page, tmp_path):
    """A function that opens the page of a player from a file, and waits until it is drawn.

    The page is offline, and at the end nothing must have gone wrong or gone out.
    """
    with ExitStack() as stack:
        pages = []

        def opened(node, context=None, **options):
            player = node if isinstance(node, Player) else tg.play(node, names={}, **options)
            file = player.save(tmp_path / f"page{len(pages)}.html")
            pages.append(stack.enter_context(new_page(offline=True, **(context or {}))))
            pages[-1].goto(file.as_uri())
            pages[-1].wait_for_selector("#world .box")
            return pages[-1]

        yield opened
        for page in pages:
            assert page.watch.errors == []
            assert page.watch.outside() == []


@pytest.fixture(params=graphs.SOURCES)
def example(request):
    """The variables of each of the graphs, with its name and its leaves' gradients."""
    space = graphs.made(request.param)
    return space | {"which": request.param, "gradients": graphs.gradients(space)}


@pytest.fixture
def scalar(playing):
    """The page of an expression."""
    return playing(graphs.made("scalar")["root"])


@pytest.fixture
def mlp(playing):
    """The page of a perceptron's loss: two levels of modules, all closed."""
    return playing(graphs.made("mlp")["root"], depth=0)
