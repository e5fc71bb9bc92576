"""Twins: a model on Values and one on Tensors with the same weights have the same outputs and derivatives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.ops.defaults import generator


def leaves(nested):
    """The nodes of nested lists, in order."""
    return [leaf for part in nested for leaf in leaves(part)] if isinstance(nested, list) else [nested]


def values(array):
    """Nested lists of Values."""
    return [values(part) for part in array] if np.ndim(array) else Value(array)


def ordered(model):
    """The parameters of a scalar model in the order of its twin's: all weights of a layer, then all its biases."""
    if isinstance(model, (nn.ScalarRNNCell, nn.ScalarConv2d)):
        return model.parameters()
    layers = model.layers if isinstance(model, nn.MLP) else [model]
    rows = [[layer] if isinstance(layer, nn.Neuron) else layer.neurons for layer in layers]
    return [p for neurons in rows for p in (*leaves([n.w for n in neurons]), *(n.b for n in neurons))
            if isinstance(p, Value)]


def all_numbers(outputs, inputs, parameters, v):
    """Outputs, gradients of the sum of their sines, and of the derivative of that by the inputs along v."""
    sines = [tg.sum(tg.sin(y)) if isinstance(y, Tensor) else tg.sin(y) for y in leaves(outputs)]
    sum(sines).backward(create_graph=True)
    nodes = [*inputs, *parameters]
    first = [Value(0.0) if node.grad is None else node.grad for node in nodes]  # a Value that no output reads
    for node in nodes:
        node.zero_grad()
    sum(tg.sum(g * d) if isinstance(g, Tensor) else g * d for g, d in zip(first, v, strict=False)).backward()
    second = [np.zeros(np.shape(node.data)) if node.grad is None else node.grad for node in nodes]
    return [np.concatenate([np.ravel(x) for x in part]) for part in
            ([y.data for y in leaves(outputs)], [g.data for g in first], second)]


def assert_same(scalar, array, inputs):
    """Every number that the two compute, within 1e-12."""
    rng = np.random.default_rng(7)
    xs, directions = [values(x) for x in inputs], [rng.standard_normal(x.shape) for x in inputs]
    ys = [Tensor(x) for x in inputs]
    one = all_numbers(scalar(*xs), leaves(xs), ordered(scalar), leaves([d.ravel().tolist() for d in directions]))
    other = all_numbers(array(*ys), ys, array.parameters(), directions)
    for mine, theirs in zip(one, other, strict=True):
        assert mine.shape == theirs.shape
        assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


RNG = np.random.default_rng(0)
ROW, STATE, IMAGE = RNG.standard_normal(3), RNG.standard_normal(4), RNG.standard_normal((2, 5, 4))
PAIRS = {
    "a neuron": (lambda: nn.Neuron(3, activation="sigmoid", rng=0), "Sequential(Linear(3, 1), Sigmoid())", [ROW]),
    "a linear neuron": (lambda: nn.Neuron(3, nonlin=False, rng=0), "Linear(3, 1)", [ROW]),
    "a layer": (lambda: nn.Layer(3, 2, activation="tanh", rng=0), "Sequential(Linear(3, 2), Tanh())", [ROW]),
    "a linear layer": (lambda: nn.Layer(3, 2, nonlin=False, rng=0), "Linear(3, 2)", [ROW]),
    "a network": (lambda: nn.MLP(3, [5, 4, 2], rng=0),
                  "Sequential(Linear(3, 5), ReLU(), Linear(5, 4), ReLU(), Linear(4, 2))", [ROW]),
    "a network of one layer": (lambda: nn.MLP(3, [2], rng=0), "Sequential(Linear(3, 2))", [ROW]),
    "a smooth network": (lambda: nn.MLP(3, [4, 1], activation=nn.Softplus(2.0), rng=0),
                         "Sequential(Linear(3, 4), Softplus(2), Linear(4, 1))", [ROW]),
    "a cell": (lambda: nn.ScalarRNNCell(3, 4, rng=0), "RNNCell(3, 4)", [ROW, STATE]),
    "a cell with relu": (lambda: nn.ScalarRNNCell(3, 4, "relu", rng=0), "RNNCell(3, 4)", [ROW, STATE]),
    "a convolution": (lambda: nn.ScalarConv2d(2, 3, (2, 3), (1, 2), (1, 0), rng=0),
                      "Conv2d(2, 3, (2, 3), stride=(1, 2), padding=(1, 0))", [IMAGE]),
    "a convolution that keeps sizes": (lambda: nn.ScalarConv2d(2, 1, 2, padding="same", rng=0),
                                       "Conv2d(2, 1, 2, padding='same')", [IMAGE]),
}


def drawn(model):
    """The model, its biases and all other parameters drawn, as biases that are 0 would hide where they go."""
    rng = np.random.default_rng(3)
    for p in model.parameters():
        p.data = rng.standard_normal(np.shape(p.data)) if np.ndim(p.data) else float(rng.standard_normal())
    return model


