"""What a hand at the mouse or at the keyboard does to the page of a player."""

import math
import re

import graphs
import pytest
from reading import at, box_of, caption, count, last, transform

import tinygrad_edu as tg

# ---- playing ---------------------------------------------------------------------------------------------------------


def test_a_page_plays_to_the_gradients_of_the_engine(playing, example):
    page = playing(example["root"], depth="all")
    page.press("body", "End")
    graphs.check_totals(page, example["gradients"])


def test_buttons_and_keys_step_on_and_back(scalar):
    page = scalar
    assert at(page) == 0
    for step, (how, what) in enumerate([(page.click, "#next"), (page.keyboard.press, "n"),
                                        (page.keyboard.press, "ArrowRight")], 1):
        page.evaluate("() => document.activeElement.blur()")
        how(what)
        assert at(page) == step
        assert f" {step}/{last(page)} " in caption(page)
    for step, (how, what) in enumerate([(page.click, "#back"), (page.keyboard.press, "p"),
                                        (page.keyboard.press, "ArrowLeft")]):
        how(what)
        assert at(page) == 2 - step
    page.keyboard.press("p")
    assert at(page) == 0
    page.keyboard.press("End")
    assert at(page) == last(page)
    page.keyboard.press("n")
    assert at(page) == last(page)
    page.keyboard.press("Home")
    assert at(page) == 0


def test_stepping_back_takes_back_what_was_shown(scalar):
    page = scalar
    states = []
    for _ in range(last(page) + 1):
        states.append((caption(page), graphs.boxes(page)))
        page.click("#next")
    assert len({text for text, _ in states}) == last(page) + 1
    for state in reversed(states[:-1]):
        page.click("#back")
        assert (caption(page), graphs.boxes(page)) == state


def test_the_slider_leads_to_any_step(scalar):
    page = scalar
    page.fill("#scrub", str(last(page)))
    done = graphs.boxes(page)
    page.fill("#scrub", "3")
    assert at(page) == 3
    assert " 3/" in caption(page)
    page.focus("#scrub")
    page.keyboard.press("ArrowRight")
    assert at(page) == 4
    assert page.get_attribute("#scrub", "aria-valuetext") == f"Forward, step 4 of {last(page)}"
    page.keyboard.press("End")
    assert graphs.boxes(page) == done


@pytest.mark.parametrize("how", ["click", "Space"])
def test_playing_at_speed_32_reaches_the_end_and_stops(scalar, how):
    page = scalar
    page.select_option("#speed", "32")
    page.evaluate("() => document.activeElement.blur()")
    if how == "click":
        page.click("#play")
    else:
        page.keyboard.press(how)
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.wait_for_function("() => scrub.value === scrub.max")
    page.wait_for_selector("#play[aria-label=Play]")


def test_playing_can_be_paused_and_begins_anew_at_the_end(scalar):
    page = scalar
    page.click("#end")
    page.select_option("#speed", "8")
    page.click("#play")
    page.wait_for_function("() => +scrub.value === 2")
    page.click("#play")
    paused = at(page)
    assert 2 <= paused < last(page)
    page.wait_for_timeout(400)
    assert at(page) == paused


def test_a_backward_step_is_said_with_its_numbers(scalar):
    """The caption is live, and its formula is true: the total is that of before plus the product."""
    page = scalar
    assert page.get_attribute("#caption", "aria-live") == "polite"
    found, totals = [], {}
    for _ in range(last(page)):
        page.click("#next")
        assert page.get_attribute("#caption", "aria-live") == "polite"
        said = re.match(r"Backward \S+ +∂root/∂(\w+) \+= ∂root/∂(\w+) · ∂(\w+)/∂(\w+) = (\S+) · (\S+) = (\S+?)\.?"
                        r"(?:; in all (\S+?)\.)?( The pass is complete\.)?$", caption(page).replace("\xa0", " "))
        if said:
            to, of, again, by, outer, slope, part, total, _ = said.groups()
            assert (to, of) == (by, again)
            assert math.isclose(float(outer) * float(slope), float(part), rel_tol=2e-3)
            totals[to] = totals.get(to, 0.0) + float(part)
            assert math.isclose(totals[to], float(total or part), rel_tol=2e-3)
            found.append(to)
    assert found.count("a") == 2
    assert found.count("b") == 2
    assert found.count("c") == 2
    space = graphs.made("scalar")
    for label, grad in graphs.gradients(space).items():
        assert math.isclose(totals[label], grad, rel_tol=2e-3)


