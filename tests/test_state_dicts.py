"""State dicts as PyTorch writes them, put down by hand: names and shapes load, and mean what they mean there."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import DataError, ShapeError

CELL = {"weight_ih": (12, 2), "weight_hh": (12, 3), "bias_ih": (12,), "bias_hh": (12,)}
ATTENTION = {"in_proj_weight": (12, 4), "in_proj_bias": (12,), "out_proj.weight": (4, 4), "out_proj.bias": (4,)}
NORM = {"weight": (3,), "bias": (3,), "running_mean": (3,), "running_var": (3,), "num_batches_tracked": ()}

WRITTEN = {  # what the layer of this name in torch.nn has in its state dict, in this order
    "Linear": (nn.Linear(2, 3), {"weight": (3, 2), "bias": (3,)}),
    "Conv1d": (nn.Conv1d(2, 4, 3, groups=2), {"weight": (4, 1, 3), "bias": (4,)}),
    "Conv2d": (nn.Conv2d(2, 4, (3, 5), bias=False), {"weight": (4, 2, 3, 5)}),
    "BatchNorm1d": (nn.BatchNorm1d(3), NORM),
    "BatchNorm2d": (nn.BatchNorm2d(3), NORM),
    "LayerNorm": (nn.LayerNorm((2, 3)), {"weight": (2, 3), "bias": (2, 3)}),
    "Embedding": (nn.Embedding(5, 3), {"weight": (5, 3)}),
    "LSTMCell": (nn.LSTMCell(2, 3), CELL),
    "GRU": (nn.GRU(2, 3, num_layers=2, bidirectional=True), {
        f"{name}_l{layer}{way}": (9, {"weight_ih": 6 if layer else 2, "weight_hh": 3}[name]) if "weight" in name else
        (9,) for layer in (0, 1) for way in ("", "_reverse") for name in ("weight_ih", "weight_hh", "bias_ih",
                                                                          "bias_hh")}),
    "MultiheadAttention": (nn.MultiHeadAttention(4, 2), ATTENTION),
    "TransformerEncoderLayer": (nn.TransformerBlock(4, 2, 5), {
        **{f"self_attn.{name}": shape for name, shape in ATTENTION.items()},
        "linear1.weight": (5, 4), "linear1.bias": (5,), "linear2.weight": (4, 5), "linear2.bias": (4,),
        "norm1.weight": (4,), "norm1.bias": (4,), "norm2.weight": (4,), "norm2.bias": (4,)}),
    "Sequential": (nn.Sequential(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Sequential(nn.Linear(2, 3))), {
        "0.weight": (3, 1, 2, 2), "0.bias": (3,), **{f"1.{name}": shape for name, shape in NORM.items()},
        "3.0.weight": (3, 2), "3.0.bias": (3,)}),
}


@pytest.mark.parametrize(("layer", "shapes"), WRITTEN.values(), ids=WRITTEN)
def test_layers_take_the_names_and_shapes_of_pytorch(layer, shapes):
    """They load, in float32 as PyTorch has them, every number lands under its name, and ours are in the same order."""
    rng = np.random.default_rng(0)
    state = {name: np.array(7) if name.endswith("tracked") else rng.random(shape, np.float32)
             for name, shape in shapes.items()}
    layer.load_state_dict(state)
    assert list(layer.state_dict()) == list(state)
    for name, entry in layer.state_dict().items():
        assert_array_equal(entry, state[name])
        assert entry.dtype == (np.int64 if name.endswith("tracked") else np.float64)


def test_a_linear_multiplies_by_the_rows_it_was_given():
    """y = x W^T + b."""
    layer = nn.Linear(2, 3)
    layer.load_state_dict({"weight": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "bias": [0.5, 0.25, 0.125]})
    assert layer([1.0, 10.0]).data.tolist() == [21.5, 43.25, 65.125]


def test_batch_norm_goes_on_from_the_running_statistics_it_was_given():
    """They are used after eval(); in training they move on, and the count of batches too."""
    norm = nn.BatchNorm1d(2, eps=0.0, momentum=None)
    state = {"weight": [2.0, 1.0], "bias": [0.0, 1.0], "running_mean": [1.0, 0.0], "running_var": [4.0, 0.25],
             "num_batches_tracked": np.array(3)}
    norm.load_state_dict(state)
    assert norm.eval()([[5.0, 1.0]]).data.tolist() == [[4.0, 3.0]]
    norm.train()([[0.0, 3.0], [2.0, 5.0]])
    assert norm.num_batches_tracked == 4
    assert_allclose(norm.running_mean, [1.0, 1.0])  # the mean over four batches, the last of means 1 and 4
    assert_allclose(norm.running_var, [(3 * 4.0 + 2.0) / 4, (3 * 0.25 + 2.0) / 4])


def test_attention_has_the_rows_of_queries_keys_and_values_in_this_order():
    """Queries and keys of 0 weigh all steps alike: each gets the mean of the values, which are x, doubled."""
    layer = nn.MultiHeadAttention(2, 1)
    layer.load_state_dict({"in_proj_weight": [[0.0] * 2] * 4 + [[2.0, 0.0], [0.0, 2.0]], "in_proj_bias": [0.0] * 6,
                           "out_proj.weight": np.eye(2), "out_proj.bias": [0.0, 1.0]})
    assert layer([[1.0, 2.0], [3.0, 4.0]]).data.tolist() == [[4.0, 7.0]] * 2


class Foreign:
    """A tensor of another library: no array while it is trained, as PyTorch's."""

    def __init__(self, data, trained=True):
        self.data, self.trained = np.asarray(data), trained
        self.shape = self.data.shape

    def detach(self):
        return Foreign(self.data, trained=False)

    def __array__(self, dtype=None, copy=None):
        if self.trained:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.array(self.data, dtype)


