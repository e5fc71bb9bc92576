"""Summaries: the tree of a module with parameters, shapes and arithmetic; and the reprs that it is made of."""

import copy
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.flops import FORMULAS, flops
from tinygrad_edu.ops.registration import OWN

# ---- the table -------------------------------------------------------------------------------------------------------


def test_without_inputs_a_summary_counts_parameters():
    """The tree by indentation, each module with its place and its repr, all that it holds, and the total."""
    model = nn.Sequential(nn.Linear(3, 2), nn.Residual(nn.Linear(2, 2), nn.Tanh()))
    assert str(model.summary()).split("\n") == [
        "module               parameters",
        "Sequential                   14",
        "  0: Linear(3, 2)             8",
        "  1: Residual                 6",
        "    0: Linear(2, 2)           6",
        "    1: Tanh()                 0",
        "total                        14"]
    assert repr(model.summary()) == str(model.summary())
    assert model.summary().flops is None
    assert str(nn.ReLU().summary()).split()[-2:] == ["total", "0"]


def test_with_inputs_it_has_shapes_and_arithmetic_too():
    """And says how it counts."""
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    table = str(model.summary((5, 3))).split("\n")
    assert table[:-1] == [
        "module             output  parameters  FLOPs",
        "Sequential         (5, 2)           8     80",
        "  0: Linear(3, 2)  (5, 2)           8     70",
        "  1: Tanh()        (5, 2)           0     10",
        "total                               8     80"]
    assert "additions, multiplications" in table[-1]


