"""Splits, folds and scales against scikit-learn's, and against what they promise."""

import numpy as np
import pytest
import sklearn.model_selection
import sklearn.preprocessing
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import data
from tinygrad_edu.errors import DataError, ShapeError

# ---- two parts -----------------------------------------------------------------------------------------------------


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.booleans())
def test_every_row_is_in_one_part_and_stays_with_its_label(n, share, shuffle):
    """The sizes are scikit-learn's, the order of the results too."""
    x, y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    if not 0 < np.ceil(share * n) < n:
        with pytest.raises(ShapeError, match=f"of {n} rows"):
            data.train_test_split(x, test_size=share)
        return
    x_train, x_test, y_train, y_test = data.train_test_split(x, y, test_size=share, rng=0, shuffle=shuffle)
    theirs = sklearn.model_selection.train_test_split(x, y, test_size=share, shuffle=shuffle, random_state=0)
    assert [part.shape for part in (x_train, x_test, y_train, y_test)] == [part.shape for part in theirs]
    assert sorted([*y_train, *y_test]) == list(range(n))
    np.testing.assert_array_equal(x_train, x[y_train])
    np.testing.assert_array_equal(x_test, x[y_test])
    if not shuffle:
        np.testing.assert_array_equal(y_test, theirs[3])
        np.testing.assert_array_equal(y_train, theirs[2])


def test_a_split_is_random_and_follows_the_generator():
    """Every row is in the test about as often as any other; the same seed gives the same parts."""
    counts = np.zeros(8)
    rng = np.random.default_rng(0)
    for _ in range(2000):
        counts[data.train_test_split(np.arange(8), rng=rng)[1]] += 1
    assert counts.sum() == 4000  # a quarter of 8, each time
    assert np.abs(counts - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)
    first = data.train_test_split(np.arange(50), rng=3)
    for part, same in zip(first, data.train_test_split(np.arange(50), rng=np.random.default_rng(3)), strict=True):
        np.testing.assert_array_equal(part, same)
    assert first[1].tolist() != data.train_test_split(np.arange(50), rng=4)[1].tolist()


