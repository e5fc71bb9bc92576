"""axe-core finds nothing serious or critical on the player's page, in any state that it is shown in."""

import graphs
import pytest


def inspect_a_leaf(page):
    page.click("#end")
    page.locator("#world .box.leaf").first.click()
    page.wait_for_selector("#inspector h2")


def open_the_quiz(page):
    _, last = graphs.steps(page)
    page.click("#quizzes")
    for _ in range(last):
        page.click("#next")
        if page.locator("#quiz").is_visible():
            return
    raise AssertionError("no question was asked")


def go_to(share):
    def move(page):
        page.locator("#scrub").fill(str(round(graphs.steps(page)[1] * share)))
    return move


def open_the_menu(page):
    page.evaluate("() => document.getElementById('more').open = true")


STATES = {
    "start": lambda page: None,
    "forward": go_to(0.2),
    "backward": go_to(0.7),
    "end": lambda page: page.click("#end"),
    "inspected": inspect_a_leaf,
    "save menu": open_the_menu,
    "searched": lambda page: page.fill("#search", "a"),
    "quiz": open_the_quiz,
}


@pytest.mark.parametrize("which", ["mlp", "cnn"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(playing, axe, theme, which):
    page = playing(graphs.made(which)["root"], theme=theme)
    page.evaluate(axe)
    for state, enter in STATES.items():
        page.press("body", "Home")
        enter(page)
        found = page.evaluate("() => axe.run(document)")
        assert len(found["passes"]) > 15
        assert [(state, one["id"], node["html"][:160], node["failureSummary"]) for one in found["violations"]
                if one["impact"] in ("serious", "critical") for node in one["nodes"]] == []


def test_axe_would_find_a_button_without_a_name(playing, axe):
    page = playing(graphs.made("scalar")["root"])
    page.evaluate("() => document.getElementById('next').removeAttribute('aria-label') ||"
                  " document.getElementById('next').removeAttribute('title')")
    page.evaluate(axe)
    assert "button-name" in [one["id"] for one in page.evaluate("() => axe.run(document)")["violations"]]