def test_tensors_of_another_library_load_though_they_are_trained():
    """Parameters and buffers, as ``dict(torch_layer.named_parameters())`` holds them; nodes of ours as well."""
    norm = nn.BatchNorm1d(2)
    norm.load_state_dict({"weight": Foreign([3.0, 4.0]), "bias": Foreign([1.0, 2.0]),
                          "running_mean": Foreign([5.0, 6.0]), "running_var": Foreign([7.0, 8.0]),
                          "num_batches_tracked": Foreign(9)})
    assert [x.tolist() for x in norm.state_dict().values()] == [[3.0, 4.0], [1.0, 2.0], [5.0, 6.0], [7.0, 8.0], 9]
    one, other = nn.Linear(2, 3), nn.Linear(2, 3)
    one.load_state_dict(dict(other.named_parameters()))
    assert_array_equal(one.weight.data, other.weight.data)
    neuron = nn.Neuron(1)
    neuron.load_state_dict({"w.0": Foreign(2.0), "b": Foreign(3.0)})
    assert neuron.state_dict() == {"w.0": 2.0, "b": 3.0}


def test_a_model_in_place_of_its_state_dict_is_told():
    """And nothing has changed."""
    layer = nn.Linear(2, 3, rng=0)
    before = layer.weight.data.copy()
    for given, name in ((nn.Linear(2, 3), "Linear"), (Tensor([1.0]), "Tensor"), ([1.0], "list")):
        with pytest.raises(DataError, match=rf"takes names with their numbers, not a {name}.*state_dict\(\)"):
            layer.load_state_dict(given)
    assert_array_equal(layer.weight.data, before)


def test_what_does_not_fit_is_told_by_pytorchs_names():
    """Missing, unexpected and transposed entries in one message."""
    with pytest.raises(ShapeError, match=r"0.bias is missing; 1.weight is unexpected; 0.weight has shape \(2, 3\)"):
        nn.Sequential(nn.Linear(2, 3)).load_state_dict({"0.weight": np.ones((2, 3)), "1.weight": np.ones(1)})
