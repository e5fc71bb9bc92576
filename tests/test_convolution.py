"""Convolution and pooling: by hand, against their definitions, to second order, their errors and their memory."""

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import DataError, ShapeError
from tinygrad_edu.testing import gradcheck


def composed(x, weight, stride, padding, dilation, groups):
    """The definition: the windows of the padded x, and a product for each group of channels."""
    axes = weight.ndim - 2
    width = [(0, 0), (0, 0), *((p, p) for p in padding)]
    seen = tg.windows(tg.pad(x, width), weight.shape[2:], stride, dilation)
    labels = {1: "ncpk,ock->nop", 2: "ncpqkl,ockl->nopq"}[axes]
    xs, ws = tg.split(seen, groups, axis=1), tg.split(weight, groups, axis=0)
    return tg.concatenate([tg.einsum(labels, a, w) for a, w in zip(xs, ws, strict=True)], axis=1)


@st.composite
def settings(draw, axes):
    """Shapes of x and of the weights, and stride, padding, dilation and groups that go with them."""
    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    groups, share, out, batch = (draw(st.integers(1, 3)) for _ in range(4))
    size, stride, padding, dilation, more = each(1, 3), each(1, 3), each(0, 2), each(1, 2), each(0, 3)
    sizes = [max(1, (k - 1) * d + 1 - 2 * p) + n for k, d, p, n in zip(size, dilation, padding, more, strict=True)]
    return ((batch, groups * share, *sizes), (groups * out, share, *size),
            {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups})


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_a_small_convolution_by_hand():
    """[1, 2, 4] seen through [3, 5], with zeros around, and what flows back from a sum."""
    x, w, b = tg.Tensor([[[1.0, 2.0, 4.0]]]), tg.Tensor([[[3.0, 5.0]]]), tg.Tensor([0.5])
    y = nn.conv1d(x, w, b, padding=1)
    assert y.data.tolist() == [[[5.5, 13.5, 26.5, 12.5]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[8.0, 8.0, 8.0]]]
    assert w.grad.tolist() == [[[7.0, 7.0]]]
    assert b.grad.tolist() == [4.0]


def test_an_image_by_hand():
    """Every second position of a 2x2 kernel on a 3x4 image."""
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    w = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
    assert nn.conv2d(x, w, stride=(1, 2)).tolist() == [[[[-5.0, -5.0], [-5.0, -5.0]]]]


@pytest.mark.parametrize("axes", [1, 2])
@given(data=st.data())
def test_a_convolution_is_windows_and_a_product(axes, data):
    """Result and both gradients, for any stride, padding, dilation and groups; float32 stays float32."""
    shape, weight_shape, options = data.draw(settings(axes))
    rng = np.random.default_rng(0)
    function = {1: nn.conv1d, 2: nn.conv2d}[axes]
    found, expected = [], []
    for results, convolve in ((found, lambda x, w: function(x, w, **options)),
                              (expected, lambda x, w: composed(x, w, **options))):
        rng = np.random.default_rng(0)
        x, w = tg.Tensor(rng.standard_normal(shape)), tg.Tensor(rng.standard_normal(weight_shape))
        y = convolve(x, w)
        y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
        results += [y.data, x.grad, w.grad]
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    small = function(np.ones(shape, np.float32), tg.Tensor(np.ones(weight_shape, np.float32)), **options)
    assert small.dtype == np.float32


