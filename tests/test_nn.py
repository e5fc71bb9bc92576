"""Modules, the scalar and the array family, and losses, against closed forms and networks written in NumPy."""

import copy
import gc
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, MixedNodesError, ShapeError, StaleGraphError

both = pytest.mark.parametrize("node", [Value, Tensor])


class Affine(nn.Module):
    """A module of a user's, which defines forward."""

    def __init__(self, slope=2.0, offset=1.0):
        self.slope, self.offset = Value(slope), Value(offset)

    def forward(self, x):
        return self.slope * x + self.offset


class Pair(nn.Module):
    """A module of a user's, which defines __call__ and holds two others."""

    def __init__(self):
        self.parts = {"first": Affine(2.0), "second": Affine(3.0)}

    def __call__(self, x):
        return self.parts["second"](self.parts["first"](x)) * 1.0


# ---- parameters ----------------------------------------------------------------------------------------------------


def test_parameters_are_found_in_lists_tuples_dicts_and_modules_in_the_order_set():
    """Names are paths; nothing is registered, and no super().__init__() was called."""
    model = nn.Module()
    model.z = Value(1.0)
    model.nested = {"b": [Value(2.0), (Tensor([3.0]), "text", 7)], 4: Value(4.0)}
    model.inner = Affine()
    model.a = Tensor([5.0])
    names = ["z", "nested.b.0", "nested.b.1.0", "nested.4", "inner.slope", "inner.offset", "a"]
    assert [name for name, _ in model.named_parameters()] == names
    assert model.parameters() == [node for _, node in model.named_parameters()]
    assert model.parameters()[2] is model.nested["b"][1][0]


def test_results_of_operations_are_no_parameters():
    """An operation's result, one made under no_grad() and a detached one are left out; a frozen leaf is in."""
    model = Affine()
    model.product = model.slope * 2.0
    with tg.no_grad():
        model.constant = model.slope * 2.0
    model.detached = model.slope.detach()
    model.frozen = Value(1.0, requires_grad=False)
    assert [name for name, _ in model.named_parameters()] == ["slope", "offset", "frozen"]


def test_a_shared_parameter_counts_once_under_its_first_name():
    """Of a node, a list and a module held twice, the first place gives the name."""
    model = nn.Module()
    model.one = Affine()
    model.again = model.one
    model.tied = [model.one.offset]
    assert [name for name, _ in model.named_parameters()] == ["one.slope", "one.offset"]
    assert len(model.parameters()) == 2
    assert model.modules() == [model, model.one]


def test_cycles_between_modules_and_containers_end():
    """A child that knows its parent, and a list that holds itself, are walked once."""
    model = nn.Module()
    model.child = Affine()
    model.child.parent = model
    model.items = [Value(1.0)]
    model.items.append(model.items)
    assert [name for name, _ in model.named_parameters()] == ["child.slope", "child.offset", "items.0"]
    assert len(model.parameters()) == 3


def test_twenty_thousand_modules_deep():
    """No part of the walk recurses."""
    depth = 20_000
    model = inner = nn.Module()
    for _ in range(depth):
        inner.next = nn.Module()
        inner = inner.next
    inner.w = [Value(1.0)]
    assert model.parameters() == inner.w
    assert model.named_parameters()[0][0] == "next." * depth + "w.0"
    assert len(model.eval().modules()) == depth + 1
    assert inner.training is False


def test_values_in_an_object_array_are_parameters_by_flat_position():
    """NumPy wraps lists of Values in object arrays; they are not lost."""
    model = nn.Module()
    model.w = np.array([[Value(1.0), Value(2.0)]], dtype=object)
    assert [(name, p.data) for name, p in model.named_parameters()] == [("w.0", 1.0), ("w.1", 2.0)]
    assert len(model.parameters()) == 2
    assert model.state_dict() == {"w.0": 1.0, "w.1": 2.0}


def test_training_is_true_until_eval_and_reaches_every_module():
    """train() and eval() set the flag everywhere and return the module; the class keeps its own."""
    model = Pair()
    assert model.training
    assert model.eval() is model
    assert [m.training for m in model.modules()] == [False, False, False]
    assert model.train() is model
    assert all(m.training for m in model.modules())
    assert nn.Module.training


def test_zero_grad_forgets_every_gradient():
    """After it, each .grad is None."""
    model = Pair()
    model(1.0).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_module_that_defines_nothing_to_call_says_so():
    """NotImplementedError names the class."""
    with pytest.raises(NotImplementedError, match="Module defines neither"):
        nn.Module()(1.0)


# ---- saving and restoring ------------------------------------------------------------------------------------------


