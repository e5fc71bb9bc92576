"""Training runs: what `fit` computes, in which order, and what memory it needs."""

import tracemalloc

import numpy as np
import pytest
from training_examples import net, problem, train, weights

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.engine import history as nodes_behind
from tinygrad_edu.training import Run

# ---- what is computed ------------------------------------------------------------------------------------------------


def test_a_run_is_the_loop_that_one_would_write():
    """Weights, losses and metrics are those of the steps written out, to the last bit."""
    model, by_hand = net(), net()
    history = train(model, method=optim.Adam, metrics=[nn.accuracy])
    optimizer, data = optim.Adam(by_hand.parameters(), lr=0.1), tg.data.batches(*problem(), batch_size=16, rng=1)
    for epoch in range(3):
        total, right = 0.0, 0
        for x, y in data:
            optimizer.zero_grad()
            logits = by_hand(x)
            loss = nn.cross_entropy(logits, y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            right += int(np.sum(logits.data.argmax(axis=1) == y))
        assert history["loss"][epoch] == total / 50
        assert history["accuracy"][epoch] == pytest.approx(right / 50)
    assert np.array_equal(weights(model), weights(by_hand))


def test_validation_looks_without_touching():
    """In evaluation mode, over all rows at once, and the run goes on as without it; parts in their modes stay so."""
    points, labels = problem()
    model, alone = net(dropout=0.5), net(dropout=0.5)
    model.layers[1].eval()
    history = train(model, validation=(points[:7], labels[:7]), metrics={"right": nn.accuracy})
    train(alone)
    assert np.array_equal(weights(model), weights(alone))
    assert history.names == ["loss", "right", "validation_loss", "validation_right", "lr"]
    model.eval()
    logits = model(points[:7]).data
    expected = -np.mean(logits[np.arange(7), labels[:7]] - np.log(np.exp(logits).sum(axis=1)))
    assert history["validation_loss"][-1] == pytest.approx(expected, rel=1e-12)
    model = net()
    model.layers[1].eval()
    train(model, epochs=1, validation=problem())
    assert [part.training for part in (model, *model.layers)] == [True, True, False, True, True]


def test_a_model_left_in_evaluation_mode_is_set_to_training():
    model = net()
    train(model.eval(), epochs=1)
    assert all(part.training for part in model.modules())


def test_a_model_of_values_learns_row_by_row():
    """The scalar MLP gets its rows one by one, and the loss the list of outputs."""
    points, labels = problem(30)
    model = nn.MLP(2, [8, 1], rng=0)
    right = {"right": lambda scores, y: np.mean(np.sign(scores) == y)}
    history = tg.fit(model, nn.hinge_loss, optim.Adam(model.parameters(), lr=0.1), (points, 2 * labels - 1), 15,
                     batch_size=8, metrics=right, progress=False, rng=0)
    assert history["right"][-1] >= 0.9 > history["right"][0]


def test_gradients_of_several_batches_add_up_to_those_of_one():
    """accumulate=3 over batches of unequal size is a step on the mean over all their examples."""
    together, apart = net(), net()
    points, labels = problem(20)
    train(together, data=[(points, labels)], epochs=4)
    parts = [(points[a:b], labels[a:b]) for a, b in ((0, 9), (9, 11), (11, 20))]
    steps = []
    train(apart, data=parts, epochs=4, accumulate=3, callbacks=[lambda run: steps.append(run.steps)])
    np.testing.assert_allclose(weights(apart), weights(together), rtol=1e-12)
    assert steps == [1, 2, 3, 4]
    train(apart, data=parts, epochs=1, accumulate=2, callbacks=[lambda run: steps.append(run.steps)])
    assert steps[-1] == 2  # the third batch makes a step of its own


@pytest.mark.parametrize("shape", [(1,), (1, 1)], ids=str)
def test_a_loss_may_have_axes_of_size_one(shape):
    """With several batches to a step as with one."""
    flat, boxed = net(), net()
    for model, last in ((flat, ()), (boxed, shape)):
        tg.fit(model, lambda logits, y, last=last: nn.cross_entropy(logits, y).reshape(last),
               optim.SGD(model.parameters(), lr=0.1), problem(), 1, rng=0, accumulate=2, progress=False)
    assert np.array_equal(weights(flat), weights(boxed))


def test_metrics_see_each_batch_though_all_come_in_one_buffer():
    """Also outputs that are a view of the batch, as those of a model that hands it on."""
    inputs, targets, seen = np.zeros((2, 1)), np.zeros((2, 1)), []

    class Refilled:
        def __iter__(self):
            for number in range(3):
                inputs[...] = targets[...] = number
                yield inputs, targets

    class Shift(nn.Module):
        def __init__(self):
            self.shift = tg.Tensor(1.0)

        def forward(self, x):
            return x[:]

    def metric(outputs, targets):
        seen.append((outputs.ravel().tolist(), targets.ravel().tolist()))
        return 0.0

    model = Shift()
    tg.fit(model, lambda y, t: (model.shift * y - t).sum(), optim.SGD(model.parameters(), lr=0.1), Refilled(), 1,
           metrics=[metric], progress=False)
    assert seen == [([0.0, 0.0, 1.0, 1.0, 2.0, 2.0],) * 2]


def test_the_norm_of_a_steps_gradients_can_be_bounded():
    """With SGD and lr = 0.1, no step moves the weights by more than 0.1 times the bound."""
    model, places = net(), []

    class Watch(tg.Callback):
        def after_step(self, run):
            places.append(weights(run.model))

    places.append(weights(model))
    train(model, clip_norm=0.01, callbacks=[Watch()])
    moved = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert len(moved) == 12
    np.testing.assert_allclose(moved, 0.1 * 0.01, rtol=1e-5)  # PyTorch's rule, too: divided by norm + 1e-6


def test_schedulers_step_each_epoch_or_each_step():
    """The rate in a row is the one that its epoch ended with, before the scheduler's next."""
    for schedule, expected in (("epoch", [0.1, 0.05, 0.025]), ("step", [0.1 / 16, 0.1 / 256, 0.1 / 4096])):
        model = net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        history = tg.fit(model, nn.cross_entropy, optimizer, problem(), 3, batch_size=16, progress=False,
                         scheduler=optim.ExponentialLR(optimizer, gamma=0.5), schedule=schedule)
        np.testing.assert_allclose(history["lr"], expected, rtol=1e-12)


def test_a_plateau_is_one_of_the_validation_loss():
    """ReduceLROnPlateau is shown "validation_loss" where there is one, else "loss"."""
    class Noting(optim.ReduceLROnPlateau):
        def step(self, metric):
            shown.append(metric)
            super().step(metric)

    for options, name in (({}, "loss"), ({"validation": problem(9)}, "validation_loss")):
        model, shown = net(), []
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        history = tg.fit(model, nn.cross_entropy, optimizer, problem(), 3, progress=False, scheduler=Noting(optimizer),
                         **options)
        assert shown == history[name]


def test_early_stopping_gives_the_best_weights_back():
    """Stopped `patience` + 1 bad epochs after the best one, whose weights the model then has."""
    model, seen = net(), []
    script = iter([3.0, 2.0, 1.0, 4.0, 1.0, 5.0, 0.5])

    class Note(tg.Callback):  # the number to be watched follows the script
        def after_epoch(self, run):
            run.history.rows[-1]["loss"] = next(script)
            seen.append(weights(run.model))

    history = train(model, epochs=9, callbacks=[Note(), tg.EarlyStopping("loss", patience=2)])
    assert history["loss"] == [3.0, 2.0, 1.0, 4.0, 1.0, 5.0]
    assert np.array_equal(weights(model), seen[2])
    assert not np.array_equal(seen[2], seen[5])


def test_early_stopping_knows_nothing_of_an_earlier_run():
    """One object in two runs: the second has all its epochs, and its model weights of its own."""
    stop = tg.EarlyStopping("loss", patience=0)
    train(net(0), epochs=9, callbacks=[lambda run: run.history.rows[-1].update(loss=float(run.epoch)), stop])
    again, alone = net(1), net(1)
    assert len(train(again, epochs=3, callbacks=[stop])) == 3
    train(alone, epochs=3)
    assert np.array_equal(weights(again), weights(alone))


@pytest.mark.parametrize(("options", "epochs", "best"), [
    ({"mode": "max"}, 3, 0), ({"min_delta": 1.5}, 5, 2), ({"restore_best": False}, 6, 5), ({"patience": 0}, 3, 1)])
def test_early_stopping_by_its_settings(options, epochs, best):
    """Of the numbers 3.0, 2.5, 1.0, 0.9, ...: what counts as better, and which weights are left."""
    numbers = iter([3.0, 2.5, 2.6, 2.4, 2.5, 2.5] if "patience" in options or "restore_best" in options
                   else [3.0, 2.5, 1.0, 0.9, 0.8, 0.7])
    model, seen = net(), []

    class Note(tg.Callback):
        def after_epoch(self, run):
            run.history.rows[-1]["loss"] = next(numbers)
            seen.append(weights(run.model))

    history = train(model, epochs=6, callbacks=[Note(), tg.EarlyStopping("loss", **{"patience": 1, **options})])
    assert len(history) == epochs
    assert np.array_equal(weights(model), seen[best])


def test_callbacks_are_called_in_their_order():
    """begin, then steps and epochs, then end; of a run they see model, counts and the new row."""
    calls = []

    class Note(tg.Callback):
        def begin(self, run):
            calls.append(("begin", run.epoch))

        def after_step(self, run):
            calls.append(("step", run.steps, run.batch))

        def after_epoch(self, run):
            calls.append(("epoch", run.epoch, len(run.history)))

        def end(self, run):
            calls.append(("end", run.epoch))

    train(net(), epochs=2, batch_size=25, callbacks=[Note(), lambda run: calls.append(isinstance(run, Run))])
    assert calls == [("begin", 0), ("step", 1, 1), ("step", 2, 2), ("epoch", 1, 1), True,
                     ("step", 3, 1), ("step", 4, 2), ("epoch", 2, 2), True, ("end", 2)]


def test_evaluate_leaves_no_graph_and_no_gradient():
    model = net(dropout=0.5)
    before = weights(model)
    result = tg.evaluate(model, nn.cross_entropy, problem(), [nn.accuracy], batch_size=7)
    assert list(result) == ["loss", "accuracy"]
    assert result == pytest.approx(tg.evaluate(model, nn.cross_entropy, iter([problem()]), [nn.accuracy]), rel=1e-12)

    def loss(logits, y):
        assert not logits.requires_grad
        return nn.cross_entropy(logits, y)

    tg.evaluate(model, loss, problem())
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert np.array_equal(weights(model), before)


# ---- memory ----------------------------------------------------------------------------------------------------------


def test_training_a_convolutional_network_needs_three_times_its_activations():
    """The bytes held at any moment of a run, beyond those before it, against those that one batch's graph holds."""
    rng = np.random.default_rng(0)
    x, y = rng.random((128, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 128)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(8, 16, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                          nn.Linear(16 * 7 * 7, 10, rng=rng))
    for p in model.parameters():
        p.data = p.data.astype(np.float32)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    activations = sum(node.data.nbytes for node in nodes_behind(nn.cross_entropy(model(x[:64]), y[:64]))
                      if node.op is not None)
    tracemalloc.start()
    try:
        tg.fit(model, nn.cross_entropy, optimizer, (x, y), 2, batch_size=64, progress=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 3.0 * activations