@pytest.mark.parametrize(("size", "dilation"), [((3, 3), 1), ((2, 4), 1), ((3, 2), (2, 3))])
def test_same_keeps_the_sizes_and_valid_pads_nothing(size, dilation):
    """Padding by name; where an odd number of zeros is needed, one more stands at the end."""
    x, w = np.random.default_rng(0).standard_normal((2, 1, 7, 8)), np.ones((1, 1, *size))
    same = nn.conv2d(x, w, padding="same", dilation=dilation)
    assert same.shape == x.shape
    totals = [d * (k - 1) for k, d in zip(size, np.broadcast_to(dilation, 2), strict=True)]
    width = [(0, 0), (0, 0), *((n // 2, n - n // 2) for n in totals)]
    assert_allclose(same, nn.conv2d(np.pad(x, width), w, padding="valid", dilation=dilation), atol=1e-12)


def test_lists_and_numpys_integers_are_numbers_too():
    """As arguments they give what tuples and Python's integers give; an array of them is told apart."""
    x, w = np.random.default_rng(0).standard_normal((1, 2, 6, 7)), np.ones((1, 2, 2, 3))
    expected = nn.conv2d(x, w, stride=(1, 2), padding=1)
    assert_allclose(nn.conv2d(x, w, stride=[1, 2], padding=np.int64(1)), expected)
    assert_allclose(nn.max_pool2d(x, [2, 3]), nn.max_pool2d(x, (2, 3)))
    with pytest.raises(ShapeError, match=r"stride .* must be 2 numbers"):
        nn.conv2d(x, w, stride=np.array([1, 2]))


def test_one_sample_needs_no_batch():
    """(C, H, W) gives (O, H', W'), as the same sample in a batch of one."""
    x, w = np.random.default_rng(0).standard_normal((2, 5, 5)), np.ones((3, 2, 2, 2))
    assert_allclose(nn.conv2d(x, w, np.arange(3.0)), nn.conv2d(x[None], w, np.arange(3.0))[0])
    assert gradcheck(lambda x: nn.conv2d(x, w), x)


@pytest.mark.parametrize(("shape", "weight", "options"), [
    ((2, 2, 5), (3, 2, 3), {"padding": 1}),
    ((2, 4, 6), (2, 2, 2), {"stride": 2, "dilation": 3, "groups": 2}),
    ((2, 2, 4, 5), (3, 2, 2, 3), {"padding": (1, 0), "stride": (2, 1)}),
    ((1, 2, 5, 4), (4, 1, 3, 2), {"padding": "same", "dilation": (1, 2), "groups": 2}),
])
def test_gradcheck_to_second_order(shape, weight, options):
    """Every nesting of the modes, by x, weights and bias at once."""
    rng = np.random.default_rng(0)
    function = nn.conv1d if len(shape) == 3 else nn.conv2d
    assert gradcheck(lambda x, w, b: tg.tanh(function(x, w, b, **options)), rng.standard_normal(shape),
                     rng.standard_normal(weight), rng.standard_normal(weight[0]), order=2)


# ---- pooling ---------------------------------------------------------------------------------------------------------


def test_ties_share_the_derivative_equally():
    """Two of four are the largest: half each, in both modes; three in the next window: a third each."""
    x = np.array([[2.0, 1.0, 3.0, 3.0], [0.0, 2.0, 3.0, 0.0]])
    t = tg.Tensor(x)
    nn.max_pool2d(t, 2).sum().backward()
    assert_allclose(t.grad, [[0.5, 0.0, 1 / 3, 1 / 3], [0.0, 0.5, 1 / 3, 0.0]])
    tangent = np.arange(8.0).reshape(2, 4)
    assert_allclose(tg.jvp(lambda x: nn.max_pool2d(x, 2), (x,), (tangent,))[1], [[(0.0 + 5.0) / 2, (2 + 3 + 6) / 3]])


def test_the_border_of_a_maximum_is_lower_than_any_number():
    """Negative numbers win against the padding; -inf ties with it, and takes the whole derivative."""
    t = tg.Tensor([[-5.0, -np.inf], [-np.inf, -np.inf]])
    y = nn.max_pool2d(t, 2, padding=1)
    assert y.data.tolist() == [[-5.0, -np.inf], [-np.inf, -np.inf]]
    y.backward(np.ones((2, 2)))
    assert t.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_windows_that_overlap_add_up():
    """An element that is the largest of several windows has the derivative of each."""
    t = tg.Tensor([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]])
    nn.max_pool2d(t, 2, stride=1).sum().backward()
    assert t.grad[1, 1] == 4.0
    assert t.grad.sum() == 4.0


@given(data=st.data(), kind=st.sampled_from([nn.max_pool2d, nn.avg_pool2d]))
def test_pooling_is_a_reduction_of_windows(data, kind):
    """Result and gradient, ties among them, for any kernel, stride and padding."""
    size = tuple(data.draw(st.integers(1, 3)) for _ in range(2))
    stride = data.draw(st.sampled_from([None, 1, 2, (2, 1)]))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in size)
    x = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 4, (2, 1, 5, 4)).astype(float)
    fill = -np.inf if kind is nn.max_pool2d else 0.0
    width, reduce = [(0, 0), (0, 0), *((p, p) for p in padding)], tg.max if kind is nn.max_pool2d else tg.mean
    one, other = tg.Tensor(x), tg.Tensor(x)
    y = kind(one, size, stride, padding)
    z = reduce(tg.windows(tg.pad(other, width, constant_values=fill), size, size if stride is None else stride),
               axis=(-2, -1))
    assert_allclose(y.data, z.data, rtol=1e-14)
    u = np.cos(np.arange(y.size)).reshape(y.shape)
    y.backward(u)
    z.backward(u)
    assert_allclose(one.grad, other.grad, atol=1e-14)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, 1, 1), nn.MaxPool2d((2, 1), dilation=2),
                                  nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1, False),
                                  nn.AdaptiveAvgPool2d(1)], ids=repr)
