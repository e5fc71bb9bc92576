"""Initial weights: shapes, moments, bounds, generators, and what `initialise` touches."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init

SHAPE = (120, 80)
LAWS = {
    "uniform": (lambda **o: init.uniform(SHAPE, -2.0, 3.0, **o), 0.5, 5.0 / np.sqrt(12.0), 3.0),
    "normal": (lambda **o: init.normal(SHAPE, 0.5, 2.0, **o), 0.5, 2.0, np.inf),
    "xavier_uniform": (lambda **o: init.xavier_uniform(SHAPE, 3.0, **o), 0.0, 3.0 * np.sqrt(2.0 / 200.0),
                       3.0 * np.sqrt(6.0 / 200.0)),
    "xavier_normal": (lambda **o: init.xavier_normal(SHAPE, **o), 0.0, np.sqrt(2.0 / 200.0), np.inf),
    "kaiming_uniform": (lambda **o: init.kaiming_uniform(SHAPE, **o), 0.0, np.sqrt(2.0 / 80.0), np.sqrt(6.0 / 80.0)),
    "kaiming_normal": (lambda **o: init.kaiming_normal(SHAPE, 0.5, "fan_out", **o), 0.0, np.sqrt(2.0 / 1.25 / 120.0),
                       np.inf),
}


@pytest.mark.parametrize("name", LAWS)
def test_random_weights_have_the_moments_and_bounds_of_their_law(name):
    """Mean and standard deviation within five standard errors; uniform ones fill their interval."""
    draw, mean, std, bound = LAWS[name]
    w = draw(rng=0)
    assert w.shape == SHAPE
    assert w.mean() == pytest.approx(mean, abs=5.0 * std / np.sqrt(w.size))
    assert w.std() == pytest.approx(std, rel=0.04)
    if np.isfinite(bound):
        assert 0.99 * bound < np.abs(w).max() < bound


@pytest.mark.parametrize("name", LAWS)
def test_the_generator_governs_the_weights_and_the_default_dtype_theirs(name):
    """A seed repeats them, a generator goes on, tg.seed rules the default; float32 on demand."""
    draw = LAWS[name][0]
    np.testing.assert_array_equal(draw(rng=1), draw(rng=np.random.default_rng(1)))
    rng = np.random.default_rng(1)
    assert (draw(rng=rng) != draw(rng=rng)).any()
    tg.seed(2)
    first = draw()
    tg.seed(2)
    np.testing.assert_array_equal(draw(), first)
    tg.set_default_dtype(np.float32)
    try:
        assert draw(rng=1).dtype == init.constant((2,), 1.0).dtype == init.orthogonal((2, 2)).dtype == np.float32
    finally:
        tg.set_default_dtype(np.float64)


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (4, 2, 3), (1, 1)])
def test_orthogonal_weights_are_orthogonal(shape):
    """Rows where they are no more than the columns, else columns; a kernel counts as columns; each of length gain."""
    w = init.orthogonal(shape, gain=2.0, rng=0)
    assert w.shape == shape
    flat = w.reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_weights_prefer_no_sign():
    """The diagonal is as often negative as positive, which qr alone would not give."""
    signs = [init.orthogonal((1, 1), rng=seed).item() for seed in range(100)]
    assert 30 < sum(s > 0.0 for s in signs) < 70


def test_fans_and_gains_by_hand():
    """(out, in, *kernel); sqrt(2) for relu, 5/3 for tanh, 1 for none."""
    assert init.fans((2, 3)) == (3, 2)
    assert init.fans((8, 3, 5)) == (15, 40)
    assert init.fans((8, 3, 5, 2)) == (30, 80)
    assert init.gain("relu") == pytest.approx(np.sqrt(2.0))
    assert init.gain("leaky_relu") == pytest.approx(np.sqrt(2.0 / 1.0001))
    assert (init.gain("tanh"), init.gain("linear")) == (5.0 / 3.0, 1.0)
    np.testing.assert_array_equal(init.constant((2, 1), 3.0), [[3.0], [3.0]])


def test_mistakes_are_told():
    """A vector has no fans, an activation must be known, the mode one of two."""
    for draw in (init.fans, init.xavier_normal, init.kaiming_uniform, init.orthogonal):
        with pytest.raises(ShapeError, match=r"\(out, in\) or \(out, in, \*kernel\), not \(3,\)"):
            draw((3,))
    with pytest.raises(ValueError, match="no activation 'rely'; there are elu, gelu"):
        init.initialise(nn.Linear(1, 1), "rely")
    with pytest.raises(ValueError, match='"fan_in" or "fan_out", not \'fan\''):
        init.kaiming_normal((2, 2), mode="fan")


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "silu", "tanh", "sigmoid", "linear"])
def test_initialise_draws_the_weights_and_leaves_the_rest(activation):
    """In both families alike, by the law of the activation; biases, norms and tables stay; dtypes stay."""
    model = nn.Sequential(nn.Embedding(50, 60), nn.Linear(60, 70), nn.LayerNorm(70), nn.MLP(40, [50, 1]))
    before = model.state_dict()
    assert init.initialise(model, activation, rng=0) is model
    after = model.state_dict()
    scalar = [f"3.layers.{i}.neurons.{j}.w.{k}" for i, (m, n) in enumerate(((40, 50), (50, 1)))
              for j in range(n) for k in range(m)]
    changed = {name for name in before if np.any(before[name] != after[name])}
    assert changed == {"1.weight", *scalar}
    kaiming = activation in init.KAIMING
    for w, (out, inputs) in ((after["1.weight"], (70, 60)),
                             (np.array([after[n] for n in scalar[:2000]]), (50, 40))):
        factor = init.gain(activation)
        std = factor / np.sqrt(inputs) if kaiming else factor * np.sqrt(2.0 / (inputs + out))
        assert w.std() == pytest.approx(std, rel=0.06)
    again = init.initialise(model, activation, rng=0).state_dict()
    np.testing.assert_array_equal(again["1.weight"], after["1.weight"])


def test_signals_keep_their_size_through_many_initialised_layers():
    """30 layers of relu: the standard deviation stays within a factor of 4, where the default loses 10 digits."""
    layers = [part for _ in range(30) for part in (nn.Linear(200, 200, bias=False, rng=0), nn.ReLU())]
    model, x = nn.Sequential(*layers), np.random.default_rng(0).standard_normal((50, 200))
    with tg.no_grad():
        assert model(x).data.std() < 1e-8
        assert 0.25 < init.initialise(model, "relu", rng=0)(x).data.std() < 4.0
