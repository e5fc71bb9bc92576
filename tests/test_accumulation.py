"""How parts of a cotangent add up: in place where nobody else holds the sum, and nothing else is ever written to."""

import numpy as np
import pytest

from tinygrad_edu import Tensor, Value
from tinygrad_edu.ops import TABLE

PARTIAL = [(name, position, case) for name, row in TABLE.items() for position in row.adders
           for case in range(len(row.cases))]


def uses(name, case, seed=0):
    """The operands of a case of a row, and two weighted sums of its result, as functions of the operands."""
    row = TABLE[name]
    rng = np.random.default_rng(seed)
    shapes, params = row.cases[case]
    operands = [Tensor(rng.uniform(0.1, 1.0, shape)) for shape in shapes]
    weights = rng.standard_normal((3, *row(*[x.data for x in operands], **params).shape))
    return operands, [lambda *xs, w=w: (row(*xs, **params) * w).sum() for w in weights]


def gradients(operands, functions):
    for x in operands:
        x.zero_grad()
    total = functions[0](*operands)
    for function in functions[1:]:
        total = total + function(*operands)
    total.backward()
    return [x.grad for x in operands]


def agrees(name, case):
    """Whether the gradient of a sum is the sum of the gradients, of which each alone comes from the row's rule."""
    operands, functions = uses(name, case)
    apart = [sum(parts) for parts in zip(*(gradients(operands, [f]) for f in functions), strict=True)]
    return all(np.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(gradients(operands, functions), apart,
                                                                        strict=True))


@pytest.mark.parametrize(("name", "position", "case"), PARTIAL)
def test_parts_added_in_place_are_those_of_the_rule(name, position, case):
    """For every row that adds its part to a total: the sum of several, by three independent passes."""
    assert agrees(name, case)


@pytest.mark.parametrize(("name", "position", "case"), PARTIAL)
def test_a_corrupted_adder_is_caught(name, position, case, monkeypatch):
    row = TABLE[name]

    def wrong(total, cotangent, operands, params):
        row_adder(total, 1.01 * cotangent, operands, params)

    row_adder = row.adders[position]
    monkeypatch.setattr(row, "adders", {**row.adders, position: wrong})
    assert not agrees(name, case)


def test_the_rows_that_add_in_place_are_known():
    """A list that shrank would test nothing."""
    assert {name for name, _, _ in PARTIAL} >= {"getitem", "lstm_memory", "lstm_hidden"}


def test_steps_of_a_sequence_cost_one_array_of_zeros(monkeypatch):
    """x[0], x[1], ...: the first part is put among zeros, the others are added to it."""
    counted = []
    scatter = TABLE["scatter"]
    function = scatter.array
    monkeypatch.setattr(scatter, "array", lambda *args, **params: counted.append(1) or function(*args, **params))
    x = Tensor(np.arange(12.0).reshape(6, 2))
    total = sum((x[t] * (t + 1.0)).sum() for t in range(6))
    total.backward()
    assert len(counted) == 1
    assert x.grad.tolist() == [[t + 1.0] * 2 for t in range(6)]


@pytest.mark.parametrize("first", [True, False])
def test_what_an_addition_hands_to_both_is_not_written_to(first):
    """a + b passes one array to a and b; a has parts of its own besides, made before or after."""
    a, b = Tensor([1.0, 2.0, 3.0]), Tensor([4.0, 5.0, 6.0])
    if first:
        parts = [a[0], a[1]]
        total = (a + b).sum() + parts[0] + parts[1] * 2.0
    else:
        s = a + b
        total = a[0] + a[1] * 2.0 + s.sum()
    total.backward()
    assert a.grad.tolist() == [2.0, 3.0, 1.0]
    assert b.grad.tolist() == [1.0, 1.0, 1.0]


def test_gradients_between_are_those_of_their_own_nodes():
    """A sum that grew in place is handed on, not copied: nodes further down must not add to it any more."""
    x = Tensor([1.0, 2.0])
    y = x * 1.0
    z = y + 0.0  # hands its cotangent on as it is
    (z[0] * 3.0 + z[1] * 5.0 + z[0] * 7.0 + (y * 2.0).sum()).backward()
    assert z.grad.tolist() == [10.0, 5.0]
    assert y.grad.tolist() == x.grad.tolist() == [12.0, 7.0]


def test_a_given_gradient_is_not_written_to():
    """Neither the array given to backward() nor the gradient that a leaf had."""
    x = Tensor([1.0, 2.0, 3.0])
    given, before = np.array([1.0, 1.0]), np.array([1.0, 1.0, 1.0])
    x.grad = before
    (x[:2] + x[1:]).backward(given)
    assert x.grad.tolist() == [2.0, 3.0, 2.0]
    assert given.tolist() == [1.0, 1.0]
    assert before.tolist() == [1.0, 1.0, 1.0]


def test_what_a_hook_saw_does_not_change():
    x = Tensor([1.0, 2.0])
    y = x * 1.0
    seen = []
    y.register_hook(seen.append)
    (y[0] * 3.0 + y[1] * 5.0 + (x * 2.0)[0] + x[1]).backward()
    assert seen[0].tolist() == [3.0, 5.0]
    assert x.grad.tolist() == [5.0, 6.0]


def test_single_numbers_and_empty_arrays_add_up_too():
    """A 0-d array has no memory to add to; selections of it and of nothing count all the same."""
    x = Tensor(2.0)
    (x[()] * 3.0 + x[None].sum() * 4.0 + x * x + x[...]).backward()
    assert float(x.grad) == 3.0 + 4.0 + 4.0 + 1.0
    x.zero_grad()
    (x * 3.0 + x * 4.0 + x * 5.0).backward()
    assert float(x.grad) == 12.0
    empty = Tensor(np.zeros((0, 2)))
    (empty[:0].sum() + empty[..., 0].sum() + empty.sum()).backward()
    assert empty.grad.shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_keep_their_dtype(dtype):
    x = Tensor(np.ones(3, dtype))
    (x[0] * np.float64(2.0) + x[1:].sum() + x[[0, 0, 2]].sum() + (x[0] + Tensor(np.ones(2)))[0]).backward()
    assert x.grad.dtype == dtype
    assert x.grad.tolist() == [5.0, 1.0, 2.0]


def test_second_derivatives_are_graphs_as_ever():
    """d/dx of (d/dx sum x[i]^3): under create_graph nothing is added in place."""
    x = Tensor([1.0, 2.0, 3.0])
    (x[0] ** 3 + x[1] ** 3 + x[1:].sum() ** 2).backward(create_graph=True)
    (g := x.grad).sum()
    x.zero_grad()
    g.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0 + 4.0, 4.0]


def test_values_behind_a_tensor_add_up_as_numbers():
    """The bridge from Values: the general pass, whose totals are floats."""
    v = Value(3.0)
    t = Tensor.stack_values([v, v * 2.0, v])
    (t[0] * 2.0 + t[1] + t[2] * 5.0 + t.sum()).backward()
    assert v.grad == 3.0 + 2.0 * 2.0 + 6.0


def test_an_error_on_the_way_leaves_gradients_as_they_were():
    """Sums that grew in place belonged to the pass; leaves have what they had."""
    x = Tensor([1.0, 2.0])
    x.grad = np.array([9.0, 9.0])
    y = x * 1.0
    z = y[0] + y[1] * 2.0 + y[0]

    def fail(gradient):
        raise LookupError

    y.register_hook(fail)
    with pytest.raises(LookupError):
        z.backward()
    assert x.grad.tolist() == [9.0, 9.0]