@pytest.mark.parametrize(("make", "text", "inputs"), PAIRS.values(), ids=PAIRS)
def test_a_scalar_model_and_its_twin_agree_to_second_order(make, text, inputs):
    """Outputs, gradients by inputs and parameters, and second derivatives."""
    scalar = drawn(make())
    array = scalar.to_tensors()
    assert repr(array) == text
    assert_same(scalar, array, inputs)


@pytest.mark.parametrize(("make", "text", "inputs"), PAIRS.values(), ids=PAIRS)
def test_an_array_model_and_its_twin_agree_to_second_order(make, text, inputs):
    """The same from the other side: the twin of a model that was made on Tensors."""
    array = drawn(make().to_tensors())
    assert_same(array.to_values(), array, inputs)


@pytest.mark.parametrize(("make", "text", "inputs"), PAIRS.values(), ids=PAIRS)
def test_there_and_back_is_the_original_bit_for_bit(make, text, inputs):
    """The same kind of model with the same numbers, whichever family it started in."""
    scalar = drawn(make())
    array = scalar.to_tensors()
    for model, back in ((scalar, array.to_values()), (array, array.to_values().to_tensors())):
        if not isinstance(model, nn.Neuron):  # which comes back as a layer of one
            assert repr(back) == repr(model)
            assert list(back.state_dict()) == list(model.state_dict())
        for mine, theirs in zip(back.state_dict().values(), model.state_dict().values(), strict=True):
            assert_array_equal(mine, theirs)
        assert not set(back.parameters()) & set(model.parameters())


def test_a_neuron_comes_back_as_a_layer_of_one():
    """Its output is a Value alone, as a neuron's is."""
    neuron = nn.Neuron(2, rng=0)
    back = neuron.to_tensors().to_values()
    assert repr(back) == "Layer of [ReLUNeuron(2)]"
    assert back([1.0, 2.0]).data == neuron([1.0, 2.0]).data


@pytest.mark.parametrize("layer", [nn.Linear(3, 2, bias=False, rng=0), nn.RNNCell(3, 2, bias=False, rng=0),
                                   nn.Conv2d(2, 3, (1, 2), bias=False, rng=0)], ids=repr)
def test_layers_without_biases_have_twins_without_them(layer):
    """Plain zeros stand in their place, which are no parameters; the way back leads to a layer without biases."""
    twin = layer.to_values()
    inputs = [IMAGE] if isinstance(layer, nn.Conv2d) else [ROW, STATE[:2]][:1 + isinstance(layer, nn.RNNCell)]
    assert_same(twin, layer, inputs)
    assert repr(twin.to_tensors()) == repr(layer)


def test_layers_may_follow_one_another_without_an_activation():
    """Each is a layer of linear neurons."""
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4), nn.Sigmoid())
    twin = model.to_values()
    assert [layer.neurons[0].nonlin for layer in twin.layers] == [False, True]
    assert_same(twin, model, [ROW])
    assert repr(twin.to_tensors()) == repr(model)


def test_activations_keep_their_settings_and_functions_become_modules():
    """A module at its defaults is a function of ops in neurons, one with others stays a module; both come back."""
    model = nn.Sequential(nn.Linear(2, 3), tg.tanh, nn.Linear(3, 3), nn.LeakyReLU(0.1), nn.Linear(3, 2), nn.SiLU())
    twin = model.to_values()
    assert [layer.neurons[0].activation for layer in twin.layers[::2]] == [tg.tanh, tg.silu]
    assert repr(twin.to_tensors()) == repr(model).replace("tanh", "Tanh()")
    assert_same(twin, model, [ROW[:2]])
    close = nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(0.01 + 1e-9)).to_values()  # as text it is the default
    assert close.neurons[0].activation.negative_slope == 0.01 + 1e-9


def test_twins_are_independent_and_keep_whether_they_are_trained():
    """Setting a weight of one leaves the other; frozen weights stay frozen, and eval() stays."""
    scalar = nn.MLP(2, [2, 1], rng=0)
    for weight in leaves([n.w for n in scalar.layers[0].neurons]):
        weight.requires_grad = False
    array = scalar.eval().to_tensors()
    before = array.state_dict()
    scalar.layers[1].neurons[0].b.data = 5.0
    assert_array_equal(array[2].bias.data, before["2.bias"])
    assert [p.requires_grad for p in array.parameters()] == [False, True, True, True]
    back = array.to_values()
    assert [p.requires_grad for p in back.parameters()] == [False, False, True] * 2 + [True] * 3
    assert not any(module.training for model in (array, back) for module in model.modules())
    assert all(module.training for module in nn.MLP(2, [2, 1]).to_tensors().modules())


def test_making_a_twin_draws_no_random_numbers():
    """What a seed gives next does not depend on it."""
    models = [make() for make, *_ in PAIRS.values()]
    tg.seed(4)
    expected = generator().random()
    tg.seed(4)
    for model in models:
        model.to_tensors().to_values()
    assert generator().random() == expected


