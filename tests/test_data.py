"""Data sets against scikit-learn's and against their formulas."""

import sys

import names
import numpy as np
import pytest
import sklearn.datasets

import tinygrad_edu as tg
from tinygrad_edu import data
from tinygrad_edu.errors import MissingExtraError, ShapeError
from tinygrad_edu.extras import extra

MAKERS = [data.make_moons, data.make_circles, data.make_spirals, data.make_sines]


def in_order(x, y):
    """The rows in an order of their own, with their classes, so that sets of points can be compared."""
    rows = np.column_stack([y, x])
    return rows[np.lexsort(rows.round(9).T)]


# ---- made data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 100, 101])
def test_moons_without_noise_are_scikit_learns(n):
    """The same points with the same labels, in some order, for odd numbers too."""
    x, y = data.make_moons(n, noise=0.0, rng=0)
    points, labels = sklearn.datasets.make_moons(n, shuffle=False, noise=None)
    assert (x.shape, y.shape, x.dtype, y.dtype.kind) == ((n, 2), (n,), np.float64, "i")
    np.testing.assert_allclose(in_order(x, y), in_order(points, labels), atol=1e-12)


@pytest.mark.parametrize(("n", "factor"), [(2, 0.5), (100, 0.8), (101, 0.3), (7, 0.0)])
def test_circles_without_noise_are_scikit_learns(n, factor):
    """The same points with the same labels, in some order; factor 0 puts all of class 1 in the middle."""
    x, y = data.make_circles(n, noise=0.0, rng=0, factor=factor)
    points, labels = sklearn.datasets.make_circles(n, shuffle=False, noise=None, factor=factor)
    assert (x.shape, y.shape, x.dtype, y.dtype.kind) == ((n, 2), (n,), np.float64, "i")
    np.testing.assert_allclose(in_order(x, y), in_order(points, labels), atol=1e-12)


@pytest.mark.parametrize(("n", "classes", "turns"), [(100, 2, 1.0), (91, 3, 0.5), (5, 5, 2.0), (4, 1, 1.5)])
def test_spirals_turn_by_their_radius(n, classes, turns):
    """In polar coordinates each arm is a straight line: the angle is turns times the radius and a start of its own."""
    x, y = data.make_spirals(n, noise=0.0, rng=0, classes=classes, turns=turns)
    assert (x.shape, y.shape, x.dtype, y.dtype.kind) == ((n, 2), (n,), np.float64, "i")
    radius, angle = np.hypot(*x.T), np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi)
    rest = angle - turns * radius - y / classes
    np.testing.assert_allclose(rest - rest.round(), 0.0, atol=1e-12)
    for c in range(classes):
        arm = np.sort(radius[y == c])
        np.testing.assert_allclose(arm, np.linspace(0.0, 1.0, len(arm) + 1)[1:], atol=1e-12)
    assert np.bincount(y).max() - np.bincount(y).min() <= 1
    assert y.tolist() != sorted(y.tolist()) or classes == 1


def test_sines_go_on_as_their_window_says():
    """Without noise x_(t+1) = 2 cos(w) x_t - x_(t-1), w within the given periods; the target is one step further."""
    x, y = data.make_sines(50, rng=0, steps=12, periods=(8.0, 32.0))
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((50, 12, 1), (50, 1), np.float64, np.float64)
    wave = np.concatenate([x[..., 0], y], axis=1)
    middle, around = wave[:, 1:-1], wave[:, 2:] + wave[:, :-2]
    twice_cosine = np.sum(middle * around, axis=1) / np.sum(middle**2, axis=1)
    np.testing.assert_allclose(around, twice_cosine[:, None] * middle, atol=1e-12)
    periods = 2 * np.pi / np.arccos(twice_cosine / 2)
    assert 8.0 <= periods.min() < 12.0
    assert 28.0 < periods.max() <= 32.0


def test_a_recurrent_layer_reads_the_sines():
    """Windows and targets have the shapes of an RNN with the batch first, and of the layer behind it."""
    x, y = data.make_sines(6, rng=0)
    outputs, _ = tg.nn.RNN(1, 4, batch_first=True, rng=0)(x)
    assert tg.nn.mse_loss(tg.nn.Linear(4, 1, rng=0)(outputs[:, -1]), y).shape == ()


@pytest.mark.parametrize("make", MAKERS)
def test_noise_has_its_size(make):
    """Each number has noise of its own, of the given deviation, over what it is without."""
    (x, y), (clean, labels) = make(4000, noise=0.05, rng=1), make(4000, noise=0.0, rng=1)
    noise = (x - clean).reshape(len(x), -1)
    np.testing.assert_allclose(np.cov(noise.T), 0.05**2 * np.eye(noise.shape[1]), atol=0.1 * 0.05**2)
    if make is data.make_sines:
        assert 0.045 < np.std(y - labels) < 0.055
    else:
        np.testing.assert_array_equal(y, labels)
        assert 0.4 < np.mean(y[:2000]) < 0.6  # the classes are mixed


