"""Losses against their closed forms, on arrays, Tensors and Values."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, ShapeError

P, T, SIGNS = np.array([0.5, -1.0, 2.0]), np.array([1.0, 1.0, -1.5]), np.array([1, 1, -1])
REDUCED = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize(("loss", "target", "one_by_one", "slope"), [
    (nn.mse_loss, T, (P - T) ** 2, 2.0 * (P - T)),
    (nn.hinge_loss, SIGNS, np.maximum(1.0 - SIGNS * P, 0.0), -1.0 * SIGNS * (SIGNS * P < 1.0))])
def test_losses_of_numbers_have_their_closed_forms(loss, target, one_by_one, slope, reduction):
    """On arrays, Tensors and sequences of Values, for every reduction; so have their gradients."""
    expected = REDUCED[reduction](one_by_one)
    np.testing.assert_allclose(loss(P, target, reduction), expected)
    tensor, values = Tensor(P), [Value(p) for p in P]
    on_tensor, on_values = loss(tensor, target, reduction), loss(values, target.tolist(), reduction)
    np.testing.assert_allclose(on_tensor.data, expected)
    np.testing.assert_allclose([float(v) for v in np.atleast_1d(np.array(on_values, object))], np.atleast_1d(expected))
    on_tensor.sum().backward()
    (tg.sum(on_values) if reduction == "none" else on_values).backward()
    scale = 3.0 if reduction == "mean" else 1.0
    np.testing.assert_allclose(tensor.grad, slope / scale)
    np.testing.assert_allclose([v.grad for v in values], slope / scale)


def test_losses_of_a_single_value_are_a_value():
    """Whatever the reduction; the target may be the node, too."""
    for reduction in REDUCED:
        assert nn.mse_loss(Value(3.0), 1.0, reduction).data == 4.0
    assert nn.mse_loss(3.0, Value(1.0)).data == 4.0
    assert nn.hinge_loss(Value(0.25), -1).data == 1.25
    assert nn.mse_loss((1.0, 2.0), [Value(0.0), Value(0.0)]).data == 2.5


def test_losses_refuse_shapes_that_broadcasting_would_blow_up():
    """(n, 1) against (n,) is an error, not an n by n table; so are lists of different lengths."""
    for loss in (nn.mse_loss, nn.hinge_loss):
        with pytest.raises(ShapeError, match=r"predictions of shape \(3, 1\), but targets of shape \(3,\)"):
            loss(Tensor(P[:, None]), SIGNS)
        with pytest.raises(ShapeError, match="2 predictions, but 3 targets"):
            loss([Value(1.0), Value(2.0)], SIGNS)
        with pytest.raises(ShapeError, match="2 predictions, but no list of targets"):
            loss([Value(1.0), Value(2.0)], 1.0)
        with pytest.raises(ShapeError, match="there are no predictions"):
            loss(np.zeros((0, 1)), np.zeros((0, 1)))


@pytest.mark.parametrize("loss", [nn.mse_loss, nn.hinge_loss])
def test_an_unknown_reduction_is_told(loss):
    """The message lists what there is."""
    with pytest.raises(ValueError, match='"mean", "sum" or "none", not \'avg\''):
        loss(Tensor(P), SIGNS, reduction="avg")


def test_hinge_loss_wants_labels_of_minus_one_and_one():
    """Labels 0 and 1, the common mistake, raise and show the way."""
    with pytest.raises(ShapeError, match=r"2 \* y - 1"):
        nn.hinge_loss(Tensor(P), np.array([0, 1, 1]))


@pytest.mark.parametrize("reduction", REDUCED)
def test_cross_entropy_has_its_closed_form_and_gradient(reduction):
    """-log softmax at the label; softmax - one-hot; with class indices and with probabilities, on any leading axes."""
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    softmax = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    for target, p in ((labels, np.eye(4)[labels]), (softmax[::-1], softmax[::-1])):
        logits = Tensor(z)
        loss = nn.cross_entropy(logits, target, reduction)
        np.testing.assert_allclose(loss.data, REDUCED[reduction](-(p * np.log(softmax)).sum(axis=-1)))
        loss.sum().backward()
        np.testing.assert_allclose(logits.grad, (softmax - p) / (6.0 if reduction == "mean" else 1.0), atol=1e-15)


@pytest.mark.parametrize(("target", "error", "message"), [
    (np.array([0, 3]), ShapeError, "labels from 0 to 3, but there are 3 classes"),
    (np.array([-1, 0]), ShapeError, "labels from -1 to 0"),
    (np.array([0, 1, 2]), ShapeError, "neither class indices"),
    (np.array([0.0, 1.0]), DataError, "must be integers, not float64"),
])
def test_cross_entropy_refuses_wrong_labels(target, error, message):
    """Out of range, of another number, or not integers: each is told at the call."""
    with pytest.raises(error, match=message):
        nn.cross_entropy(Tensor(np.zeros((2, 3))), target)
    with pytest.raises(ValueError, match="reduction must be"):
        nn.cross_entropy(Tensor(np.zeros((2, 3))), np.array([0, 1]), "average")