def test_shared_parameters_count_once_and_frozen_ones_are_marked():
    """A module held twice has one line; a weight that two modules share counts at the first."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    model.layers.append(model.layers[0])
    model.layers[1].weight = model.layers[0].weight
    model.layers[2].weight.requires_grad = model.layers[2].bias.requires_grad = False
    model.layers[0].bias.requires_grad = False
    summary = model.summary((1, 4))
    assert [row.path for row in summary.rows] == ["", "0", "1", "2"]
    assert [row.parameters for row in summary.rows] == [44, 20, 4, 20]
    assert [row.frozen for row in summary.rows] == [24, 4, 0, 20]
    assert (summary.parameters, summary.frozen) == (44, 24)
    assert summary.parameters == sum(p.size for p in model.parameters())
    assert "44 (24 frozen)" in str(summary)
    assert re.search(r"2: Linear\(4, 4\) +\(1, 4\) +20 frozen", str(summary))
    assert summary.flops == 4 * (2 * 16 + 4)


def test_neighbours_that_are_alike_are_folded():
    """With the numbers of one; where they differ in anything that is printed, or in what they hold, they are not."""
    table = str(nn.MLP(2, [16, 3, 1], rng=0).summary([0.0, 0.0]))
    assert re.search(r"\n    neurons\.0 to neurons\.15: 16 x ReLUNeuron\(2\) +\(\) +3 +5\n", table)
    assert re.search(r"\n    neurons\.0: LinearNeuron\(3\) +\(\) +4 +6\n", table)
    blocks = [nn.Residual(nn.Linear(2, 2), nn.Tanh()), nn.Residual(nn.Linear(2, 2), nn.Tanh()),
              nn.Residual(nn.Linear(2, 2), nn.ReLU()), nn.Residual(nn.Linear(2, 2), nn.ReLU())]
    blocks[3].layers[0].weight.requires_grad = False
    lines = str(nn.Sequential(*blocks).summary((1, 2))).split("\n")
    assert [line.split("  (")[0].strip() for line in lines if "Residual" in line] == [
        "0 to 1: 2 x Residual", "2: Residual", "3: Residual"]
    assert len(nn.Sequential(*blocks).summary().rows) == 13


def test_html_is_escaped_and_has_no_colours():
    """Names and reprs may hold anything; the table takes the colours of the page."""

    class Tag(nn.Module):
        def __repr__(self):
            return "<script>&"

    model = nn.Module()
    model.parts = {"<b>": Tag()}
    page = model.summary()._repr_html_()
    assert "&lt;b&gt;: &lt;script&gt;&amp;" in page
    assert "<script>" not in page
    assert "color" not in page
    assert page.count("<tr>") == 4
    assert "FLOPs" in nn.ReLU().summary((2,))._repr_html_()


def test_trees_may_be_deep_and_modules_know_each_other():
    """No part recurses over the modules, and cycles end."""
    model = inner = nn.Module()
    for _ in range(5_000):
        inner.next = nn.Module()
        inner = inner.next
    inner.w, inner.top = [tg.Value(1.0)], model
    summary = model.summary()
    assert (summary.parameters, len(summary.rows), summary.rows[-1].depth) == (1, 5_001, 5_000)


def test_modules_in_lists_and_dicts_belong_to_the_module_around_them():
    """Whatever their keys look like."""
    leaf = nn.Linear(1, 1)
    model = nn.Module()
    model.parts = {"a": nn.Sequential(nn.ReLU()), "a.layers": [leaf], 1: (nn.Tanh(), [nn.Tanh()])}
    rows = model.summary().rows
    assert [(row.name, row.outer) for row in rows[1:]] == [
        ("parts.a", rows[0]), ("0", rows[1]), ("parts.a.layers.0", rows[0]), ("parts.1.0", rows[0]),
        ("parts.1.1.0", rows[0])]


# ---- the trial run ---------------------------------------------------------------------------------------------------


class Drawing(nn.Module):
    """It draws from the default generator, counts its calls, and looks at its mode."""

    def __init__(self):
        self.norm, self.drop, self.w = nn.BatchNorm1d(3), nn.Dropout(0.5, rng=0), tg.Tensor(np.ones(3))
        self.calls, self.seen = np.array(0), []

    def forward(self, x):
        self.calls += 1
        self.seen.append(self.training)
        return self.drop(self.norm(x)) * self.w + tg.ops.generator().random()


def own_attributes(model):
    """Those of each module, without the modules among them."""
    return [{k: v for k, v in vars(m).items() if not isinstance(v, nn.Module)} for m in model.modules()]


def test_a_summary_leaves_the_model_and_the_generators_as_they_are():
    """Parameters, gradients, flags, statistics, generators and graphs; also where the trial run fails."""
    model = Drawing()
    model.w.requires_grad = False
    model.norm.train(False)
    loss = model(np.ones((4, 3))).sum()
    loss.backward()
    before = copy.deepcopy(own_attributes(model))
    drawn, drops = tg.ops.generator().bit_generator.state, model.drop.rng.bit_generator.state
    summary = model.summary((1, 3))
    with pytest.raises(ShapeError, match=r"BatchNorm1d\(3\) takes inputs of shape"):
        model.summary((1, 4))
    assert summary.rows[0].output == "(1, 3)"
    assert (tg.ops.generator().bit_generator.state, model.drop.rng.bit_generator.state) == (drawn, drops)
    after = own_attributes(model)
    assert [list(x) for x in after] == [list(x) for x in before]
    assert repr(after[0]["seen"]) == repr(before[0]["seen"]) == "[True]"
    assert model.calls == 1
    assert np.array_equal(model.norm.running_mean, before[1]["running_mean"])
    assert np.array_equal(model.norm.weight.grad, before[1]["weight"].grad)
    assert [m.training for m in model.modules()] == [True, False, True]
    assert not model.w.requires_grad
    assert [type(m) for m in model.modules()] == [Drawing, nn.BatchNorm1d, nn.Dropout]
    loss.backward()


def test_it_records_in_no_grad_and_counts_frozen_layers():
    """Arithmetic does not depend on what is differentiated."""
    model, words = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2))
    for parameter in model.parameters() + words.parameters():
        parameter.requires_grad = False
    with tg.no_grad():
        assert model.summary((1, 3)).flops == 2 * 6 + 2 + 2
        assert words.summary(np.array([1])).flops == 2 * 6 + 2
    assert nn.ReLU().summary((2, 3)).flops == 6


def test_examples_may_be_arrays_nodes_rows_and_shapes():
    """A tuple of sizes is a shape; of Values a model takes numbers, lists, arrays and shapes."""
    layer, mlp = nn.Linear(3, 2), nn.MLP(2, [3, 1])
    for x in ((5, 3), np.zeros((5, 3)), np.zeros((5, 3), int), tg.Tensor(np.zeros((5, 3))), [[0.0, 0.0, 0.0]] * 5):
        assert layer.summary(x).flops == 5 * 14
    for x in ((2,), [0.0, 0.0], [0, 0], np.zeros(2), [tg.Value(0.0), 1.0]):
        assert mlp.summary(x).flops == 3 * 5 + 6
    assert nn.Embedding(5, 3).summary(np.array([[0, 4]])).rows[0].output == "(1, 2, 3)"
    assert nn.RNNCell(3, 4).summary((2, 3), (2, 4)).rows[0].output == "(2, 4)"
    tensor32 = nn.Linear(3, 2).summary(np.zeros((1, 3), np.float32))
    assert tensor32.flops == 14


def test_outputs_of_several_parts_are_told_part_by_part():
    """Pairs, rows of Values, dicts; a module that is not called has none."""

    class Parts(nn.Module):
        def __init__(self):
            self.unused = nn.Tanh()

        def forward(self, x):
            return {"both": (x, [x, x]), "row": [1.0, tg.Value(2.0)]}

    rows = Parts().summary((2, 3)).rows
    assert rows[0].output == "{both: [(2, 3), [(2, 3), (2, 3)]], row: (2,)}"
    assert (rows[1].output, rows[1].flops) == ("", 0)
    assert nn.LSTM(3, 4).summary((7, 2, 3)).rows[0].output == "[(7, 2, 4), [(1, 2, 4), (1, 2, 4)]]"


# ---- the arithmetic --------------------------------------------------------------------------------------------------


def lstm(steps, batch, size, hidden):
    """i, f, g, o: two products, their sum and a bias; 4 functions; c = f c + i g; h = o tanh(c); the biases' sum."""
    return steps * batch * (2 * 4 * hidden * (size + hidden) + (4 + 4 + 4 + 3 + 1 + 1) * hidden) + 4 * hidden


