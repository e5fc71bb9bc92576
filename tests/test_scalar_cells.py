"""Neurons with each activation, and the scalar recurrent cell and convolution, against their formulas in NumPy."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, MixedNodesError, ShapeError
from tinygrad_edu.testing import gradcheck


def data(nested):
    """The numbers of nested lists of Values."""
    return np.array([data(part) for part in nested] if isinstance(nested, list) else float(nested))


def values(array):
    """Nested lists of Values."""
    return [values(part) for part in array] if np.ndim(array) else Value(array)


# ---- activations -----------------------------------------------------------------------------------------------------

SIGMOID = {z: 1.0 / (1.0 + math.exp(-z)) for z in (0.7, -0.7)}
FORMULAS = {  # phi(z) and phi'(z)
    "relu": lambda z: (max(z, 0.0), float(z > 0.0)),
    "tanh": lambda z: (math.tanh(z), 1.0 / math.cosh(z) ** 2),
    "sigmoid": lambda z: (SIGMOID[z], SIGMOID[z] * SIGMOID[-z]),
    "leaky_relu": lambda z: (z, 1.0) if z > 0.0 else (0.01 * z, 0.01),
    "elu": lambda z: (z, 1.0) if z > 0.0 else (math.exp(z) - 1.0, math.exp(z)),
    "silu": lambda z: (z * SIGMOID[z], SIGMOID[z] * (1.0 + z * SIGMOID[-z])),
    "softplus": lambda z: (math.log(1.0 + math.exp(z)), SIGMOID[z]),
}


@pytest.mark.parametrize("z", [0.7, -0.7])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_neuron_is_its_activation_of_the_weighted_sum(name, z):
    """a = phi(w . x + b), da/dw = phi'(z) x, da/dx = phi'(z) w, da/db = phi'(z)."""
    neuron, x = nn.Neuron(2, activation=name), [Value(2.0), Value(-1.0)]
    for parameter, number in zip(neuron.parameters(), (0.5, 0.25, z - 0.75), strict=True):
        parameter.data = number
    a = neuron(x)
    a.backward()
    value, slope = FORMULAS[name](z)
    assert a.data == pytest.approx(value, rel=1e-14)
    assert_allclose([p.grad for p in (*neuron.parameters(), *x)],
                    slope * np.array([2.0, -1.0, 1.0, 0.5, 0.25]), rtol=1e-13)


def test_hidden_layers_have_the_activation_and_the_last_none():
    """The network by hand, and what the repr says; relu unless told otherwise."""
    model, x = nn.MLP(3, [4, 1], rng=0, activation="tanh"), [0.3, -0.2, 0.5]
    weights = [np.array([[w.data for w in n.w] for n in layer.neurons]) for layer in model.layers]
    assert model(x).data == pytest.approx((weights[1] @ np.tanh(weights[0] @ x)).item(), rel=1e-14)
    assert repr(model.layers[0].neurons[0]) == "TanhNeuron(3)"
    assert repr(model.layers[1]) == "Layer of [LinearNeuron(4)]"
    assert repr(nn.Layer(2, 1, activation="leaky_relu")) == "Layer of [LeakyReLUNeuron(2)]"
    assert nn.Neuron(1, nonlin=True).activation is tg.relu


def test_the_activation_follows_only_if_nonlin():
    """As in micrograd, whose nonlin may be set later too."""
    neuron = nn.Neuron(1, nonlin=False, activation="tanh", rng=0)
    z = neuron([2.0]).data
    assert z == 2.0 * neuron.w[0].data
    neuron.nonlin = True
    assert neuron([2.0]).data == math.tanh(z)


def test_an_activation_may_be_a_function_or_a_module():
    """It is called with the weighted sum; the repr names it."""
    def halved(z):
        return 0.5 * z

    for activation, name, factor in ((halved, "halved", 0.5), (nn.LeakyReLU(0.1), "LeakyReLU", 0.1)):
        neuron = nn.Neuron(1, activation=activation)
        neuron.w[0].data = -1.0
        assert neuron([3.0]).data == pytest.approx(-3.0 * factor)
        assert repr(neuron) == f"{name}Neuron(1)"


@pytest.mark.parametrize(("activation", "error", "message"), [
    ("tahn", ValueError, "no activation 'tahn'; there are relu, tanh, sigmoid"),
    (nn.Tanh, TypeError, 'a name, such as "tanh", or a function, not <class'), (None, TypeError, "not None")])
def test_what_is_no_activation_is_told(activation, error, message):
    """At the neuron's making."""
    with pytest.raises(error, match=message):
        nn.MLP(2, [2, 1], activation=activation)