def test_float32_becomes_float64_values_and_tensors_take_the_default_dtype():
    """Every float32 is a float64, so that the way there and back loses nothing."""
    tg.set_default_dtype(np.float32)
    try:
        array = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Tanh())
        back = array.to_values().to_tensors()
    finally:
        tg.set_default_dtype(np.float64)
    assert {p.dtype for p in back.parameters()} == {np.dtype(np.float32)}
    double = array.to_values().to_tensors()
    assert double[0].weight.dtype == np.float64
    for model in (back, double):
        for mine, theirs in zip(model.parameters(), array.parameters(), strict=True):
            assert_array_equal(mine.data, theirs.data)


def test_twins_learn_alike():
    """Ten steps of Adam on the same points leave the same weights."""
    x, t = RNG.standard_normal((6, 2)), RNG.standard_normal(6)
    scalar = nn.MLP(2, [4, 1], activation="tanh", rng=0)
    array = scalar.to_tensors()
    one, other = tg.optim.Adam(scalar.parameters(), lr=0.05), tg.optim.Adam(array.parameters(), lr=0.05)
    for _ in range(10):
        losses = nn.mse_loss([scalar(row) for row in x], t), nn.mse_loss(array(x), t[:, None])
        for loss, optimizer in zip(losses, (one, other), strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    numbers = np.concatenate([p.data.ravel() for p in array.parameters()])
    assert_allclose([p.data for p in ordered(scalar)], numbers, rtol=1e-10)


# ---- what has no twin ------------------------------------------------------------------------------------------------


class Doubled(nn.Linear):
    """A user's layer, which computes something else."""

    def forward(self, x):
        return 2.0 * super().forward(x)


@pytest.mark.parametrize(("model", "message"), [
    (nn.GRUCell(2, 3), "GRUCell has no twin on Values. There are twins of Linear, Sequential, RNNCell, Conv2d"),
    (Doubled(2, 3), "Doubled has no twin on Values"),
    (nn.MLP(2, [1]), "MLP has no twin on Values, as it is on Values already"),
    (nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Dropout()), r"its layer 2 is Dropout\(0.5\), where a Linear is want"),
    (nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Tanh()), r"its layer 2 is Tanh\(\), where a Linear"),
    (nn.Sequential(nn.ReLU()), r"its layer 0 is ReLU\(\)"),
    (nn.Conv2d(2, 2, 1, groups=2), r"Conv2d\(2, 2, 1, groups=2\) has no twin on Values.*groups=1"),
    (nn.Conv2d(1, 1, 2, dilation=(1, 2)), r"dilation=\(1, 2\)\) has no twin"),
])
def test_arrays_without_a_twin_are_told(model, message):
    """The error names the module, and what there is."""
    with pytest.raises(UnsupportedError, match=message):
        model.to_values()


def scalar_layer(change):
    """A layer after a change."""
    layer = nn.Layer(2, 2, rng=0)
    change(layer.neurons)
    return layer


def half_a_cell():
    """A cell without one of its biases."""
    cell = nn.ScalarRNNCell(1, 2)
    cell.bias_hh = [0.0, 0.0]
    return cell


@pytest.mark.parametrize(("model", "message"), [
    (nn.Linear(2, 3), "Linear has no twin on Tensors, as it is on Tensors already. There are twins of Neuron, Layer"),
    (nn.ReLU(), "ReLU has no twin on Tensors. There are"),
    (nn.Neuron(2, activation=lambda z: z * z), "Neuron has no twin on Tensors: its activation <function"),
    (scalar_layer(lambda n: setattr(n[0], "nonlin", False)), "the neurons of a layer differ"),
    (scalar_layer(lambda n: setattr(n[0], "w", n[0].w[:1])), "the neurons of a layer differ"),
    (scalar_layer(lambda n: setattr(n[0], "b", 0.0)), "Layer has no twin on Tensors: the numbers .* all be Values"),
    (scalar_layer(lambda n: [setattr(neuron, "b", 1.0) for neuron in n]), "must all be Values"),
    (scalar_layer(lambda n: setattr(n[0].w[0], "requires_grad", False)), "all or none of them require gradients"),
    (scalar_layer(lambda n: n[0].w.__setitem__(0, n[1].w[0])), "5 numbers would become 6, as some of the weights are"),
    (scalar_layer(lambda n: n[0].w.__setitem__(0, n[1].w[0] * 1.0)), "or are results of operations"),
    (half_a_cell(), "an RNNCell has both biases or none"),
])
def test_scalars_without_a_twin_are_told(model, message):
    """What a Tensor cannot hold: numbers of several kinds, and weights that are shared or computed."""
    with pytest.raises(UnsupportedError, match=message):
        model.to_tensors()


def test_a_layer_that_stands_twice_has_no_twin():
    """Its weights would come apart."""
    linear = nn.Linear(2, 2)
    with pytest.raises(UnsupportedError, match="6 numbers would become 12"):
        nn.Sequential(linear, nn.Tanh(), linear).to_values()