@given(st.lists(st.integers(2, 30), min_size=2, max_size=5), st.floats(0.2, 0.8), st.integers(0, 5))
def test_stratified_parts_have_the_classes_in_their_shares(sizes, share, seed):
    """Each class gives the test its share, rounded up or down; sizes are as without classes."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n, count = len(labels), int(np.ceil(share * len(labels)))
    if len(sizes) > min(count, n - count):
        with pytest.raises(ShapeError, match="a part as many as there are classes"):
            data.train_test_split(labels, test_size=share, stratify=labels)
        return
    rows_train, rows_test = data.train_test_split(np.arange(n), test_size=share, rng=seed, stratify=labels)
    assert sorted([*rows_train, *rows_test]) == list(range(n))
    assert len(rows_test) == count
    exact = np.array(sizes) * count / n
    assert (np.abs(np.bincount(labels[rows_test], minlength=len(sizes)) - exact) < 1.0).all()


def test_stratified_rows_are_mixed_and_labels_may_be_words():
    """The parts are not sorted by class; the rows of a class differ from seed to seed."""
    labels = ["cat"] * 40 + ["dog"] * 20
    parts = [data.train_test_split(np.arange(60), test_size=15, rng=seed, stratify=labels) for seed in range(2)]
    assert sorted(parts[0][1]) != sorted(parts[1][1])
    for train, test in parts:
        assert ((test < 40).sum(), (train < 40).sum()) == (10, 30)
        assert np.any(np.diff(train) < 0)
        assert 0 < (train[:20] < 40).sum() < 20


def test_lists_stay_lists():
    """Such as of words or of sequences, which are no array."""
    words = ["a", "bb", "ccc", "dddd"]
    train, test, codes_train, codes_test = data.train_test_split(words, [[0] * len(w) for w in words], rng=0,
                                                                 test_size=1)
    assert sorted(train + test) == words
    assert [len(code) for code in codes_train + codes_test] == [len(word) for word in train + test]
    assert isinstance(data.train_test_split(iter(words))[0], list)


@pytest.mark.parametrize(("arrays", "options", "error", "message"), [
    ((np.zeros(4), np.zeros(5)), {}, ShapeError, r"one length, at least 1; got shapes \(4,\), \(5,\)"),
    ((), {}, ShapeError, "got shapes none"),
    ((np.zeros(4), 0.5), {}, ShapeError, "options are given by name"),
    ((np.zeros(1),), {}, ShapeError, "of 1 rows, 1 for the test and 0 for training; both need at least 1"),
    ((np.zeros(4),), {"test_size": 4}, ShapeError, "of 4 rows, 4 for the test and 0"),
    ((np.zeros(4),), {"test_size": 0}, ShapeError, "of 4 rows, 0 for the test"),
    ((np.zeros(4),), {"test_size": 1.0}, ShapeError, r"a share between 0\.0 and 1\.0, or an integer.*not 1\.0"),
    ((np.zeros(4),), {"test_size": float("nan")}, ShapeError, "not nan"),
    ((np.zeros(4),), {"stratify": [0, 1]}, ShapeError, r"stratify has shape \(2,\) in place of \(4,\)"),
    ((np.zeros(4),), {"stratify": [0, 0, 0, 1], "test_size": 2}, ShapeError, "smallest with 1 rows"),
    ((np.zeros(4),), {"stratify": [0, 0, 1, 1], "test_size": 1}, ShapeError, "2 classes.* for parts of 3 and 1"),
    ((np.zeros(4),), {"stratify": [0, 0, 1, 1], "shuffle": False}, ValueError, "give shuffle=True"),
    ((tg.Tensor([1.0, 2.0]),), {}, DataError, "train_test_split: takes plain arrays"),
])
def test_a_split_that_cannot_be_is_told(arrays, options, error, message):
    """With the numbers that do not go together."""
    with pytest.raises(error, match=message):
        data.train_test_split(*arrays, **options)


# ---- folds ---------------------------------------------------------------------------------------------------------


@given(st.integers(2, 50), st.integers(2, 10), st.integers(0, 5))
def test_each_row_is_tested_once_and_trained_on_otherwise(n, k, seed):
    """k pairs, whose tests are all the rows, in scikit-learn's sizes."""
    if k > n:
        with pytest.raises(ShapeError, match=f"from 2 to the number of rows, {n}, not {k}"):
            data.folds(n, k)
        return
    pairs = data.folds(n, k, rng=seed)
    assert sorted(row for _, test in pairs for row in test) == list(range(n))
    for train, test in pairs:
        assert sorted([*train, *test]) == list(range(n))
        assert train.tolist() == sorted(train)
    theirs = [len(test) for _, test in sklearn.model_selection.KFold(k).split(np.zeros(n))]
    assert [len(test) for _, test in pairs] == theirs


