"""Batches against the arrays they were cut from, padded sequences against the sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import tinygrad_edu as tg
from tinygrad_edu import data
from tinygrad_edu.errors import DataError, ShapeError

SEQUENCES = [[1, 2, 3], [4], [], [5, 6]]

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


# ---- again and again -----------------------------------------------------------------------------------------------


def passes(batches, count):
    """The rows of some passes, each as one list."""
    return [[row for (part,) in batches for row in part.tolist()] for _ in range(count)]


def test_each_loop_is_a_pass_in_a_new_order():
    """All rows again, and the orders are those of the generator; a seed begins one sequence of them."""
    x = np.arange(50)
    first, second, third = passes(data.batches(x, batch_size=7, rng=5), 3)
    assert sorted(first) == sorted(second) == sorted(third) == list(range(50))
    assert first != second != third != first
    rng = np.random.default_rng(5)
    assert [first, second] == [rng.permutation(50).tolist() for _ in range(2)]
    assert passes(data.batches(x, shuffle=False), 2) == [list(range(50))] * 2


@given(st.integers(1, 40), st.integers(1, 45), st.booleans())
def test_len_counts_the_batches_of_a_pass(n, batch_size, drop_last):
    """Also where no batch is left."""
    batches = data.batches(np.arange(n), batch_size=batch_size, drop_last=drop_last)
    assert len(batches) == len(list(batches))


def test_two_passes_at_once_do_not_disturb_each_other():
    """Each iterator goes its own way, in the order drawn when it was asked for."""
    batches = data.batches(np.arange(9), batch_size=2, rng=0)
    one, other = iter(batches), iter(batches)
    a, b = zip(*zip(one, other, strict=True), strict=True)
    rng = np.random.default_rng(0)
    assert np.concatenate([x for (x,) in a]).tolist() == rng.permutation(9).tolist()
    assert np.concatenate([x for (x,) in b]).tolist() == rng.permutation(9).tolist()


def test_the_state_of_the_generator_brings_the_same_passes_back():
    """What a trainer saves and restores; the generator that was given is the one that is drawn from."""
    rng = np.random.default_rng(1)
    batches = data.batches(np.arange(30), rng=rng)
    assert batches.rng is rng
    passes(batches, 2)
    state = batches.rng.bit_generator.state
    later = passes(batches, 2)
    fresh = data.batches(np.arange(30), rng=77)
    fresh.rng.bit_generator.state = state
    assert passes(fresh, 2) == later


def test_without_a_generator_tg_seed_restarts_the_orders():
    """Also of batches that were made before it."""
    batches = data.batches(np.arange(30))
    tg.seed(4)
    first = passes(batches, 2)
    tg.seed(4)
    assert passes(batches, 2) == first
    assert batches.rng is not data.batches(np.arange(3), rng=4).rng


def test_batches_show_what_they_are():
    """Shapes, the size, and the options that are not the usual ones; the attributes are there to read."""
    batches = data.batches(np.zeros((5, 2)), np.zeros(5), batch_size=2)
    assert repr(batches) == "Batches((5, 2), (5,), batch_size=2)"
    assert isinstance(batches, data.Batches)
    assert (batches.batch_size, batches.shuffle, batches.drop_last) == (2, True, False)
    batches = data.batches(SEQUENCES, pad=0, shuffle=False, drop_last=True)
    assert repr(batches) == "Batches((4, 3), batch_size=32, shuffle=False, drop_last=True)"


# ---- what is taken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, tuple, iter, lambda x: (row for row in x), lambda x: dict.fromkeys(x).keys()])
def test_columns_come_as_any_iterable(kind):
    """Lists, tuples, and what can be read only once; for every pass, as it is read at the start."""
    batches = data.batches(kind([3, 1, 2]), np.array([30, 10, 20]), batch_size=2, rng=0)
    for _ in range(2):
        rows = [pair for x, y in batches for pair in zip(x.tolist(), y.tolist(), strict=True)]
        assert sorted(rows) == [(1, 10), (2, 20), (3, 30)]


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_examples_come_as_tuples_of_their_parts(kind):
    """A single iterable of tuples is a data set by rows: its batches are those of its columns."""
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    by_rows = data.batches(kind(list(zip(x, y, strict=True))), batch_size=4, rng=0)
    assert repr(by_rows) == "Batches((6, 2), (6,), batch_size=4)"
    for ours, theirs in zip(by_rows, data.batches(x, y, batch_size=4, rng=0), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


# ---- sequences -----------------------------------------------------------------------------------------------------

ELEMENTS = st.one_of(arrays_of.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=3))
LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=8)


def some_sequences(lengths, element):
    rng = np.random.default_rng(sum(lengths))
    return [rng.standard_normal((n, *element)) for n in lengths]


@given(LENGTHS, ELEMENTS, st.sampled_from([0.0, -1.5, np.nan]))
def test_padded_sequences_hold_each_sequence_and_then_the_number(lengths, element, value):
    """As long as the longest; cut at its length, each row is its sequence."""
    sequences = some_sequences(lengths, element)
    padded, counts = data.pad_sequences(sequences, value)
    assert padded.shape == (len(lengths), max(lengths), *element)
    assert counts.tolist() == lengths
    for row, sequence, n in zip(padded, sequences, lengths, strict=True):
        np.testing.assert_array_equal(row[:n], sequence)
        np.testing.assert_array_equal(row[n:], np.full_like(row[n:], value))


@given(LENGTHS, st.integers(1, 5), st.booleans(), st.booleans())
def test_batches_of_sequences_are_padded_to_their_longest(lengths, batch_size, shuffle, drop_last):
    """Rows stay with their labels and lengths; no batch is longer than it must be."""
    sequences, labels = some_sequences(lengths, (2,)), np.arange(len(lengths))
    batches = data.batches(sequences, labels, batch_size=batch_size, rng=0, shuffle=shuffle, drop_last=drop_last,
                           pad=9.0, lengths=True)
    seen = []
    for x, counts, y in batches:
        assert x.shape == (len(y), counts.max(), 2)
        for row, label, n in zip(x, y, counts, strict=True):
            np.testing.assert_array_equal(row[:n], sequences[label])
            assert (row[n:] == 9.0).all()
        seen += y.tolist()
    whole = len(batches) * batch_size if drop_last else len(lengths)
    assert len(set(seen)) == len(seen) == min(whole, len(lengths))


def test_several_columns_of_sequences_have_their_own_lengths():
    """Inputs and targets of different lengths, as in translation: the lengths of each stand right behind it."""
    batches = data.batches([[1, 2], [3]], [[4], [5, 6, 7]], [0, 1], shuffle=False, pad=0, lengths=True)
    (x, x_lengths, y, y_lengths, z), = batches
    assert (x.tolist(), y.tolist(), z.tolist()) == ([[1, 2], [3, 0]], [[4, 0, 0], [5, 6, 7]], [0, 1])
    assert (x_lengths.tolist(), y_lengths.tolist()) == ([2, 1], [1, 3])


def test_the_kind_of_a_column_does_not_hang_on_its_lengths():
    """Lists of equal length are sequences, where pad is given, and have lengths; an array has none."""
    (x, lengths), = data.batches([[1, 2], [3, 4]], shuffle=False, pad=0, lengths=True)
    assert (x.tolist(), lengths.tolist()) == ([[1, 2], [3, 4]], [2, 2])
    x, lengths, y = next(iter(data.batches([[1], [2, 3]], np.eye(2), pad=0, lengths=True)))
    assert (x.shape, y.shape, lengths.shape) == ((2, 2), (2, 2), (2,))


@pytest.mark.parametrize(("sequences", "value", "dtype"), [
    ([[1, 2], [], [3]], 0.0, np.int64), ([[1], [2.5]], 0, np.float64), ([[], []], 0, np.float64),
    ([np.float32([1.0]), []], 0.1, np.float32), ([np.uint8([1]), np.uint8([2, 3])], 255, np.uint8),
    ([[True], [False, True]], 0, np.bool_)])
def test_padding_keeps_the_dtype_of_the_sequences(sequences, value, dtype):
    """Empty ones have no say; a batch without the floats has the dtype of all."""
    padded, _ = data.pad_sequences(sequences, value)
    assert padded.dtype == dtype
    for (part,) in data.batches(sequences, batch_size=1, pad=value):
        assert part.dtype == dtype


def test_recurrent_layers_and_losses_take_padded_batches():
    """With lengths and a mask, outputs and loss are those of each sequence alone."""
    sequences, targets = some_sequences([4, 1, 3], (2,)), [[0, 1, 2, 0], [1], [2, 2, 1]]
    gru, head = tg.nn.GRU(2, 5, batch_first=True, rng=0), tg.nn.Linear(5, 3, rng=1)
    (x, lengths, y, _), = data.batches(sequences, targets, rng=0, pad=0, lengths=True)
    outputs, _ = gru(x, lengths=lengths)
    total = tg.nn.cross_entropy(head(outputs), y, "sum", mask=np.arange(4) < lengths[:, None])
    alone = [tg.nn.cross_entropy(head(gru(s)[0]), np.array(t), "sum").item()
             for s, t in zip(sequences, targets, strict=True)]
    np.testing.assert_allclose(total.item(), sum(alone), rtol=1e-12)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: data.batches(SEQUENCES), ShapeError, r"batches: the rows of a list differ in shape.*as in pad=0"),
    (lambda: data.batches([[1.0, 2.0], [3.0, 4.0]], lengths=True), ShapeError, "lengths=True is for lists of seq"),
    (lambda: data.batches(np.eye(3), pad=0, lengths=True), ShapeError, "lengths=True"),
    (lambda: data.batches(SEQUENCES, [1, 2], pad=0), ShapeError, r"got shapes \(4, 3\), \(2,\)"),
    (lambda: data.batches(SEQUENCES, pad=0.5), DataError, r"batches: the sequences are int64, which cannot hold 0\.5"),
    (lambda: data.batches([(1, 2), (1, 2, 3)]), ShapeError, "every example must be a tuple with as many parts"),
    (lambda: data.batches([(1, 2), [1, 2]]), ShapeError, "every example must be a tuple"),
    (lambda: data.batches([tg.Value(1.0), 2.0]), DataError, "plain arrays"),
    (lambda: data.batches(iter([tg.Value(1.0)])), DataError, "plain arrays"),
    (lambda: data.batches([tg.Tensor([1.0]), [2.0, 3.0]], pad=0), DataError, "batches: takes plain arrays"),
    (lambda: data.batches([(tg.Tensor([1.0]), 0)]), DataError, "batches: takes plain arrays"),
    (lambda: data.batches(np.zeros(3), 32), ShapeError, r"got shapes \(3,\), \(\); options are given by name"),
    (lambda: data.batches(iter([])), ShapeError, "at least 1"),
    (lambda: data.pad_sequences([]), ShapeError, "pad_sequences: takes one or more sequences.*got shapes none"),
    (lambda: data.pad_sequences([1, 2]), ShapeError, r"got shapes \(\)"),
    (lambda: data.pad_sequences([np.zeros((2, 3)), np.zeros((2, 4))]), ShapeError, r"shapes \(2, 3\), \(2, 4\)"),
    (lambda: data.pad_sequences([[1]], np.nan), DataError, "int64, which cannot hold nan"),
    (lambda: data.pad_sequences([[1]], np.inf), DataError, "cannot hold inf"),
    (lambda: data.pad_sequences([np.uint8([1])], -1), DataError, "uint8, which cannot hold -1"),
    (lambda: data.pad_sequences([["a"]]), DataError, "sequences of numbers, not of <U1"),
    (lambda: data.pad_sequences([tg.Tensor([1.0])]), DataError, "pad_sequences: takes plain arrays"),
])
def test_what_makes_no_batch_is_told_at_the_call(call, error, message):
    """Lengths, shapes, dtypes, nodes: with the name of the function and what to do."""
    with pytest.raises(error, match=message):
        call()
