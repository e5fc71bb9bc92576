"""Gradients that are 0 or small for a reason that was planted, entered among those of `explain_examples`."""

import numpy as np
from explain_examples import PLANTED, called, planted, value

import tinygrad_edu as tg
from tinygrad_edu import Tensor

__all__ = ["PLANTED"]  # those of both files

# ---- a derivative that is 0 ------------------------------------------------------------------------------------------


@planted
def dead_relu():
    a = value(-0.3)
    return called(tg.relu(a), "h") * 2.0, a, "dead", "h", "dead relu: input -0.3"


@planted
def dead_relu_at_zero():
    a = value(0.0)
    return called(tg.relu(a), "h") * 2.0, a, "dead", "h", "input 0"


@planted
def dead_relu_far_up():
    """The zero of the relu is multiplied by itself: both places cut the paths, and the relu comes first."""
    a = value(-2.0)
    h = called(tg.relu(a), "h")
    return h * h, a, "dead", "h", ""


@planted
def dead_relu_of_a_layer():
    w = Tensor(np.ones((3, 4)), "w")
    z = tg.matmul(np.full((3, 3), -1.0), w)
    return called(tg.relu(z), "h").sum(), w, "dead", "h", "dead relu: 12 of 12 inputs <= 0"


@planted
def dead_part_of_a_layer():
    """Of two parts joined, the relu lets only the other pass."""
    a, b = Tensor([-1.0, -2.0], "a"), Tensor([3.0], "b")
    return called(tg.relu(tg.concatenate([a, b])), "h").sum(), a, "dead", "h", "dead relu: 2 of 3 inputs <= 0"


@planted
def saturated_tanh():
    a = value(25.0)
    return called(tg.tanh(a), "h") * 2.0, a, "saturated", "h", "saturated tanh: derivative 0 at 25"


@planted
def saturated_sigmoid():
    a = value(-800.0)
    return called(tg.sigmoid(a), "h") * 2.0, a, "saturated", "h", "saturated sigmoid"


@planted
def saturated_tensor():
    t = Tensor([30.0, -40.0], "t")
    return called(tg.tanh(t), "h").sum(), t, "saturated", "h", "2 of 2 inputs"


@planted
def nearly_saturated_sigmoid():
    a = value(-20.0)
    return called(tg.sigmoid(a), "h") * 2.0, a, "saturated", "h", "derivative 2.061e-09 at -20"


@planted
def nearly_saturated_tensor():
    t = Tensor([15.0, 16.0], "t")
    return called(tg.tanh(t), "h").sum(), t, "saturated", "h", "saturated tanh: derivative"


@planted
def small_factor():
    a = value(2.0)
    return called(a * 1e-9, "h") + 1.0, a, "small factor", "h", "multiplies by 1e-09"


@planted
def vanishing():
    a = x = value(0.5)
    for k in range(40):
        x = called(tg.sigmoid(x), f"h{k}")
    return x, a, "vanishing", "h39", "40 factors"


@planted
def multiplied_by_zero():
    a = value(2.0)
    return called(a * value(0.0, "b"), "h") + 1.0, a, "multiplied by 0", "h", "b is 0"


@planted
def divided_zero():
    a = value(2.0)
    return called(value(0.0, "b") / a, "h"), a, "multiplied by 0", "h", "b is 0"


@planted
def to_the_power_zero():
    a = value(2.0)
    return called(a**0.0, "h"), a, "multiplied by 0", "h", "is 0"


@planted
def exponent_of_one():
    a = value(2.0)
    return called(value(1.0, "b")**a, "h"), a, "multiplied by 0", "h", "b is 1"


@planted
def weight_of_a_neuron_is_zero():
    a = value(2.0)
    xs = [a, value(3.0, "x2")]
    return called(tg.weighted_sum([value(0.0, "w1"), value(1.0, "w2")], xs, 0.5), "h"), a, "multiplied by 0", "h", "w1"


@planted
def matrix_of_zeros():
    t = Tensor(np.ones((2, 3)), "t")
    return called(tg.matmul(t, Tensor(np.zeros((3, 2)), "w")), "h").sum(), t, "multiplied by 0", "h", "w, is 0"


