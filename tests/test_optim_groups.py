"""What optimisers are given, groups of parameters, and saving and restoring."""

import copy
import json
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, optim
from tinygrad_edu.errors import DataError, GraphError, ShapeError

EVERY = [
    lambda p: optim.SGD(p, lr=0.1), lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    lambda p: optim.Adagrad(p, lr_decay=0.1, initial_accumulator_value=0.2),
    lambda p: optim.RMSprop(p, momentum=0.5, centered=True), lambda p: optim.Adam(p, lr=0.1), optim.AdamW]
every_optimizer = pytest.mark.parametrize("make", EVERY)


def parameters():
    """Values and Tensors of several shapes and dtypes."""
    return [Value(0.5, "v"), Tensor([[1.0, 2.0]], "t"), Value(-1.5), Tensor(2.0), Tensor([1.0], dtype=np.float32)]


def give_gradients(params, rng, chance=1.0):
    """A gradient for each, or, with some chance, none."""
    for p in params:
        g = rng.standard_normal(np.shape(p.data))
        p.grad = (float(g) if isinstance(p, Value) else g) if rng.random() < chance else None


# ---- groups --------------------------------------------------------------------------------------------------------


def test_groups_have_settings_of_their_own():
    """What a group leaves out comes from the optimiser's own arguments; changes count from the next step on."""
    x, y, z = Value(1.0), Tensor([1.0]), Value(1.0)
    optimizer = optim.SGD([{"params": [x, y]}, {"params": [z], "lr": 0.5, "weight_decay": 1.0}], lr=0.1)
    x.grad, y.grad, z.grad = 1.0, [1.0], 0.0
    optimizer.step()
    assert (x.data, y.data.item(), z.data) == (0.9, 0.9, 0.5)
    optimizer.param_groups[0]["lr"] = 0.4
    optimizer.step()
    assert (x.data, y.data.item(), z.data) == (0.5, 0.5, 0.25)
    assert optimizer.params == [x, y, z]
    assert repr(optimizer) == "SGD(3 parameters in 2 groups, lr=0.4)"


def test_the_learning_rate_of_the_optimiser_is_that_of_all_groups():
    """Set, it is set everywhere; read, it is the first group's."""
    optimizer = optim.Adam([{"params": [Value(1.0)], "lr": 0.5}, {"params": [Value(1.0)]}], lr=0.1)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_a_group_may_join_later():
    """Its count of steps begins then; the others go on."""
    x, y = Value(1.0), Value(1.0)
    optimizer = optim.Adagrad([x], lr=1.0)
    x.grad = 1.0
    optimizer.step()
    optimizer.add_param_group({"params": [y], "lr": 0.5})
    y.grad = 1.0
    optimizer.step()
    assert y.data == pytest.approx(0.5)
    assert x.data == pytest.approx(-1.0 / np.sqrt(2.0))


