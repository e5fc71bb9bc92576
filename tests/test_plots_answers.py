"""Plots of answers: the plane is in the colours of what the model says, and cells hold the counts."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_examples import CORNERS, line, text_of

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.errors import DataError, ShapeError

pytestmark = pytest.mark.usefixtures("no_screen")

# ---- decision boundaries ---------------------------------------------------------------------------------------------


def regions(ax):
    """Of the plane: its places and the class in whose colour each is."""
    mesh = ax.collections[0]
    corners = mesh.get_coordinates()
    middle = (corners[:-1, :-1] + corners[1:, 1:]) / 2.0
    return middle, mesh.get_array().reshape(middle.shape[:2])


def test_one_score_parts_the_plane_at_the_threshold():
    """2 x - y > 0.3: the closed form."""
    ax = plots.decision_boundary(line(2.0, -1.0, 0.2), CORNERS, [-1, 1, -1, 1], threshold=0.5)
    places, classes = regions(ax)
    assert classes.shape == (240, 240)
    lead = 2.0 * places[..., 0] - places[..., 1] - 0.3
    assert np.array_equal(classes[abs(lead) > 1e-9], (lead > 0.0)[abs(lead) > 1e-9])
    assert set(np.unique(classes)) == {0, 1}
    boundary = np.concatenate([path.vertices for path in ax.collections[1].get_paths()])
    assert np.allclose(2.0 * boundary[:, 0] - boundary[:, 1], 0.3, atol=1e-9)


def test_the_points_are_in_the_colour_of_their_class():
    """One scatter for each class, with its points, in the colour of its region."""
    ax = plots.decision_boundary(line(1.0, 0.0, 0.0), CORNERS, [-1, 1, -1, 1], names=["left", "right"])
    scatters = ax.collections[-2:]
    assert [s.get_label() for s in scatters] == ["left", "right"]
    assert np.array_equal(scatters[0].get_offsets(), CORNERS[[0, 2]])
    assert np.array_equal(scatters[1].get_offsets(), CORNERS[[1, 3]])
    mesh = ax.collections[0]
    for place, scatter in enumerate(scatters):
        assert np.allclose(mesh.cmap(mesh.norm(place))[:3], scatter.get_facecolor()[0][:3])


def test_of_several_classes_the_largest_score_answers():
    """Against the model asked place by place; also the classes that no point has."""
    model = nn.Sequential(nn.Linear(2, 8, rng=0), nn.Tanh(), nn.Linear(8, 4, rng=1))
    ax = plots.decision_boundary(model, 3.0 * CORNERS, [0, 1, 2, 2], resolution=30)
    places, classes = regions(ax)
    assert np.array_equal(classes, model(places.reshape(-1, 2)).data.argmax(axis=1).reshape(30, 30))
    assert [text.get_text() for text in ax.get_legend().texts] == [f"class {k}" for k in range(4)]


@pytest.mark.parametrize("twin", [True, False])
def test_models_on_values_answer_as_they_do_row_by_row(twin):
    """By their twin on Tensors where there is one; else they are called for each place, of which there are fewer."""
    activation = "tanh" if twin else (lambda x: x * x)
    model = nn.MLP(2, [4, 1], rng=3, activation=activation)
    places, classes = regions(plots.decision_boundary(model, CORNERS, [0, 0, 1, 1]))
    assert classes.shape == ((240, 240) if twin else (48, 48))
    step = 40 if twin else 8
    for place, answer in zip(places[::step, ::step].reshape(-1, 2), classes[::step, ::step].ravel(), strict=True):
        assert (model(place.tolist()).data > 0.0) == answer


class Fussy(nn.Module):
    """Notes its mode when called, and may raise."""

    def __init__(self, error=None):
        self.inner, self.error, self.modes = nn.Dropout(0.5), error, []

    def forward(self, x):
        self.modes.append((self.training, self.inner.training))
        if self.error is not None:
            raise self.error
        return self.inner(x)[:, 0] + 0.0 * tg.Tensor(1.0)


@pytest.mark.parametrize("error", [None, ValueError("no"), KeyboardInterrupt()])
def test_a_model_is_asked_in_evaluation_mode_and_goes_back_to_its_own(error):
    """Each module to that which it was in, also after an exception."""
    model = Fussy(error)
    model.inner.training = False
    if error is None:
        plots.decision_boundary(model, CORNERS, [0, 1, 0, 1])
    else:
        with pytest.raises(type(error)):
            plots.decision_boundary(model, CORNERS, [0, 1, 0, 1])
    assert set(model.modes) == {(False, False)}
    assert model.training
    assert not model.inner.training


def test_places_and_points_that_are_not_finite_stay_empty_and_are_counted():
    """A function of the plane that is no number on its left side; a point that is nowhere."""
    points = np.vstack([CORNERS, [np.nan, 0.0]])
    ax = plots.decision_boundary(lambda x: np.where(x[:, 0] < 0.0, np.nan, x[:, 1]), points, [0, 1, 0, 1, 1],
                                 resolution=10)
    places, classes = regions(ax)
    assert np.array_equal(np.ma.getmaskarray(classes), places[..., 0] < 0.0)
    assert "51 of 105 numbers are not finite" in ax.get_title()
    assert sum(len(s.get_offsets()) for s in ax.collections[-2:]) == 4


@pytest.mark.parametrize(("points", "labels", "model", "kind", "said"), [
    (np.ones((4, 3)), [0, 1, 0, 1], line(1, 1, 0), ShapeError, r"must be of shape \(points, 2\).*points\[:, :2\]"),
    (np.ones((0, 2)), [], line(1, 1, 0), ShapeError, "at least one"),
    (CORNERS, [0, 1], line(1, 1, 0), ShapeError, r"4 points, but labels of shape \(2,\)"),
    (CORNERS, [0.5, 1, 1, 1], line(1, 1, 0), DataError, "labels must be integers"),
    (CORNERS, [0, 1, 2, 1], line(1, 1, 0), ShapeError, "one score, .* there are 3 labels"),
    (CORNERS, [0, 1, 2, 5], lambda x: np.ones((len(x), 3)), ShapeError, "labels from 0 to 5, but .* 0 to 2"),
    (CORNERS, [0, 1, 1, 1], lambda x: np.ones(3), ShapeError, r"a score, or one for each class, not shape"),
    (CORNERS * np.nan, [0, 1, 1, 1], line(1, 1, 0), DataError, "none of the points is finite"),
    (CORNERS.astype(str), [0, 1, 1, 1], line(1, 1, 0), DataError, "takes real numbers")])
def test_what_is_no_classifier_of_points_in_the_plane(points, labels, model, kind, said):
    """Told before a figure is opened."""
    with pytest.raises(kind, match=said):
        plots.decision_boundary(model, points, labels)
    assert not plt.get_fignums()


# ---- confusion matrices ----------------------------------------------------------------------------------------------


def test_the_cells_hold_the_counts_on_the_shade_of_their_share():
    """Text by row and column, true classes down; the title has the share of right answers."""
    counts = np.array([[8, 2, 0], [1, 3, 0], [0, 5, 6]])
    ax = plots.confusion_matrix(counts, names=["a", "b", "c"])
    assert np.array_equal(np.reshape(text_of(ax), (3, 3)).astype(int), counts)
    for text, (row, column) in zip(ax.texts, np.ndindex(3, 3), strict=True):
        assert text.get_position() == (column, row)
    assert np.allclose(ax.images[0].get_array(), [[0.8, 0.2, 0.0], [0.25, 0.75, 0.0], [0.0, 5 / 11, 6 / 11]])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("answer", "true class")
    assert ax.get_title() == "68.0 % of 25 are right"


def test_scores_and_labels_are_counted_as_nn_does():
    """And a class without an example is an empty row."""
    scores = tg.Tensor([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1]])
    ax = plots.confusion_matrix(scores, [0, 1, 1])
    assert np.reshape(text_of(ax), (3, 3)).astype(int).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(("args", "names", "kind", "said"), [
    (([[1, 2, 3], [4, 5, 6]],), None, ShapeError, r"\(classes, classes\), not \(2, 3\); .*give the labels too"),
    (([[0.5, 0.5], [0.1, 0.9]],), None, DataError, "whole numbers"), (([[0, 0], [0, 0]],), None, DataError, "not all"),
    (([[1, -1], [0, 0]],), None, DataError, "whole numbers"), (([0, 1], [0]), None, ShapeError, "predictions of shape"),
    (([[1, 0], [0, 1]],), ["a"], ShapeError, "1 names for 2 classes")])
def test_what_is_no_confusion_matrix(args, names, kind, said):
    """Told before a figure is opened."""
    with pytest.raises(kind, match=said):
        plots.confusion_matrix(*args, names=names)
    assert not plt.get_fignums()
