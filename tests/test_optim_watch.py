"""Clipping, and the watch on gradients."""

import gc
import warnings
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, optim
from tinygrad_edu.errors import GraphError, GraphWarning

# ---- clipping ------------------------------------------------------------------------------------------------------


def test_clipping_scales_all_gradients_together():
    """By max_norm / (norm + 1e-6), Values and Tensors as one vector; the norm before is returned."""
    x, y, z = Value(0.0), Tensor([0.0, 0.0]), Value(0.0)
    x.grad, y.grad = 2.0, [4.0, 4.0]
    old = y.grad
    assert optim.clip_grad_norm([x, y, z], 3.0) == pytest.approx(6.0)
    np.testing.assert_allclose([x.grad, *y.grad], np.array([2.0, 4.0, 4.0]) * 3.0 / (6.0 + 1e-6), rtol=1e-15)
    assert z.grad is None
    assert old.tolist() == [4.0, 4.0]  # others may hold it


def test_short_gradients_stay_the_very_same():
    """At or below the limit nothing is touched; without any gradient the norm is 0."""
    y = Tensor([0.0, 0.0], dtype=np.float32)
    assert optim.clip_grad_norm([y], 1.0) == 0.0
    y.grad = [0.3, 0.4]
    kept = y.grad
    assert optim.clip_grad_norm([y], 1.0) == pytest.approx(0.5)
    assert y.grad is kept
    optim.clip_grad_norm([y], 0.25)
    assert y.grad.dtype == np.float32
    with pytest.raises(ValueError, match="max_norm must not be negative"):
        optim.clip_grad_norm([y], -1.0)


def test_clipping_of_graphs_and_of_what_is_not_finite():
    """A gradient from create_graph becomes numbers; an infinite norm leaves no finite gradient unnoticed."""
    x = Tensor([3.0])
    (x * x).sum().backward(create_graph=True)
    assert optim.clip_grad_norm([x], 3.0) == 6.0
    assert isinstance(x.grad, np.ndarray)
    x.grad = [np.inf]
    assert optim.clip_grad_norm([x], 1.0) == np.inf
    assert np.isnan(x.grad).all()


# ---- the watch on gradients ----------------------------------------------------------------------------------------


def faulty(kind):
    """An optimiser's parameters with one fault: a NaN, no gradient, or the gradient of the last step."""
    params = [Tensor([1.0, 2.0], "weights"), Value(1.0)]
    for p, g in zip(params, ([1.0, np.nan] if kind == "nan" else [1.0, 1.0], 1.0), strict=True):
        p.grad = g
    if kind == "missing":
        params[0].grad = None
    return params


SAYS = {"nan": r"parameter 'weights', a Tensor of shape \(2,\), has NaN",
        "missing": r"parameter 'weights', a Tensor of shape \(2,\), has no gradient",
        "repeated": r"has the gradient of the last step still.*\(and 1 more\)"}


@pytest.mark.parametrize(("level", "kind", "told"), [
    (level, kind, level in ("warn", "strict") or (level == "nan" and kind == "nan"))
    for level in ("off", "nan", "warn", "strict") for kind in SAYS])
def test_each_level_of_the_watch_tells_what_it_says(level, kind, told):
    """Off: nothing; nan: NaN alone; warn: all; strict: raises, before anything has changed."""
    params = faulty(kind)
    optimizer = optim.SGD(params, lr=0.1, watch=level)
    if kind == "repeated":
        optimizer.step()
    before = [np.copy(p.data) for p in params]
    if not told:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            optimizer.step()
    elif level == "strict":
        with pytest.raises(GraphError, match=SAYS[kind]) as caught:
            optimizer.step()
        assert caught.value.nodes
        for p, data in zip(params, before, strict=True):
            np.testing.assert_array_equal(p.data, data)
    else:
        with pytest.warns(GraphWarning, match=SAYS[kind]) as said:
            optimizer.step()
        assert said[0].filename == __file__


def test_the_default_warns_of_nan_alone():
    """As PyTorch says nothing of the rest, so does it: a frozen part or gradients used twice may be meant."""
    with pytest.warns(GraphWarning, match="has NaN"):
        optim.Adam(faulty("nan")).step()


def test_an_ordinary_loop_passes_the_strictest_watch():
    """backward() and zero_grad() in any order, gradients that are equal in every step, frozen and shared parameters."""
    w, b, frozen = Value(1.0), Tensor([1.0]), Value(1.0, requires_grad=False)
    optimizer = optim.SGD([w, b, frozen], lr=0.1, watch="strict")
    for _ in range(4):
        optimizer.zero_grad()
        (w + frozen).backward()
        (b + 1.0).sum().backward()
        optimizer.step()
    for _ in range(4):
        (w + frozen).backward()
        (b + 1.0).sum().backward()
        optimizer.step()
        for p in (w, b):
            p.zero_grad()


def test_the_watch_holds_no_gradients_after_zero_grad():
    """And by default none at all."""
    for level in ("nan", "strict"):
        b = Tensor(np.zeros(3))
        optimizer = optim.SGD([b], lr=0.1, watch=level)
        b.grad = np.ones(3)
        kept = weakref.ref(b.grad)
        optimizer.step()
        optimizer.zero_grad()
        gc.collect()
        assert kept() is None


def test_an_unknown_level_is_told():
    """The message lists what there is."""
    with pytest.raises(ValueError, match="watch is one of off, nan, warn, strict, not 'loud'"):
        tg.optim.AdamW([Value(1.0)], watch="loud")