# ---- the recurrent cell ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nonlinearity", "phi"), [("tanh", np.tanh), ("relu", lambda z: np.maximum(z, 0.0))])
def test_the_scalar_cell_is_its_equation(nonlinearity, phi):
    """h' = phi(W_ih x + b_ih + W_hh h + b_hh), from a state, and from zeros where there is none."""
    cell, rng = nn.ScalarRNNCell(2, 3, nonlinearity, rng=0), np.random.default_rng(1)
    w_x, w_h, b_x, b_h = (data(p) for p in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh))
    x, h = rng.standard_normal(2), rng.standard_normal(3)
    assert_allclose(data(cell(x, h)), phi(w_x @ x + b_x + w_h @ h + b_h), rtol=1e-13, atol=1e-15)
    assert_allclose(data(cell(values(x))), phi(w_x @ x + b_x + b_h), rtol=1e-13, atol=1e-15)
    assert_allclose(data(nn.ScalarRNNCell(1, 1, rng=0)(0.5)), data(nn.ScalarRNNCell(1, 1, rng=0)([0.5])))


def test_each_unit_has_four_nodes():
    """Two weighted sums, whatever the sizes, of all their operands; their sum; and phi."""
    unit = nn.ScalarRNNCell(4, 3, rng=0)(values(np.ones(4)), values(np.ones(3)))[0]
    (total,) = unit.inputs
    from_x, from_h = total.inputs
    assert [node.op.name for node in (unit, total, from_x, from_h)] == ["tanh", "add", "weighted_sum", "weighted_sum"]
    assert (len(from_x.inputs), len(from_h.inputs)) == (2 * 4 + 1, 2 * 3 + 1)


def test_the_derivatives_of_an_unrolled_scalar_cell_are_right_to_second_order():
    """By the inputs and every parameter, through three steps."""
    cell, rng = nn.ScalarRNNCell(1, 2, rng=0), np.random.default_rng(2)
    xs = values(rng.standard_normal(3))

    def last(*_):
        h = None
        for x in xs:
            h = cell([x], h)
        return h[0] * h[1]

    assert gradcheck(last, *xs, order=2)
    assert gradcheck(last, cell, order=2)


def test_parameters_of_the_scalar_cell_have_the_arrays_names_and_numbers():
    """One rng gives an RNNCell and a ScalarRNNCell the same start."""
    cell, array = nn.ScalarRNNCell(3, 2, rng=0), nn.RNNCell(3, 2, rng=0)
    assert [name for name, _ in cell.named_parameters()][:4] == [f"weight_ih.0.{k}" for k in range(3)] + [
        "weight_ih.1.0"]
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        assert_array_equal(data(getattr(cell, name)), getattr(array, name).data)
    assert repr(cell) == "ScalarRNNCell(3, 2)"
    assert repr(nn.ScalarRNNCell(3, 2, "relu")) == "ScalarRNNCell(3, 2, nonlinearity='relu')"


def test_wrong_rows_of_the_scalar_cell_are_told():
    """The message names the cell and what it takes."""
    cell = nn.ScalarRNNCell(2, 3)
    with pytest.raises(ShapeError, match=r"ScalarRNNCell\(2, 3\): x must hold 2 numbers, not 3"):
        cell([1.0] * 3)
    with pytest.raises(ShapeError, match=r"ScalarRNNCell\(2, 3\): the state h must hold 3 numbers, not 2"):
        cell([1.0] * 2, [1.0] * 2)
    with pytest.raises(ShapeError, match="an array of shape"):
        cell(np.ones((5, 2)))
    with pytest.raises(MixedNodesError, match="to_values"):
        cell(Tensor([1.0, 2.0]))
    with pytest.raises(ShapeError, match="nin=0"):
        nn.ScalarRNNCell(0, 3)
    with pytest.raises(ValueError, match='"tanh" or "relu", not \'sin\''):
        nn.ScalarRNNCell(2, 3, "sin")


# ---- convolution -----------------------------------------------------------------------------------------------------


def convolved(x, w, b, stride, padding):
    """A convolution by its formula, place by place, on an image with zeros around it."""
    (s, t), (p, q) = stride, padding
    x = np.pad(x, ((0, 0), (p, p), (q, q)))
    out, _, height, width = w.shape
    rows, columns = (x.shape[1] - height) // s + 1, (x.shape[2] - width) // t + 1
    return np.array([[[b[o] + np.sum(w[o] * x[:, s * i:s * i + height, t * j:t * j + width]) for j in range(columns)]
                      for i in range(rows)] for o in range(out)])


@pytest.mark.parametrize(("size", "stride", "padding"), [
    ((2, 3), (1, 1), (0, 0)), ((3, 1), (2, 1), (1, 0)), ((1, 2), (1, 3), (0, 2)), ((4, 2), (3, 2), (2, 1))])