CLOSED = {
    "linear": (nn.Linear(64, 10), (7, 64), 7 * (2 * 64 * 10 + 10)),
    "no bias": (nn.Linear(64, 10, bias=False), (2, 7, 64), 2 * 7 * 2 * 64 * 10),
    "conv1d": (nn.Conv1d(3, 5, 4, bias=False), (2, 3, 11), 2 * 2 * 5 * 8 * 3 * 4),
    "conv2d": (nn.Conv2d(3, 8, 3, stride=2, padding=1), (2, 3, 9, 7), 2 * 8 * 5 * 4 * (2 * 3 * 9 + 1)),
    "groups": (nn.Conv2d(4, 8, (3, 2), groups=2, bias=False), (1, 4, 5, 5), 2 * 8 * 3 * 4 * 2 * 6),
    "max_pool": (nn.MaxPool2d(2), (1, 3, 8, 8), 3 * 16 * 4),
    "avg_pool": (nn.AvgPool2d(2), (1, 3, 8, 8), 3 * 16 * (4 + 1)),
    "batch_norm": (nn.BatchNorm2d(3), (2, 3, 4, 4), 96 * 4),
    "layer_norm": (nn.LayerNorm(8), (5, 8), 5 * (8 + 8 + 8 + 8 + 1 + 1 + 8 + 8 + 8)),
    "lstm": (nn.LSTM(3, 4), (10, 5, 3), lstm(10, 5, 3, 4)),
    "lstm cell": (nn.LSTMCell(3, 4), (5, 3), lstm(1, 5, 3, 4)),
    "rnn": (nn.RNN(3, 4), (10, 5, 3), 10 * 5 * (2 * 4 * (3 + 4) + 4 + 4 + 4) + 4),
    "mlp": (nn.MLP(3, [4, 2]), [0.0] * 3, 4 * (2 * 3 + 1) + 2 * 2 * 4),
    "embedding": (nn.Embedding(5, 3), np.array([1, 2]), 0),
    "softmax": (nn.Softmax(), (2, 5), 10 * (5 + 1)),
    "dropout": (nn.Dropout(0.5), (2, 5), 0),
    "flatten": (nn.Flatten(), (2, 5, 5), 0),
    "residual": (nn.Residual(nn.ReLU()), (2, 5), 20),
}


@pytest.mark.parametrize("name", CLOSED)
def test_arithmetic_follows_the_closed_form(name):
    """Counted by hand, from the formula of the layer."""
    model, x, count = CLOSED[name]
    assert model.summary(x).flops == count


