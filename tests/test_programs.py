"""Random programs of the table: every way to run one agrees, they print as code, and they shrink to short ones."""

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError
from tinygrad_edu.ops import TABLE, Elementwise
from tinygrad_edu.ops.geometry import Geometry
from tinygrad_edu.testing.drawing import draw_program, random_program, simple_numbers
from tinygrad_edu.testing.gradients import gradcheck
from tinygrad_edu.testing.measure import directions, inner, moved
from tinygrad_edu.testing.programs import Program, Step
from tinygrad_edu.testing.strategies import broadcastable_shapes, graphs, parameters_of, tensors, values


def backward(program, nodes, u=1.0):
    """The result of a program on nodes, and the gradients of u . result."""
    out = program(*nodes)
    out.backward(u)
    return out.data, [node.grad for node in nodes]


def agree(found, expected, tolerance=1e-9):
    """Compare numbers within `tolerance`, relative and absolute."""
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=tolerance, atol=tolerance)


# ---- every way to run a program agrees -------------------------------------------------------------------------------


@given(graphs("scalar"))
def test_tensors_of_no_dimension_agree_with_values(program):
    """The same program on Values and on 0-d Tensors: the same result and gradients."""
    data, gradients = backward(program, program.nodes())
    array_data, array_gradients = backward(program, [tg.Tensor(x) for x in program.inputs])
    agree([array_data, *array_gradients], [data, *gradients])


@given(graphs("scalar"))
def test_a_batch_is_each_of_its_members(program):
    """On Tensors of three points at once, a scalar program gives what it gives on each point alone."""
    points = [moved(program.inputs, [1.0] * len(program.inputs), step) for step in (0.0, 1e-3, -1e-3)]
    data, gradients = backward(program, [tg.Tensor(column) for column in np.transpose(points)], np.ones(3))
    alone = [backward(program, [tg.Value(x) for x in point]) for point in points]
    agree([data, *gradients], np.transpose([[result, *slopes] for result, slopes in alone]))


@given(graphs())
def test_plain_numbers_give_what_nodes_give(program):
    """On floats and arrays a program evaluates the same functions, and records nothing."""
    plain = program(*program.inputs)
    assert not isinstance(plain, (tg.Value, tg.Tensor))
    agree([program(*program.nodes()).data], [plain])


@given(graphs())
def test_reverse_mode_agrees_with_forward_mode(program):
    """u . (J v) is (J' u) . v, of any program."""
    rng = np.random.default_rng(0)
    vs, (u,) = directions(program.inputs, rng), directions([program(*program.inputs)], rng)
    _, gradients = backward(program, program.nodes(), u)
    agree([inner(gradients, vs)], [inner([u], [tg.jvp(program, program.inputs, vs)[1]])])


@given(graphs())
def test_gradients_agree_with_finite_differences(program):
    """A program is smooth where it stands, and its derivative along a line is the measured one."""
    assert gradcheck(program, *program.inputs, order=2)


# ---- programs as data and as code ------------------------------------------------------------------------------------


@given(graphs())
def test_the_code_of_a_program_is_the_program(program):
    """Executed, it gives the same result and, after its last line, the same gradients to the last bit."""
    names = {}
    exec(program.code(), names)
    nodes = program.nodes()
    out = program(*nodes)
    (tg.sum(out) if np.ndim(out) else out).backward()  # as that line does: another seed may add up in another order
    ours = [names[f"x{i}"] for i in range(len(program.inputs))]
    agree([node.grad for node in ours], [node.grad for node in nodes], tolerance=0.0)
    last = [value for value in names.values() if isinstance(value, (tg.Value, tg.Tensor))][-1]
    agree([last.data], [out.data], tolerance=0.0)


def test_code_names_rows_as_users_do():
    """Rows that are public by their own name are called by it, others through the table; arrays keep their dtype."""
    condition = np.array([True, False])
    program = Program((np.array([1.0, 2.0]),), (
        Step(TABLE["where"], (0, 0.5), {"condition": condition}), Step(TABLE["getitem"], (1,), {"index": (0,)}),
        Step(TABLE["astype"], (2,), {"dtype": np.float64}), Step(TABLE["add"], (3, np.float64(0.1)))))
    assert repr(program) == "\n".join([
        "import numpy as np", "import tinygrad_edu as tg", "", "x0 = tg.Tensor([1.0, 2.0])",
        "a = tg.TABLE['where'](x0, 0.5, condition=np.array([True, False]))", "b = tg.getitem(a, index=(0,))",
        "c = tg.astype(b, dtype=np.float64)", "d = tg.add(c, 0.1)", "d.backward()"])