def test_a_forward_step_is_said_with_its_numbers(playing):
    a, b = tg.Value(2.0, "a"), tg.Value(-3.0, "b")
    c = a * b
    c.label = "c"
    page = playing(c)
    page.click("#next")
    assert "c = a * b = 2 * -3 = -6." in caption(page)


# ---- modules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_module_opens_and_closes(mlp, how):
    page, closed = mlp, count(mlp)

    def act(selector):
        if how == "click":
            page.locator(f"{selector} text").first.click()
        else:
            page.locator(selector).first.focus()
            page.keyboard.press("Enter")

    assert page.locator("#world .module").count() > 0
    page.locator("#world .module rect").first.click() if how == "click" else act("#world .module")
    opened = count(page)
    assert opened > closed
    assert page.evaluate("() => document.activeElement.getAttribute('aria-expanded')") == "true"
    act("#world .frame")
    assert count(page) == closed
    assert page.evaluate("() => document.activeElement.getAttribute('aria-expanded')") == "false"


def test_the_depth_of_modules_can_be_chosen(mlp):
    page, counts = mlp, []
    options = page.locator("#depth option").evaluate_all("all => all.map(option => option.value)")
    assert len(options) == 4  # a perceptron, its layers, their neurons
    for option in options:
        page.select_option("#depth", option)
        counts.append(count(page))
    assert counts == sorted(set(counts))
    assert page.locator("#world .module").count() == 0
    page.select_option("#depth", options[0])
    assert count(page) == counts[0]


def test_opening_a_module_keeps_the_step(mlp):
    mlp.click("#end")
    before = at(mlp), caption(mlp)
    mlp.select_option("#depth", "3")
    assert (at(mlp), caption(mlp)) == before
    graphs.check_totals(mlp, graphs.gradients(graphs.made("mlp")))


def test_search_marks_what_matches_and_the_closed_modules_that_hide_it(mlp):
    page = mlp
    page.fill("#search", "tanh")
    assert page.locator("#world .module.found").count() == 2
    page.fill("#search", "neurons.1.w.1")
    assert page.locator("#world .module.found").count() == 2
    page.fill("#search", "")
    assert page.locator("#world .found").count() == 0


def test_enter_in_the_search_opens_the_module_and_looks_at_the_node(mlp):
    page, label = mlp, "layers.0.neurons.1.w.1"
    assert box_of(page, label).count() == 0
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type("neurons.1.w.1")
    assert page.input_value("#search") == "neurons.1.w.1"
    page.keyboard.press("Enter")
    found = box_of(page, label).first
    assert "self" in found.get_attribute("class").split()
    assert page.inner_text("#inspector h2") == label
    shown, stage = found.bounding_box(), page.locator("#graph").bounding_box()
    assert stage["x"] <= shown["x"] <= stage["x"] + stage["width"] - shown["width"]
    assert stage["y"] <= shown["y"] <= stage["y"] + stage["height"] - shown["height"]


# ---- looking ---------------------------------------------------------------------------------------------------------


def test_zoom_pan_and_fit_move_the_camera(scalar):
    page, seen = scalar, [transform(scalar)]
    stage = page.locator("#graph").bounding_box()
    x, y = stage["x"] + 40, stage["y"] + stage["height"] - 20

    def moved(action, *arguments):
        action(*arguments)
        seen.append(transform(page))
        assert seen[-1] != seen[-2], (action, arguments)

    moved(page.click, "#closer")
    moved(page.click, "#farther")
    moved(page.keyboard.press, "+")
    moved(page.keyboard.press, "-")
    moved(page.keyboard.press, "+")
    page.mouse.move(x, y)
    page.mouse.down()
    moved(lambda: page.mouse.move(x + 70, y - 50, steps=4))
    page.mouse.up()
    page.keyboard.down("Control")
    moved(page.mouse.wheel, 0, -100)
    page.keyboard.up("Control")
    moved(page.click, "#fit")
    fitted = transform(page)
    moved(page.keyboard.press, "+")
    moved(page.keyboard.press, "0")
    assert transform(page) == fitted
    for box in page.locator("#world .box").all():
        inside = box.bounding_box()
        assert stage["x"] <= inside["x"]
        assert inside["x"] + inside["width"] <= stage["x"] + stage["width"]