def test_gradcheck_of_pooling(pool):
    """Away from ties, to second order, behind a function that is curved."""
    x = np.random.default_rng(0).permutation(60).reshape(2, 1, 5, 6) / 20.0
    assert gradcheck(lambda x: tg.tanh(pool(x * x)), x, order=2)


def test_zeros_of_the_border_count_in_an_average_unless_told_otherwise():
    """At a corner a quarter of the 2x2 window lies inside."""
    ones = np.ones((2, 2))
    assert nn.avg_pool2d(ones, 2, padding=1).tolist() == [[0.25, 0.25], [0.25, 0.25]]
    assert nn.avg_pool2d(ones, 2, padding=1, count_include_pad=False).tolist() == [[1.0, 1.0], [1.0, 1.0]]


# ---- layers ----------------------------------------------------------------------------------------------------------


def test_weights_start_as_in_pytorch():
    """Uniform up to 1/sqrt of the elements that an output sums over; the default dtype; repeatable."""
    layer = nn.Conv2d(4, 64, (3, 5), groups=2, rng=0)
    assert layer.weight.shape == (64, 2, 3, 5)
    assert layer.bias.shape == (64,)
    bound = 1.0 / np.sqrt(2 * 3 * 5)
    assert 0.95 * bound < np.abs(layer.weight.data).max() <= bound
    assert np.array_equal(layer.weight.data, nn.Conv2d(4, 64, (3, 5), groups=2, rng=0).weight.data)
    tg.set_default_dtype(np.float32)
    try:
        assert nn.Conv1d(1, 1, 2).weight.dtype == np.float32
    finally:
        tg.set_default_dtype(np.float64)


def test_a_network_of_all_layers_learns():
    """Which of two positions is bright: the loss falls, and the state moves to a second network."""
    def network(seed):
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, rng=seed), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2),
                             nn.Flatten(), nn.Linear(16, 2, rng=seed))

    rng, model = np.random.default_rng(0), network(0)
    images, y = rng.random((32, 1, 8, 8)) * 0.1, rng.integers(0, 2, 32)
    images[np.arange(32), 0, 1 + 4 * y, 2] += 1.0
    optimizer, losses = tg.optim.Adam(model.parameters(), lr=0.02), []
    for _ in range(60):
        loss = nn.cross_entropy(model(images), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    twin = network(1)
    twin.load_state_dict(model.state_dict())
    assert_allclose(twin(images).data, model(images).data)
    assert [name for name, _ in model.named_parameters()][:2] == ["0.weight", "0.bias"]


@pytest.mark.parametrize("layer", [
    "Conv2d(3, 16, 3)", "Conv2d(2, 4, (3, 1), padding='same', dilation=(1, 2), groups=2, bias=False)",
    "Conv1d(1, 2, 3, padding=1)", "MaxPool2d(2)", "MaxPool2d(3, stride=1, padding=1, dilation=2)",
    "AvgPool2d((2, 3), stride=1, count_include_pad=False)", "AdaptiveAvgPool2d(1)", "Flatten()", "Flatten(end_dim=2)"])
def test_a_layer_is_shown_as_it_is_made(layer):
    """The repr is the call, without what is by default."""
    assert repr(eval(f"nn.{layer}")) == layer


def test_flatten_joins_the_axes_it_is_told():
    """From start_dim to end_dim, counted from either end; an empty batch too."""
    x = np.ones((2, 3, 4, 5))
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)
    assert nn.Flatten(-2)(tg.Tensor(x)).shape == (2, 3, 20)
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)


# ---- errors ----------------------------------------------------------------------------------------------------------

