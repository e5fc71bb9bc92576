"""Interrupted runs, taken up again from their checkpoints: bit for bit those that were never interrupted."""

import contextlib
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import DataError, TinygradError


class StopAfter(tg.Callback):
    """What a power cut does, in the middle of an epoch: no further step, and nothing written."""

    def __init__(self, step=None):
        self.step = step

    def after_step(self, run):
        if run.steps == self.step:
            raise SystemExit


def begin(path, *, scheduler=None, schedule="epoch", method=optim.Adam, seed=0, stop=None, epochs=4, **options):
    """A run with all that draws random numbers: first weights, order, dropout, noise on the data."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(2, 6, rng=rng), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3, rng=rng),
                          nn.Linear(6, 2, rng=rng), nn.Dropout(0.1))
    points, labels = tg.data.make_moons(40, rng=0)
    noise = np.random.default_rng(seed)

    class Noisy:
        rng = np.random.default_rng(seed)

        def __iter__(self):
            for x, y in tg.data.batches(points, labels, batch_size=8, rng=self.rng):
                yield x + 0.1 * noise.standard_normal(x.shape), y

    optimizer = method(model.parameters(), lr=0.05)
    callbacks = [tg.EarlyStopping("validation_loss", patience=2), StopAfter(stop)]
    history = tg.fit(model, nn.cross_entropy, optimizer, Noisy(), epochs, validation=(points[:9], labels[:9]),
                     metrics=[nn.accuracy], callbacks=callbacks, schedule=schedule, checkpoint=path, progress=False,
                     scheduler=scheduler and scheduler(optimizer), generators={"noise": noise}, **options)
    return history, model.state_dict(), optimizer.state_dict()


def same(x, y):
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(same(x[key], y[key]) for key in x)
    if isinstance(x, list):
        return len(x) == len(y) and all(map(same, x, y))
    x, y = np.asarray(x), np.asarray(y)
    return (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())


SCHEDULERS = [(None, "epoch"), (lambda o: optim.StepLR(o, 1, 0.5), "epoch"),
              (lambda o: optim.OneCycleLR(o, max_lr=0.1, total_steps=30), "step"),
              (lambda o: optim.ReduceLROnPlateau(o, patience=0), "epoch")]


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("place", range(len(SCHEDULERS)))
@pytest.mark.parametrize(("accumulate", "every", "stop"), [(1, 1, 7), (1, 3, 8), (2, 1, 4), (1, None, 9)])
def test_a_run_cut_off_in_an_epoch_goes_on_as_if_never_interrupted(tmp_path, suffix, place, accumulate, every, stop):
    """Weights, statistics, optimiser and history, whatever the new process began with; a resumed run may be cut too."""
    scheduler, schedule = SCHEDULERS[place]
    settings = {"scheduler": scheduler, "schedule": schedule, "accumulate": accumulate}
    tg.seed(3)
    whole = begin(tmp_path / f"whole.{suffix}", **settings)
    path = tmp_path / f"cut.{suffix}"
    tg.seed(3)
    for cut in (stop, stop + 2):
        with pytest.raises(SystemExit):
            begin(path, checkpoint_every=every, stop=cut, resume=True, seed=cut - stop, **settings)
        tg.seed(8)
    history, weights, optimizer = begin(path, checkpoint_every=every, seed=5, resume=True, **settings)
    assert history == whole[0]
    assert same(weights, whole[1])
    assert same(optimizer, whole[2])


@pytest.mark.parametrize("method", [optim.SGD, optim.Adagrad, optim.RMSprop, optim.Adam, optim.AdamW])
def test_each_optimiser_goes_on(tmp_path, method):
    tg.seed(3)
    whole = begin(tmp_path / "whole.npz", method=method)
    tg.seed(3)
    with pytest.raises(SystemExit):
        begin(tmp_path / "cut.npz", method=method, stop=8, checkpoint_every=1)
    _, weights, optimizer = begin(tmp_path / "cut.npz", method=method, seed=4, resume=True)
    assert same(weights, whole[1])
    assert same(optimizer, whole[2])


def test_a_finished_run_is_not_trained_further_and_a_longer_one_is(tmp_path):
    """Resumed with the same number of epochs nothing happens; with more, those that are missing."""
    path = tmp_path / "run.npz"
    tg.seed(0)
    first = begin(path, epochs=2)
    again = begin(path, epochs=2, seed=9, resume=True)
    assert again[0] == first[0]
    assert same(again[1], first[1])
    longer = begin(path, epochs=3, seed=9, resume=True)
    tg.seed(0)
    assert same(longer[1], begin(tmp_path / "other.npz", epochs=3)[1])


def test_a_run_that_was_stopped_early_stays_stopped(tmp_path):
    """Resumed, it trains no further, and has its best weights."""
    path = tmp_path / "run.npz"
    first = begin(path, epochs=30, method=optim.SGD)
    assert len(first[0]) < 30
    again = begin(path, epochs=30, method=optim.SGD, seed=9, resume=True)
    assert again[0] == first[0]
    assert same(again[1], first[1])


def test_without_resume_a_checkpoint_is_begun_anew(tmp_path):
    path = tmp_path / "run.npz"
    begin(path, epochs=2)
    assert len(begin(path, epochs=1)[0]) == 1
    assert len(tg.load(path)["progress"]["rows"]) == 1


def test_the_checkpoint_of_another_run_is_refused_and_nothing_changed(tmp_path):
    """Another shape of weights, another optimiser, another number of callbacks: told, and the model is as it was."""
    path = tmp_path / "run.npz"
    begin(path, epochs=1)
    model = nn.Sequential(nn.Linear(2, 6, rng=1), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3, rng=0),
                          nn.Linear(6, 2, rng=1), nn.Dropout(0.1))
    before = model.state_dict()
    noise = {"noise": np.random.default_rng(0)}
    for optimizer, callbacks in ((optim.SGD, [tg.EarlyStopping(), StopAfter()]), (optim.Adam, [])):
        with pytest.raises(TinygradError):
            tg.fit(model, nn.cross_entropy, optimizer(model.parameters(), lr=0.05), tg.data.make_moons(9), 2,
                   progress=False, checkpoint=path, resume=True, callbacks=callbacks, generators=noise)
        assert same(model.state_dict(), before)


def test_an_epoch_goes_on_with_as_many_batches_or_not_at_all(tmp_path):
    """In batches of another size, those that are passed over are not those that were learned from."""
    def run(batch_size, step=None, **options):
        model = nn.Linear(2, 2, rng=0)
        stop = [lambda run: None, StopAfter(step)]
        return tg.fit(model, nn.cross_entropy, optim.SGD(model.parameters(), lr=0.1), tg.data.make_moons(20, rng=0), 2,
                      progress=False, batch_size=batch_size, callbacks=stop, checkpoint=tmp_path / "run.npz",
                      rng=0, **options)

    for step in (3, None):  # in the middle of an epoch, and at its end
        with contextlib.suppress(SystemExit):
            run(4, step, checkpoint_every=1)
        if step is not None:
            with pytest.raises(DataError, match=r"after batch 2 of 5 of an epoch, which has 2 batches now"):
                run(10, resume=True)
    assert len(run(10, resume=True)) == 2


def test_what_was_saved_otherwise_than_by_a_run_is_refused_and_nothing_changed(tmp_path):
    """It has the model and all else, but not how far the run was."""
    path, points = tmp_path / "run.npz", tg.data.make_moons(9)
    saved, model = nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1)
    data = tg.data.batches(*points, rng=0)
    tg.save(path, saved, optimizer=optim.SGD(saved.parameters(), lr=0.5), callbacks=[],
            generators={**tg.generators(saved), "data": data.rng})
    before = model.state_dict()
    with pytest.raises(DataError, match="no progress of a run"):
        tg.fit(model, nn.cross_entropy, optim.SGD(model.parameters(), lr=0.1), data, 2, progress=False,
               checkpoint=path, resume=True)
    assert same(model.state_dict(), before)


def test_ctrl_c_leaves_a_checkpoint_from_which_the_run_goes_on(tmp_path):
    """Interrupted in the middle of an epoch, with no checkpoint but those of whole epochs asked for."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        class Interrupt(StopAfter):
            def after_step(self, run):
                if run.steps == self.step:
                    signal.raise_signal(signal.SIGINT)

        runs = []
        for path, callback in (("whole", Interrupt()), ("cut", Interrupt(7)), ("cut", Interrupt())):
            model = nn.Linear(2, 2, rng=0)
            history = tg.fit(model, nn.cross_entropy, optim.Adam(model.parameters(), lr=0.1), tg.data.make_moons(
                40, rng=0), 3, batch_size=8, rng=1, callbacks=[callback], checkpoint=tmp_path / f"{path}.npz",
                resume=True, progress=False)
            runs.append((history.interrupted, model.state_dict()))
            if history.interrupted:
                assert tg.load(tmp_path / "cut.npz")["progress"]["steps"] == 7
        assert [interrupted for interrupted, _ in runs] == [False, True, False]
        assert same(runs[2][1], runs[0][1])
    finally:
        signal.signal(signal.SIGINT, before)


