"""What `fit` says of bad input: before it trains, and nothing is changed."""


import numpy as np
import pytest
from training_examples import net, problem, train, weights

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import DataError, FileFormatError, GraphError

# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"data": iter([problem()])}, DataError, ["read only once", "tg.data.batches"]),
    ({"validation": iter([problem()])}, DataError, ["read only once"]),
    ({"data": []}, DataError, ["no batch"]),
    ({"data": [np.ones((3, 2))]}, DataError, ["tuple of inputs", "ndarray"]),
    ({"data": [(np.ones((3, 2)),)]}, DataError, ["tuple of 1"]),
    ({"data": [problem()[0], problem()[1]]}, DataError, ["tuple of inputs"]),
    ({"callbacks": [tg.EarlyStopping()]}, DataError, ["validation_loss", "loss, lr"]),
    ({"epochs": -1}, ValueError, ["epochs", "-1"]),
    ({"accumulate": 0}, ValueError, ["accumulate", "0"]),
    ({"schedule": "batch"}, ValueError, ["schedule", "batch"]),
    ({"resume": True}, ValueError, ["checkpoint="]),
    ({"checkpoint_every": 5}, ValueError, ["checkpoint="]),
    ({"checkpoint_every": 0, "checkpoint": "x.npz"}, ValueError, ["checkpoint_every", "0"]),
    ({"checkpoint": "x.pt"}, FileFormatError, [".pt", ".npz"]),  # when it begins, not when it is to be written
    ({"checkpoint": "no folder/x.npz"}, FileNotFoundError, ["no folder"]),
    ({"epochs": 2.5}, ValueError, ["epochs", "2.5"]),
    ({"accumulate": 2.5}, ValueError, ["accumulate", "2.5"]),  # a count of batches is never equal to it
    ({"callbacks": [tg.EarlyStopping]}, ValueError, ["classes", "EarlyStopping()"]),
    ({"metrics": [lambda y, t: 1.0, lambda y, t: 2.0]}, ValueError, ["<lambda>, <lambda>", "dict"]),
    ({"metrics": {"loss": nn.accuracy}}, ValueError, ["name of its own", "metrics loss"]),
])
def test_bad_input_is_told_and_changes_nothing(options, error, words):
    model = net()
    before = weights(model)
    with pytest.raises(error) as caught:
        train(model, **options)
    assert all(word in str(caught.value) for word in words), caught.value
    assert np.array_equal(weights(model), before)


@pytest.mark.parametrize("loss", [lambda logits, y: 0.0, lambda logits, y: float(nn.cross_entropy(logits, y).data),
                                  lambda logits, y: nn.cross_entropy(logits, y, reduction="none")])
def test_a_loss_that_is_not_one_node_is_told(loss):
    model = net()
    with pytest.raises(GraphError, match="one number that the graph knows"):
        tg.fit(model, loss, optim.SGD(model.parameters(), lr=0.1), problem(), 1, progress=False)


def test_a_loss_that_reaches_no_parameter_of_the_optimizer_is_told():
    """As where it was made for another model: nothing would be learned."""
    with pytest.raises(GraphError, match=r"none of the optimizer's parameters.*model\.parameters\(\)"):
        tg.fit(net(), nn.cross_entropy, optim.SGD(net().parameters(), lr=0.1), problem(), 1, progress=False)


def test_metrics_of_outputs_that_do_not_fit_together_are_told():
    """Batches of different widths have no common array of outputs; the message names the shapes."""
    batches = [(np.ones((2, steps, 2)), np.ones((2, steps), int)) for steps in (3, 4)]
    with pytest.raises(DataError, match=r"\(2, 3, 2\), \(2, 4, 2\)"):
        train(net(), data=batches, metrics=[nn.accuracy])


@pytest.mark.parametrize("options", [{"mode": "least"}, {"patience": -1}, {"min_delta": -0.1}])
def test_early_stopping_checks_its_settings(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        tg.EarlyStopping(**options)


# ---- mistakes in the arguments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changed", "words"), [
    ({"model": lambda x: x}, "model must be a Module"), ({"loss": "mse"}, "loss must be a function"),
    ({"optimizer": None}, "optimizer must be one of tg.optim"), ({"scheduler": 0.9}, "scheduler must be"),
    ({"callbacks": tg.EarlyStopping("loss")}, "callbacks is a list"),
    ({"callbacks": ["print"]}, "functions, not 'print'"), ({"callbacks": [tg.EarlyStopping]}, "not classes"),
    ({"metrics": nn.accuracy}, "metrics is a list"),
    ({"metrics": ["accuracy"]}, "metrics are functions.*'accuracy'"), ({"validation": 0.2}, r"\(X, y\).*0.2"),
    ({"data": 3}, r"\(X, y\)"), ({"data": [np.ones((2, 2)), np.ones((2, 1))]}, r"in a tuple, \(X, y\)")])
def test_arguments_that_are_none_are_told_before_anything_is_trained(changed, words):
    model = nn.Linear(2, 1, rng=0)
    before = model.state_dict()
    arguments = {"model": model, "loss": nn.mse_loss, "optimizer": tg.optim.SGD(model.parameters(), lr=0.1),
                 "data": (np.ones((4, 2)), np.ones((4, 1))), "epochs": 1, "progress": False, **changed}
    with pytest.raises((ValueError, DataError), match=words):
        tg.fit(**arguments)
    assert all(np.array_equal(before[name], now) for name, now in model.state_dict().items())


def test_early_stopping_knows_the_best_number_as_it_is_in_the_history_and_its_epoch():
    numbers = iter([0.5, 0.75, 0.25, 0.25])
    model = nn.Linear(2, 1, rng=0)
    stopping = tg.EarlyStopping("score", patience=1, mode="max")
    history = tg.fit(model, nn.mse_loss, tg.optim.SGD(model.parameters(), lr=0.1), (np.ones((4, 2)), np.ones((4, 1))),
                     epochs=9, metrics={"score": lambda outputs, targets: next(numbers)}, callbacks=[stopping],
                     progress=False, rng=0)
    assert (stopping.best, stopping.best_epoch, len(history)) == (0.75, 2, 4)


@pytest.mark.parametrize("patience", [-1, 1.5, "3"])
def test_a_patience_that_is_no_number_of_epochs_is_told(patience):
    with pytest.raises(ValueError, match="patience"):
        tg.EarlyStopping(patience=patience)


def test_a_history_says_what_it_has_and_gives_its_epochs():
    rows = [{"loss": 1.0, "lr": 0.1}, {"loss": 0.5, "lr": 0.1}]
    history = tg.History(rows)
    assert "loss" in history
    assert "accuracy" not in history
    assert list(history) == rows
    with pytest.raises(DataError, match="rows"):
        history[-1]
