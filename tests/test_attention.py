"""Attention by hand in NumPy, its masks, derivatives and errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.testing.gradients import gradcheck


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def by_hand(layer, x, context, causal):
    """Attention of one sequence, head by head, in plain NumPy."""
    size = x.shape[-1]
    weights = layer.in_proj_weight.data.reshape(3, layer.num_heads, -1, size)
    bias = np.zeros(3 * size) if layer.in_proj_bias is None else layer.in_proj_bias.data
    bias = bias.reshape(3, layer.num_heads, -1)
    heads = []
    for w, b in zip(weights.swapaxes(0, 1), bias.swapaxes(0, 1), strict=True):
        q, k, v = (source @ w[i].T + b[i] for i, source in enumerate((x, context, context)))
        scores = q @ k.T / np.sqrt(q.shape[-1])
        if causal:
            scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        heads.append(softmax(scores) @ v)
    out = np.concatenate(heads, axis=-1) @ layer.out_proj.weight.data.T
    return out if layer.out_proj.bias is None else out + layer.out_proj.bias.data


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (3,), (2, 2), (0,)], ids=str)
def test_attention_is_its_equation(batch, bias, causal):
    """For each sequence of any batch, by itself."""
    rng = np.random.default_rng(0)
    layer = nn.MultiHeadAttention(6, 2, causal=causal, bias=bias, rng=rng)
    if bias:
        layer.in_proj_bias.data = rng.standard_normal(18)
        layer.out_proj.bias.data = rng.standard_normal(6)
    x = rng.standard_normal((*batch, 4, 6))
    y = layer(x).data
    assert y.shape == x.shape
    for place in np.ndindex(*batch):
        assert_allclose(y[place], by_hand(layer, x[place], x[place], causal), rtol=1e-12, atol=1e-14)


def test_queries_may_look_at_a_context():
    """Keys and values come from it; it has a number of steps of its own."""
    rng = np.random.default_rng(0)
    layer = nn.MultiHeadAttention(6, 3, rng=rng)
    x, context = rng.standard_normal((4, 6)), rng.standard_normal((5, 6))
    assert_allclose(layer(x, context).data, by_hand(layer, x, context, False), rtol=1e-12, atol=1e-14)
    assert_allclose(layer(x, x).data, layer(x).data, rtol=1e-13)


def test_a_causal_layer_does_not_see_what_comes_after():
    """A change at step 2, and its gradient, leave the steps 0 and 1 as they were; a prefix gives a prefix."""
    rng = np.random.default_rng(0)
    layer, x = nn.MultiHeadAttention(4, 2, causal=True, rng=rng), rng.standard_normal((5, 4))
    changed = np.where(np.arange(5)[:, None] == 2, 1e3, x)
    before, after = layer(x).data, layer(changed).data
    assert_array_equal(before[:2], after[:2])
    assert np.abs(before[2:] - after[2:]).min(axis=1).all()
    assert_allclose(layer(x[:3]).data, before[:3], rtol=1e-12, atol=1e-14)
    node = Tensor(x)
    layer(node)[1].sum().backward()
    assert_array_equal(node.grad[2:], 0.0)
    with tg.detect_anomaly():  # the masked scores are -inf on purpose
        layer(node).sum().backward()


@pytest.mark.parametrize("causal", [False, True])
def test_the_derivatives_of_attention_are_right_to_second_order(causal):
    """By the input and every parameter."""
    rng = np.random.default_rng(3)
    layer, x = nn.MultiHeadAttention(4, 2, causal=causal, rng=rng), Tensor(rng.standard_normal((3, 4)))
    assert gradcheck(layer, x, order=2)
    assert gradcheck(lambda _: layer(x), layer, order=2)
    q, k, v = (Tensor(rng.standard_normal(shape)) for shape in ((2, 3), (2, 3), (2, 2)))
    assert gradcheck(lambda *xs: nn.attention(*xs, causal=causal), q, k, v, order=2)


def test_parameters_have_pytorchs_names_layouts_and_start():
    """in_proj_weight by Glorot and Bengio's rule, out_proj as a Linear, biases 0, in the default dtype."""
    layer = nn.MultiHeadAttention(64, 4, rng=1)
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        "in_proj_weight": (192, 64), "in_proj_bias": (192,), "out_proj.weight": (64, 64), "out_proj.bias": (64,)}
    bound = np.sqrt(6.0 / (4.0 * 64.0))
    assert 0.99 * bound < np.abs(layer.in_proj_weight.data).max() < bound
    assert 0.99 / 8.0 < np.abs(layer.out_proj.weight.data).max() < 1.0 / 8.0
    assert not layer.in_proj_bias.data.any()
    assert not layer.out_proj.bias.data.any()
    assert_array_equal(nn.MultiHeadAttention(64, 4, rng=1).out_proj.weight.data, layer.out_proj.weight.data)
    tg.set_default_dtype(np.float32)
    try:
        single = nn.MultiHeadAttention(4, 2, causal=True)
    finally:
        tg.set_default_dtype(np.float64)
    x = Tensor(np.ones((3, 4), np.float32))
    y = single(x)
    y.sum().backward()
    assert {y.dtype, x.grad.dtype, *(p.grad.dtype for p in single.parameters())} == {np.dtype(np.float32)}


def test_wrong_shapes_are_told():
    """The message names the layer, the shapes and the fix."""
    layer = nn.MultiHeadAttention(4, 2)
    for x in (np.ones((3, 5)), np.ones(4)):
        with pytest.raises(ShapeError, match=r"MultiHeadAttention\(4, 2\) takes inputs of shape \(\.\.\., steps, 4\)"):
            layer(x)
        with pytest.raises(ShapeError, match="takes inputs"):
            layer(np.ones((3, 4)), x)
    for sizes in ((4, 3), (4, 0), (0, 1)):
        with pytest.raises(ShapeError, match=f"embed_dim {sizes[0]} does not divide into {sizes[1]} heads"):
            nn.MultiHeadAttention(*sizes)
    with pytest.raises(ShapeError, match=r"MultiHeadAttention\(4, 2, causal=True\) is causal.*causal=False"):
        nn.MultiHeadAttention(4, 2, causal=True)(np.ones((3, 4)), np.ones((3, 4)))
    for shapes in (((3,), (3, 3), (3, 3)), ((2, 3), (2, 4), (2, 3)), ((2, 3), (3, 3), (2, 3))):
        with pytest.raises(ShapeError, match=r"attention: queries \(\.\.\., queries, d\)"):
            nn.attention(*map(np.ones, shapes))
    with pytest.raises(DataError, match="stack_values"):
        layer(tg.Value(1.0))
    assert repr(nn.MultiHeadAttention(4, 2, bias=False)) == "MultiHeadAttention(4, 2, bias=False)"