def test_code_imports_what_its_options_are_made_of():
    """A window's geometry is an object of the package, and its expression needs the name."""
    program = Program((np.array([[1.0, 3.0, 2.0]]),), (
        Step(TABLE["sum_pool"], (0,), {"geometry": Geometry((2,), (1,), ((0, 0),), (1,))}),))
    names = {}
    exec(program.code(), names)
    assert names["x0"].grad.tolist() == [[1.0, 2.0, 1.0]]


def test_a_long_program_has_different_names():
    """More results than letters: a name is not used twice."""
    count = 60
    program = Program((1.0,), tuple(Step(TABLE["negative"], (i,)) for i in range(count)))
    names = [line.partition(" = ")[0] for line in program.code().splitlines() if " = " in line]
    assert len(set(names)) == count + 1


@pytest.mark.parametrize("constant", [np.inf, -np.inf, np.nan, np.array([np.inf, 1.0]), np.float32(0.1),
                                      np.array([0.1, 2.0], np.float32)])
def test_code_runs_with_every_constant(constant):
    """inf and nan have their names from NumPy, and float32 stays float32."""
    for start in (np.zeros(2), np.zeros(2, np.float32)):
        program = Program((start,), (Step(TABLE["add"], (0, constant)), Step(TABLE["multiply"], (1, 1))))
        names = {}
        exec(program.code(), names)
        found, expected = names["b"].data, program(*program.nodes()).data
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_a_step_reads_only_what_is_before_it():
    """Its own result or a later one is refused when the program is made, not when it is called."""
    for place in (-1, 1, 5):
        with pytest.raises(DataError, match=r"step 0, exp, reads the places .* from 0 to 0"):
            Program((1.0,), (Step(TABLE["exp"], (place,)),))
    with pytest.raises(DataError, match="at least one step"):
        random_program(np.random.default_rng(0), max_steps=0)


def test_what_does_not_reach_the_result_is_left_out():
    """Dead steps go, and inputs that only they read; operands of the others are renumbered."""
    tanh, multiply, exp = (TABLE[name] for name in ("tanh", "multiply", "exp"))
    program = Program((7.0, 0.5), (Step(tanh, (0,)), Step(exp, (1,)), Step(exp, (2,)), Step(multiply, (3, 1))))
    assert program.inputs == (0.5,)
    assert [(step.row, step.operands) for step in program.steps] == [(exp, (0,)), (multiply, (1, 0))]


@given(graphs())
def test_every_step_of_a_drawn_program_reaches_its_result(program):
    """Each result but the last is an operand of a later step, each input too."""
    read = {place for step in program.steps for place in step.places}
    assert read == set(range(len(program.inputs) + len(program.steps) - 1))


def test_a_program_without_steps_is_refused():
    """There is no result to speak of."""
    with pytest.raises(DataError, match="at least one step"):
        Program((1.0,), ())


def test_a_program_takes_as_many_inputs_as_it_has():
    """A missing input is told by number."""
    with pytest.raises(TypeError, match="takes 1 inputs, not 2"):
        Program((1.0,), (Step(TABLE["exp"], (0,)),))(1.0, 2.0)


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_occurs():
    """Scalar programs have every row that Values record, array programs every row of all."""
    rng = np.random.default_rng(0)
    rows = {kind: {step.row for _ in range(count) for step in random_program(rng, kind).steps}
            for kind, count in (("scalar", 300), ("array", 600))}
    assert rows["array"] == set(TABLE.values())
    assert rows["scalar"] == {row for row in TABLE.values() if hasattr(row, "scalar")}


@pytest.mark.parametrize("kind", ["scalar", "array"])
def test_a_row_of_ones_own_occurs(kind):
    """A row made by the user is drawn from the moment it is in the table."""
    row = Elementwise("cube", lambda x: x * x * x, lambda x: x * x * x, lambda out, x: 3.0 * x * x,
                      domain=[[(0.25, 1.5)]], doc="x * x * x.")
    try:
        rng = np.random.default_rng(0)
        program = next(p for p in iter(lambda: random_program(rng, kind), None) if row in [s.row for s in p.steps])
        names = {}
        exec(program.code(), names)
        assert "tg.TABLE['cube'](" in program.code()
        assert names["x0"].grad is not None
    finally:
        del TABLE["cube"]


@pytest.mark.parametrize("kind", ["scalar", "array"])
@given(data=st.data(), limit=st.integers(1, 5))
def test_a_program_has_no_more_steps_than_asked_for(kind, data, limit):
    """Steps that fit operands to a row's domain and shapes count too."""
    assert 1 <= len(data.draw(graphs(kind, limit)).steps) <= limit


