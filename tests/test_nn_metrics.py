"""Metrics, counted by hand."""

import numpy as np
import pytest

from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import DataError, ShapeError

SCORES, TARGET = np.array([[0.1, 0.9, 0.0], [0.8, 0.2, 0.0], [0.0, 0.1, 0.2], [0.5, 0.4, 0.1]]), np.array([1, 1, 2, 0])


def test_accuracy_is_the_share_of_right_answers():
    """Of scores, whose largest is the answer, and of classes; on arrays, Tensors and lists, with any leading axes."""
    for scores in (SCORES, Tensor(SCORES), SCORES.tolist(), SCORES.argmax(axis=-1)):
        share = nn.accuracy(scores, TARGET)
        assert share == 0.75
        assert type(share) is float
    assert nn.accuracy(SCORES.reshape(2, 2, 3), TARGET.reshape(2, 2)) == 0.75
    assert nn.accuracy([True, False], [1, 1]) == 0.5


def test_the_confusion_matrix_counts_answers_by_class():
    """Rows are the right classes, columns the answers; a class that does not occur has zeros."""
    np.testing.assert_array_equal(nn.confusion_matrix(Tensor(SCORES), TARGET), [[1, 0, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(nn.confusion_matrix([0, 1], [0, 0]), [[1, 1], [0, 0]])
    assert nn.confusion_matrix([0, 1], [0, 0], classes=4).shape == (4, 4)
    assert nn.confusion_matrix([[0.0, 1.0, 0.0]], [0]).shape == (3, 3)


def test_r2_is_the_share_of_variance_explained():
    """1 - 1 / (14/3) by hand; 1 for exact, 0 for the mean, below for worse; constant targets have their limit."""
    assert nn.r2(Tensor([1.0, 2.0, 3.0]), [1.0, 2.0, 4.0]) == pytest.approx(1.0 - 1.0 / (14.0 / 3.0))
    assert nn.r2([1.0, 2.0], [1.0, 2.0]) == 1.0
    assert nn.r2([1.5, 1.5], [1.0, 2.0]) == 0.0
    assert nn.r2([2.0, 1.0], [1.0, 2.0]) == -3.0
    assert nn.r2([2.0, 2.0], [2.0, 2.0]) == 1.0
    assert nn.r2([2.0, 1.0], [2.0, 2.0]) == -np.inf


@pytest.mark.parametrize(("measure", "error", "message"), [
    (lambda: nn.accuracy(SCORES, TARGET[:3]), ShapeError, r"accuracy: predictions of shape \(4, 3\) are neither"),
    (lambda: nn.accuracy([], []), ShapeError, "one at least"),
    (lambda: nn.accuracy([0.4, 0.6], [0, 1]), DataError, r"must be integers, not float64; give \(scores > 0\)"),
    (lambda: nn.accuracy(Tensor([[0.4], [-0.6]]), [1, 0]), ShapeError, r"labels from 0 to 1, but scores of.*\(2, 1\)"),
    (lambda: nn.accuracy(SCORES, [1, -1, 2, 0]), ShapeError, "labels from -1 to 2.*classes 0 to 2"),
    (lambda: nn.confusion_matrix([0, 3], [0, 1], classes=3), ShapeError, "labels from 0 to 3, but there are 3"),
    (lambda: nn.confusion_matrix([0, 1], [0, -1]), ShapeError, "labels from -1 to 1"),
    (lambda: nn.r2([[1.0], [2.0]], [1.0, 2.0]), ShapeError, r"r2: predictions of shape \(2, 1\), but targets of"),
])
def test_what_cannot_be_counted_is_told(measure, error, message):
    """Shapes that do not go together, fractions for classes, labels out of range."""
    with pytest.raises(error, match=message):
        measure()