X, W = np.ones((2, 4, 5, 5)), np.ones((6, 4, 3, 3))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: nn.conv2d(X, np.ones((6, 3, 3, 3))), r"conv2d: x of shape \(2, 4, 5, 5\) has 4 channels.* take 3"),
    (lambda: nn.conv2d(X, np.ones((6, 4, 7, 3))), r"conv2d: .*spans \(7, 3\).*padded to \(5, 5\).*more padding"),
    (lambda: nn.conv2d(X, W, padding=1, dilation=4), r"conv2d: .*spans \(9, 9\).*padded to \(7, 7\)"),
    (lambda: nn.conv2d(X, W, groups=4), r"conv2d: groups=4 must divide the 4 channels .* 6 out channels"),
    (lambda: nn.conv2d(X, W, groups=0), r"conv2d: groups=0 must"),
    (lambda: nn.conv2d(X, W, padding=-1), r"conv2d: padding -1 must be 2 numbers.* of at least 0"),
    (lambda: nn.conv2d(X, W, stride=1.5), r"conv2d: stride 1.5 must be 2 numbers, all of them whole"),
    (lambda: nn.conv2d(X, W, stride=[1, 2, 3]), r"conv2d: stride \[1, 2, 3\] must be 2 numbers"),
    (lambda: nn.conv2d(X, W, padding="full"), r'conv2d: padding \'full\' must be "same", "valid"'),
    (lambda: nn.conv2d(X, W, padding="same", stride=2), r'conv2d: padding "same" .* stride is 1'),
    (lambda: nn.conv2d(X, W, np.ones(4)), r"conv2d: a bias of shape \(4,\) .* 6 out channels"),
    (lambda: nn.conv2d(X, np.ones((6, 4, 3))), r"conv2d: weights of shape \(6, 4, 3\) need 4 axes"),
    (lambda: nn.conv1d(X, np.ones((6, 4, 3))), r"conv1d: x of shape \(2, 4, 5, 5\) and weights"),
    (lambda: nn.conv2d(X, np.ones((6, 4, 0, 3))), r"conv2d: kernel_size \(0, 3\) must be"),
    (lambda: nn.max_pool2d(X, 6), r"max_pool2d: .*spans \(6, 6\).*\(2, 4, 5, 5\)"),
    (lambda: nn.max_pool2d(X, 2, padding=2), r"max_pool2d: padding 2 is more than half of kernel_size 2"),
    (lambda: nn.avg_pool2d(np.ones(3), 2), r"avg_pool2d: x of shape \(3,\) does not have the 2 axes"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4), r"Conv2d: in_channels=4 and out_channels=6 .* groups=4"),
    (lambda: nn.Conv1d(4, 6, (3, 3)), r"Conv1d: kernel_size \(3, 3\) must be a whole number"),
    (lambda: nn.Conv2d(4, 6, 3)(np.ones((2, 3, 5, 5))), r"conv2d: .*has 3 channels.* take 4"),
    (lambda: nn.AdaptiveAvgPool2d(2), r"AdaptiveAvgPool2d: output_size 2 is not 1; .*AvgPool2d"),
    (lambda: nn.AdaptiveAvgPool2d(1)(np.ones(3)), r"AdaptiveAvgPool2d: x of shape \(3,\)"),
    (lambda: nn.Flatten(2, 1)(X), r"Flatten\(start_dim=2, end_dim=1\): x of shape .* no axes from 2 to 1"),
    (lambda: nn.Flatten(7)(X), r"Flatten\(start_dim=7\): x of shape \(2, 4, 5, 5\) has no axes from 7 to -1"),
])
def test_errors_name_the_operation_the_shapes_and_the_fix(call, message):
    """At the call that caused them."""
    with pytest.raises(ShapeError, match=message):
        call()


def test_errors_carry_the_nodes():
    """The Tensors of the call; a Value is told that an array is wanted."""
    t = tg.Tensor(X)
    with pytest.raises(ShapeError) as caught:
        nn.conv2d(t, np.ones((6, 3, 3, 3)))
    assert caught.value.nodes == (t,)
    with pytest.raises(DataError, match=r"conv2d.*single number"):
        nn.conv2d(tg.Value(1.0), W)


# ---- memory ----------------------------------------------------------------------------------------------------------


def test_a_convolution_does_not_keep_its_windows():
    """What stays after the forward pass is the result; the nine-fold copy of x comes and goes."""
    x, w = tg.Tensor(np.ones((4, 16, 32, 32))), tg.Tensor(np.ones((4, 16, 3, 3)))
    nn.conv2d(x, w, padding=1)
    gc.collect()
    tracemalloc.start()
    y = nn.conv2d(x, w, padding=1)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1.1 * y.data.nbytes
    assert peak < 1.1 * (9 * x.data.nbytes + 1.2 * x.data.nbytes + y.data.nbytes)
    assert [a.nbytes for a in y.arguments] == [x.data.nbytes, w.data.nbytes]


def test_results_keep_their_order_in_memory_from_layer_to_layer():
    """Behind a convolution the batch is the last axis in memory, so that the next need not move it there."""
    x = tg.Tensor(np.ones((8, 3, 6, 6)))
    y = nn.conv2d(x, np.ones((4, 3, 3, 3)), np.ones(4), padding=1)
    pooled = nn.max_pool2d(tg.relu(y), 2)
    for node in (y, pooled):
        assert node.data.transpose(1, 2, 3, 0).flags.c_contiguous
    with tg.no_grad():
        plain = nn.conv2d(x, np.ones((4, 3, 3, 3)))
    assert plain.data.transpose(1, 2, 3, 0).flags.c_contiguous