def test_the_simplest_choices_give_the_simplest_program():
    """A source that answers 0 throughout, which is where shrinking ends."""
    assert draw_program(lambda count: 0).code().splitlines()[3:] == ["x0 = tg.Value(1.0)", "a = tg.add(x0, x0)",
                                                                     "a.backward()"]


def test_simple_numbers_lie_inside_their_intervals():
    """Wide and narrow intervals alike have some hundred numbers, none of them at an end."""
    for low, high in ((-2.0, 2.0), (0.5, 0.501), (-1000.0, 3000.0)):
        numbers = simple_numbers(((low, high),))
        assert 90 < len(numbers) < 1000
        assert all(low < x < high for x in numbers)


# ---- shrinking -------------------------------------------------------------------------------------------------------


def smallest(strategy, condition):
    """What hypothesis shrinks to, from the same random numbers every time."""
    return find(strategy, condition, random=random.Random(0), settings=settings(max_examples=3000, database=None))


@pytest.mark.parametrize("kind", ["scalar", "array"])
def test_a_program_with_a_row_shrinks_to_that_row(kind):
    """Nothing but tanh is left of a program that contains it, at a simple number."""
    program = smallest(graphs(kind), lambda program: any(step.row.name == "tanh" for step in program.steps))
    assert [step.row.name for step in program.steps] == ["tanh"]
    assert_allclose(np.abs(program.inputs[0]), 1.0)


@pytest.mark.parametrize("kind", ["scalar", "array"])
def test_a_program_that_shares_shrinks_to_one_step(kind):
    """Of a node that is used twice, x0 + x0 is left."""
    def shares(program):
        places = [place for step in program.steps for place in step.places]
        return len(set(places)) < len(places)

    assert [step.operands for step in smallest(graphs(kind), shares).steps] == [(0, 0)]


# ---- the other strategies --------------------------------------------------------------------------------------------


@given(values(domain=[(-3.0, -1.0), (0.5, 0.7)]))
def test_values_lie_in_their_domain(value):
    """Leaves with data from either interval."""
    assert isinstance(value, tg.Value)
    assert not value.is_result
    assert -3.0 <= value.data <= -1.0 or 0.5 <= value.data <= 0.7


@given(st.data(), st.sampled_from([np.float64, np.float32]))
def test_tensors_have_the_shape_dtype_and_domain_asked_for(data, dtype):
    """A shape may be a tuple, a number or a strategy; bounds that float32 cannot hold are kept to all the same."""
    for shape, wanted in (((2, 3), (2, 3)), (4, (4,)), (st.just((1, 2)), (1, 2))):
        tensor = data.draw(tensors(shape, dtype, domain=[(0.1, 0.7)]))
        assert tensor.shape == wanted
        assert tensor.dtype == dtype
        assert np.all((tensor.data.astype(float) >= 0.1) & (tensor.data.astype(float) <= 0.7))
    assert all(1 <= side <= 3 for side in data.draw(tensors()).shape)


@given(broadcastable_shapes(3))
def test_shapes_broadcast_together(shapes):
    """As many as asked for, of at most 3 axes of at most 3."""
    assert len(shapes) == 3
    assert len(np.broadcast_shapes(*shapes)) <= 3
    assert all(1 <= side <= 3 for shape in shapes for side in shape)


@given(st.data())
def test_parameters_are_loaded_and_seen_in_the_module(data):
    """Drawn data have the names, shapes and dtypes of a module of Tensors and of one of Values."""
    for model in (tg.nn.Sequential(tg.nn.Linear(2, 3, rng=0), tg.nn.Tanh(), tg.nn.Linear(3, 1, rng=0)),
                  tg.nn.MLP(2, [2, 1])):
        before = model.state_dict()
        drawn = data.draw(parameters_of(model, domain=[(0.25, 0.75)]))
        agree(model.state_dict().values(), before.values(), tolerance=0.0)
        model.load_state_dict(drawn)
        for parameter in model.parameters():
            assert np.all((parameter.data >= 0.25) & (parameter.data <= 0.75))


def test_without_hypothesis_the_strategies_say_what_to_install():
    """Importing the module is one line of advice then, while programs still import."""
    code = ("import sys; sys.modules['hypothesis'] = None; import tinygrad_edu.testing.drawing; print('drawing');"
            "import tinygrad_edu.testing.strategies")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "drawing"
    assert "pip install 'tinygrad_edu[testing]'" in run.stderr.splitlines()[-1]
