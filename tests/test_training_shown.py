"""Runs and those who watch them: Ctrl-C, progress bars, the history as table and picture."""

import os
import signal
import sys
import threading

import matplotlib.pyplot as plt
import numpy as np
import pytest
from training_examples import net, problem, train, weights

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import DataError, MissingExtraError

# ---- Ctrl-C ----------------------------------------------------------------------------------------------------------


class Interrupt(tg.Callback):
    """Ctrl-C after so many steps, as often as told."""

    def __init__(self, step, times=1):
        self.step, self.times = step, times

    def after_step(self, run):
        if run.steps == self.step:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def heard():
    """SIGINT as an interactive session has it, whoever started the suite."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_keeps_what_was_learned_and_returns(heard, times):
    """Pressed once or twice: the whole steps so far are in the weights, and the handler is the old one again."""
    model, other, places = net(), net(), []

    class Note(tg.Callback):
        def after_step(self, run):
            places.append(weights(run.model))

    train(other, callbacks=[Note()])
    history = train(model, epochs=50, callbacks=[Interrupt(6, times)])
    assert history.interrupted
    assert len(history) == 1  # 4 steps an epoch: the second was not whole
    assert np.array_equal(weights(model), places[5])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not train(model, epochs=1).interrupted


def test_pressed_again_ctrl_c_ends_what_does_not_end(heard):
    """The first lets a step go on that hangs; the second does not."""
    def loss(logits, y):
        while True:
            os.kill(os.getpid(), signal.SIGINT)

    model = net()
    history = tg.fit(model, loss, optim.SGD(model.parameters(), lr=0.1), problem(), 3, progress=False)
    assert (history.interrupted, len(history)) == (True, 0)


def test_an_interrupt_from_within_returns_too():
    def loss(logits, y):
        raise KeyboardInterrupt

    model = net()
    history = tg.fit(model, loss, optim.SGD(model.parameters(), lr=0.1), problem(), 3, progress=False)
    assert (history.interrupted, len(history)) == (True, 0)


def test_training_in_a_thread_needs_no_signals():
    """Signals belong to the main thread; another one trains all the same."""
    model, histories = net(), []
    thread = threading.Thread(target=lambda: histories.append(train(model)))
    thread.start()
    thread.join()
    assert len(histories[0]) == 3


def test_gradients_of_nodes_between_are_not_kept():
    """backward() keeps them to be looked at; nobody looks at those of a run."""
    seen = []

    def loss(logits, y):
        seen.append(logits)
        return nn.cross_entropy(logits, y)

    model = net()
    tg.fit(model, loss, optim.SGD(model.parameters(), lr=0.1), problem(), 1, progress=False)
    assert seen[0].requires_grad
    assert seen[0].grad is None


# ---- bars and tables -------------------------------------------------------------------------------------------------


def test_bars_go_to_stderr(capsys):
    """The epochs are counted, with the last numbers beside the bar; nothing goes to stdout."""
    train(net(), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "loss=" in err


def test_what_is_said_of_ctrl_c_goes_to_stderr(heard, capsys):
    """Where the bars are: what a program writes to stdout stays its own."""
    train(net(), progress=True, callbacks=[Interrupt(2)])
    out, err = capsys.readouterr()
    assert out == ""
    assert "Stopped by Ctrl-C after 0 epochs and 2 batches" in err


def test_bars_are_not_needed(monkeypatch):
    """Without tqdm, one line says how to get it and how to do without; and without bars nothing is missed."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(MissingExtraError, match=r"tinygrad_edu\[tour\].*progress=False"):
        train(net(), progress=True)
    assert len(train(net())) == 3


def test_a_history_reads_as_a_table():
    """Text and HTML have each number; a long one shows its ends; names are escaped; unknown ones are told."""
    history = tg.History([{"loss": 1.0 / n, "<b>": float(n)} for n in range(1, 31)])
    lines = str(history).splitlines()
    assert lines[0].split() == ["epoch", "loss", "<b>"]
    assert lines[1].split() == ["1", "1", "1"]
    assert lines[-1].split() == ["30", "0.03333", "30"]
    assert len(lines) == 14
    assert "&lt;b&gt;" in history._repr_html_()
    assert "<b>" not in history._repr_html_()
    assert repr(tg.History()) == "epoch"
    with pytest.raises(DataError, match="'los'; there are loss"):
        history["los"]


def test_a_history_is_drawn_on_given_axes():
    """plot() returns its axes: a line for each loss, or for what is asked for."""
    history = tg.History([{"loss": 2.0, "validation_loss": 3.0, "lr": 0.1},
                          {"loss": 1.0, "validation_loss": 2.0, "lr": 0.1}])
    _, ax = plt.subplots()
    assert history.plot(ax=ax) is ax
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2.0, 1.0], [3.0, 2.0]]
    own = history.plot("lr")
    assert own.lines[0].get_xdata().tolist() == [1, 2]
    assert all(tick == round(tick) for tick in own.get_xticks())  # there is no epoch 1.25
    plt.close("all")
