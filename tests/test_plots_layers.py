"""Plots of layers: histograms, gradients and activations hold the numbers of the model."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_examples import convolutional, images, text_of

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.errors import DataError, ShapeError

pytestmark = pytest.mark.usefixtures("no_screen")


def rows(ax):
    """The names of the rows, from above."""
    return [label.get_text() for label in ax.get_yticklabels()]


def check_ridge(ax, patch, row, values, bins=40):
    """The patch is the histogram of the values, as high as 0.8 of its row at most."""
    counts, edges = np.histogram(values, bins)
    drawn = ax.patches[patch].get_data()
    assert np.allclose(drawn.edges, edges)
    assert np.allclose((row - drawn.values) / 0.8, counts / counts.max())
    assert drawn.baseline == row


# ---- parameters ------------------------------------------------------------------------------------------------------


def test_histograms_of_weights_are_those_of_each_parameter():
    """A row for each, in order, with its deviation."""
    model = convolutional()
    ax = plots.histograms(model, bins=9)
    assert rows(ax) == [name for name, _ in model.named_parameters()]
    for row, parameter in enumerate(model.parameters()):
        check_ridge(ax, row, row, parameter.data, 9)
        assert f"std {parameter.data.std():.2g}" in text_of(ax)[row]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_values_count_by_layer():
    """The weights of all neurons in one row, the biases in another."""
    model = nn.MLP(2, [3, 1], rng=0)
    ax = plots.histograms(model)
    assert rows(ax) == ["layers.0.w", "layers.0.b", "layers.1.w", "layers.1.b"]
    assert [text.split(",")[0] for text in text_of(ax)][1::2] == ["all zero", "all zero"]  # biases begin at 0
    check_ridge(ax, 0, 0, [w.data for neuron in model.layers[0].neurons for w in neuron.w])
    check_ridge(ax, 1, 2, [w.data for w in model.layers[1].neurons[0].w])


@pytest.mark.parametrize(("model", "names"), [
    (nn.Neuron(2, rng=0), ["w", "b"]), (nn.Layer(2, 3, rng=0), ["w", "b"]),
    (nn.ScalarRNNCell(2, 3, rng=0), ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]),
    (nn.Sequential(nn.Layer(2, 3, rng=0), nn.Layer(3, 1, rng=0)), ["0.w", "0.b", "1.w", "1.b"])])
def test_names_of_rows_of_other_modules_on_values(model, names):
    """Alone, in layers, or in nested lists."""
    assert rows(plots.histograms(model)) == names


def test_histograms_of_gradients_say_where_there_is_none():
    """The branch that the loss does not depend on, and the one whose gradient is zero."""
    model = nn.Sequential(nn.Linear(3, 2, rng=0))
    model.unused, model.idle = tg.Tensor(np.ones(2)), tg.Tensor(np.ones(2))
    ((model(np.eye(3)) ** 2).sum() + (0.0 * model.idle).sum()).backward()
    ax = plots.histograms(model, "gradients")
    assert rows(ax) == ["0.weight", "0.bias", "unused", "idle"]
    check_ridge(ax, 0, 0, model[0].weight.grad)
    assert text_of(ax)[2:] == ["no gradient", "all zero"]
    assert len(ax.patches) == 2


def test_numbers_that_are_not_finite_are_left_out_of_histograms():
    """The title says how many."""
    model = nn.Linear(4, 1, rng=0)
    model.weight.data = np.array([[1.0, np.nan, 3.0, np.inf]])
    model.bias.data = np.array([np.nan])
    ax = plots.histograms(model)
    check_ridge(ax, 0, 0, [1.0, 3.0])
    assert "3 of 5 numbers are not finite" in ax.get_title()
    assert "nothing finite" in text_of(ax)


def test_numbers_as_good_as_equal_are_one_bar():
    """No wider than those of the other rows, which would else be pressed together; float32 too."""
    model = nn.Linear(3, 1, rng=0)
    model.weight.data = np.array([[1e-3, 2e-3, 4e-3]])
    model.bias.data = np.array([3e-3])
    ax = plots.histograms(model, bins=10)
    check_ridge(ax, 0, 0, model.weight.data, 10)
    bar = ax.patches[1].get_data()
    assert np.allclose(bar.edges, [3e-3 - 1.5e-4, 3e-3 + 1.5e-4])
    assert np.allclose(bar.values, [0.2])
    near = nn.LayerNorm(2)
    near.weight.data, near.bias.data = np.array([1.0, 1.0 + 1e-15]), np.array([1.0, 1.0])
    assert [len(patch.get_data().values) for patch in plots.histograms(near).patches] == [1, 1]
    assert "std" in text_of(ax)[1]


def test_gradient_flow_has_the_mean_and_the_largest_of_each_parameter():
    """On a logarithmic scale, the first on top; what has none is marked in its row."""
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1))
    model.unused, model.idle = tg.Tensor(np.ones(2)), tg.Tensor(np.ones(2))
    ((model(np.eye(3)) ** 2).sum() + (0.0 * model.idle).sum()).backward()
    ax = plots.gradient_flow(model)
    sizes = [abs(p.grad) for p in model.parameters()[:4]]
    means, peaks = ax.lines
    assert np.allclose(means.get_xdata(), [size.mean() for size in sizes])
    assert np.allclose(peaks.get_xdata(), [size.max() for size in sizes])
    assert means.get_ydata().tolist() == [0, 1, 2, 3]
    assert [(text.get_text(), text.get_position()[1]) for text in ax.texts] == [("no gradient", 4), ("all zero", 5)]
    assert rows(ax) == ["0.weight", "0.bias", "2.weight", "2.bias", "unused", "idle"]
    assert ax.get_xscale() == "log"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_gradient_flow_of_values_and_of_zeros_alone():
    """All weights of a layer together; a relu that is off lets nothing through, and the picture can be drawn."""
    model = nn.MLP(2, [3, 1], rng=0)
    (model([1.0, 2.0]) * 2.0).backward()
    ax = plots.gradient_flow(model)
    expected = [[w.grad for neuron in layer.neurons for w in neuron.w] for layer in model.layers]
    drawn = dict(zip(ax.lines[0].get_ydata().tolist(), ax.lines[0].get_xdata().tolist(), strict=True))
    assert np.allclose([drawn[0], drawn[2]], [np.mean(np.abs(g)) for g in expected])
    model.zero_grad()
    (model([1.0, 2.0]) * 0.0).backward()
    ax = plots.gradient_flow(model)
    assert text_of(ax) == ["all zero"] * 4
    ax.figure.canvas.draw()


@pytest.mark.parametrize(("draw", "said"), [
    (lambda: plots.histograms(nn.Linear(2, 2), "outputs"), 'what must be "weights" or "gradients"'),
    (lambda: plots.histograms(nn.Linear(2, 2), "gradients"), r"^histograms: no parameter .*backward\(\)"),
    (lambda: plots.gradient_flow(nn.Linear(2, 2)), r"^gradient_flow: no parameter has a gradient"),
    (lambda: plots.histograms(nn.ReLU()), "ReLU has no parameters"),
    (lambda: plots.gradient_flow([1.0]), "model must be a Module"),
    (lambda: plots.histograms(nn.Linear(2, 2), bins=0), "bins must be at least 1")])
def test_what_has_no_histogram(draw, said):
    """Told before a figure is opened."""
    with pytest.raises((DataError, ShapeError), match=said):
        draw()
    assert not plt.get_fignums()


# ---- activations -----------------------------------------------------------------------------------------------------


def test_activations_are_what_each_layer_gives():
    """By running the layers one after the other; zeros of a relu are counted, not drawn."""
    model, x = convolutional(), images(4)
    ax = plots.activations(model, x)
    assert rows(ax) == ["0: Conv2d", "1: ReLU", "2: Conv2d", "3: Flatten", "4: Linear"]
    for row, layer in enumerate(model):
        x = layer(x)
        values = x.data.ravel()
        zeros = np.mean(values == 0.0)
        check_ridge(ax, row, row, values[values != 0.0] if zeros else values)
        assert text_of(ax)[row] == f"std {values.std():.2g}" + (f", {100 * zeros:.0f} % zero" if zeros else "")


class Functional(nn.Module):
    """Activations called as functions, and layers in a list; the second is used twice."""

    def __init__(self):
        self.layers = [nn.Linear(3, 4, rng=0), nn.Linear(4, 4, rng=1)]
        self.drop = nn.Dropout(0.5, rng=0)

    def forward(self, x):
        x = self.drop(tg.relu(self.layers[0](x)))
        return self.layers[1](tg.tanh(self.layers[1](x)))


def test_functions_count_and_a_layer_that_is_called_twice_gives_both():
    """In evaluation mode: dropout does nothing, so that it has no row; the mode is restored."""
    model, x = Functional(), np.eye(3)
    ax = plots.activations(model, x)
    assert rows(ax) == ["layers.0: Linear", "relu", "layers.1: Linear", "tanh"]
    assert model.training
    assert model.drop.training
    first = model.layers[0](x).data
    second = model.layers[1](np.maximum(first, 0.0)).data
    third = model.layers[1](np.tanh(second)).data
    check_ridge(ax, 0, 0, first)
    check_ridge(ax, 2, 2, np.concatenate([second, third]))
    check_ridge(ax, 3, 3, np.tanh(second))


def test_activations_of_a_model_on_values_are_those_of_its_twin():
    """Row by row, the neurons of a layer together."""
    model = nn.MLP(2, [5, 3, 1], rng=1, activation="tanh")
    x = np.random.default_rng(0).standard_normal((6, 2))
    ax = plots.activations(model, x)
    assert rows(ax) == ["layers.0: Layer", "layers.1: Layer", "layers.2: Layer"]
    twin = model.to_tensors()
    for row, end in enumerate((2, 4, 5)):
        check_ridge(ax, row, row, twin[:end](x).data)


def test_frozen_models_and_integers_have_activations():
    """Without parameters that require gradients all is recorded from the inputs; of letters, from the embedding."""
    model = convolutional()
    for p in model.parameters():
        p.requires_grad = False
    with tg.no_grad():
        assert len(rows(plots.activations(model, images()))) == 5
    words = nn.Sequential(nn.Embedding(5, 3, rng=0), nn.Linear(3, 2, rng=0))
    ax = plots.activations(words, [[0, 4]])
    assert rows(ax) == ["0: Embedding", "1: Linear"]
    check_ridge(ax, 0, 0, words[0].weight.data[[0, 4]])
    words[0].weight.requires_grad = False
    assert all(p.grad is None for p in words.parameters())


def test_a_model_that_records_nothing_has_no_activations():
    """And what does not fit it is told by the layer."""
    class Plain(nn.Module):
        def forward(self, x):
            return np.asarray(x.data)

    with pytest.raises(DataError, match="no layer of Plain has recorded anything"):
        plots.activations(Plain(), [[1.0]])
    with pytest.raises(ShapeError, match=r"Linear\(2, 3\) takes inputs of shape"):
        plots.activations(nn.Linear(2, 3), np.ones((1, 5)))
    with pytest.raises(ShapeError, match=r"on Values and takes rows of numbers"):
        plots.activations(nn.MLP(2, [1]), np.ones((1, 5, 2)))
    assert not plt.get_fignums()