@pytest.mark.parametrize("make", MAKERS)
def test_made_data_follow_the_generator(make):
    """The same seed, generator or tg.seed gives the same points; another gives others."""
    x, _ = make(20, rng=3)
    np.testing.assert_array_equal(make(20, rng=np.random.default_rng(3))[0], x)
    assert not np.array_equal(make(20, rng=4)[0], x)
    tg.seed(3)
    np.testing.assert_array_equal(make(20)[0], x)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: data.make_moons(1), ShapeError, "make_moons: two moons need at least 2 points, not 1"),
    (lambda: data.make_circles(1), ShapeError, "make_circles: two circles need at least 2 points, not 1"),
    (lambda: data.make_circles(factor=1.0), ValueError, r"inner radius, must be at least 0 and below 1, not 1\.0"),
    (lambda: data.make_circles(factor=-0.1), ValueError, r"not -0\.1"),
    (lambda: data.make_spirals(3, classes=4), ShapeError, "spirals of 4 classes need at least 4 points, not 3"),
    (lambda: data.make_spirals(classes=0), ShapeError, "classes must be at least 1, not 0"),
    (lambda: data.make_sines(0), ShapeError, "at least 1 point, not 0"),
    (lambda: data.make_sines(steps=0), ShapeError, "steps must be at least 1, not 0"),
    (lambda: data.make_sines(periods=(0.0, 3.0)), ValueError, r"both positive, not \(0\.0, 3\.0\)"),
    (lambda: data.make_sines(periods=(9.0, 3.0)), ValueError, "shortest and the longest"),
    *[(lambda make=make: make(noise=-0.1), ValueError, r"noise must not be negative, not -0\.1") for make in MAKERS],
    *[(lambda make=make: make(noise=float("nan")), ValueError, "not nan") for make in MAKERS],
])
def test_made_data_refuse_what_makes_none(call, error, message):
    """Too few points, noise below 0, shapes that are none."""
    with pytest.raises(error, match=message):
        call()


# ---- real data -----------------------------------------------------------------------------------------------------


def test_digits_are_scikit_learns_from_0_to_1():
    """1797 images as plain arrays, ink as 1."""
    x, y = data.load_digits()
    bundled = sklearn.datasets.load_digits()
    assert (x.shape, x.dtype, x.min(), x.max()) == ((1797, 64), np.float64, 0.0, 1.0)
    np.testing.assert_array_equal(16.0 * x, bundled.data)
    np.testing.assert_array_equal(y, bundled.target)
    assert y.dtype.kind == "i"


def test_digits_come_as_vectors_images_or_rows():
    """The same numbers in the shape that a layer of each kind takes; another layout is told."""
    flat, labels = data.load_digits()
    for layout, shape in (("flat", (64,)), ("images", (1, 8, 8)), ("rows", (8, 8))):
        x, y = data.load_digits(layout=layout)
        assert x.shape == (1797, *shape)
        np.testing.assert_array_equal(x.reshape(1797, 64), flat)
        np.testing.assert_array_equal(y, labels)
    np.testing.assert_array_equal(16.0 * data.load_digits("rows")[0], sklearn.datasets.load_digits().images)
    with pytest.raises(ValueError, match="'flat', 'images' or 'rows', not 'image'"):
        data.load_digits("image")


@pytest.mark.parametrize(("name", "shape", "classes", "options"), [
    ("iris", (150, 4), 3, {}), ("wine", (178, 13), 3, {}), ("breast_cancer", (569, 30), 2, {}),
    ("diabetes", (442, 10), None, {"scaled": False})])
def test_data_sets_are_scikit_learns_in_raw_units(name, shape, classes, options):
    """The same numbers, as measured, in plain arrays that the caller may change."""
    x, y = getattr(data, f"load_{name}")()
    features, targets = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True, **options)
    assert (x.shape, y.shape, x.dtype) == (shape, shape[:1], np.float64)
    np.testing.assert_array_equal(x, features)
    np.testing.assert_array_equal(y, targets)
    if classes is None:
        assert y.dtype == np.float64
        assert x[:, 0].max() == 79.0  # years, not multiples of a deviation
    else:
        assert y.dtype.kind == "i"
        assert np.unique(y).tolist() == list(range(classes))
    x[:] = 0.0
    assert getattr(data, f"load_{name}")()[0].any()


def test_names_are_the_first_names_of_the_package():
    """Each once, in order; with those that the package itself draws among them."""
    found = data.load_names()
    assert found == sorted(set(found))
    assert len(found) == 5163
    assert set("".join(found)) == set("abcdefghijklmnopqrstuvwxyz")
    assert {"mary", "aaron", "zulma"} <= set(found)
    assert {names.get_first_name().lower() for _ in range(200)} <= set(found)


@pytest.mark.parametrize(("load", "module"), [
    *[(load, "sklearn.datasets") for load in (data.load_digits, data.load_iris, data.load_wine,
                                              data.load_breast_cancer, data.load_diabetes)],
    (data.load_names, "names")])
def test_a_missing_extra_is_one_line_with_the_command(load, module, monkeypatch):
    """The package blocked: MissingExtraError, which is an ImportError too."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tinygrad_edu\[tour\]'") as caught:
        load()
    assert isinstance(caught.value, ImportError)
    assert "\n" not in str(caught.value)


def test_an_extra_that_is_there_is_the_module():
    """extra() is import_module otherwise."""
    assert extra("sklearn.datasets", "tour") is sklearn.datasets
