"""The scalar and the array family against closed forms and a network written in NumPy."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, MixedNodesError, ShapeError

# ---- the scalar family ---------------------------------------------------------------------------------------------


def test_the_scalar_family_has_micrograds_attributes_order_and_repr():
    """w, b, neurons, layers; for each neuron its weights, then its bias; relu in all layers but the last."""
    model = nn.MLP(2, [3, 1], rng=0)
    order = [p for layer in model.layers for n in layer.neurons for p in (*n.w, n.b)]
    assert model.parameters() == order
    assert model.named_parameters()[7][0] == "layers.0.neurons.2.w.1"
    assert repr(model) == ("MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], "
                           "Layer of [LinearNeuron(3)]]")
    assert [n.nonlin for layer in model.layers for n in layer.neurons] == [True, True, True, False]
    assert repr(nn.Layer(2, 1, nonlin=False)) == "Layer of [LinearNeuron(2)]"


def test_initial_weights_are_uniform_and_follow_the_generator():
    """Weights fill (-1, 1), biases are 0, neurons differ, and the same seed or tg.seed gives the same network."""
    model = nn.Layer(100, 20, rng=3)
    weights = np.array([[w.data for w in n.w] for n in model.neurons])
    assert np.abs(weights).max() < 1.0
    assert abs(weights.mean()) < 0.06  # 4.6 standard errors
    assert abs(weights.std() - 1.0 / np.sqrt(3.0)) < 0.03
    assert len(np.unique(weights)) == weights.size
    assert {n.b.data for n in model.neurons} == {0.0}
    assert nn.Layer(100, 20, rng=np.random.default_rng(3)).state_dict() == model.state_dict()
    tg.seed(5)
    first = nn.MLP(2, [2, 1]).state_dict()
    tg.seed(5)
    assert nn.MLP(2, [2, 1]).state_dict() == first


def numpy_mlp(model, x):
    """The outputs for rows x and what each layer got and gave, in NumPy."""
    trace = []
    for layer in model.layers:
        w = np.array([[p.data for p in n.w] for n in layer.neurons])
        z = x @ w.T + np.array([n.b.data for n in layer.neurons])
        out = np.maximum(z, 0.0) if layer.neurons[0].nonlin else z
        trace.append((x, w, z, out))
        x = out
    return x, trace


def test_a_scalar_network_computes_and_differentiates_what_numpy_does():
    """Hinge loss of MLP(2, [16, 16, 1]) over a batch: loss and all 337 gradients by hand-written backpropagation."""
    rng = np.random.default_rng(1)
    model = nn.MLP(2, [16, 16, 1], rng=rng)
    x, t = rng.standard_normal((20, 2)), rng.choice([-1, 1], 20)
    scores = [model(row) for row in x]
    loss = nn.hinge_loss(scores, t)
    loss.backward()
    out, trace = numpy_mlp(model, x)
    margin = 1.0 - t * out[:, 0]
    assert loss.data == pytest.approx(np.maximum(margin, 0.0).mean(), rel=1e-12)
    g = (-t * (margin > 0.0) / len(t))[:, None]
    expected = []
    for (given, w, z, _), layer in zip(reversed(trace), reversed(model.layers), strict=True):
        g = g * (z > 0.0) if layer.neurons[0].nonlin else g
        expected.insert(0, np.column_stack([g.T @ given, g.sum(axis=0)]).ravel())
        g = g @ w
    np.testing.assert_allclose([p.grad for p in model.parameters()], np.concatenate(expected), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("x", [[0.5, -2.0], (0.5, -2.0), np.array([0.5, -2.0]), np.array([0.5, -2.0], np.float32),
                               [Value(0.5), -2], list(np.array([0.5, -2.0]))], ids=str)
def test_a_row_may_hold_values_numbers_or_be_an_array(x):
    """All give the same score."""
    model = nn.MLP(2, [3, 1], rng=0)
    assert model(x).data == pytest.approx(numpy_mlp(model, np.array([[0.5, -2.0]]))[0].item(), rel=1e-12)


def test_inputs_that_are_values_get_gradients():
    """The gradient by the input is w where the neuron is on, and 0, not None, where it is off."""
    neuron, x = nn.Neuron(2, rng=0), [Value(1.0), Value(2.0)]
    neuron.b.data = 10.0
    neuron(x).backward()
    assert [v.grad for v in x] == [w.data for w in neuron.w]
    neuron.b.data = -10.0
    neuron.zero_grad()
    neuron(x).backward()
    assert [p.grad for p in neuron.parameters()] == [0.0, 0.0, 0.0]


def test_a_neurons_weighted_sum_is_one_node():
    """A graph of a linear neuron has its 2 n + 1 leaves and one node."""
    y = nn.Neuron(5, nonlin=False, rng=0)([Value(1.0)] * 5)
    assert len(y.inputs) == 11
    assert all(x.op is None for x in y.inputs)


def test_a_layer_of_one_gives_its_output_alone():
    """And the next layer takes it as a row of one."""
    assert isinstance(nn.Layer(2, 1, rng=0)([1.0, 2.0]), Value)
    assert len(nn.Layer(2, 3, rng=0)([1.0, 2.0])) == 3
    assert isinstance(nn.MLP(1, [1, 2, 1], rng=0)(0.5), Value)


@pytest.mark.parametrize(("x", "error", "message"), [
    ([1.0, 2.0, 3.0], ShapeError, r"ReLUNeuron\(2\) takes 2 inputs, not 3"),
    (1.0, ShapeError, "takes 2 inputs, not 1"),
    (np.ones((4, 2)), ShapeError, r"not an array of shape \(4, 2\); call it for each row"),
    (iter([1.0, 2.0]), ShapeError, "not list_iterator"),
    (Tensor([1.0, 2.0]), MixedNodesError, "to_values"),
    ([1.0, "2"], DataError, "'2' is not a number"),
])
def test_wrong_rows_are_told(x, error, message):
    """The error names the neuron or layer and what it takes."""
    for model in (nn.Neuron(2), nn.MLP(2, [2, 1])):
        with pytest.raises(error, match=message):
            model(x)


def test_sizes_below_one_are_told():
    """A neuron without inputs, a layer without neurons and an empty Linear are refused."""
    for make in (lambda: nn.Neuron(0), lambda: nn.MLP(2, [0]), lambda: nn.Linear(0, 1), lambda: nn.Linear(1, -1)):
        with pytest.raises(ShapeError, match="at least 1"):
            make()


# ---- layers on arrays ----------------------------------------------------------------------------------------------


def test_linear_is_x_w_transposed_plus_b():
    """Output and gradients, with any leading axes and with an input that is a node, a list or an array."""
    rng = np.random.default_rng(0)
    layer = nn.Linear(3, 2, rng=rng)
    w, b = layer.weight.data, layer.bias.data
    for shape in ((3,), (4, 3), (2, 4, 3)):
        x, g = Tensor(rng.standard_normal(shape)), rng.standard_normal((*shape[:-1], 2))
        y = layer(x)
        np.testing.assert_allclose(y.data, x.data @ w.T + b)
        layer.zero_grad()
        y.backward(g)
        np.testing.assert_allclose(layer.weight.grad, g.reshape(-1, 2).T @ x.data.reshape(-1, 3))
        np.testing.assert_allclose(layer.bias.grad, g.reshape(-1, 2).sum(axis=0))
        np.testing.assert_allclose(x.grad, g @ w)
        np.testing.assert_array_equal(layer(x.data.tolist()).data, y.data)
    bare = nn.Linear(3, 2, bias=False, rng=0)
    assert bare.bias is None
    np.testing.assert_allclose(bare([1.0, 2.0, 3.0]).data, bare.weight.data @ [1.0, 2.0, 3.0])


def test_linear_starts_uniform_within_one_over_root_n_in_the_default_dtype():
    """Weight (out, in) and bias; float32 after set_default_dtype; the same seed gives the same layer."""
    layer = nn.Linear(100, 200, rng=1)
    assert (layer.weight.shape, layer.bias.shape, layer.weight.dtype) == ((200, 100), (200,), np.float64)
    for p in layer.parameters():
        assert 0.09 < np.abs(p.data).max() < 0.1
        assert p.data.std() == pytest.approx(0.1 / np.sqrt(3.0), rel=0.1)
    tg.set_default_dtype(np.float32)
    try:
        single = nn.Linear(100, 200, rng=1)
    finally:
        tg.set_default_dtype(np.float64)
    assert {p.dtype for p in single.parameters()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single.weight.data, layer.weight.data, rtol=1e-6)
    assert single(np.ones(100, np.float32)).dtype == np.float32


def test_linear_refuses_other_sizes_and_values():
    """The message names the layer; a Value is pointed to the bridges between the families."""
    layer = nn.Linear(3, 2)
    for x in (np.ones((3, 4)), Tensor(1.0), np.ones((0, 2))):
        with pytest.raises(ShapeError, match=r"Linear\(3, 2\) takes inputs of shape \(\.\.\., 3\)"):
            layer(x)
    with pytest.raises(DataError, match="stack_values"):
        layer(Value(1.0))


def test_sequential_runs_modules_and_functions_in_turn():
    """It equals nested calls, has a length, items and slices that share parameters, and says what it holds."""
    first, last = nn.Linear(3, 4, rng=0), nn.Linear(4, 2, rng=1)
    model, x = nn.Sequential(first, tg.tanh, nn.Sigmoid(), last), np.ones((5, 3))
    np.testing.assert_array_equal(model(x).data, last(tg.sigmoid(tg.tanh(first(x)))).data)
    assert (len(model), model[-1], model[:1][0]) == (4, last, first)
    assert repr(model) == "Sequential(Linear(3, 4), tanh, Sigmoid(), Linear(4, 2))"
    assert repr(nn.Sequential(nn.Linear(1, 1, bias=False))) == "Sequential(Linear(1, 1, bias=False))"
    assert [name for name, _ in model.named_parameters()][2] == "3.weight"
    assert nn.Sequential()(7) == 7
    with pytest.raises(TypeError, match="layer 0 is a list"):
        nn.Sequential([first, last])


@pytest.mark.parametrize(("layer", "function"), [
    (nn.ReLU, lambda x: np.maximum(x, 0.0)), (nn.Tanh, np.tanh), (nn.Sigmoid, lambda x: 1.0 / (1.0 + np.exp(-x)))])
def test_activations_are_the_functions_of_their_name(layer, function):
    """On Tensors, arrays and Values."""
    x = np.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(layer()(Tensor(x)).data, function(x), rtol=1e-14)
    np.testing.assert_allclose(layer()(x), function(x), rtol=1e-14)
    assert layer()(Value(0.5)).data == pytest.approx(function(0.5), rel=1e-14)
    assert repr(layer()) == f"{layer.__name__}()"


def test_the_scalar_and_the_array_network_agree():
    """With equal weights, mean squared error and all gradients are the same."""
    rng = np.random.default_rng(2)
    scalar = nn.MLP(3, [4, 1], rng=rng)
    array = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    for layer, linear in zip(scalar.layers, array[::2].layers, strict=True):
        linear.weight.data = [[w.data for w in n.w] for n in layer.neurons]
        linear.bias.data = [n.b.data for n in layer.neurons]
    x, t = rng.standard_normal((6, 3)), rng.standard_normal(6)
    one = nn.mse_loss([scalar(row) for row in x], t)
    other = nn.mse_loss(array(x), t[:, None])
    one.backward()
    other.backward()
    assert one.data == pytest.approx(other.item(), rel=1e-12)
    gradients = [np.column_stack([m.weight.grad, m.bias.grad]).ravel() for m in array[::2].layers]
    np.testing.assert_allclose([p.grad for p in scalar.parameters()], np.concatenate(gradients), rtol=1e-9, atol=1e-14)