def test_the_scalar_convolution_is_its_formula(size, stride, padding):
    """On two channels of five rows and four columns, from arrays, lists of floats and lists of Values."""
    layer = nn.ScalarConv2d(2, 3, size, stride, padding, rng=0)
    x = np.random.default_rng(1).standard_normal((2, 5, 4))
    expected = convolved(x, data(layer.weight), data(layer.bias), stride, padding)
    for image in (x, x.tolist(), values(x)):
        y = data(layer(image))
        assert y.shape == expected.shape
        assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


def test_one_number_stands_for_both_axes_and_same_keeps_the_sizes():
    """Of an even kernel the odd zero comes after, as in Conv2d."""
    x = np.random.default_rng(1).standard_normal((1, 3, 4))
    one, pair = (nn.ScalarConv2d(1, 1, *sizes, rng=0) for sizes in ((2, 2, 1), ((2, 2), (2, 2), (1, 1))))
    assert_array_equal(data(one(x)), data(pair(x)))
    assert (repr(one), repr(nn.ScalarConv2d(1, 1, (2, 1)))) == (
        "ScalarConv2d(1, 1, 2, stride=2, padding=1)", "ScalarConv2d(1, 1, (2, 1))")
    same = nn.ScalarConv2d(1, 1, 2, padding="same", rng=0)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1)))
    assert_allclose(data(same(x)), convolved(padded, data(same.weight), data(same.bias), (1, 1), (0, 0)), rtol=1e-12)


def test_each_output_is_one_node_of_what_the_kernel_covers():
    """In the middle all weights and numbers and the bias; in a corner, beyond which zeros are, fewer; none outside."""
    y = nn.ScalarConv2d(2, 1, 3, padding=1, rng=0)(values(np.ones((2, 3, 3))))
    assert [[len(node.inputs) for node in row] for row in y[0]] == [[17, 25, 17], [25, 37, 25], [17, 25, 17]]
    layer = nn.ScalarConv2d(1, 1, 1, padding=1, rng=0)
    assert float(layer([[[5.0]]])[0][0][0]) == layer.bias[0].data


def test_the_derivatives_of_a_scalar_convolution_are_right_to_second_order():
    """By the image and every parameter."""
    layer, x = nn.ScalarConv2d(1, 2, (2, 1), padding=(1, 0), rng=0), values(np.random.default_rng(0).random((1, 2, 2)))

    def total(*_):
        return tg.sum([tg.sin(y) for channel in layer(x) for row in channel for y in row])

    assert gradcheck(total, *x[0][0], *x[0][1], order=2)
    assert gradcheck(total, layer, order=2)


def test_parameters_of_the_scalar_convolution_have_the_arrays_names_and_numbers():
    """One rng gives a Conv2d and a ScalarConv2d the same start."""
    layer, array = nn.ScalarConv2d(2, 3, (1, 2), rng=0), nn.Conv2d(2, 3, (1, 2), rng=0)
    assert_array_equal(data(layer.weight), array.weight.data)
    assert_array_equal(data(layer.bias), array.bias.data)
    names = [name for name, _ in layer.named_parameters()]
    assert names[:3] + names[-1:] == ["weight.0.0.0.0", "weight.0.0.0.1", "weight.0.1.0.0", "bias.2"]


def test_wrong_images_are_told():
    """The message names the layer, what it takes and what it was given."""
    layer = nn.ScalarConv2d(2, 1, 2)
    for image, given in ((np.ones((3, 4)), r"shape \(3, 4\)"), (np.ones((1, 3, 3)), r"shape \(1, 3, 3\)"),
                         (1.0, r"shape \(\)"), ([[[1.0, 2.0], [1.0]]] * 2, "ragged"), ([[[1.0]], [1.0]], "ragged"),
                         ([[[[1.0]]]] * 2, r"shape \(2, 1, 1, 1\)"), ([], r"shape \(0,\)")):
        with pytest.raises(ShapeError, match=rf"ScalarConv2d\(2, 1, 2\) takes one image, 2 channels.*not {given}"):
            layer(image)
    with pytest.raises(ShapeError, match=r"ScalarConv2d\(2, 1, 2\): a window that spans \(2, 2\) is larger"):
        layer(np.ones((2, 1, 4)))
    with pytest.raises(MixedNodesError, match="to_values"):
        layer(Tensor(np.ones((2, 3, 3))))
    with pytest.raises(DataError, match="'1' is not a number"):
        layer([[["1"] * 3] * 3] * 2)
    with pytest.raises(ShapeError, match="in_channels=0"):
        nn.ScalarConv2d(0, 1, 1)
    with pytest.raises(ShapeError, match=r"ScalarConv2d: .*stride"):
        nn.ScalarConv2d(1, 1, 1, stride=0)