# ---- kill -9 ---------------------------------------------------------------------------------------------------------

KILLED = """
import sys, time
import numpy as np
import tinygrad_edu as tg
from tinygrad_edu import nn, optim

path, pause = sys.argv[1], float(sys.argv[2])
rng = np.random.default_rng(0)
model = nn.Sequential(nn.Linear(2, 300, rng=rng), nn.Tanh(), nn.Dropout(0.2, rng=rng), nn.Linear(300, 2, rng=rng))

class Slow(tg.Callback):
    def after_step(self, run):
        time.sleep(pause)
        print(run.steps, flush=True)

tg.fit(model, nn.cross_entropy, optim.Adam(model.parameters(), lr=0.01), tg.data.make_moons(64, rng=0), 10,
       batch_size=8, rng=1, callbacks=[Slow()], checkpoint=path, checkpoint_every=2, resume=True, progress=False)
tg.save(path + ".weights.npz", model)
"""


def test_a_killed_run_loses_no_more_than_the_steps_since_its_checkpoint(tmp_path):
    """kill -9 at random moments, again and again: the file is whole each time, and in the end nothing is different."""
    script = tmp_path / "train.py"
    script.write_text(KILLED)

    def start(path, pause):
        return subprocess.Popen([sys.executable, str(script), str(path), str(pause)], stdout=subprocess.PIPE, text=True)

    whole, cut = tmp_path / "whole.npz", tmp_path / "cut.npz"
    process = start(whole, 0.0)
    assert len(process.communicate()[0].split()) == 80
    chance, reached, kills = random.Random(0), [0], 0
    while reached[-1] < 80:
        process = start(cut, 0.002)
        first = int(process.stdout.readline())
        assert first > reached[-1] - 2, "a step before the last checkpoint was made again"
        last = first
        for line in process.stdout:
            last = int(line)
            if last >= first + 9 and last < 80:
                time.sleep(chance.random() * 0.004)  # in a step, or in the writing of a checkpoint
                process.kill()
                kills += 1
                break
        process.stdout.close()
        process.wait()
        reached.append(last)
        assert tg.load(cut)["progress"]["steps"] >= last - 2
    assert kills >= 5
    assert all(later > earlier for earlier, later in pairwise(reached))
    weights = [tg.load(f"{path}.weights.npz")["model"] for path in (whole, cut)]
    assert same(*weights)
