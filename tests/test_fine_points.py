"""Single behaviours that a changed character in the source would break unseen."""

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors


def test_one_array_is_joined_with_nothing():
    """concatenate takes a single array, and its gradient comes back."""
    x = Tensor([1.0, 2.0])
    (tg.concatenate([x]) * np.array([3.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


@pytest.mark.parametrize("label", [-1, 3, 4, 100])
def test_a_label_far_out_of_range_is_refused(label):
    """Any label below 0, or not below the number of classes, is named with the classes there are."""
    with pytest.raises(errors.ShapeError, match="3 classes"):
        tg.nn.cross_entropy(Tensor(np.zeros((2, 3))), np.array([0, label]))


@pytest.mark.parametrize("stride", [(1,), (1, 1, 1), (0, 1)])
def test_windows_want_a_number_for_each_axis(stride):
    """Too few, too many and zero strides are a ShapeError of windows."""
    with pytest.raises(errors.ShapeError, match=r"windows: stride .* must be 2 numbers of at least 1"):
        tg.windows(Tensor(np.zeros((4, 4))), (2, 2), stride)


def test_a_stale_graph_copied_after_its_leaf_is_stale():
    """Staleness survives a deepcopy in which the changed leaf was copied first, with something else."""
    x = Tensor(2.0)
    stale = x * x
    x.data = 5.0
    fresh = x * 3.0
    twins = copy.deepcopy([fresh, stale])
    twins[0].backward()
    with pytest.raises(errors.StaleGraphError):
        twins[1].backward()


@pytest.mark.parametrize("node", [Tensor(2.0), tg.Value(2.0)])
def test_a_node_equals_itself_alone(node):
    """== is True with the node itself, False with any other node."""
    assert (node == node) is True
    assert (node == type(node)(2.0)) is False


def test_stack_joins_along_a_new_first_axis():
    """The default axis is 0, as in NumPy."""
    assert tg.stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]).data.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("node", [Tensor(2.0), tg.Value(2.0)])
def test_a_hook_on_the_leaf_that_backward_starts_from_is_called_once(node):
    """A leaf is its own root: its hook sees the cotangent 1 a single time."""
    seen = []
    node.register_hook(lambda g: seen.append(float(g)))
    node.backward()
    assert seen == [1.0]