@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(2, 6), st.integers(0, 5))
def test_stratified_folds_have_the_classes_evenly(sizes, k, seed):
    """The numbers of rows of a class, and of all, differ by at most 1 from fold to fold."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    if k > len(labels):
        return
    tests = [test for _, test in data.folds(labels, k, rng=seed, stratify=labels)]
    counts = np.array([np.bincount(labels[test], minlength=len(sizes)) for test in tests])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(axis=1)) <= 1
    assert sorted(np.concatenate(tests)) == list(range(len(labels)))


def test_folds_are_random_and_take_what_has_rows():
    """A number, an array or a list; the same seed gives the same folds, another gives others, by class too."""
    def tests(what, **options):
        return [test.tolist() for _, test in data.folds(what, 3, **options)]

    assert tests(20, rng=1) == tests(np.zeros((20, 2)), rng=1) == tests(["word"] * 20, rng=np.random.default_rng(1))
    assert tests(20, rng=1) != tests(20, rng=2)
    assert tests(20, rng=1, stratify=[0, 1] * 10) != tests(20, rng=2, stratify=[0, 1] * 10)
    with pytest.raises(ShapeError, match="k must be from 2"):
        data.folds(5, k=1)
    with pytest.raises(ShapeError, match=r"folds: stratify has shape \(4,\)"):
        data.folds(5, k=2, stratify=[0] * 4)


# ---- scales --------------------------------------------------------------------------------------------------------


def test_standardised_arrays_are_scikit_learns():
    """Mean and deviation are those of the training part, for the others too."""
    rng = np.random.default_rng(0)
    train, test, more = (rng.normal(3.0, 5.0, (n, 4)) for n in (30, 10, 1))
    scaler = sklearn.preprocessing.StandardScaler().fit(train)
    for ours, theirs in zip(data.standardise(train, test, more), (train, test, more), strict=True):
        np.testing.assert_allclose(ours, scaler.transform(theirs), rtol=1e-12)
    np.testing.assert_allclose(data.standardise(train).mean(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(data.standardise(train).std(axis=0), 1.0)


def test_a_constant_column_is_only_centred():
    """To exactly 0, also where the mean of equal numbers is not that number; other rows by their difference."""
    train = np.column_stack([np.full(7, 0.1), np.arange(7.0)])
    assert train[:, 0].mean() != 0.1 or train[:, 0].std() != 0.0  # a trap: the deviation is not 0
    scaled, other = data.standardise(train, [[0.6, 3.0]])
    assert scaled[:, 0].tolist() == [0.0] * 7
    np.testing.assert_allclose(other, [[0.5, 0.0]], atol=1e-12)
    assert data.standardise([[2, 5]]).tolist() == [[0.0, 0.0]]


def test_standardise_adds_up_small_floats_in_large_ones():
    """A sum of 2 million float32 of about 1000 along the first axis would be off by half."""
    numbers = np.random.default_rng(0).normal(1000.0, 1.0, (2_000_000, 2)).astype(np.float32)
    scaled = data.standardise(numbers)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=0, dtype=np.float64), 0.0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0, dtype=np.float64), 1.0, rtol=1e-4)
    large = np.array([[0.0], [60000.0]], np.float16)  # squared, beyond the largest float16
    assert data.standardise(large).tolist() == [[-1.0], [1.0]]


def test_standardise_keeps_dtype_and_arguments():
    """float32 stays, integers become float64; images and single columns have their axes; nothing is written into."""
    x = np.arange(6, dtype=np.float32)
    assert data.standardise(x).dtype == np.float32
    assert data.standardise(np.arange(6)).dtype == np.float64
    both = data.standardise(x, np.arange(3.0))
    assert [part.dtype for part in both] == [np.float32, np.float64]
    assert [part.dtype for part in data.standardise(np.arange(3.0), x)] == [np.float64, np.float32]
    assert x.tolist() == list(range(6))
    images = np.random.default_rng(0).random((9, 1, 2, 3))
    np.testing.assert_allclose(data.standardise(images).std(axis=0), 1.0)


@pytest.mark.parametrize(("arrays", "error", "message"), [
    ((np.zeros((3, 2)), np.zeros((3, 4))), ShapeError, r"rows of one shape.*\(3, 2\), \(3, 4\)"),
    ((np.zeros((0, 2)),), ShapeError, r"at least 1 in the first; got shapes \(0, 2\)"),
    ((1.0,), ShapeError, r"got shapes \(\)"),
    ((np.zeros(2), 1.0), ShapeError, r"got shapes \(2,\), \(\)"),
    (([[1.0, np.nan], [2.0, 3.0]],), DataError, "nan or inf in column 1 of the training part"),
    (([1.0, np.inf],), DataError, "nan or inf"),
    ((tg.Tensor([1.0]),), DataError, "standardise: takes plain arrays"),
])
def test_what_has_no_scale_is_told(arrays, error, message):
    """With the shapes, or the column to look at."""
    with pytest.raises(error, match=message):
        data.standardise(*arrays)
