"""Semantics: graphs built and differentiated in several threads at once are right; modes are per thread."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value, modes

both = pytest.mark.parametrize("node", [Value, Tensor])
THREADS = 4


@pytest.fixture(autouse=True)
def _hasty_switching():
    """Threads take turns every microsecond, so that a race is met."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(task):
    """task(0), task(1), ... each in a thread of its own, all started together; the results, or the first exception."""
    barrier = threading.Barrier(THREADS)

    def run(number):
        barrier.wait()
        return task(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@both
@pytest.mark.parametrize("create_graph", [False, True])
def test_shared_leaves_lose_no_contribution(node, create_graph):
    """Every thread adds its exact share to the gradients of common leaves, in whichever pass."""
    x, w = node(3.0), node(2.0)
    rounds = 300 if not create_graph else 60

    def task(number):
        for _ in range(rounds):
            (x * w + float(number + 1)).backward(create_graph=create_graph)

    in_threads(task)
    assert float(x.grad) == 2.0 * THREADS * rounds
    assert float(w.grad) == 3.0 * THREADS * rounds


@both
def test_a_shared_part_of_a_graph_is_differentiated_by_all(node):
    """One interior node below the roots of all threads: the leaf's sum is exact, and no pass sees another's numbers."""
    x = node(2.0)
    shared = tg.exp(x * 0.0) * x * x
    rounds = 200

    def task(number):
        root = shared * float(number + 1)
        for _ in range(rounds):
            root.backward()

    in_threads(task)
    assert float(x.grad) == 4.0 * rounds * sum(range(1, THREADS + 1))


@both
def test_first_order_and_general_passes_mix(node):
    """Hooks, create_graph and plain passes over one leaf at once add up exactly."""
    x = node(2.0)
    seen = []

    def task(number):
        for _ in range(100):
            y = x * 4.0
            if number == 1:
                y.register_hook(lambda gradient: seen.append(float(gradient)))
            y.backward(create_graph=number == 2)

    in_threads(task)
    assert float(x.grad) == 4.0 * 100 * THREADS
    assert seen == [1.0] * 100


@both
def test_private_graphs_are_right(node):
    """Graphs of threads of their own, with rules, transforms and copies, do not disturb one another."""

    def derivative(number):
        point = 0.1 * (number + 1)
        x = node(point)
        y = tg.sin(x * x) * x
        y.backward()
        slope = tg.grad(lambda t: tg.sin(t * t) * t)(x.detach().data)
        return float(x.grad), float(slope), float(tg.jvp(lambda t: tg.sin(t * t) * t, (x.detach().data,),
                                                         (x.data * 0.0 + 1.0,))[1])

    expected = [derivative(n) for n in range(THREADS)]

    def task(number):
        return [derivative(number) for _ in range(50)]

    for number, results in enumerate(in_threads(task)):
        assert results == [expected[number]] * 50


@both
def test_indices_are_unique_across_threads(node):
    """The clock hands every node its own number, rising within each thread."""

    def task(number):
        x, indices = node(1.0), []
        for _ in range(2000):
            x = x + 1.0
            indices.append(x.index)
        return indices

    results = in_threads(task)
    assert all(r == sorted(r) for r in results)
    assert len(set().union(*results)) == THREADS * 2000


@both
def test_no_grad_is_per_thread(node):
    """One thread's no_grad() stops no other thread's recording."""

    def task(number):
        x, records = node(2.0), []
        for _ in range(300):
            if number % 2:
                with tg.no_grad():
                    records.append((x * x).requires_grad)
            else:
                records.append((x * x).requires_grad)
        return set(records)

    assert in_threads(task) == [{True}, {False}] * (THREADS // 2)


@both
def test_a_new_thread_starts_recording(node):
    """A thread begun inside no_grad(), detect_anomaly() and a scope has none of them."""
    found = []

    def task():
        x = node(2.0)
        y = x * x
        found.append((y.requires_grad, y.scope, modes.current_mode().anomaly))

    with tg.no_grad(), tg.detect_anomaly(), modes.scope("outer"):
        thread = threading.Thread(target=task)
        thread.start()
        thread.join()
        assert not (node(1.0) * 2.0).requires_grad
    assert found == [(True, None, False)]


@both
def test_scopes_are_per_thread(node):
    """Each thread's nodes carry the scope that this thread entered, nested ones restored."""

    def task(number):
        x = node(1.0)
        for _ in range(200):
            with modes.scope(("outer", number)):
                first = x * 2.0
                with modes.scope(("inner", number)):
                    second = first * 2.0
                third = second * 2.0
            after = third * 2.0
            assert [n.scope for n in (first, second, third, after)] == [
                ("outer", number), ("inner", number), ("outer", number), None]
        return True

    assert all(in_threads(task))


@both
def test_anomaly_mode_is_per_thread(node):
    """A NaN raises in the thread that hunts, and passes in the others."""

    def task(number):
        outcomes = set()
        for _ in range(50):
            x = node(-1.0)
            with np.errstate(all="ignore"):
                try:
                    if number % 2:
                        with tg.detect_anomaly():
                            tg.log(x)
                    else:
                        tg.log(x)
                    outcomes.add("passed")
                except tg.errors.AnomalyError:
                    outcomes.add("raised")
        return outcomes

    assert in_threads(task) == [{"passed"}, {"raised"}] * (THREADS // 2)


@both
def test_an_error_in_one_thread_leaves_the_others_work(node):
    """A failing pass commits nothing of its own and loses nothing of the rest."""
    x = node(1.0)

    def task(number):
        for _ in range(100):
            y = x * 2.0
            if number == 0:
                y.register_hook(lambda gradient: [][0])
                with pytest.raises(IndexError):
                    y.backward()
            else:
                y.backward()

    in_threads(task)
    assert float(x.grad) == 2.0 * 100 * (THREADS - 1)


def test_arrays_and_bridges_in_threads():
    """Batches through a shared weight matrix, to Values and back: the sum over all threads is exact."""
    weight, scale = Tensor(np.arange(6.0).reshape(2, 3)), Value(2.0)
    rounds = 30

    def task(number):
        batch = np.full((4, 2), float(number + 1))
        for _ in range(rounds):
            out = batch @ weight
            total = tg.sum(out.sum(axis=0).to_values())
            (total * scale).backward()
            batch = batch.copy()

    in_threads(task)
    assert weight.grad.tolist() == [[2.0 * 4 * rounds * 10] * 3] * 2
    assert scale.grad == rounds * 4 * 10 * 15.0


def test_reading_modes_in_tasks_of_asyncio():
    """no_grad() in one task of an event loop does not reach another."""
    import asyncio

    x, found = Value(1.0), []

    async def quiet():
        with tg.no_grad():
            for _ in range(5):
                await asyncio.sleep(0)
                found.append(("quiet", (x * 2.0).requires_grad))

    async def loud():
        for _ in range(5):
            await asyncio.sleep(0)
            found.append(("loud", (x * 2.0).requires_grad))

    async def both_at_once():
        await asyncio.gather(quiet(), loud())

    asyncio.run(both_at_once())
    assert set(found) == {("quiet", False), ("loud", True)}
