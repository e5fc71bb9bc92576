"""Losses against their closed forms, on arrays, Tensors and Values."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.testing import gradcheck

P, T, SIGNS = np.array([0.5, -1.0, 2.0]), np.array([1.0, 1.0, -1.5]), np.array([1, 1, -1])
LABELS, Q, SIGMOID = np.array([1, 1, 0]), np.array([0.25, 0.5, 0.9]), 1.0 / (1.0 + np.exp(-P))
REDUCED = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize(("loss", "target", "one_by_one", "slope"), [
    (nn.mse_loss, T, (P - T) ** 2, 2.0 * (P - T)),
    (nn.l1_loss, T, np.abs(P - T), np.sign(P - T)),
    (nn.huber_loss, T, np.array([0.125, 1.5, 3.0]), np.array([-0.5, -1.0, 1.0])),
    (nn.hinge_loss, SIGNS, np.maximum(1.0 - SIGNS * P, 0.0), -1.0 * SIGNS * (SIGNS * P < 1.0)),
    (nn.binary_cross_entropy_with_logits, LABELS, -np.log(np.where(LABELS == 1, SIGMOID, 1.0 - SIGMOID)),
     SIGMOID - LABELS),
    (nn.binary_cross_entropy_with_logits, Q, -Q * np.log(SIGMOID) - (1.0 - Q) * np.log(1.0 - SIGMOID), SIGMOID - Q)])
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
    for loss in (nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.hinge_loss):
        with pytest.raises(ShapeError, match=r"predictions of shape \(3, 1\), but targets of shape \(3,\)"):
            loss(Tensor(P[:, None]), SIGNS)
        with pytest.raises(ShapeError, match="2 predictions, but 3 targets"):
            loss([Value(1.0), Value(2.0)], SIGNS)
        with pytest.raises(ShapeError, match="2 predictions, but no list of targets"):
            loss([Value(1.0), Value(2.0)], 1.0)
        with pytest.raises(ShapeError, match="there are no predictions"):
            loss(np.zeros((0, 1)), np.zeros((0, 1)))


@pytest.mark.parametrize("loss", [nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.hinge_loss])
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


# ---- one by one ----------------------------------------------------------------------------------------------------


def test_huber_loss_is_square_up_to_delta_and_straight_beyond():
    """With delta = 2: 0.5 r^2 at 1 and 2, 2 (|r| - 1) at -5; delta must be positive."""
    r = Tensor([1.0, 2.0, -5.0, 0.0])
    loss = nn.huber_loss(r, np.zeros(4), "none", delta=2.0)
    np.testing.assert_allclose(loss.data, [0.5, 2.0, 8.0, 0.0])
    loss.sum().backward()
    np.testing.assert_allclose(r.grad, [1.0, 2.0, -2.0, 0.0])
    with pytest.raises(ValueError, match="delta must be positive, not 0"):
        nn.huber_loss(r, np.zeros(4), delta=0.0)


@pytest.mark.parametrize("reduction", REDUCED)
def test_binary_cross_entropy_of_probabilities(reduction):
    """-log of the probability of what is so; with soft targets, of both; derivative (p - t) / (p (1 - p))."""
    for target in (LABELS, Q):
        expected = -target * np.log(SIGMOID) - (1.0 - target) * np.log(1.0 - SIGMOID)
        p, values = Tensor(SIGMOID), [Value(x) for x in SIGMOID]
        loss = nn.binary_cross_entropy(p, target, reduction)
        np.testing.assert_allclose(loss.data, REDUCED[reduction](expected))
        loss.sum().backward()
        slope = (SIGMOID - target) / (SIGMOID * (1.0 - SIGMOID))
        np.testing.assert_allclose(p.grad, slope / (3.0 if reduction == "mean" else 1.0))
        on_values = nn.binary_cross_entropy(values, target, reduction)
        np.testing.assert_allclose(np.array(on_values, float), REDUCED[reduction](expected))


def test_binary_cross_entropy_is_finite_at_certainty():
    """p = 0 and 1: 0 where right, 100 where wrong, and no gradient is NaN."""
    p = Tensor([0.0, 1.0, 0.0, 1.0])
    loss = nn.binary_cross_entropy(p, [0, 1, 1, 0], "none")
    np.testing.assert_allclose(loss.data, [0.0, 0.0, 100.0, 100.0], atol=1e-12)
    loss.sum().backward()
    assert np.isfinite(p.grad).all()


def test_binary_cross_entropy_with_logits_keeps_every_digit():
    """At scores of 40 and 1000, where sigmoid is 1 to the last bit, in loss and gradient."""
    z = Tensor([40.0, -40.0, 1000.0, -1000.0])
    loss = nn.binary_cross_entropy_with_logits(z, [1, 0, 0, 1], "none")
    np.testing.assert_allclose(loss.data, [np.exp(-40.0), np.exp(-40.0), 1000.0, 1000.0], rtol=1e-14)
    loss.sum().backward()
    np.testing.assert_allclose(z.grad, [-np.exp(-40.0), np.exp(-40.0), 1.0, -1.0], rtol=1e-14)


@pytest.mark.parametrize(("loss", "prediction", "target", "message"), [
    (nn.binary_cross_entropy, [0.5, 1.5], [1, 0], "every prediction must be a probability.* scores go to"),
    (nn.binary_cross_entropy, [0.5, 0.5], [1, -1], r"every target .* make \(y \+ 1\) / 2"),
    (nn.binary_cross_entropy, [Value(-0.5)], [1], "every prediction"),
    (nn.binary_cross_entropy_with_logits, Value(0.5), 2.0, "with_logits: every target"),
])
def test_probabilities_are_from_zero_to_one(loss, prediction, target, message):
    """The mistakes of taking scores for probabilities, and labels -1 for 0, show the way."""
    with pytest.raises(ShapeError, match=message):
        loss(prediction, target)


@pytest.mark.parametrize("reduction", REDUCED)
def test_nll_loss_after_log_softmax_is_cross_entropy(reduction):
    """Values and gradients by the scores, for classes and for probabilities, on any leading axes."""
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    for target in (labels, np.eye(4)[labels], tg.softmax(z[::-1])):
        one, other = Tensor(z), Tensor(z)
        by_nll = nn.nll_loss(tg.log_softmax(one), target, reduction)
        by_scores = nn.cross_entropy(other, target, reduction)
        np.testing.assert_allclose(by_nll.data, by_scores.data, rtol=1e-13)
        by_nll.sum().backward()
        by_scores.sum().backward()
        np.testing.assert_allclose(one.grad, other.grad, atol=1e-15)
    assert float(nn.nll_loss([[0.0, -np.inf]], [[1.0, 0.0]])) == 0.0
    with pytest.raises(ShapeError, match="nll_loss: labels from 0 to 4"):
        nn.nll_loss(z[0], [0, 1, 4])
    with pytest.raises(DataError, match=r"the target is a constant, not a node; use \.data"):
        nn.nll_loss(z[0], Tensor([0.0, 1.0, 2.0]))


CHECKED = [
    (nn.mse_loss, P, T), (nn.l1_loss, P, T), (nn.huber_loss, P, T), (nn.hinge_loss, P, SIGNS),
    (nn.binary_cross_entropy, SIGMOID, Q), (nn.binary_cross_entropy_with_logits, P, Q),
    (nn.cross_entropy, P.reshape(1, 3), np.array([2])), (nn.nll_loss, P.reshape(1, 3), np.array([2]))]
each_loss = pytest.mark.parametrize(("loss", "prediction", "target"), CHECKED, ids=[x[0].__name__ for x in CHECKED])


@each_loss
def test_losses_have_right_derivatives(loss, prediction, target):
    """Both modes against differences, on Tensors; and on Values, where they take these."""
    assert gradcheck(lambda p: loss(p, target), Tensor(prediction))
    if prediction.ndim == 1:
        assert gradcheck(lambda p: loss(p, target.tolist()), [Value(x) for x in prediction])


# ---- masks ---------------------------------------------------------------------------------------------------------


@each_loss
@pytest.mark.parametrize("reduction", REDUCED)
def test_what_the_mask_leaves_out_is_not_looked_at(loss, prediction, target, reduction):
    """Nonsense there changes nothing and gets gradient 0; the mean is over what counts, "none" gives 0."""
    width = prediction.shape[-1] if prediction.ndim > 1 else 1
    p, t = prediction.reshape(-1, width), target.reshape(len(prediction), -1)
    p, t = (p, target) if prediction.ndim > 1 else (prediction, target)
    expected, mask = loss(p, t, reduction), np.array([True] * len(p) + [False])
    nonsense = np.full((1, *p.shape[1:]), np.nan)
    padded = Tensor(np.concatenate([p, nonsense]))
    result = loss(padded, np.append(t, -7), reduction, mask=mask)
    if reduction == "none":
        assert result.data[-1] == 0.0
        result = result[:-1]
    np.testing.assert_allclose(result.data, expected)
    result.sum().backward()
    assert np.all(padded.grad[-1] == 0.0)
    assert np.any(padded.grad != 0.0)
    if p.ndim == 1:
        values = [Value(x) for x in padded.data]
        one_by_one = loss(values, [*t.tolist(), -7], reduction, mask=mask.tolist())
        np.testing.assert_allclose(np.array(one_by_one, float), np.append(expected, 0.0)
                                   if reduction == "none" else expected)


def test_a_mask_of_the_first_axes_counts_whole_positions():
    """(batch, time) for predictions (batch, time, features) and scores (batch, time, classes)."""
    rng = np.random.default_rng(0)
    p, t, mask = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4)), np.array([[1, 1, 0], [1, 0, 0]]) > 0
    assert float(nn.mse_loss(p, t, mask=mask)) == pytest.approx(((p - t) ** 2)[mask].mean())
    assert nn.mse_loss(p, t, "none", mask).shape == (2, 3, 4)
    labels = np.where(mask, rng.integers(0, 4, (2, 3)), -1)
    each = -np.log(np.exp(p) / np.exp(p).sum(axis=-1, keepdims=True))
    expected = sum(each[i, j, labels[i, j]] for i, j in zip(*np.nonzero(mask), strict=True)) / 3.0
    assert float(nn.cross_entropy(p, labels, mask=mask)) == pytest.approx(expected)
    assert gradcheck(lambda x: nn.cross_entropy(x, labels, mask=mask), Tensor(p))


@pytest.mark.parametrize(("mask", "error", "message"), [
    ([1, 0, 1], DataError, "must be True or False at each position, not int64; use mask > 0"),
    ([True, False], ShapeError, r"a mask of shape \(2,\) does not go with positions of shape \(3,\)"),
    ([False] * 3, ShapeError, "there are no predictions that count"),
])
def test_masks_that_do_not_fit_are_told(mask, error, message):
    """Of Tensors and of sequences of Values; a single Value takes none."""
    for prediction in (Tensor(P), [Value(x) for x in P]):
        with pytest.raises(error, match="mse_loss: .*" + message):
            nn.mse_loss(prediction, T, mask=mask)
    with pytest.raises(ShapeError, match="a single prediction takes no mask"):
        nn.mse_loss(Value(1.0), 2.0, mask=[True])
    with pytest.raises(ShapeError, match=r"a mask of shape \(2,\), but a target of shape \(3,\)"):
        nn.cross_entropy(np.zeros((2, 3)), [0, 1, 2], mask=[True, True])
