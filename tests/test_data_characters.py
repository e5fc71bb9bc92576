"""Text as numbers, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import data
from tinygrad_edu.errors import DataError, ShapeError

CHARACTERS = data.Characters(["anna", "ben"])


@given(st.lists(st.text(min_size=1), min_size=1))
def test_decoding_undoes_encoding(texts):
    """For texts of any characters; numbers are 1, 2, ... between two marks, and there are no others."""
    characters = data.Characters(texts)
    assert len(characters) == len(set("".join(texts))) + 1
    for text in texts:
        codes = characters.encode(text)
        assert codes.dtype.kind == "i"
        assert codes[0] == codes[-1] == 0
        assert ((codes[1:-1] >= 1) & (codes[1:-1] < len(characters))).all()
        assert characters.decode(codes) == text


def test_numbers_follow_the_alphabet():
    """Not the order in which the texts come; the repr makes the same again."""
    assert CHARACTERS.symbols == data.Characters("nabe").symbols == "aben"
    assert CHARACTERS.encode("bean").tolist() == [0, 2, 3, 1, 4, 0]
    assert eval(repr(CHARACTERS), {"Characters": data.Characters}).symbols == CHARACTERS.symbols


@pytest.mark.parametrize(("indices", "text"), [
    ([0, 2, 3, 4, 0], "ben"), ([2, 3, 4, 0, 0, 0], "ben"), ([2, 3], "be"), ([0, 2, 0, 3], "b"), ([0, 0, 2], ""),
    ([], ""), ([0], ""), (np.array([1, 0], np.uint8), "a")])
def test_text_ends_at_the_end_mark(indices, text):
    """What a model writes has no start mark, a row of a batch has padding behind the end."""
    assert CHARACTERS.decode(indices) == text


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: CHARACTERS.encode("bob"), ShapeError, "encode: 'o' in 'bob' is none of the characters 'aben'"),
    (lambda: CHARACTERS.decode([1, 5]), ShapeError, "decode: numbers from 1 to 5, but characters have 0 to 4"),
    (lambda: CHARACTERS.decode([-1, 1]), ShapeError, "numbers from -1 to 1"),
    (lambda: CHARACTERS.decode([[1]]), ShapeError, r"decode: takes one sequence of numbers, not.*\(1, 1\)"),
    (lambda: CHARACTERS.decode([1.0]), DataError, "decode: takes integers, not float64"),
])
def test_what_has_no_number_or_no_character_is_told(call, error, message):
    """With the character, or the numbers."""
    with pytest.raises(error, match=message):
        call()


def test_names_go_through_padded_batches_and_a_masked_loss():
    """Inputs, targets and mask of a character model: as many targets as characters and end marks."""
    names = data.load_names()[:40]
    characters = data.Characters(names)
    table = tg.nn.Embedding(len(characters), len(characters), rng=0)  # a model of pairs
    total = count = 0
    for codes, lengths in data.batches([characters.encode(name) for name in names], batch_size=16, pad=0,
                                       lengths=True, rng=0):
        assert [characters.decode(row) in names for row in codes] == [True] * len(codes)
        mask = np.arange(codes.shape[1] - 1) < lengths[:, None] - 1
        total += tg.nn.cross_entropy(table(codes[:, :-1]), codes[:, 1:], "sum", mask=mask).item()
        count += mask.sum()
    assert count == sum(len(name) + 1 for name in names)
    pairs = [pair for name in names for pair in zip(characters.encode(name), characters.encode(name)[1:], strict=False)]
    scores = tg.log_softmax(table.weight.data)
    np.testing.assert_allclose(total, -sum(scores[a, b] for a, b in pairs))