@every_optimizer
def test_each_group_goes_as_if_alone(make):
    """One optimiser over two groups equals two optimisers."""
    together, apart = parameters(), parameters()
    optimizers = [make([{"params": together[:2]}, {"params": together[2:]}])], [make(apart[:2]), make(apart[2:])]
    for step in range(10):
        for params, several in zip((together, apart), optimizers, strict=True):
            give_gradients(params, np.random.default_rng(step), 0.7)
            for optimizer in several:
                optimizer.step()
    for p, q in zip(together, apart, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@pytest.mark.parametrize(("groups", "error", "message"), [
    ([{"lr": 0.1}], DataError, 'a dict with "params" and settings; there are lr'),
    ([{"params": [Value(1.0)], "lrr": 0.1}], ValueError, "has the settings lr, momentum, .*, not lrr"),
    ([{"params": [Value(1.0)], "lr": -1.0}], ValueError, "lr must not be negative, not -1"),
    ([{"params": []}], GraphError, "at least one parameter"),
    ([{"params": Value(1.0)}], DataError, "takes a list of parameters"),
    ([{"params": [Value(1.0)]}, Value(1.0)], DataError, "Values and Tensors, not a dict"),
])
def test_wrong_groups_are_told(groups, error, message):
    """Each mistake has a message of its own."""
    with pytest.raises(error, match=message):
        optim.SGD(groups, lr=0.1)


def test_a_parameter_cannot_be_in_two_groups():
    """It would move twice."""
    x = Value(1.0)
    with pytest.raises(GraphError, match="in two groups"):
        optim.SGD([{"params": [x]}, {"params": [Value(2.0), x]}], lr=0.1)


# ---- saving and restoring ------------------------------------------------------------------------------------------


@every_optimizer
def test_a_restored_optimiser_goes_on_bit_for_bit(make):
    """After steps in which only some had gradients; into a fresh optimiser with other settings."""
    params, rng = parameters(), np.random.default_rng(0)
    optimizer = make([{"params": params[:2], "lr": 0.03}, {"params": params[2:]}])
    for _ in range(5):
        give_gradients(params, rng, 0.6)
        optimizer.step()
    state = pickle.loads(pickle.dumps(optimizer.state_dict()))
    twins = copy.deepcopy(params)
    restored = make([{"params": twins[:2]}, {"params": twins[2:], "lr": 7.0}])
    restored.load_state_dict(state)
    for step in range(5):
        for several, each in ((params, optimizer), (twins, restored)):
            give_gradients(several, np.random.default_rng(step), 0.6)
            each.step()
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    np.testing.assert_equal(restored.state_dict(), optimizer.state_dict())


def test_the_state_is_plain_and_a_copy():
    """Dicts of numbers and arrays, by position; writing into it does not reach the optimiser."""
    params = [Value(1.0), Tensor([[1.0, 2.0]]), Value(0.0)]
    optimizer = optim.SGD(params, lr=0.1, momentum=0.5)
    assert optimizer.state_dict()["state"] == {}
    params[0].grad, params[1].grad = 3.0, [[1.0, -1.0]]
    optimizer.step()
    state = optimizer.state_dict()
    assert state["param_groups"] == [
        {"lr": 0.1, "momentum": 0.5, "nesterov": False, "weight_decay": 0.0, "params": [0, 1, 2]}]
    assert state["state"][0] == {"steps": 1, "v": 3.0}
    assert state["state"][1]["v"].tolist() == [[1.0, -1.0]]
    assert list(state["state"]) == [0, 1]
    json.dumps(state["state"][0])
    state["state"][1]["v"][...] = 9.0
    state["param_groups"][0]["lr"] = 9.0
    assert optimizer.state_dict()["state"][1]["v"].tolist() == [[1.0, -1.0]]
    assert optimizer.lr == 0.1


@pytest.mark.parametrize(("change", "message"), [
    (lambda s: s["param_groups"].append(s["param_groups"][0]), r"groups of \[2, 2\] parameters in place of \[2\]"),
    (lambda s: s["param_groups"][0]["params"].pop(), r"groups of \[1\] parameters"),
    (lambda s: s["param_groups"][0].pop("eps"), "settings lr, betas, weight_decay, params in place of"),
    (lambda s: s["state"][1].update(m=np.zeros(3)), r"m of shape \(3,\) for parameter 't', a Tensor of shape \(2,\)"),
    (lambda s: s["state"][0].pop("steps"), "parameter number 0, a Value: no count of steps"),
    (lambda s: s["state"].update({5: {"steps": 1}}), "an entry for 5, but there are 2 parameters"),
])
def test_a_state_that_does_not_fit_is_told_and_changes_nothing(change, message):
    """The message says what is there and what should be."""
    params = [Value(1.0), Tensor([1.0, 2.0], "t")]
    optimizer = optim.Adam(params)
    give_gradients(params, np.random.default_rng(0))
    optimizer.step()
    before, state = optimizer.state_dict(), optimizer.state_dict()
    change(state)
    with pytest.raises(ShapeError, match="load_state_dict of Adam: .*" + message):
        optimizer.load_state_dict(state)
    np.testing.assert_equal(optimizer.state_dict(), before)


# ---- arguments -----------------------------------------------------------------------------------------------------


def test_a_parameter_given_twice_is_updated_once():
    """As where two modules share it."""
    x = Value(1.0)
    optimizer = optim.SGD([x, Value(0.0), x], lr=1.0)
    x.grad = 0.25
    optimizer.step()
    assert x.data == 0.75
    assert len(optimizer.params) == 2


@pytest.mark.parametrize(("params", "error", "message"), [
    ([], GraphError, "at least one parameter"),
    (iter(()), GraphError, "an iterator that was used before"),
    ([Value(1.0), 2.0], DataError, "not a float"),
    (tg.nn.Linear(1, 1).named_parameters(), DataError, "not a tuple"),
    (Value(1.0), DataError, r"a list of parameters: \[Value"),
    (Tensor([1.0, 2.0]), DataError, "a list of parameters"),
    (3, DataError, r"as model.parameters\(\) gives it, not a int"),
    ([Value(1.0) * 2.0], GraphError, "the result of multiply"),
])
def test_what_is_no_list_of_leaves_is_told(params, error, message):
    """Each mistake has a message of its own."""
    with pytest.raises(error, match=message):
        optim.SGD(params, lr=0.1)


@pytest.mark.parametrize(("make", "message"), [
    (lambda p: optim.SGD(p, lr=-0.1), "lr must not be negative, not -0.1"),
    (lambda p: optim.SGD(p, lr=float("nan")), "lr must not be negative"),
    (lambda p: optim.SGD(p, lr=0.1, momentum=-1.0), "momentum must not be negative"),
    (lambda p: optim.SGD(p, lr=0.1, weight_decay=-1.0), "weight_decay must not be negative"),
    (lambda p: optim.SGD(p, lr=0.1, nesterov=True), "nesterov needs a momentum"),
    (lambda p: optim.Adam(p, betas=(0.9, 1.0)), r"betas must be in \[0, 1\)"),
    (lambda p: optim.Adam(p, eps=-1.0), "eps must not be negative"),
    (lambda p: optim.RMSprop(p, alpha=1.0), r"alpha must be in \[0, 1\), not 1.0"),
    (lambda p: optim.RMSprop(p, momentum=-1.0), "momentum must not be negative"),
    (lambda p: optim.Adagrad(p, lr_decay=-1.0), "lr_decay must not be negative"),
    (lambda p: optim.Adagrad(p, initial_accumulator_value=-1.0), "initial_accumulator_value must not be negative"),
    (lambda p: optim.AdamW(p, weight_decay=-1.0), "weight_decay must not be negative, not -1.0"),
])
def test_settings_out_of_range_are_told(make, message):
    """A ValueError names the setting and its value."""
    with pytest.raises(ValueError, match=message):
        make([Value(1.0)])
