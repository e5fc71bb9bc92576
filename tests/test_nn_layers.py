"""Normalisation, dropout, embedding, residuals and activations: small cases by hand, and their gradients."""

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, ShapeError, UnsupportedError
from tinygrad_edu.testing import gradcheck

RNG = np.random.default_rng(0)

# ---- batch normalisation -------------------------------------------------------------------------------------------


def test_batch_norm_by_hand():
    """Channel 0 holds 1 and 3, mean 2 and variance 1; channel 1 holds 0 and 8, mean 4 and variance 16."""
    norm = nn.BatchNorm1d(2, eps=0.0)
    norm.weight.data, norm.bias.data = [1.0, 10.0], [0.0, 5.0]
    x = np.array([[1.0, 0.0], [3.0, 8.0]])
    np.testing.assert_array_equal(norm(x).data, [[-1.0, -5.0], [1.0, 15.0]])
    np.testing.assert_allclose(norm.running_mean, [0.2, 0.4])
    np.testing.assert_allclose(norm.running_var, [0.9 + 0.1 * 2.0, 0.9 + 0.1 * 32.0])  # unbiased: 2 and 32
    assert norm.num_batches_tracked == 1
    norm.eval()
    np.testing.assert_allclose(norm(x).data[0], [(1.0 - 0.2) / np.sqrt(1.1), -4.0 / np.sqrt(4.1) + 5.0])
    np.testing.assert_allclose(norm.running_mean, [0.2, 0.4])
    assert norm.num_batches_tracked == 1


def test_batch_norm_takes_positions_of_a_channel_together():
    """(batch, channels, n) and images: every channel has mean 0 and variance 1 over all other axes."""
    for norm, shape in ((nn.BatchNorm1d(3, eps=0.0), (4, 3, 5)), (nn.BatchNorm2d(3, eps=0.0), (2, 3, 4, 5))):
        x = 2.0 + 3.0 * RNG.standard_normal(shape)
        flat = np.moveaxis(norm(x).data, 1, 0).reshape(3, -1)
        np.testing.assert_allclose(flat.mean(axis=1), 0.0, atol=1e-12)
        np.testing.assert_allclose(flat.var(axis=1), 1.0)


def test_batch_norm_without_momentum_averages_over_all_batches():
    """momentum=None: after three batches the running mean is the mean of their means."""
    norm = nn.BatchNorm1d(2, momentum=None)
    batches = RNG.standard_normal((3, 5, 2))
    for batch in batches:
        norm(batch)
    np.testing.assert_allclose(norm.running_mean, batches.mean(axis=(0, 1)))
    np.testing.assert_allclose(norm.running_var, batches.var(axis=1, ddof=1).mean(axis=0))


def test_batch_norm_saves_its_buffers_under_pytorchs_names():
    """weight, bias, running_mean, running_var, num_batches_tracked, in this order; loading restores all."""
    norm, other = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    norm(RNG.standard_normal((3, 2, 2, 2)))
    state = norm.state_dict()
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    other.load_state_dict(state)
    x = RNG.standard_normal((3, 2, 2, 2))
    np.testing.assert_array_equal(other.eval()(x).data, norm.eval()(x).data)
    assert list(nn.BatchNorm1d(2, affine=False).state_dict()) == ["running_mean", "running_var", "num_batches_tracked"]


def test_the_derivative_flows_through_the_statistics():
    """The outputs of a channel sum to 0 whatever x is: so the gradient of their sum is 0."""
    x = Tensor(RNG.standard_normal((4, 2)))
    nn.BatchNorm1d(2)(x).sum().backward()
    np.testing.assert_allclose(x.grad, 0.0, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("norm", "shape"), [
    (nn.BatchNorm1d(2), (4, 2)), (nn.BatchNorm1d(2, affine=False), (2, 2, 3)), (nn.BatchNorm2d(2), (2, 2, 2, 2))])
def test_batch_norm_has_right_derivatives_of_both_orders(norm, shape, training):
    """By x, weight and bias, in training and evaluation."""
    norm = copy.deepcopy(norm).train(training)
    assert gradcheck(norm, Tensor(RNG.standard_normal(shape)), order=2)


@pytest.mark.parametrize(("norm", "x", "message"), [
    (nn.BatchNorm1d(2), np.ones((4, 3)), r"BatchNorm1d\(2\) takes inputs of shape \(batch, 2\) or"),
    (nn.BatchNorm1d(2), np.ones((4, 2, 3, 3)), r"not \(4, 2, 3, 3\)"),
    (nn.BatchNorm2d(2, affine=False), np.ones((4, 2)), r"BatchNorm2d\(2, affine=False\) takes .* \(batch, 2, height"),
    (nn.BatchNorm1d(2), np.ones((1, 2)), "more than one number per channel in training.* or call eval"),
    (nn.LayerNorm(3), np.ones((4, 2)), r"LayerNorm\(3\) takes inputs of shape \(\.\.\., 3\), not \(4, 2\)"),
    (nn.LayerNorm((2, 3), elementwise_affine=False), np.ones(3), r"LayerNorm\(\(2, 3\), elementwise_affine=False\)"),
    (nn.batch_norm, np.ones(3), r"batch_norm: takes inputs of shape \(batch, channels, \.\.\.\), not \(3,\)"),
    (lambda x: nn.layer_norm(x, 2), np.ones(3), r"layer_norm: takes inputs of shape \(\.\.\., 2\), not \(3,\)"),
    (nn.Residual(nn.Linear(3, 2)), np.ones((4, 3)), r"Residual\(Linear\(3, 2\)\) .* makes shape \(4, 2\) of \(4, 3\)"),
])
def test_wrong_shapes_name_the_layer_and_what_it_takes(norm, x, message):
    """A batch of one in training, which has no variance, is told too."""
    with pytest.raises(ShapeError, match=message):
        norm(x)


