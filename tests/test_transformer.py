"""The transformer block by hand in NumPy, its dropout, derivatives and errors."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.testing import gradcheck


def block(*sizes, **options):
    """A block all of whose parameters are drawn, as biases of 0 and weights of 1 would hide where they go."""
    made, rng = nn.TransformerBlock(*sizes, rng=0, **options), np.random.default_rng(1)
    for p in made.parameters():
        p.data = 0.5 * rng.standard_normal(p.shape)
    return made


def norm(x, layer):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * layer.weight.data + layer.bias.data


def attention(x, layer, causal):
    """Attention of one sequence on itself, head by head."""
    size, heads = x.shape[-1], []
    w, b = (p.data.reshape(3, layer.num_heads, -1, *rest) for p, rest in ((layer.in_proj_weight, (size,)),
                                                                         (layer.in_proj_bias, ())))
    for head in range(layer.num_heads):
        q, k, v = (x @ w[i, head].T + b[i, head] for i in range(3))
        e = np.exp(q @ k.T / np.sqrt(q.shape[-1]))
        e = np.tril(e) if causal else e
        heads.append(e / e.sum(axis=-1, keepdims=True) @ v)
    return np.concatenate(heads, axis=-1) @ layer.out_proj.weight.data.T + layer.out_proj.bias.data


def by_hand(made, x, causal, norm_first, phi):
    """One sequence through the block, in plain NumPy."""
    def network(h):
        hidden = phi(h @ made.linear1.weight.data.T + made.linear1.bias.data)
        return hidden @ made.linear2.weight.data.T + made.linear2.bias.data

    if norm_first:
        h = x + attention(norm(x, made.norm1), made.self_attn, causal)
        return h + network(norm(h, made.norm2))
    h = norm(x + attention(x, made.self_attn, causal), made.norm1)
    return norm(h + network(h), made.norm2)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize(("activation", "phi"), [("relu", lambda z: np.maximum(z, 0.0)), ("tanh", np.tanh)])
@pytest.mark.parametrize("batch", [(), (3,), (2, 2)], ids=str)
def test_the_block_is_its_equations(batch, activation, phi, norm_first, causal):
    """For each sequence of any batch, by itself."""
    made = block(6, 2, 5, causal=causal, norm_first=norm_first, activation=activation)
    x = np.random.default_rng(2).standard_normal((*batch, 4, 6))
    y = made(x).data
    assert y.shape == x.shape
    for place in np.ndindex(*batch):
        assert_allclose(y[place], by_hand(made, x[place], causal, norm_first, phi), rtol=1e-12, atol=1e-13)


def test_a_causal_block_does_not_see_what_comes_after():
    """A change at step 2 leaves the steps 0 and 1 as they were, and reaches those from 2 on."""
    made, x = block(4, 2, causal=True), np.random.default_rng(0).standard_normal((5, 4))
    before, after = made(x).data, made(np.where(np.arange(5)[:, None] == 2, 7.0 * x, x)).data
    assert_array_equal(before[:2], after[:2])
    assert np.abs(before[2:] - after[2:]).max(axis=1).all()


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("causal", [False, True])
def test_the_derivatives_of_the_block_are_right_to_second_order(causal, norm_first):
    """By the input and every parameter of a tiny one, with a smooth activation."""
    made = block(3, 1, 2, causal=causal, norm_first=norm_first, activation="gelu")
    x = Tensor(np.random.default_rng(3).standard_normal((3, 3)))
    assert gradcheck(made, x, order=2)
    assert gradcheck(lambda _: made(x), made, order=2)


def test_dropout_acts_in_training_alone_and_keeps_the_mean():
    """Three times: behind attention, between the two layers, behind them; a seed repeats it, eval() ends it."""
    made, x = block(4, 2, dropout=0.5), np.random.default_rng(0).standard_normal((3, 4))
    plain = copy.deepcopy(made)
    plain.dropout = nn.Dropout(0.0)
    assert_array_equal(made.eval()(x).data, plain(x).data)
    made.train()
    assert not np.array_equal(made(x).data, made(x).data)
    one, other = (nn.TransformerBlock(4, 2, dropout=0.5, rng=7) for _ in range(2))
    assert_array_equal(one(x).data, other(x).data)
    made.dropout = nn.Dropout(1.0)  # nothing but the residuals is left
    assert_array_equal(made(x).data, x)
    calls = []
    made.dropout = lambda h: calls.append(h.shape) or h
    made(x)
    assert calls == [(3, 4), (3, 16), (3, 4)]


def test_parameters_have_pytorchs_names_and_shapes():
    """Those of a TransformerEncoderLayer; hidden_dim is 4 embed_dim unless told otherwise."""
    shapes = {"self_attn.in_proj_weight": (12, 4), "self_attn.in_proj_bias": (12,),
              "self_attn.out_proj.weight": (4, 4), "self_attn.out_proj.bias": (4,),
              "linear1.weight": (16, 4), "linear1.bias": (16,), "linear2.weight": (4, 16), "linear2.bias": (4,),
              "norm1.weight": (4,), "norm1.bias": (4,), "norm2.weight": (4,), "norm2.bias": (4,)}
    made = nn.TransformerBlock(4, 2, rng=0)
    assert {name: p.shape for name, p in made.named_parameters()} == shapes
    assert nn.TransformerBlock(4, 2, 7).linear1.weight.shape == (7, 4)
    first, second = (p.data / np.abs(p.data).max() for p in (made.self_attn.in_proj_weight, made.linear1.weight))
    assert np.abs(first - second[:12]).max() > 0.5  # a seed is one generator for all, not a new one for each
    tg.seed(3)
    drawn = nn.TransformerBlock(4, 2).state_dict()
    tg.seed(3)
    for name, entry in nn.TransformerBlock(4, 2).state_dict().items():
        assert_array_equal(entry, drawn[name])


def test_float32_stays_float32():
    """Outputs and gradients, dropout included."""
    tg.set_default_dtype(np.float32)
    try:
        made = nn.TransformerBlock(4, 2, dropout=0.1, causal=True, activation="gelu")
    finally:
        tg.set_default_dtype(np.float64)
    x = Tensor(np.ones((3, 4), np.float32))
    y = made(x)
    y.sum().backward()
    assert {y.dtype, x.grad.dtype, *(p.grad.dtype for p in made.parameters())} == {np.dtype(np.float32)}


def test_blocks_say_what_they_are():
    """Settings that differ from the usual ones."""
    assert repr(nn.TransformerBlock(4, 2, 16)) == "TransformerBlock(4, 2)"
    made = nn.TransformerBlock(4, 1, 3, 0.1, True, False, "gelu")
    assert repr(made) == ("TransformerBlock(4, 1, hidden_dim=3, dropout=0.1, causal=True, norm_first=False, "
                          "activation='gelu')")
    assert "activation=LeakyReLU(0.1)" in repr(nn.TransformerBlock(4, 2, activation=nn.LeakyReLU(0.1)))


def test_mistakes_are_told():
    """The message names the block, the shapes and the fix."""
    made = nn.TransformerBlock(4, 2)
    for x in (np.ones((3, 5)), np.ones(4)):
        with pytest.raises(ShapeError, match=r"TransformerBlock\(4, 2\) takes inputs of shape \(\.\.\., steps, 4\), n"):
            made(x)
    with pytest.raises(DataError, match="stack_values"):
        made(tg.Value(1.0))
    with pytest.raises(ShapeError, match=r"TransformerBlock: .*embed_dim 4 does not divide into 3 heads"):
        nn.TransformerBlock(4, 3)
    with pytest.raises(ShapeError, match=r"TransformerBlock: .*at least 1, not 4 and 0"):
        nn.TransformerBlock(4, 2, 0)
    with pytest.raises(ValueError, match="TransformerBlock: no activation 'rely'"):
        nn.TransformerBlock(4, 2, activation="rely")
    with pytest.raises(ValueError, match="from 0 to 1, not 2"):
        nn.TransformerBlock(4, 2, dropout=2.0)