@planted
def matrix_whose_rows_cancel():
    t = Tensor(np.ones((2, 2)), "t")
    w = Tensor([[1.0, -1.0], [2.0, -2.0]], "w")
    return called(tg.matmul(t, w), "h").sum(), t, "cancels", "h", "add up to 0"


@planted
def mask_of_zeros():
    t = Tensor([1.0, 2.0], "t")
    return called(t * np.zeros(2), "h").sum(), t, "multiplied by 0", "h", ""


@planted
def clipped():
    a = value(3.0)
    return called(tg.clip(a, 0.0, 2.0), "h") * 2.0, a, "clipped", "h", "input 3 outside of [0, 2]"


@planted
def clipped_tensor():
    t = Tensor([3.0, -3.0, 5.0], "t")
    return called(tg.clip(t, -1.0, 1.0), "h").sum(), t, "clipped", "h", "3 of 3 inputs outside of [-1, 1]"


@planted
def smaller_in_maximum():
    a = value(1.0)
    return called(tg.maximum(a, value(2.0, "b")), "h"), a, "not selected", "h", "took b"


@planted
def larger_in_minimum():
    t = Tensor([5.0, 6.0], "t")
    return called(tg.minimum(t, Tensor([1.0, 2.0], "u")), "h").sum(), t, "not selected", "h", "minimum took u"


@planted
def not_the_largest():
    a = value(1.0)
    return called(tg.max([a, value(2.0, "b"), value(0.0, "c")]), "h"), a, "not selected", "h", "took b"


@planted
def branch_of_where():
    a = value(1.0)
    return called(tg.where(False, a, value(2.0, "b")), "h"), a, "not selected", "h", "took b"


@planted
def branch_of_where_with_zero():
    """A branch is not a factor, though the other one is 0."""
    a = value(1.0)
    return called(tg.where(True, value(0.0, "b"), a), "h"), a, "not selected", "h", "took b"


@planted
def branch_of_where_on_tensors():
    t = Tensor([1.0, 2.0], "t")
    return called(tg.where(np.array([False, False]), t, 0.0), "h").sum(), t, "not selected", "h", ""


@planted
def not_indexed():
    a, b = Tensor([1.0, 2.0], "a"), Tensor([3.0, 4.0], "b")
    return called(tg.stack([a, b])[0], "h").sum(), b, "not selected", "h", ""


@planted
def sign_of_a_number():
    a = value(2.0)
    return called(tg.sign(a), "h") * 2.0, a, "piecewise constant", "h", "sign is 0 everywhere"


@planted
def sign_of_a_tensor():
    t = Tensor([2.0, -1.0], "t")
    return called(tg.sign(t), "h").sum(), t, "piecewise constant", "h", ""


@planted
def square_at_zero():
    a = value(0.0)
    return called(tg.square(a), "h") + 1.0, a, "stationary", "h", "square at 0"


@planted
def cosine_at_zero():
    t = Tensor([0.0, 0.0], "t")
    return called(tg.cos(t), "h").sum(), t, "stationary", "h", "2 of 2 inputs"


@planted
def norm_at_zero():
    t = Tensor([0.0, 0.0], "t")
    return called(tg.norm(t), "h") * 2.0, t, "stationary", "h", "norm at"


@planted
def paths_that_cancel():
    a = value(2.0)
    return a * 3.0 - a * 3.0, a, "cancels", "a", "add up to 0"


@planted
def paths_that_cancel_further_up():
    a = value(2.0)
    h = called(a * 5.0, "h")
    return h - h, a, "cancels", "h", ""


@planted
def paths_that_nearly_cancel():
    a = value(2.0)
    return (a * 0.1 + a * 0.2) - a * 0.3, a, "cancels", "a", "almost 0"


@planted
def tensor_paths_that_cancel():
    t = Tensor([1.0, 2.0], "t")
    return (t * 2.0 - t * 2.0).sum(), t, "cancels", "t", ""


@planted
def too_small_for_a_float():
    a = value(2.0)
    return called(a * 1e-200, "h") * 1e-200, a, "underflow", "h", "smaller than any float"


@planted
def infinite_slope():
    a = value(0.0)
    return called(tg.sqrt(a), "h") * 2.0, a, "not finite", "h", "sqrt"