def test_sizes_below_one_are_told():
    """No features, no axes, no rows: an error at the constructor."""
    for make in (lambda: nn.BatchNorm1d(0), lambda: nn.LayerNorm(()), lambda: nn.LayerNorm((2, 0)),
                 lambda: nn.Embedding(0, 2)):
        with pytest.raises(ShapeError, match="at least 1"):
            make()


# ---- layer normalisation -------------------------------------------------------------------------------------------


def test_layer_norm_by_hand():
    """Each row by itself: 1 and 3 become -1 and 1; then times weight, plus bias."""
    norm = nn.LayerNorm(2, eps=0.0)
    norm.weight.data, norm.bias.data = [1.0, 10.0], [0.0, 5.0]
    np.testing.assert_array_equal(norm(np.array([[1.0, 3.0], [8.0, 0.0]])).data, [[-1.0, 15.0], [1.0, -5.0]])


def test_layer_norm_over_several_axes_and_without_parameters():
    """Two axes are one population; bias=False and elementwise_affine=False leave parameters out, as in PyTorch."""
    y = nn.layer_norm(RNG.standard_normal((5, 2, 3)), (2, 3), eps=0.0)
    np.testing.assert_allclose(y.mean(axis=(1, 2)), 0.0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(1, 2)), 1.0)
    assert list(nn.LayerNorm([2, 3], bias=False).state_dict()) == ["weight"]
    assert not nn.LayerNorm(3, elementwise_affine=False).parameters()


@pytest.mark.parametrize(("norm", "shape"), [(nn.LayerNorm(3), (2, 3)), (nn.LayerNorm((2, 3), bias=False), (2, 2, 3)),
                                             (nn.LayerNorm(3, elementwise_affine=False), (3,))])
def test_layer_norm_has_right_derivatives_of_both_orders(norm, shape):
    """By x, weight and bias."""
    assert gradcheck(norm, Tensor(RNG.standard_normal(shape)), order=2)


def test_normalisation_stays_in_float32():
    """Layers made in float32 give float32 for it, in training and evaluation."""
    tg.set_default_dtype(np.float32)
    try:
        norms = nn.BatchNorm1d(3), nn.LayerNorm(3)
    finally:
        tg.set_default_dtype(np.float64)
    for norm in norms:
        for mode in (True, False):
            assert norm.train(mode)(Tensor(np.eye(3, dtype=np.float32))).dtype == np.float32


# ---- dropout -------------------------------------------------------------------------------------------------------


def test_dropout_leaves_out_a_share_and_keeps_the_mean():
    """A share p is 0, the others are divided by 1 - p; the gradient is the same factor."""
    x = Tensor(np.ones(10_000))
    y = nn.Dropout(0.2, rng=0)(x)
    y.sum().backward()
    assert set(np.unique(y.data)) == {0.0, 1.25}
    assert y.data.mean() == pytest.approx(1.0, abs=0.02)  # 4 standard errors
    np.testing.assert_array_equal(x.grad, y.data)


def test_dropout_is_the_identity_in_evaluation_and_at_zero():
    """The very same node."""
    x = Tensor([1.0, 2.0])
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert nn.dropout(x, training=False) is x
    np.testing.assert_array_equal(nn.Dropout(1.0)(x).data, [0.0, 0.0])
    assert repr(nn.Dropout(0.25)) == "Dropout(0.25)"


def test_dropout_draws_anew_at_each_call_from_its_generator():
    """A seed begins one sequence, which can be repeated; without one, tg.seed governs it; float32 stays float32."""
    x, layer = np.ones(50), nn.Dropout(rng=3)
    first, second = layer(x), layer(x)
    assert (first != second).any()
    again = nn.Dropout(rng=3)
    np.testing.assert_array_equal([again(x), again(x)], [first, second])
    masks = []
    for _ in range(2):
        tg.seed(5)
        masks.append(nn.Dropout()(x))
    np.testing.assert_array_equal(*masks)
    assert nn.dropout(Tensor(np.ones(3, np.float32))).dtype == np.float32


def test_dropout_has_a_right_derivative_and_wants_a_probability():
    """With the choice held fixed by its seed; 1.5 is refused by layer and function."""
    assert gradcheck(lambda x: nn.dropout(x, 0.5, rng=0), Tensor(RNG.standard_normal((3, 4))))
    for make in (nn.Dropout, lambda p: nn.dropout(np.ones(2), p)):
        with pytest.raises(ValueError, match=r"from 0 to 1, not 1\.5"):
            make(1.5)