class Mixed(nn.Module):
    """One entry of each kind: a Value, a Tensor, a buffer of floats and one of integers."""

    def __init__(self, start):
        self.value = Value(start)
        self.tensor = Tensor(np.full((2, 3), start, np.float32))
        self.running = np.full(3, start)
        self.count = np.array(int(start))


def test_state_dict_holds_copies_of_parameters_and_buffers():
    """Floats for Values, arrays for the rest; writing into them does not reach the model."""
    model = Mixed(2.0)
    state = model.state_dict()
    assert list(state) == ["value", "tensor", "running", "count"]
    assert type(state["value"]) is float
    for name in ("tensor", "running", "count"):
        state[name][...] = 0
    assert model.tensor.data.tolist() == [[2.0] * 3] * 2
    assert model.running.tolist() == [2.0] * 3
    assert model.count == 2


def test_load_state_dict_restores_in_place_and_in_each_dtype():
    """Everything is copied, float32 stays float32, and what held the nodes holds the same nodes."""
    model, state = Mixed(0.0), Mixed(2.0).state_dict()
    nodes, running = model.parameters(), model.running
    model.load_state_dict({**state, "tensor": state["tensor"].astype(np.float64)})
    assert model.parameters() == nodes
    assert model.running is running
    assert model.tensor.dtype == np.float32
    for name, entry in model.state_dict().items():
        np.testing.assert_array_equal(entry, state[name])
    state["running"][...] = 9.0
    assert model.running.tolist() == [2.0] * 3


@pytest.mark.parametrize(("change", "error", "message"), [
    (lambda s: s.pop("tensor"), ShapeError, "tensor is missing"),
    (lambda s: s.update(extra=1.0), ShapeError, "extra is unexpected"),
    (lambda s: s.update(tensor=np.zeros(3)), ShapeError, r"tensor has shape \(3,\) in place of \(2, 3\)"),
    (lambda s: s.update(value=np.zeros(1)), ShapeError, r"value has shape \(1,\) in place of \(\)"),
    (lambda s: s.update(running=np.array(["a", "b", "c"])), DataError, "running"),
    (lambda s: s.update(value=1j), DataError, "value"),
    (lambda s: s.update(tensor=np.full((2, 3), 1j)), DataError, "tensor"),
    (lambda s: s.update(count=np.array(1.5)), DataError, "count"),
])
def test_load_state_dict_changes_nothing_when_anything_does_not_fit(change, error, message):
    """The error names the entry, and every entry, those before it too, keeps its data."""
    model, state = Mixed(1.0), Mixed(2.0).state_dict()
    before = model.state_dict()
    change(state)
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    for name, entry in model.state_dict().items():
        np.testing.assert_array_equal(entry, before[name])


def test_load_state_dict_names_all_that_is_wrong_at_once():
    """Missing, unexpected and mis-shaped entries stand in one message."""
    with pytest.raises(ShapeError, match=r"value is missing; .*other is unexpected; tensor has shape"):
        Mixed(1.0).load_state_dict({"other": 1.0, "tensor": [1.0], "running": [1.0] * 3, "count": 1})


def test_load_state_dict_refuses_a_read_only_buffer_and_two_entries_of_one_name():
    """A buffer that cannot be written, and keys 1 and "1" beside each other, are told."""
    model = Mixed(1.0)
    state = model.state_dict()
    model.running.flags.writeable = False
    with pytest.raises(DataError, match="running: the buffer is read-only"):
        model.load_state_dict(state)
    model.twins = {1: Value(1.0), "1": Value(2.0)}
    with pytest.raises(DataError, match=r"two entries are called 'twins.1'"):
        model.state_dict()


def test_loading_makes_graphs_that_were_recorded_before_stale():
    """A Tensor graph over the old weights raises in place of a gradient that mixes old and new."""
    layer = nn.Linear(2, 1, rng=0)
    loss = (layer(np.ones((3, 2))) ** 2).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(StaleGraphError):
        loss.backward()


def test_modules_are_copied_and_pickled_with_their_sharing():
    """A copy computes the same, shares nothing with the original, and keeps a tied parameter tied."""
    model = nn.MLP(2, [3, 1], rng=0)
    model.tied = model.layers[0].neurons[0].b
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data
        assert not set(twin.parameters()) & set(model.parameters())
        assert twin.tied is twin.layers[0].neurons[0].b


def test_summary_lists_names_shapes_and_counts():
    """A plain table: one line for each parameter, and their total."""
    assert nn.Linear(3, 2, rng=0).summary().split("\n") == [
        "Linear   shape  count", "weight  (2, 3)      6", "bias      (2,)      2", "total               8"]
    assert nn.ReLU().summary().split()[-2:] == ["total", "0"]


