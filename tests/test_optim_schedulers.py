"""Schedulers against their formulas written out, and by hand."""

import math
import pickle

import numpy as np
import pytest

from tinygrad_edu import Value, optim


def optimizer(*rates):
    """An optimiser with a group for each learning rate."""
    return optim.SGD([{"params": [Value(0.0)], "lr": rate} for rate in rates or (1.0,)], lr=0.1)


def rates(scheduler, count, *metrics):
    """The rate of the first group before each of so many steps."""
    found = []
    for i in range(count):
        found.append(scheduler.get_last_lr()[0])
        scheduler.step(*metrics[i:i + 1])
    return found


FORMULAS = {
    "StepLR": (lambda o: optim.StepLR(o, 3, gamma=0.5), lambda base, t: base * 0.5 ** math.floor(t / 3)),
    "ExponentialLR": (lambda o: optim.ExponentialLR(o, 0.9), lambda base, t: base * 0.9**t),
    "CosineAnnealingLR": (lambda o: optim.CosineAnnealingLR(o, 8, eta_min=0.01),
                          lambda base, t: 0.01 + (base - 0.01) * (1.0 + math.cos(math.pi * t / 8)) / 2.0),
    "LinearWarmup": (lambda o: optim.LinearWarmup(o, 4, start_factor=0.2),
                     lambda base, t: base * (0.2 + 0.8 * t / 4) if t < 4 else base),
    "OneCycleLR": (lambda o: optim.OneCycleLR(o, 0.5, 20, pct_start=0.25, div_factor=10.0, final_div_factor=100.0),
                   lambda base, t: 0.5 + (0.05 - 0.5) * (1.0 + math.cos(math.pi * t / 4.0)) / 2.0 if t <= 4
                   else 5e-4 + (0.5 - 5e-4) * (1.0 + math.cos(math.pi * (t - 4) / 15.0)) / 2.0),
    "OneCycleLR linear": (lambda o: optim.OneCycleLR(o, 1.0, 11, pct_start=6 / 11, anneal_strategy="linear"),
                          lambda base, t: 0.04 + 0.96 * t / 5 if t <= 5 else 1.0 + (4e-6 - 1.0) * (t - 5) / 5),
}
every_formula = pytest.mark.parametrize("name", FORMULAS)


@every_formula
def test_rates_follow_the_formula_in_every_group(name):
    """From t = 0 on, each group from the rate that it began with."""
    make, formula = FORMULAS[name]
    owner = optimizer(0.1, 0.7)
    scheduler = make(owner)
    for t in range(20 if name == "OneCycleLR" else 11):
        assert scheduler.get_last_lr() == pytest.approx([formula(0.1, t), formula(0.7, t)], rel=1e-12)
        assert [group["lr"] for group in owner.param_groups] == scheduler.get_last_lr()
        scheduler.step()


@every_formula
def test_a_restored_scheduler_goes_on_exactly(name):
    """Beside a restored optimiser: rates are the same numbers, from plain entries."""
    make, _ = FORMULAS[name]
    owner, other = optimizer(0.1, 0.7), optimizer(1.0, 1.0)
    scheduler, restored = make(owner), make(other)
    for _ in range(5):
        scheduler.step()
    state = pickle.loads(pickle.dumps(scheduler.state_dict()))
    assert all(isinstance(value, (int, float, str, list)) for value in state.values())
    other.load_state_dict(owner.state_dict())
    restored.load_state_dict(state)
    for _ in range(5):
        assert restored.get_last_lr() == scheduler.get_last_lr()
        restored.step()
        scheduler.step()
    state["base_lrs"][0] = 9.0
    assert restored.base_lrs[0] == 0.1
    wrong = optim.StepLR if name != "StepLR" else optim.ExponentialLR
    with pytest.raises(ValueError, match=f"{wrong.__name__}: the state has the entries"):
        wrong(owner, 2).load_state_dict(state)


def test_one_cycle_ends_after_its_steps_at_the_least_rate():
    """A loop may call step() after each of the total_steps batches; once more is told. All rise, or no rise, too."""
    scheduler = optim.OneCycleLR(optimizer(), 1.0, 4)
    found = rates(scheduler, 4)
    assert found[-1] == pytest.approx(1.0 / 25.0 / 1e4)
    assert scheduler.get_last_lr()[0] == found[-1]
    with pytest.raises(ValueError, match="all of its 4 steps are taken"):
        scheduler.step()
    assert rates(optim.OneCycleLR(optimizer(), 1.0, 5, pct_start=1.0), 5)[-1] == 1.0
    assert rates(optim.OneCycleLR(optimizer(), 1.0, 5, pct_start=0.2), 1) == [1.0]
    assert rates(optim.OneCycleLR(optimizer(), 1.0, 1, pct_start=0.0), 1) == [pytest.approx(1.0 / 25.0 / 1e4)]


# ---- plateaus ------------------------------------------------------------------------------------------------------