# ---- embedding -----------------------------------------------------------------------------------------------------


def test_embedding_picks_rows_and_adds_their_gradients_up():
    """Row 2 is taken twice and gets twice the gradient, row 0 none."""
    layer = nn.Embedding(3, 2, rng=0)
    y = layer(np.array([[2, 1], [2, 2]]))
    np.testing.assert_array_equal(y.data[0, 0], layer.weight.data[2])
    assert y.shape == (2, 2, 2)
    y.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad, [[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]])
    assert gradcheck(layer, [0, 2, 2])
    assert layer([]).shape == (0, 2)
    np.testing.assert_array_equal(nn.embedding([1], layer.weight).data, layer.weight.data[1:2])


@pytest.mark.parametrize(("indices", "error", "message"), [
    ([0, 3], ShapeError, r"Embedding\(3, 2\): indices from 0 to 3, but the table has the rows 0 to 2"),
    ([-1], ShapeError, "indices from -1 to -1"),
    ([0.0, 1.0], DataError, "must be integers, not float64"),
    (Tensor([0.0]), DataError, "constants, not nodes"),
])
def test_embedding_refuses_what_is_no_row(indices, error, message):
    """Negative indices too, which NumPy would count from the end."""
    with pytest.raises(error, match=message):
        nn.Embedding(3, 2)(indices)


# ---- residual ------------------------------------------------------------------------------------------------------


def test_residual_adds_its_input():
    """x + f(x), of Tensors and Values; it is a Sequential with names, length and items."""
    inner = nn.Linear(2, 2, rng=0)
    block = nn.Residual(inner, tg.tanh)
    x = Tensor([[1.0, 2.0]])
    np.testing.assert_array_equal(block(x).data, x.data + np.tanh(inner(x).data))
    assert nn.Residual(tg.square)(Value(3.0)).data == 12.0
    assert nn.Residual()([1.0]).tolist() == [2.0]
    assert list(block.state_dict()) == ["0.weight", "0.bias"]
    assert (repr(block), block[0]) == ("Residual(Linear(2, 2), tanh)", inner)
    assert gradcheck(block, x)
    with pytest.raises(TypeError, match="Residual: layer 0 is the class ReLU"):
        nn.Residual(nn.ReLU)


# ---- activations ---------------------------------------------------------------------------------------------------

X = np.array([[-3.0, -0.5, 0.25], [0.75, 2.0, 40.0]])
EXP = np.exp(X - X.max(axis=-1, keepdims=True))
ACTIVATIONS = [
    (nn.LeakyReLU(), np.where(X > 0.0, X, 0.01 * X), "LeakyReLU(0.01)"),
    (nn.LeakyReLU(0.2), np.where(X > 0.0, X, 0.2 * X), "LeakyReLU(0.2)"),
    (nn.ELU(1.5), np.where(X > 0.0, X, 1.5 * np.expm1(X)), "ELU(1.5)"),
    (nn.GELU(), 0.5 * X * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (X + 0.044715 * X**3))), "GELU()"),
    (nn.SiLU(), X / (1.0 + np.exp(-X)), "SiLU()"),
    (nn.Softplus(), np.log1p(np.exp(X)), "Softplus()"),
    (nn.Softplus(2.0), np.log1p(np.exp(2.0 * X)) / 2.0, "Softplus(2)"),
    (nn.Softmax(), EXP / EXP.sum(axis=-1, keepdims=True), "Softmax(dim=-1)"),
    (nn.Softmax(0), np.exp(X) / np.exp(X).sum(axis=0), "Softmax(dim=0)"),
    (nn.LogSoftmax(dim=-1), np.log(EXP / EXP.sum(axis=-1, keepdims=True)), "LogSoftmax(dim=-1)"),
]


@pytest.mark.parametrize(("layer", "expected", "text"), ACTIVATIONS, ids=[text for _, _, text in ACTIVATIONS])
def test_activations_are_the_functions_of_their_name(layer, expected, text):
    """On arrays and Tensors, with a right derivative."""
    np.testing.assert_allclose(layer(X), expected, rtol=1e-13)
    np.testing.assert_allclose(layer(Tensor(X)).data, expected, rtol=1e-13)
    assert repr(layer) == text
    assert gradcheck(layer, Tensor(X[:, :2]))


def test_activations_work_on_values():
    """Elementwise ones on a Value, softmax on a list of them."""
    for layer, expected, _ in ACTIVATIONS[:7]:
        assert layer(Value(X[0, 1])).data == pytest.approx(expected[0, 1], rel=1e-13)
    np.testing.assert_allclose([v.data for v in nn.Softmax()([Value(0.0), Value(np.log(3.0))])], [0.25, 0.75])


def test_gelu_has_its_tanh_form_alone():
    """PyTorch's default, by erf, is refused with a word on the difference."""
    assert repr(nn.GELU(approximate="tanh")) == "GELU()"
    with pytest.raises(UnsupportedError, match="not 'none'"):
        nn.GELU("none")
