"""Plots: what all of them keep to, and the curves of a training run."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_examples import CORNERS, axes, convolutional, images, line

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.errors import DataError, MissingExtraError

pytestmark = pytest.mark.usefixtures("no_screen")

HISTORY = tg.History([{"loss": 2.0, "accuracy": 0.5, "validation_loss": 3.0, "lr": 0.1},
                      {"loss": 1.0, "accuracy": 0.6, "validation_loss": 2.5, "lr": 0.1},
                      {"loss": 0.5, "accuracy": 0.9, "validation_loss": 2.6, "lr": 0.1}])


def square():
    """A Linear and its loss, the sum of its squared weights and a term of the bias."""
    model = nn.Linear(3, 2, rng=0)
    return model, lambda: (model.weight ** 2).sum() + 0.1 * (model.bias ** 2).sum()


CALLS = {
    "curves": lambda ax: plots.curves(HISTORY, ax=ax),
    "decision_boundary": lambda ax: plots.decision_boundary(line(1, 1, 0), CORNERS, [0, 1, 0, 1], ax),
    "confusion_matrix": lambda ax: plots.confusion_matrix([[3, 1], [0, 2]], ax=ax),
    "histograms": lambda ax: plots.histograms(convolutional(), ax=ax),
    "activations": lambda ax: plots.activations(convolutional(), images(), ax),
    "gradient_flow": lambda ax: plots.gradient_flow(trained(), ax),
    "filters": lambda ax: plots.filters(convolutional(), ax),
    "feature_maps": lambda ax: plots.feature_maps(convolutional(), images()[0], ax),
    "states": lambda ax: plots.states(np.ones((4, 3)), ax=ax),
    "loss_surface": lambda ax: plots.loss_surface(*square(), ax, points=5, rng=0),
}


def trained():
    """A model with gradients."""
    model = convolutional()
    model(images(3)).sum().backward()
    return model


# ---- conventions -----------------------------------------------------------------------------------------------------


def test_every_plot_is_among_those_tested_for_the_conventions():
    """The table above is complete."""
    assert CALLS.keys() == set(plots.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_a_plot_draws_on_given_axes_and_opens_no_figure(name):
    """The axes returned are those given; another call draws no second figure; all can be saved."""
    ax = axes()
    assert CALLS[name](ax) is ax
    assert plt.get_fignums() == [ax.figure.number]
    ax.figure.canvas.draw()


@pytest.mark.parametrize("name", CALLS)
def test_a_plot_without_axes_makes_a_figure_of_its_own(name):
    """It does not draw over that of an earlier call."""
    earlier = axes()
    made = CALLS[name](None)
    assert made.figure is not earlier.figure
    assert len(plt.get_fignums()) == 2
    assert not earlier.has_data()
    made.figure.canvas.draw()


def test_a_title_that_was_set_before_stays():
    """Where the plot has nothing to say."""
    ax = axes()
    ax.set_title("mine")
    assert plots.curves(HISTORY, ax=ax).get_title() == "mine"


@pytest.mark.parametrize("name", CALLS)
def test_several_axes_are_told_to_be_one_too_many(name):
    """What plt.subplots(1, 2) gives is an array."""
    with pytest.raises(DataError, match=rf"^{name}: ax must be one Axes of matplotlib, not ndarray; .*ax=axes\[0\]"):
        CALLS[name](plt.subplots(1, 2)[1])


@pytest.mark.parametrize("name", CALLS)
def test_without_matplotlib_a_plot_names_the_extra(name, monkeypatch):
    """One line with the pip command."""
    for part in ("axes", "pyplot"):
        monkeypatch.setitem(sys.modules, f"matplotlib.{part}", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tinygrad_edu\[plots\]'") as caught:
        CALLS[name](None)
    assert "\n" not in str(caught.value)


def test_the_module_loads_without_matplotlib():
    """In a fresh process, with it blocked: tg.plots can be imported, and its names be read."""
    code = ("import sys\nclass Absent:\n    def find_spec(self, name, path=None, target=None):\n"
            "        if name.partition('.')[0] == 'matplotlib':\n"
            "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
            "sys.meta_path.insert(0, Absent())\nimport tinygrad_edu as tg\n"
            "assert 'plots' in dir(tg)\nprint(*tg.plots.__all__)\n"
            "try: tg.plots.states([[1.0]])\nexcept tg.errors.MissingExtraError as error: print(error)")
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    names, said = run.stdout.splitlines()
    assert names.split() == plots.__all__
    assert said == "matplotlib is not installed; run: pip install 'tinygrad_edu[plots]'"


# ---- curves ----------------------------------------------------------------------------------------------------------


def test_curves_are_the_losses_of_the_history():
    """Training drawn through, validation dashed, over epochs from 1."""
    ax = plots.curves(HISTORY)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2.0, 1.0, 0.5], [3.0, 2.5, 2.6]]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert [text.get_text() for text in ax.get_legend().texts] == ["loss", "validation loss"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "loss", "linear")
    assert all(tick == round(tick) for tick in ax.get_xticks())


def test_curves_of_other_names_and_a_logarithmic_scale():
    """Names as History has them; a name that there is not is told by it."""
    ax = plots.curves(HISTORY, "accuracy", log=True)
    assert ax.lines[0].get_ydata().tolist() == [0.5, 0.6, 0.9]
    assert (ax.get_ylabel(), ax.get_yscale()) == ("accuracy", "log")
    assert ax.get_legend() is None
    with pytest.raises(DataError, match="no 'precision'; there are loss, accuracy"):
        plots.curves(HISTORY, "precision")


def test_a_single_epoch_is_a_visible_point():
    """A line of one point would not be seen."""
    assert plots.curves(tg.History(HISTORY.rows[:1])).lines[0].get_marker() == "o"


def test_a_loss_that_is_not_finite_is_left_out_and_told():
    """The curve goes on behind it."""
    ax = plots.curves(tg.History([{"loss": 1.0}, {"loss": np.nan}, {"loss": np.inf}, {"loss": 2.0}]), log=True)
    assert "2 of 4 numbers are not finite" in ax.get_title()
    assert plots.curves(tg.History([{"loss": np.nan}]), log=True, ax=axes()).get_title().startswith("1 of 1")
    ax.figure.canvas.draw()


@pytest.mark.parametrize(("history", "options", "said"), [
    (tg.History(), {}, "the history has no epoch"),
    ([1.0, 2.0], {}, "takes the History that tg.fit returns, not a list"),
    (tg.History([{"loss": 1.0}, {"loss": 0.0}]), {"log": True}, "loss is 0 in epoch 2, .*log=False")])
def test_what_curves_cannot_draw(history, options, said):
    """Told before a figure is opened."""
    with pytest.raises(DataError, match=said):
        plots.curves(history, **options)
    assert not plt.get_fignums()
