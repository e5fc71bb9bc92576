"""Modules: finding parameters by name, saving and restoring, scopes."""

import copy
import gc
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, nn
from tinygrad_edu.errors import DataError, ShapeError, StaleGraphError


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
    """With the error that Python has for what a subclass must define, and PyTorch raises here; it names the class."""
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
    with tg.modes.scope("elsewhere"):
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
