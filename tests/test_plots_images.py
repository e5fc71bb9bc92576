"""Plots of images and tables: filters, feature maps and states hold the numbers of the model."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_examples import convolutional, images

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.errors import DataError, ShapeError

pytestmark = pytest.mark.usefixtures("no_screen")


def tiles(ax, count, height, width, columns):
    """The images on a sheet, line by line; between them, nothing."""
    sheet = ax.images[0].get_array()
    found = [sheet[k // columns * (height + 1):, k % columns * (width + 1):][:height, :width] for k in range(count)]
    assert int((~np.ma.getmaskarray(sheet)).sum()) == count * height * width
    return np.array(found)


# ---- filters and feature maps ----------------------------------------------------------------------------------------


def test_filters_of_one_channel_are_a_square_of_the_weights():
    """The first convolution; the scale is the same to both sides of 0."""
    model = convolutional()
    ax = plots.filters(model)
    weight = model[0].weight.data
    assert np.array_equal(tiles(ax, 4, 3, 3, columns=2), weight[:, 0])
    assert ax.images[0].get_clim() == (-abs(weight).max(), abs(weight).max())
    assert ax.get_title() == "Conv2d(1, 4, 3, padding=1)"


def test_filters_of_several_channels_have_a_line_each():
    """Of a layer by itself; cut at whole lines where there are too many, which the title says."""
    layer = convolutional()[2]
    ax = plots.filters(layer)
    assert np.array_equal(tiles(ax, 8, 3, 3, columns=4), layer.weight.data.reshape(8, 3, 3))
    ax = plots.filters(layer, most=7)
    assert np.array_equal(tiles(ax, 4, 3, 3, columns=4), layer.weight.data[0])
    assert "the first 4 of 8" in ax.get_title()


def test_filters_of_a_linear_in_the_shape_of_its_images():
    """Rows of the weight; as many as there are outputs."""
    model = nn.Sequential(nn.ReLU(), nn.Linear(12, 5, rng=0))
    ax = plots.filters(model, shape=(3, 4))
    assert np.array_equal(tiles(ax, 5, 3, 4, columns=3), model[1].weight.data.reshape(5, 3, 4))


def test_filters_of_other_layers():
    """A Conv1d: channels by places; a convolution on Values, by its twin; weights without a negative one."""
    layer = nn.Conv1d(2, 3, 5, rng=0)
    assert np.array_equal(tiles(plots.filters(layer), 3, 2, 5, columns=2), layer.weight.data)
    scalar = nn.ScalarConv2d(1, 2, 3, rng=0)
    assert np.array_equal(tiles(plots.filters(scalar), 2, 3, 3, columns=2), scalar.to_tensors().weight.data[:, 0])
    layer.weight.data = abs(layer.weight.data)
    assert plots.filters(layer).images[0].get_clim() == (0.0, layer.weight.data.max())


def test_weights_that_are_not_finite_are_holes():
    """Counted in the title."""
    model = convolutional()
    weight = np.array(model[0].weight.data)
    weight[1, 0, 1, 1] = np.nan
    model[0].weight.data = weight
    ax = plots.filters(model)
    assert np.ma.getmaskarray(ax.images[0].get_array())[1, 5]
    assert "1 of 36 numbers are not finite" in ax.get_title()


@pytest.mark.parametrize("layer", [None, "0", 1, "1: ReLU", 2, "2"])
def test_feature_maps_are_the_channels_of_what_a_layer_gives(layer):
    """Named, or given as module; by default the first convolution."""
    model, image = convolutional(), images()[0]
    place = int(str(layer or 0)[0])
    ax = plots.feature_maps(model, image, layer=model[layer] if isinstance(layer, int) else layer)
    maps = model[:place + 1](image[None]).data[0]
    assert np.array_equal(tiles(ax, *maps.shape, columns=2), maps)
    assert ax.get_title() == f"{place}: {type(model[place]).__name__}"


@pytest.mark.parametrize("shape", [(6, 6), (1, 6, 6), (1, 1, 6, 6)])
def test_an_image_may_come_without_channel_and_batch(shape):
    """All three give the same maps."""
    model, image = convolutional(), images()
    expected = plots.feature_maps(model, image[0]).images[0].get_array()
    drawn = plots.feature_maps(model, image.reshape(shape), most=4).images[0].get_array()
    assert np.array_equal(drawn.filled(0.0), expected.filled(0.0))


@pytest.mark.parametrize(("draw", "kind", "said"), [
    (lambda: plots.filters(nn.Linear(4, 2)), DataError, r"Linear holds no Conv1d or Conv2d; .*shape=\(height, width\)"),
    (lambda: plots.filters(nn.ReLU(), shape=(2, 2)), DataError, "ReLU holds no Linear"),
    (lambda: plots.filters(nn.Linear(4, 2), shape=(3, 2)), ShapeError, r"has 4 inputs, which are no image .*\(3, 2\)"),
    (lambda: plots.filters(convolutional(), most=0), ShapeError, "most must be at least 1"),
    (lambda: plots.feature_maps(convolutional(), images(2)), ShapeError, r"takes one image, .*\(2, 1, 6, 6\)"),
    (lambda: plots.feature_maps(convolutional(), images(), layer="7"), DataError, "no layer '7' was called; .* 0: "),
    (lambda: plots.feature_maps(nn.Sequential(nn.Flatten(), nn.Linear(36, 2)), images()), DataError, "no convolution"),
    (lambda: plots.feature_maps(convolutional(), images(), layer="4"), ShapeError, r"4: Linear gives shape \(1, 3\)")])
def test_what_has_no_filters_or_maps(draw, kind, said):
    """Told before a figure is opened."""
    with pytest.raises(kind, match=said):
        draw()
    assert not plt.get_fignums()


# ---- states ----------------------------------------------------------------------------------------------------------

SEQUENCE = np.random.default_rng(1).standard_normal((5, 3))


def heat(ax):
    """The table drawn: units by steps."""
    return ax.images[0].get_array()


def test_states_of_outputs_are_units_by_steps():
    """An array, a Tensor, or a list of what a loop over a cell gave."""
    outputs, _ = nn.GRU(3, 4, rng=0)(SEQUENCE)
    ax = plots.states(outputs, names="abcde")
    assert np.array_equal(heat(ax), outputs.data.T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "unit")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list("abcde")
    assert np.array_equal(heat(plots.states(outputs.data)), outputs.data.T)
    assert np.array_equal(heat(plots.states([outputs[k:k + 1] for k in range(5)])), outputs.data.T)
    values = [[tg.Value(x) for x in row] for row in outputs.data.tolist()]
    assert np.array_equal(heat(plots.states(values)), outputs.data.T)


class Reader(nn.Module):
    """A recurrent layer, of which only the last output is used."""

    def __init__(self, kind, **options):
        self.recurrent, self.head = kind(3, 4, rng=0, **options), nn.Linear(4, 2, rng=0)

    def forward(self, x):
        outputs, _ = self.recurrent(x)
        return self.head(outputs[:, -1] if self.recurrent.batch_first else outputs[-1])


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"num_layers": 2}])
def test_states_of_a_model_are_the_outputs_of_its_recurrent_layer(kind, options):
    """Whatever the layout; and of the layer alone, which gives its last states too."""
    model = Reader(kind, **options)
    expected = model.recurrent(SEQUENCE)[0].data.T
    x = SEQUENCE[None] if options.get("batch_first") else SEQUENCE[:, None]
    assert np.allclose(heat(plots.states(model, x)), expected)
    assert np.allclose(heat(plots.states(model.recurrent, x)), expected)
    assert plots.states(model, x).get_title() == f"recurrent: {kind.__name__}"


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_states_of_a_model_that_loops_over_a_cell(kind):
    """The h of each step, by running the cell by hand."""
    class Loop(nn.Module):
        def __init__(self):
            self.cell, self.head = kind(3, 4, rng=0), nn.Linear(4, 1, rng=0)

        def forward(self, xs):
            state = None
            for k in range(len(xs)):
                state = self.cell(xs[k], state)
            return self.head(state[0] if isinstance(state, tuple) else state)

    model, state, expected = Loop(), None, []
    for x in SEQUENCE:
        state = model.cell(x, state)
        expected.append((state[0] if isinstance(state, tuple) else state).data)
    assert np.allclose(heat(plots.states(model, SEQUENCE)), np.transpose(expected))


@pytest.mark.parametrize(("draw", "kind", "said"), [
    (lambda: plots.states(np.ones((5, 2, 3))), ShapeError, r"one sequence, .*not shape \(5, 2, 3\); .*outputs\[:, 0\]"),
    (lambda: plots.states(np.ones((0, 3))), ShapeError, "one sequence"),
    (lambda: plots.states([[1.0], [1.0, 2.0]]), DataError, "rows of one length"),
    (lambda: plots.states(np.ones((5, 2)), names="abc"), ShapeError, "3 names for 5 steps"),
    (lambda: plots.states(nn.GRU(3, 4)), DataError, r"a model needs inputs"),
    (lambda: plots.states(nn.GRU(3, 4), np.ones((5, 2, 3))), ShapeError, "one sequence"),
    (lambda: plots.states(nn.Linear(3, 4), SEQUENCE), DataError, "Linear has called no recurrent layer")])
def test_what_has_no_states(draw, kind, said):
    """Told before a figure is opened."""
    with pytest.raises(kind, match=said):
        draw()
    assert not plt.get_fignums()