def test_dragging_is_no_click(scalar):
    page = scalar
    box = box_of(page, "a").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    page.hover("#caption")
    assert page.locator("#inspector h2").count() == 0
    page.mouse.click(x + 60, y + 40)
    page.hover("#caption")
    assert page.inner_text("#inspector h2") == "a"


def test_hover_marks_what_a_node_is_made_from_and_what_uses_it(playing):
    a, b, c = (tg.Value(x, name) for x, name in ((2.0, "a"), (3.0, "b"), (4.0, "c")))
    d = a * b
    e = d + c
    d.label, e.label = "d", "e"
    page = playing(e)

    def classes(label):
        return set(box_of(page, label).get_attribute("class").split()) & {"before", "after", "self"}

    box_of(page, "d").hover()
    assert {label: classes(label) for label in "abcde"} == {
        "a": {"before"}, "b": {"before"}, "c": set(), "d": {"before", "after", "self"}, "e": {"after"}}
    page.hover("#caption")
    assert all(classes(label) == set() for label in "abcde")


def test_arrows_go_from_box_to_box_and_enter_looks_at_one(scalar):
    page = scalar
    first = page.locator("#world [tabindex='0']")
    assert first.count() == 1
    first.focus()
    reached = {page.evaluate("() => document.activeElement.getAttribute('aria-label')")}
    for key in ["ArrowRight"] * 4 + ["ArrowDown"] * 2 + ["ArrowUp"] + ["ArrowLeft"] * 4:
        page.keyboard.press(key)
        reached.add(page.evaluate("() => document.activeElement.getAttribute('aria-label')"))
    assert len(reached) >= 4
    assert at(page) == 0
    box_of(page, "a").first.focus()
    page.keyboard.press("Enter")
    assert page.inner_text("#inspector h2") == "a"


def test_the_inspector_lists_what_a_gradient_is_the_sum_of(scalar):
    page = scalar
    page.click("#end")
    box_of(page, "a").first.click()
    page.hover("#caption")
    parts = [float(text.rsplit("= ", 1)[1]) for text in page.locator("#inspector li").all_inner_texts()]
    assert len(parts) == 2
    grad = graphs.gradients(graphs.made("scalar"))["a"]
    assert math.isclose(sum(parts), grad, rel_tol=2e-3)
    assert str(grad)[:8] in page.inner_text("#inspector dl")


def test_escape_lets_go(scalar):
    page = scalar
    box_of(page, "a").first.click()
    page.hover("#caption")
    assert page.inner_text("#inspector h2") == "a"
    page.keyboard.press("Escape")
    assert page.locator("#inspector h2").count() == 0
    assert "cone" not in (page.get_attribute("#graph", "class") or "").split()


def test_the_theme_can_be_changed_and_follows_the_browser_first(playing):
    page = playing(graphs.made("scalar")["root"], context={"color_scheme": "dark"})
    assert page.get_attribute("html", "data-theme") == "dark"
    paper = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.keyboard.press("d")
    assert page.get_attribute("html", "data-theme") == "light"
    assert page.evaluate(paper) == "rgb(255, 255, 255)" != dark
    page.click("#theme")
    assert page.evaluate(paper) == dark


def test_the_caption_has_the_colour_of_its_direction(scalar):
    page = scalar
    colours = []
    for step in (0, 1, last(page)):
        page.fill("#scrub", str(step))
        colours.append(page.evaluate("() => getComputedStyle(document.querySelector('#caption b')).color"))
    assert len(set(colours)) == 3


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_opens_the_save_menu(scalar, key):
    page = scalar
    page.focus("#more summary")
    page.keyboard.press(key)
    assert page.evaluate("() => document.getElementById('more').open")
    assert page.get_attribute("#play", "aria-label") == "Play"


def test_a_graph_that_fits_stays_where_it_is(playing):
    a, b = tg.Value(2.0, "a"), tg.Value(-3.0, "b")
    page = playing(tg.tanh(a * b))
    before = page.get_attribute("#world", "transform")
    for _ in range(last(page)):
        page.keyboard.press("n")
        assert page.get_attribute("#world", "transform") == before