def test_a_plateau_lets_the_rate_fall_by_hand():
    """Patience 1: the second step without improvement halves the rate; then counting begins anew."""
    scheduler = optim.ReduceLROnPlateau(optimizer(), factor=0.5, patience=1)
    assert rates(scheduler, 8, 3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0) == [1.0] * 4 + [0.5, 0.5, 0.25, 0.25]


def test_a_cooldown_counts_nothing():
    """Two steps after a fall none counts, however bad."""
    scheduler = optim.ReduceLROnPlateau(optimizer(), factor=0.5, patience=0, cooldown=2)
    assert rates(scheduler, 6, *[1.0] * 6) == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(("mode", "threshold_mode", "good", "bad"), [
    ("min", "rel", 8.9, 9.1), ("min", "abs", 9.8, 9.95), ("max", "rel", 11.1, 10.9), ("max", "abs", 10.2, 10.05)])
def test_better_is_by_more_than_the_threshold(mode, threshold_mode, good, bad):
    """A tenth relative, or absolute; below or above."""
    for metric, after in ((good, 1.0), (bad, 0.1), (float("nan"), 0.1)):
        scheduler = optim.ReduceLROnPlateau(optimizer(), mode, patience=0, threshold=0.1, threshold_mode=threshold_mode)
        scheduler.step(Value(10.0))
        scheduler.step(metric)
        assert scheduler.get_last_lr() == [pytest.approx(after)]


def test_the_rate_falls_no_lower_than_its_least_and_not_by_next_to_nothing():
    """min_lr bounds each group; a fall within eps is left out."""
    owner = optimizer(1.0, 0.02)
    scheduler = optim.ReduceLROnPlateau(owner, factor=0.5, patience=0, min_lr=0.3, eps=0.1)
    for _ in range(5):
        scheduler.step(1.0)
    assert [group["lr"] for group in owner.param_groups] == [0.3, 0.02]


def test_a_plateaus_state_is_restored():
    """Best metric and counts included."""
    one, other = (optim.ReduceLROnPlateau(optimizer(), patience=2, cooldown=1) for _ in range(2))
    for metric in (3.0, 3.0, 3.0):
        one.step(metric)
    other.load_state_dict(one.state_dict())
    for each in (one, other):
        each.step(3.0)
        assert each.get_last_lr() == [0.1]


# ---- arguments and use ---------------------------------------------------------------------------------------------


def test_a_loop_with_a_scheduler_moves_by_its_rates():
    """Gradient 1 throughout: the parameter falls by the sum of the rates."""
    x = Value(0.0)
    owner = optim.SGD([x], lr=1.0)
    scheduler = optim.ExponentialLR(owner, 0.5)
    for _ in range(4):
        x.grad = 1.0
        owner.step()
        scheduler.step()
    assert x.data == -(1.0 + 0.5 + 0.25 + 0.125)
    assert repr(scheduler) == "ExponentialLR(step 4, lr=0.0625)"


@pytest.mark.parametrize(("make", "message"), [
    (lambda o: optim.StepLR(o, 0), "StepLR: step_size must be at least 1, not 0"),
    (lambda o: optim.CosineAnnealingLR(o, 0), "T_max must be at least 1"),
    (lambda o: optim.LinearWarmup(o, 0), "total_iters must be at least 1"),
    (lambda o: optim.LinearWarmup(o, 2, 0.0), "start_factor must be above 0, up to 1, not 0"),
    (lambda o: optim.OneCycleLR(o, 1.0, 0), "total_steps must be at least 1"),
    (lambda o: optim.OneCycleLR(o, 1.0, 9, 1.5), "pct_start must be from 0 to 1"),
    (lambda o: optim.OneCycleLR(o, 1.0, 9, anneal_strategy="cosine"), '"cos" or "linear", not \'cosine\''),
    (lambda o: optim.ReduceLROnPlateau(o, "low"), 'mode must be "min" or "max"'),
    (lambda o: optim.ReduceLROnPlateau(o, threshold_mode="relative"), 'must be "rel" or "abs"'),
    (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), r"factor must be in \[0, 1\), not 1"),
    (lambda o: optim.OneCycleLR(o, 1.0, 9, div_factor=0.0), "div_factor and final_div_factor must be positive"),
])
def test_settings_out_of_range_are_told(make, message):
    """A ValueError names the scheduler, the setting and its value."""
    owner = optimizer()
    with pytest.raises(ValueError, match=message):
        make(owner)
    assert owner.lr == 1.0


def test_a_scheduler_of_ones_own_needs_only_its_formula():
    """`_rate` gives the rate; without it, the base says what is missing."""

    class Halves(optim.Scheduler):
        def _rate(self, base, t):
            return base / (1 + t)

    assert rates(Halves(optimizer()), 3) == pytest.approx(list(1.0 / np.arange(1, 4)))
    with pytest.raises(NotImplementedError, match="Scheduler does not define _rate"):
        optim.Scheduler(optimizer())