# ---- scopes --------------------------------------------------------------------------------------------------------


def test_nodes_know_the_call_they_were_recorded_in():
    """Whether the class defines forward or __call__: module, name, path, parent, and a time before its nodes."""
    model = Pair()
    y = model(1.0)
    inner = y.inputs[0].scope
    assert (y.scope.module, y.scope.path, y.scope.parent) == (model, "Pair", None)
    assert (inner.module, inner.name, inner.path) == (model.parts["second"], "parts.second", "Pair.parts.second")
    assert inner.parent is y.scope
    assert y.scope.index < inner.index < y.inputs[0].index
    assert "Pair.parts.second" in repr(inner)
    assert (model.parts["first"].slope * 1.0).scope is None


def test_each_call_has_a_scope_of_its_own():
    """Two calls of one module, and a module that calls itself, give different scopes."""

    class Twice(nn.Module):
        def forward(self, x, deep=True):
            return self(x, deep=False) * 1.0 if deep else x * 2.0

    model, x = Twice(), Value(1.0)
    outer = model(x)
    assert outer.scope.module is outer.inputs[0].scope.module is model
    assert outer.inputs[0].scope.parent is outer.scope
    assert model(x).scope is not outer.scope


def test_super_call_belongs_to_the_same_call():
    """An overriding __call__ that asks super().__call__ enters one scope, also over a forward."""

    class Scaled(Affine):
        def __call__(self, x):
            return super().__call__(x) * 3.0

    class Shifted(Scaled):
        def __call__(self, x):
            return super().__call__(x) + 1.0

    y = Shifted()(1.0)
    assert y.data == 10.0
    assert y.scope is y.inputs[0].scope is y.inputs[0].inputs[0].scope
    assert y.scope.parent is None


def test_a_module_that_the_caller_does_not_hold_is_named_by_its_class():
    """So is one called from a scope that is not a module's."""

    class Caller(nn.Module):
        def forward(self, x):
            return Affine()(x)

    assert Caller()(1.0).scope.path == "Caller.Affine"
    with tg.engine.scope("elsewhere"):
        scope = Affine()(1.0).scope
    assert (scope.path, scope.parent) == ("Affine", "elsewhere")


def test_the_scope_is_left_by_an_error_too_and_keeps_the_modes():
    """After a call that raises, nodes are recorded outside; no_grad() holds inside a call."""
    model = Affine()
    with pytest.raises(TypeError):
        model(None)
    assert (model.slope * 1.0).scope is None
    with tg.no_grad():
        assert not model(1.0).requires_grad
    with tg.detect_anomaly(), pytest.raises(tg.errors.AnomalyError):
        model(float("nan"))


def test_scopes_tie_no_cycle():
    """Dropping an output leaves the garbage collector nothing to find, in either family and after backward()."""
    models = nn.MLP(2, [3, 1], rng=0), nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    gc.collect()
    gc.disable()
    try:
        for model in models:
            y = model([1.0, 2.0])
            y.backward()
            del y
        assert gc.collect() == 0
    finally:
        gc.enable()


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
    assert [name for name, _ in model.named_parameters()][2] == "layers.3.weight"
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


# ---- losses --------------------------------------------------------------------------------------------------------

P, T, SIGNS = np.array([0.5, -1.0, 2.0]), np.array([1.0, 1.0, -1.5]), np.array([1, 1, -1])
REDUCED = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize(("loss", "target", "one_by_one", "slope"), [
    (nn.mse_loss, T, (P - T) ** 2, 2.0 * (P - T)),
    (nn.hinge_loss, SIGNS, np.maximum(1.0 - SIGNS * P, 0.0), -1.0 * SIGNS * (SIGNS * P < 1.0))])
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
    for loss in (nn.mse_loss, nn.hinge_loss):
        with pytest.raises(ShapeError, match=r"predictions of shape \(3, 1\), but targets of shape \(3,\)"):
            loss(Tensor(P[:, None]), SIGNS)
        with pytest.raises(ShapeError, match="2 predictions, but 3 targets"):
            loss([Value(1.0), Value(2.0)], SIGNS)
        with pytest.raises(ShapeError, match="2 predictions, but no list of targets"):
            loss([Value(1.0), Value(2.0)], 1.0)
        with pytest.raises(ShapeError, match="there are no predictions"):
            loss(np.zeros((0, 1)), np.zeros((0, 1)))


@pytest.mark.parametrize("loss", [nn.mse_loss, nn.hinge_loss])
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
