"""The gallery of wrong rules, and what students and graders get to read of them."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu.testing import GALLERY, GradientError, gradcheck
from tinygrad_edu.testing.diagnosis import CAUSES

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("name", GALLERY)
def test_every_mistake_is_caught_and_its_cause_named(name):
    """In reverse mode, from the numbers alone, with the wrong element or the direction in the message."""
    mistake = GALLERY[name]
    with pytest.raises(GradientError) as caught:
        gradcheck(mistake.function, *mistake.inputs)
    assert caught.value.cause == mistake.cause
    assert f"likely cause: {mistake.cause}:" in str(caught.value)
    assert caught.value.analytic is not None
    assert caught.value.numeric is not None


def test_two_numbers_are_enough_to_be_exchanged():
    """The shortest permutation is named as the longer ones are."""
    with pytest.raises(GradientError) as caught:
        gradcheck(GALLERY["not turned back"].function, np.array([0.5, 2.0]))
    assert caught.value.cause == "permuted"


def softmax(x):
    """The textbook formula."""
    return np.exp(x) / np.exp(x).sum()


FORWARD = {
    "missing +=": lambda x: x * x,
    "unsummed broadcast": lambda x: np.stack([x, x, x]),
    "forgotten inner derivative": lambda x: np.sin(x * x),
    "forgotten factor": lambda x: np.tanh(3.0 * x),
    "wrong tie rule": np.maximum,
    "transposed matmul": np.matmul,
    "detached sum": softmax,
    "detached max": lambda x: x - x.max(),
    "softmax without the off-diagonal terms": softmax,
    "wrong sign": np.cos,
    "forgotten half": lambda x: x * x / 2.0,
    "accumulated twice": np.multiply,
    "no gradient": np.tanh,
    "not turned back": np.flip,
    "gradient of another argument": np.multiply,
}


@pytest.mark.parametrize("name", GALLERY)
def test_every_mistake_is_right_forward(name):
    """A student sees nothing wrong before the gradient is looked at."""
    mistake = GALLERY[name]
    nodes = [tg.Tensor(x) for x in mistake.inputs]
    assert_allclose(mistake.function(*nodes).data, FORWARD[name](*mistake.inputs), rtol=1e-12)
    assert mistake.mistake


def test_the_gallery_is_not_in_the_table():
    """Nothing that works on every row meets a wrong one."""
    rules = {id(mistake.function) for mistake in GALLERY.values()}
    assert not rules & {id(row) for row in tg.TABLE.values()}


def test_the_causes_that_can_be_named_each_have_an_example():
    """But for those of which there is no rule to blame."""
    shown = {mistake.cause for mistake in GALLERY.values()}
    assert {key for key, _, _ in CAUSES} - shown == {"undefined nearby", "discontinuous", "unknown"}


# ---- the pytest plugin -----------------------------------------------------------------------------------------------

HOMEWORK = """
import numpy as np
import pytest
import tinygrad_edu as tg
from tinygrad_edu.testing import GALLERY

def test_right(gradcheck):
    assert gradcheck(tg.tanh, 0.5)

def test_wrong(gradcheck):
    mistake = GALLERY["wrong sign"]
    assert gradcheck(mistake.function, *mistake.inputs)

def test_other():
    assert 1 == 2
"""


def test_a_failure_shows_the_students_line_and_the_cause(pytester):
    """No frames of this package; a table of what is wrong at the end; other failures as ever."""
    pytester.makepyfile(test_homework=HOMEWORK)
    pytester.makeconftest('pytest_plugins = ["tinygrad_edu.testing.plugin"]')
    result = pytester.runpytest_subprocess("--junitxml=grades.xml")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines([
        "*test_homework.py:11: assert gradcheck(mistake.function, *mistake.inputs)",
        "gradcheck: the derivative of the result[[]1[]] by x[[]1[]] is wrong (reverse):",
        "*-0.8414709848 by the rules, 0.8414709848 measured, ratio -1",
        "*likely cause: wrong sign: *",
        "*assert 1 == 2*",
        "*= gradients =*",
        "test_homework.py::test_wrong  x[[]1[]]: wrong sign",
    ])
    result.stdout.no_fnmatch_line("*gradients.py*")
    assert '<property name="gradient_cause" value="wrong sign"' in (pytester.path / "grades.xml").read_text()


EXAMPLES = """
from hypothesis import given, settings, strategies as st
from tinygrad_edu.testing import GALLERY, gradcheck

@settings(deadline=None, database=None)
@given(st.just(1.5))
def test_example(x):
    assert gradcheck(GALLERY["missing +="].function, x)

def test_group():
    try:
        gradcheck(GALLERY["missing +="].function, 1.5)
    except AssertionError as error:
        raise ExceptionGroup("distinct failures", [ValueError("other"), ExceptionGroup("inner", [error])])
"""


def test_the_example_of_hypothesis_is_shown_and_a_group_of_failures_is_opened(pytester):
    """Hypothesis raises a group where examples fail in several ways, such as by their time."""
    pytester.makepyfile(test_homework=EXAMPLES)
    pytester.makeconftest('pytest_plugins = ["tinygrad_edu.testing.plugin"]')
    result = pytester.runpytest_subprocess("--junitxml=grades.xml")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([
        "test_homework.py:7: assert gradcheck(*",
        "*test_example(*",
        "*x=1.5*",
        "test_homework.py:11: gradcheck(*",
        "*likely cause: missing contribution: *",
        "besides: ValueError",
        "test_homework.py::test_group  x: missing contribution",
    ])
    assert (pytester.path / "grades.xml").read_text().count('value="missing contribution"') == 2


def test_without_pytest_the_plugin_says_what_to_install():
    """One line with the pip command."""
    blocked = ("import sys; sys.modules['pytest'] = None\n"
               "try:\n    import tinygrad_edu.testing.plugin\n"
               "except ImportError as error:\n    print(error)")
    run = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=True)
    assert "pip install 'tinygrad_edu[testing]'" in run.stdout


def test_the_strategies_are_completed_where_hypothesis_is_there():
    """Loaded on first use, they are in dir() before."""
    assert set(tg.testing.__all__) <= set(dir(tg.testing))
