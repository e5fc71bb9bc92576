"""Training that goes on from a file: bit for bit what training that was never interrupted does."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

SUFFIXES = (".npz", ".safetensors")

OPTIMISERS = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.02),
    "momentum": lambda ps: optim.SGD(ps, lr=0.02, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda ps: optim.SGD(ps, lr=0.02, momentum=0.9, nesterov=True),
    "Adagrad": lambda ps: optim.Adagrad(ps, lr=0.05, lr_decay=0.1),
    "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.01, momentum=0.5, centered=True),
    "Adam": lambda ps: optim.Adam(ps, lr=0.01),
    "plateau": lambda ps: optim.Adam(ps, lr=0.01, betas=(0.5, 0.9)),
    "AdamW": lambda ps: optim.AdamW(ps, lr=0.01),
    "groups": lambda ps: optim.Adam([{"params": ps[::2]}, {"params": ps[1::2], "lr": 0.03}]),
}
SCHEDULERS = {
    "SGD": lambda o: optim.StepLR(o, 3), "momentum": lambda o: optim.CosineAnnealingLR(o, 20),
    "nesterov": lambda o: optim.ExponentialLR(o, 0.9), "Adagrad": lambda o: optim.LinearWarmup(o, 8),
    "RMSprop": lambda o: optim.OneCycleLR(o, 0.05, 20), "Adam": lambda o: optim.StepLR(o, 4, gamma=0.5),
    "plateau": lambda o: optim.ReduceLROnPlateau(o, factor=0.5, patience=0), "AdamW": lambda o: optim.LinearWarmup(o),
    "groups": lambda o: optim.ExponentialLR(o, 0.8),
}


class Noisy(nn.Module):
    """A perceptron of Values whose inputs are shaken by a generator of its own."""

    def __init__(self):
        self.mlp, self.rng = nn.MLP(3, [4, 1], rng=7), np.random.default_rng(9)

    def forward(self, x):
        return self.mlp([float(a) + 0.1 * self.rng.standard_normal() for a in x])


def scalar_model():
    """Values, and noise."""
    return Noisy()


def array_model():
    """Tensors, dropout by a generator of its own and by the default one, and running statistics."""
    return nn.Sequential(nn.Linear(3, 6, rng=1), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3, rng=2),
                         nn.Linear(6, 4, rng=3), nn.Dropout(0.2), nn.Linear(4, 1, rng=4))


class Training:
    """A model in training, and what belongs to it."""

    def __init__(self, make, name):
        tg.seed(5)
        self.model = make()
        self.optimizer = OPTIMISERS[name](self.model.parameters())
        self.scheduler = SCHEDULERS[name](self.optimizer)
        self.shuffle = np.random.default_rng(11)
        self.x = np.random.default_rng(0).standard_normal((8, 3))
        self.losses = []

    def objects(self):
        """What is saved and restored, as a training loop with checkpoints would say it."""
        return {"optimizer": self.optimizer, "scheduler": self.scheduler,
                "generators": {**tg.generators(self.model), "shuffle": self.shuffle}}

    def train(self, epochs):
        """Some epochs of two batches each."""
        for _ in range(epochs):
            for x, in tg.data.batches(self.x, batch_size=4, rng=self.shuffle):
                if isinstance(self.model, Noisy):
                    loss = tg.mean([(self.model(row) - row[0] * row[1])**2 for row in x])
                else:
                    loss = nn.mse_loss(self.model(x), x[:, :1] * x[:, 1:2])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.losses.append(float(loss))
            if isinstance(self.scheduler, optim.ReduceLROnPlateau):
                self.scheduler.step(self.losses[-1])
            else:
                self.scheduler.step()


def test_no_optimiser_or_scheduler_is_left_out():
    """A new one has to be tried here."""
    optimizers = {name: make([tg.Value(0.0), tg.Value(0.0)]) for name, make in OPTIMISERS.items()}
    schedulers = [SCHEDULERS[name](optimizer) for name, optimizer in optimizers.items()]
    for tried, base in ((optimizers.values(), optim.Optimizer), (schedulers, optim.Scheduler)):
        known = {x for x in vars(optim).values() if isinstance(x, type) and issubclass(x, base) and x is not base}
        assert {*map(type, tried)} == known


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("make", [scalar_model, array_model])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_resumed_training_equals_training_never_interrupted(tmp_path, name, make, suffix):
    """Every loss and every parameter, after a restart with other numbers everywhere, is equal, not close."""
    whole = Training(make, name)
    whole.train(6)
    half = Training(make, name)
    half.train(3)
    path = tmp_path / f"half{suffix}"
    tg.save(path, half.model, **half.objects(), progress={"losses": half.losses, "epoch": 3})
    resumed = Training(make, name)
    resumed.train(1)  # elsewhere than where it was saved
    resumed.losses = tg.load(path, resumed.model, **resumed.objects())["progress"]["losses"]
    resumed.train(3)
    assert resumed.losses == whole.losses
    mine, wanted = resumed.model.state_dict(), whole.model.state_dict()
    assert all(np.array_equal(mine[key], wanted[key]) for key in wanted)
    assert resumed.scheduler.get_last_lr() == whole.scheduler.get_last_lr()


@pytest.mark.parametrize("left_out", ["optimizer", "scheduler", "generators"])
def test_each_of_them_matters(tmp_path, left_out):
    """Without one of them training goes on otherwise: the comparison above would notice."""
    whole = Training(array_model, "momentum")
    whole.train(6)
    half = Training(array_model, "momentum")
    half.train(3)
    tg.save(tmp_path / "half.npz", half.model, **half.objects())
    resumed = Training(array_model, "momentum")
    objects = resumed.objects()
    del objects[left_out]
    assert list(tg.load(tmp_path / "half.npz", resumed.model, **objects)) == [left_out]
    resumed.train(3)
    assert resumed.losses != whole.losses[6:]


NEXT = """
import sys
sys.path.insert(0, sys.argv[1])
import tinygrad_edu as tg
from test_saving_resume import Training, array_model
resumed = Training(array_model, "Adam")
tg.load(sys.argv[2], resumed.model, **resumed.objects())
resumed.train(3)
print(*map(float.hex, resumed.losses))
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_process_goes_on_as_this_one_would(tmp_path, suffix):
    """The file is all it needs."""
    training = Training(array_model, "Adam")
    training.train(3)
    tg.save(tmp_path / f"half{suffix}", training.model, **training.objects())
    training.train(3)
    folder = __file__.rpartition("test_saving_resume")[0]
    run = subprocess.run([sys.executable, "-c", NEXT, folder, str(tmp_path / f"half{suffix}")], capture_output=True,
                         text=True, check=True)
    assert run.stdout.split() == [loss.hex() for loss in training.losses[6:]]
