"""Data sets against scikit-learn's, batches against the arrays they were cut from."""

import sys

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import data
from tinygrad_edu.errors import DataError, MissingExtraError, ShapeError
from tinygrad_edu.extras import extra

# ---- data sets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 100, 101])
def test_moons_without_noise_are_scikit_learns(n):
    """The same points with the same labels, in some order, for odd numbers too."""
    x, y = data.make_moons(n, noise=0.0, rng=0)
    points, labels = sklearn.datasets.make_moons(n, shuffle=False, noise=None)
    assert (x.shape, y.shape, x.dtype, y.dtype.kind) == ((n, 2), (n,), np.float64, "i")
    ours, theirs = np.column_stack([y, x]), np.column_stack([labels, points])
    np.testing.assert_allclose(ours[np.lexsort(ours.round(9).T)], theirs[np.lexsort(theirs.round(9).T)], atol=1e-12)


def test_moons_are_shuffled_and_noise_has_its_size():
    """Labels are mixed; each coordinate has noise of its own, of the given deviation, over the points without."""
    (x, y), (clean, labels) = data.make_moons(4000, noise=0.05, rng=1), data.make_moons(4000, noise=0.0, rng=1)
    assert 0.4 < np.mean(y[:2000]) < 0.6
    np.testing.assert_array_equal(y, labels)
    np.testing.assert_allclose(np.cov((x - clean).T), 0.05**2 * np.eye(2), atol=0.1 * 0.05**2)


def test_moons_follow_the_generator():
    """The same seed, generator or tg.seed gives the same points; another gives others."""
    x, _ = data.make_moons(20, rng=3)
    np.testing.assert_array_equal(data.make_moons(20, rng=np.random.default_rng(3))[0], x)
    assert not np.array_equal(data.make_moons(20, rng=4)[0], x)
    tg.seed(3)
    np.testing.assert_array_equal(data.make_moons(20)[0], x)


def test_moons_refuse_too_few_points_and_negative_noise():
    """One point makes no two moons."""
    with pytest.raises(ShapeError, match="at least 2 points, not 1"):
        data.make_moons(1)
    with pytest.raises(ValueError, match=r"noise must not be negative, not -0\.1"):
        data.make_moons(10, noise=-0.1)


def test_digits_are_scikit_learns_from_0_to_1():
    """1797 images as plain arrays, ink as 1."""
    x, y = data.load_digits()
    bundled = sklearn.datasets.load_digits()
    assert (x.shape, x.dtype, x.min(), x.max()) == ((1797, 64), np.float64, 0.0, 1.0)
    np.testing.assert_array_equal(16.0 * x, bundled.data)
    np.testing.assert_array_equal(y, bundled.target)
    assert y.dtype.kind == "i"


def test_a_missing_extra_is_one_line_with_the_command(monkeypatch):
    """scikit-learn blocked: MissingExtraError, which is an ImportError too."""
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tinygrad_edu\[tour\]'") as caught:
        data.load_digits()
    assert isinstance(caught.value, ImportError)
    assert "\n" not in str(caught.value)


def test_an_extra_that_is_there_is_the_module():
    """extra() is import_module otherwise."""
    assert extra("sklearn.datasets", "tour") is sklearn.datasets


# ---- batches -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(1, 40), st.booleans(), st.booleans())
def test_batches_hold_each_row_once_and_keep_rows_together(n, batch_size, shuffle, drop_last):
    """Sizes are batch_size but for a last part, which drop_last leaves out; in order without shuffle."""
    x, y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    parts = list(data.batches(x, y, y.tolist(), batch_size=batch_size, rng=0, shuffle=shuffle, drop_last=drop_last))
    whole, rest = divmod(n, batch_size)
    assert [len(part[0]) for part in parts] == [batch_size] * whole + [rest] * (rest > 0 and not drop_last)
    rows = [row for part in parts for row in part[1].tolist()]
    assert len(set(rows)) == len(rows)
    if not shuffle:
        assert rows == list(range(len(rows)))
    for xs, ys, zs in parts:
        np.testing.assert_array_equal(xs, x[ys])
        np.testing.assert_array_equal(zs, ys)


def test_batches_follow_the_generator():
    """The same seed gives the same order, a shared generator a new one each epoch."""
    x = np.arange(50)
    first = [b.tolist() for (b,) in data.batches(x, batch_size=7, rng=1)]
    assert first == [b.tolist() for (b,) in data.batches(x, batch_size=7, rng=np.random.default_rng(1))]
    assert first[0] != list(range(7))
    rng = np.random.default_rng(1)
    epochs = [[b.tolist() for (b,) in data.batches(x, batch_size=7, rng=rng)] for _ in range(2)]
    assert epochs[0] == first != epochs[1]


def test_shuffled_batches_are_copies():
    """Writing into one, as augmentation does, leaves the data set as it is."""
    x = np.zeros((4, 2))
    for (part,) in data.batches(x, batch_size=2):
        part += 1.0
    assert not x.any()


@pytest.mark.parametrize(("arrays", "size", "error", "message"), [
    ((np.zeros((3, 2)), np.zeros(4)), 2, ShapeError, r"one length, at least 1; got shapes \(3, 2\), \(4,\)"),
    ((np.zeros((0, 2)),), 2, ShapeError, "at least 1"),
    ((1.0,), 2, ShapeError, "got shapes"),
    ((), 2, ShapeError, "got shapes none"),
    ((np.zeros(3),), 0, ShapeError, "batch_size must be at least 1, not 0"),
    ((tg.Tensor([1.0, 2.0]),), 1, DataError, "plain arrays"),
])
def test_wrong_arguments_are_told_at_the_call(arrays, size, error, message):
    """Not only when the first batch is asked for."""
    with pytest.raises(error, match=message):
        data.batches(*arrays, batch_size=size)
