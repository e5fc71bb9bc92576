"""The loss around the present weights: directions, what is drawn, and that the parameters are left as they were."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.errors import DataError, ShapeError

pytestmark = pytest.mark.usefixtures("no_screen")


def watched(model):
    """A loss that notes the weights at each call: their sum of squares."""
    seen = []

    def loss():
        seen.append([np.array(p.data) for p in model.parameters()])
        return sum((p ** 2).sum() if hasattr(p, "sum") else p ** 2 for p in model.parameters())

    return loss, seen


def test_a_direction_is_as_long_in_each_filter_as_the_filter():
    """Rows of the weight; biases stay. The filter of zeros does not move."""
    model = nn.Linear(5, 3, rng=0)
    model.weight.data = np.vstack([model.weight.data[:2] * [[1.0], [10.0]], np.zeros((1, 5))])
    loss, seen = watched(model)
    start, bias = np.array(model.weight.data), np.array(model.bias.data)
    plots.loss_surface(model, loss, span=0.5, points=5, rng=1)
    table = np.array([weights for weights, _ in seen[1:]]).reshape(5, 5, 3, 5)
    first, second = (table[2, 4] - start) / 0.5, (table[4, 2] - start) / 0.5
    for direction in (first, second):
        assert np.allclose(np.linalg.norm(direction, axis=1), np.linalg.norm(start, axis=1))
    steps = np.linspace(-0.5, 0.5, 5)[:, None, None]
    assert np.allclose(table, start + steps[None] * first + steps[:, None] * second)
    assert np.array_equal(table[2, 2], start)
    assert not np.allclose(first, second)
    assert all(np.array_equal(b, bias) for _, b in seen)


def test_of_values_the_weights_of_a_neuron_are_a_filter():
    """w moves by its own length, b stays."""
    model = nn.MLP(3, [2, 1], rng=0)
    loss, seen = watched(model)
    plots.loss_surface(model, loss, span=1.0, points=3, rng=1)
    numbers = np.array(seen[1:]).reshape(3, 3, -1)
    names = [name for name, _ in model.named_parameters()]
    moved = numbers[1, 2] - numbers[1, 1]
    assert all(moved[k] == 0.0 for k, name in enumerate(names) if name.endswith(".b"))
    for neuron in {name.rpartition(".w.")[0] for name in names if ".w." in name}:
        mine = [k for k, name in enumerate(names) if name.startswith(f"{neuron}.w.")]
        assert np.isclose(np.linalg.norm(moved[mine]), np.linalg.norm(numbers[1, 1][mine]))


def test_of_a_cell_of_values_each_row_is_a_filter_and_the_biases_stay():
    """Rows of nested lists of Values move by their own length."""
    model = nn.ScalarRNNCell(3, 2, rng=0)
    loss, seen = watched(model)
    plots.loss_surface(model, loss, points=3, rng=1)
    numbers = np.array(seen[1:]).reshape(3, 3, -1)
    moved, start = numbers[1, 2] - numbers[1, 1], numbers[1, 1]
    sizes = [3, 3, 2, 2]  # the rows of weight_ih and of weight_hh; then come the biases
    for begin, size in zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
        mine = slice(begin, begin + size)
        assert np.isclose(np.linalg.norm(moved[mine]), np.linalg.norm(start[mine]))
    assert not moved[sum(sizes):].any()
    assert start[sum(sizes):].any()


def test_where_there_are_no_weights_all_parameters_move():
    """A line of two numbers; a frozen one stays."""
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.offset = tg.Value(2.0), tg.Value(-3.0, requires_grad=False)

    loss, seen = watched(model := Line())
    plots.loss_surface(model, loss, points=3, rng=0)
    assert np.allclose(np.array(seen[1:]).reshape(3, 3, 2)[1, 2], [2.0 + 2.0 * np.sign(seen[6][0] - 2.0), -3.0])


def test_what_is_drawn_is_the_loss_and_the_present_weights():
    """The mesh holds the losses, row by row from below; the star is in the middle, the title says its loss."""
    model = nn.Linear(3, 2, rng=0)
    loss, seen = watched(model)
    ax = plots.loss_surface(model, loss, span=2.0, points=7, rng=3)
    expected = [sum(np.sum(p ** 2) for p in parameters) for parameters in seen]
    assert np.allclose(ax.collections[0].get_array().ravel(), expected[1:])
    assert ax.lines[0].get_xydata().tolist() == [[0.0, 0.0]]
    assert ax.get_title() == f"loss {expected[0]:.4g} at the present weights"
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2.0, 2.0), (-2.0, 2.0))


def test_a_loss_over_many_decades_is_drawn_by_its_logarithm():
    """The colour bar says so."""
    model = nn.Linear(3, 2, rng=0)
    ax = plots.loss_surface(model, lambda: tg.exp(20.0 * model.weight.sum()), points=5, rng=0)
    assert ax.figure.axes[1].get_ylabel() == "log10 of the loss"
    middle = ax.collections[0].get_array().ravel()[12]
    assert np.isclose(middle, 20.0 * model.weight.data.sum() / np.log(10.0))


@pytest.mark.parametrize("error", [None, ValueError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 2, rng=0), lambda: nn.MLP(2, [3, 1], rng=0)])
def test_the_parameters_are_as_before_bit_for_bit(make, error):
    """Also after an exception; and a graph that was recorded before is not stale."""
    model = make()
    earlier = sum((p ** 2).sum() if hasattr(p, "sum") else p ** 2 for p in model.parameters())
    before = {name: np.array(data) for name, data in model.state_dict().items()}
    count = 0

    def loss():
        nonlocal count
        count += 1
        if error is not None and count == 8:
            raise error
        return watched(model)[0]()

    if error is None:
        plots.loss_surface(model, loss, points=3)
    else:
        with pytest.raises(type(error)):
            plots.loss_surface(model, loss, points=3)
        assert not plt.get_fignums()
    for name, data in model.state_dict().items():
        assert np.array(data).tobytes() == before[name].tobytes()
    earlier.backward()
    for p in model.parameters():
        assert np.array_equal(p.grad, 2.0 * p.data)


def test_float32_stays_and_the_running_statistics_do_too():
    """The weights in their dtype; evaluation mode leaves the buffers of a BatchNorm1d."""
    before = tg.default_dtype()
    tg.set_default_dtype(np.float32)
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.Linear(3, 1, rng=0))
    tg.set_default_dtype(before)
    x, kinds, state = np.ones((4, 2), np.float32), set(), model.state_dict()

    def loss():
        kinds.add(model[0].weight.data.dtype)
        return (model(x) ** 2).mean()

    plots.loss_surface(model, loss, points=3, rng=0)
    assert kinds == {np.dtype(np.float32)}
    assert all(np.array_equal(state[name], data) for name, data in model.state_dict().items())
    assert model.training


def test_places_without_a_finite_loss_are_left_out():
    """And counted in the title."""
    model = nn.Linear(3, 2, rng=0)
    total = model.weight.data.sum()
    ax = plots.loss_surface(model, lambda: float("nan") if model.weight.data.sum() > total + 1e-9
                            else model.weight.data.sum(), points=5, rng=0)
    drawn = ax.collections[0].get_array()
    hidden = int(np.ma.getmaskarray(drawn).sum())
    assert 0 < hidden < 25
    assert f"{hidden} of 25 numbers are not finite" in ax.get_title()
    ax.figure.canvas.draw()


@pytest.mark.parametrize(("loss", "options", "kind", "said"), [
    (3.0, {}, DataError, "loss must be a function without arguments"),
    (lambda: 1.0, {}, DataError, "the loss is 1 everywhere; does loss.. call the model anew"),
    (lambda: float("nan"), {}, DataError, "nowhere finite"), (lambda: np.ones(3), {}, DataError, "must be one number"),
    (lambda: 1.0, {"points": 2}, ShapeError, "at least 3 points"),
    (lambda: 1.0, {"span": 0.0}, ShapeError, "span above 0"),
])
def test_what_is_no_loss_to_be_drawn(loss, options, kind, said):
    """Told without a figure."""
    with pytest.raises(kind, match=said):
        plots.loss_surface(nn.Linear(2, 2), loss, **({"points": 3} | options))
    assert not plt.get_fignums()


def test_a_model_without_parameters_to_move():
    """None at all, or none that require gradients; or what is no model."""
    frozen = nn.Linear(2, 2)
    for p in frozen.parameters():
        p.requires_grad = False
    for model, said in [(nn.ReLU(), "ReLU has no parameters"), (frozen, "no parameter of Linear requires gradients"),
                        (np.tanh, "model must be a Module")]:
        with pytest.raises(DataError, match=said):
            plots.loss_surface(model, lambda: 1.0)