def test_attention_follows_the_closed_form():
    """Projections, scores, softmax and the weighted mean, head by head."""
    batch, steps, size, heads = 2, 5, 8, 2
    scores = batch * heads * steps * steps
    projections = batch * steps * (2 * size * 3 * size + 3 * size + 2 * size * size + size)
    count = projections + batch * steps * size + scores * (2 * size // heads * 2 + 6)
    assert nn.MultiHeadAttention(size, heads).summary((batch, steps, size)).flops == count


def test_a_module_has_the_arithmetic_of_all_its_calls_and_of_those_inside():
    """Called three times it counts three times; what a Sequential's functions do is its own."""

    class Thrice(nn.Module):
        def __init__(self):
            self.step = nn.Sequential(nn.Linear(2, 2), tg.tanh)

        def forward(self, x):
            return self.step(self.step(self.step(x)))

    assert [row.flops for row in Thrice().summary((1, 2)).rows] == [36, 36, 30]


COUNTS = {
    "matmul of vectors": (lambda x, y: x[0] @ y[0], (2, 3), (2, 3), 6),
    "matmul in batches": (lambda x, y: x @ y, (5, 1, 2, 3), (4, 3, 6), 5 * 4 * 2 * 6 * 2 * 3),
    "einsum": (lambda x, y: tg.einsum("bij,jk->bk", x, y), (2, 3, 4), (4, 5), 2 * 2 * 3 * 4 * 5),
    "outer": (lambda x, y: tg.einsum("i,j->ij", x, y), (3,), (4,), 12),
    "einsum stretched": (lambda x, y: tg.einsum("ij,jk->ik", x, y), (2, 3), (1, 4), 2 * 2 * 3 * 4),
    "inv": (lambda x, y: tg.linalg.inv(x), (2, 6, 6), (), 2 * 3 * 144),
    "solve": (lambda x, y: tg.linalg.solve(x, y), (6, 6), (6, 2), 144 + 2 * 2 * 36),
    "det": (lambda x, y: tg.linalg.det(x), (6, 6), (), 144),
    "sum": (lambda x, y: x.sum(axis=0), (3, 4), (), 12),
    "norm": (lambda x, y: tg.norm(x), (3, 4), (), 24),
    "broadcast": (lambda x, y: x + y, (3, 1), (4,), 12),
    "moved": (lambda x, y: tg.stack([x.T, x.T]).reshape(-1)[2:], (3, 4), (), 0),
    "windows": (lambda x, y: tg.windows(x, 2), (5,), (), 0),
}


@pytest.mark.parametrize("name", COUNTS)
def test_rows_follow_their_formulas(name):
    """Rows that no layer above has, counted by hand."""
    function, left, right, count = COUNTS[name]

    class Row(nn.Module):
        def forward(self, x, y):
            return function(x, y)

    square = len(left) > 1 and left[-1] == left[-2]
    x = np.broadcast_to(np.eye(left[-1]), left) if square else np.ones(left)
    assert Row().summary(x, np.ones(right)).flops == count


def test_every_row_of_the_table_has_a_formula_or_is_elementwise():
    """A new row of another kind has to say how much it does; and no formula is for a row that is not there."""
    rows = {name: row for name, row in tg.TABLE.items() if name not in OWN}
    assert {name for name, row in rows.items() if not isinstance(row, tg.ops.Elementwise)} == set(FORMULAS)


MOVING = {"reshape", "transpose", "broadcast_to", "astype", "getitem", "concatenate", "stack", "where", "pad", "roll",
          "windows"}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formulas_fit_the_examples_of_their_rows(name):
    """On every example that the table has, a whole number: 0 where numbers are moved, and not elsewhere."""
    row, rng = tg.TABLE[name], np.random.default_rng(0)
    for shapes, params in row.cases or [(((),) * 7, {})]:
        operands = [tg.Tensor(rng.standard_normal(s)) for s in shapes]
        node = row(*operands, **params) if row.cases else row(*[tg.Value(0.5) for _ in shapes])
        assert isinstance(flops(node), int)
        assert (flops(node) == 0) == (name in MOVING)
    assert flops(tg.Value(1.0)) == 0


def test_a_users_own_row_counts_one_for_each_number_of_its_result(restored_table):
    """The documented default."""

    @tg.operation(lambda g, x: g * np.ones(x.shape), kind=tg.ops.Linear, cases=[(((3,),), {})])
    def total(x, /):
        """All of it."""
        return np.sum(x, keepdims=True)

    class Row(nn.Module):
        def forward(self, x):
            return total(x)

    assert Row().summary((2, 3)).flops == 1


# ---- reprs -----------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    """A user's module with parts, one in a list and one in a dict."""

    def __init__(self):
        self.body = [nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 3), nn.ReLU())]
        self.head = {"last": nn.Linear(3, 1)}
        self.scale = tg.Tensor(1.0)


def test_modules_show_what_they_hold():
    """A line for each module inside, indented; those without keep to their name."""
    outer = nn.Module()
    outer.net = Net()
    assert repr(outer) == """Module(
  (net): Net(
    (body.0): Linear(2, 3)
    (body.1): Sequential(Linear(3, 3), ReLU())
    (head.last): Linear(3, 1)
  )
)"""
    assert repr(nn.Tanh()) == "Tanh()"


def test_a_long_sequential_takes_a_line_for_each_layer():
    """A short one is on one line."""
    assert repr(nn.Sequential(nn.Linear(2, 8), tg.tanh)) == "Sequential(Linear(2, 8), tanh)"
    layers = [nn.Linear(100, 100) for _ in range(5)]
    assert repr(nn.Sequential(*layers, tg.tanh)) == (
        "Sequential(\n" + "".join(f"  ({i}): Linear(100, 100)\n" for i in range(5)) + "  (5): tanh\n)")
    assert repr(nn.Sequential(Net())).startswith("Sequential(\n  (0): Net(\n    (body.0): Linear(2, 3)\n")


def test_modules_that_hold_each_other_have_a_repr():
    """Where it comes back to itself it ends."""
    model = nn.Module()
    model.child = nn.Module()
    model.child.parent = model
    assert repr(model) == "Module(\n  (child): Module(\n    (parent): ...\n  )\n)"
    ring = nn.Sequential()
    ring.layers.append(ring)
    assert repr(ring) == "Sequential(...)"
