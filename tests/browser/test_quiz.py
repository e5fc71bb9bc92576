"""The quiz of a player: it asks what an edge will add, and counts the answers."""

from reading import at, caption, last

import tinygrad_edu as tg


def questioned(page):
    """Step on until a question is asked."""
    for _ in range(last(page)):
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("n")
        if page.locator("#quiz").is_visible():
            return page.inner_text("#question")
    raise AssertionError("no question was asked")


def test_playing_in_a_quiz_goes_on_to_the_next_question(playing):
    a = tg.Value(2.0, "a")
    page = playing(tg.tanh(a * 3.0))
    page.select_option("#speed", "32")
    page.click("#quizzes")
    page.click("#play")
    page.wait_for_selector("#quiz:not([hidden])")
    assert "add to" in page.inner_text("#question")
    assert page.get_attribute("#play", "aria-label") == "Play"


def test_what_is_no_number_is_no_answer(playing):
    a = tg.Value(2.0, "a")
    page = playing(a * 0.5)
    page.click("#quizzes")
    questioned(page)
    here = at(page)
    for slip in ("", "half"):
        page.fill("#guess", slip)
        page.keyboard.press("Enter")
        assert at(page) == here
    page.fill("#guess", "0,5")
    page.keyboard.press("Enter")
    assert "Right (1 of 1)" in caption(page)


def test_the_quiz_counts_right_and_wrong_answers(playing):
    a, b = tg.Value(2.0, "a"), tg.Value(-3.0, "b")
    c = a * b
    c.label = "c"
    page = playing(c * c)
    page.keyboard.press("q")
    assert page.get_attribute("#quizzes", "aria-pressed") == "true"
    assert "c" in questioned(page)
    here = at(page)
    assert page.evaluate("() => document.activeElement.id") == "guess"
    page.keyboard.type("-6")
    page.keyboard.press("Enter")
    assert at(page) == here + 1
    assert "Right (1 of 1)" in caption(page)
    questioned(page)
    page.fill("#guess", "5")
    page.click("#quiz button:has-text('Check')")
    assert "Not 5 (1 of 2)" in caption(page)
    questioned(page)
    page.click("#reveal")
    assert " of " not in caption(page)
    questioned(page)
    page.fill("#guess", "-24")
    page.keyboard.press("Enter")
    assert "Right (2 of 3)" in caption(page)
    assert at(page) == last(page)
    page.keyboard.press("q")
    assert page.get_attribute("#quizzes", "aria-pressed") == "false"


def test_escape_leaves_a_question_and_it_is_asked_again(scalar):
    page = scalar
    page.click("#quizzes")
    first = questioned(page)
    here = at(page)
    page.keyboard.press("Escape")
    assert page.locator("#quiz").is_hidden()
    assert at(page) == here
    assert questioned(page) == first


def test_the_quiz_asks_for_the_shape_of_what_is_handed_on_to_an_array(playing):
    x = tg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "x")
    page = playing(tg.sum(x * x))
    page.click("#quizzes")
    assert "shape" in questioned(page)
    page.fill("#guess", "2x3")
    page.keyboard.press("Enter")
    assert "Right (1 of 1)" in caption(page)
    questioned(page)
    page.fill("#guess", "3x2")
    page.keyboard.press("Enter")
    assert "Not 3x2 (1 of 2)" in caption(page)
