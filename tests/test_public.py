"""The public interface: what design.md, section 4, promises is there, documented, and its examples are true."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg

NODES = "Value Tensor"
FUNCTIONS = """
    add subtract multiply divide negative power abs sign square sqrt reciprocal exp expm1 log log1p log2 log10
    logaddexp sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh maximum minimum clip
    sigmoid relu leaky_relu elu gelu silu softplus where sum mean cumsum reshape ravel transpose swapaxes moveaxis
    expand_dims squeeze broadcast_to getitem scatter take_along_axis concatenate stack split pad flip roll repeat
    tile diagonal trace tril triu matmul dot einsum tensordot outer windows max min argmax prod var std norm
    logsumexp softmax log_softmax"""
OTHERS = """
    linalg no_grad detect_anomaly operation set_default_dtype seed grad value_and_grad jvp vjp jacobian hessian hvp nn
    optim data"""
NODE_NAMES = """
    data grad label op inputs index requires_grad backward detach item zero_grad exp expm1 log log1p log2 log10 sin
    cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh sqrt square reciprocal abs sign clip sigmoid
    relu leaky_relu elu gelu silu softplus register_hook params scope is_result"""
TENSOR_NAMES = """
    shape ndim size dtype T sum mean reshape transpose max min prod var std cumsum repeat trace diagonal dot argmax
    argmin argsort ravel squeeze swapaxes flatten astype logsumexp softmax log_softmax norm to_values stack_values"""

MODULES = [importlib.import_module(info.name) for info in pkgutil.walk_packages(tg.__path__, "tinygrad_edu.")
           if not info.name.endswith("__main__")] + [tg]


def public(module):
    """The public names of a module, submodules of the package included."""
    return sorted(name for name in vars(module) if not name.startswith("_"))


@pytest.fixture(autouse=True)
def _restored(restored_table):
    """The default dtype, the table of operations and the random generator as they were."""
    before = tg.default_dtype()
    yield
    tg.set_default_dtype(before)
    tg.seed(0)


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", f"{NODES} {FUNCTIONS} {OTHERS}".split())
def test_promised_names_are_there(name):
    """Everything that section 4 lists is a public name of the package."""
    assert hasattr(tg, name)


@pytest.mark.parametrize("name", NODE_NAMES.split())
def test_both_kinds_of_node_have(name):
    """Attributes and methods common to Value and Tensor."""
    assert hasattr(tg.Value(0.5), name)
    assert hasattr(tg.Tensor([0.5]), name)


@pytest.mark.parametrize("name", TENSOR_NAMES.split())
def test_tensors_have_numpys_names(name):
    """NumPy's attributes and method names on Tensors."""
    assert hasattr(tg.Tensor([[0.5]]), name)


def test_linalg_has_its_names():
    """linalg.inv, solve, det, norm and matmul."""
    for name in ("inv", "solve", "det", "norm", "matmul"):
        assert callable(getattr(tg.linalg, name))


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_listed_names_exist_and_are_sorted(module):
    """Where a module lists its names in __all__, they exist, once each, in ruff's order (log2 before log10)."""
    names = list(getattr(module, "__all__", []))

    def place(name):
        kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
        return kind, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

    assert names == sorted(set(names), key=place)
    for name in names:
        assert hasattr(module, name)


def test_only_names_of_ours_are_public():
    """No np, Any or other helper leaks into the package's namespace."""
    for name in public(tg):
        thing = getattr(tg, name)
        home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", "tinygrad_edu")
        assert home.partition(".")[0] == "tinygrad_edu" or isinstance(thing, (dict, str, tuple))


def test_dir_and_star_import_agree_with_the_namespace():
    """`from tinygrad_edu import *` brings the public names, no underscore and nothing that fails to load."""
    space = {}
    exec("from tinygrad_edu import *", space)
    assert {"Value", "Tensor", "grad", "nn"} <= space.keys()
    assert all(not name.startswith("_") for name in space.keys() - {"__builtins__"})


# ---- documentation -------------------------------------------------------------------------------------------------


def documented():
    """Every public class and function of the package's modules, and their public methods and properties."""
    seen = set()
    for module in MODULES:
        for name in public(module):
            thing = getattr(module, name)
            ours = getattr(thing, "__module__", "") or ""
            if not callable(thing) or not ours.startswith("tinygrad_edu") or id(thing) in seen:
                continue
            seen.add(id(thing))
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                for key, member in vars(thing).items():
                    if not key.startswith("_") and (inspect.isfunction(member) or isinstance(member,
                                                                                             (property, classmethod))):
                        yield f"{module.__name__}.{name}.{key}", member


DOCUMENTED = dict(documented())


def inherited_doc(qualified, thing):
    """A method may leave its docstring to the class that it overrides."""
    if doc := inspect.getdoc(thing):
        return doc
    path, _, name = qualified.rpartition(".")
    owner = DOCUMENTED.get(path)
    return next((inspect.getdoc(vars(c)[name]) or "" for c in inspect.getmro(owner)[1:]
                 if name in vars(c) and inspect.getdoc(vars(c)[name])), "") if inspect.isclass(owner) else ""


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_public_name_is_documented(name):
    """A docstring that says more than the name does; for rows of the table, __doc__ too."""
    doc = inherited_doc(name, DOCUMENTED[name])
    assert len(doc) >= 3
    assert doc.strip(".").lower() != name.rpartition(".")[2].replace("_", " ")


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_every_module_says_what_it_is(module):
    """A module docstring that ends as a sentence does."""
    assert module.__doc__
    assert len(module.__doc__) > 20


# ---- examples ------------------------------------------------------------------------------------------------------


def examples():
    """Every docstring of the package with a >>>, rows and their wrapped functions included: text to name and home."""
    found = {}
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in MODULES:
        for test in finder.find(module, module.__name__):
            if test.examples:
                found[test.docstring] = test.name, vars(module)
    for module in MODULES:
        for name, thing in vars(module).items():  # rows are instances, where the finder does not look
            doc, home = getattr(thing, "__doc__", None), getattr(thing, "__module__", None) or ""
            if isinstance(doc,
                          str) and ">>>" in doc and home.startswith("tinygrad_edu") and not inspect.ismodule(thing):
                found.setdefault(doc, (f"{module.__name__}.{name}", vars(sys.modules[home])))
    return {name: (doc, space) for doc, (name, space) in found.items()}


EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_are_true(name):
    """Every example runs and prints what it says."""
    text, space = EXAMPLES[name]
    space = {**vars(tg.ops), **vars(tg), **space, "tg": tg, "np": np}
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(text), space, name, None, 0)
    assert test.examples
    said = []
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert results.failed == 0, "".join(said)


def test_there_are_examples_enough():
    """The finder above looks where it should: rows, composed functions, transforms and both node classes are found."""
    names = {name.rpartition(".")[2] for name in EXAMPLES}
    assert {"Value", "Tensor", "grad", "sum", "matmul", "getitem", "clip", "softmax", "to_values", "einsum",
            "det"} <= names
    assert len(EXAMPLES) > 60


# ---- the core alone ------------------------------------------------------------------------------------------------

CORE_ONLY = """
import sys

ALLOWED = set(sys.stdlib_module_names) | {"numpy", "tinygrad_edu"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in [n for n in sys.modules if n.partition(".")[0] not in ALLOWED | {"__main__"}]:
    del sys.modules[name]
sys.meta_path.insert(0, Absent())

import numpy as np
import tinygrad_edu as tg

# numbers: the moons of micrograd, by hand
w, b = tg.Value(0.1), tg.Value(0.0)
for _ in range(50):
    loss = tg.sum([(tg.tanh(w * x + b) - y) ** 2 for x, y in ((-1.0, 0.5), (0.0, 0.0), (1.0, -0.5))])
    w.zero_grad(), b.zero_grad()
    loss.backward()
    w.data -= 0.1 * w.grad
    b.data -= 0.1 * b.grad
assert loss.data < 0.01, loss

# arrays
rng = np.random.default_rng(0)
inputs = rng.standard_normal((64, 3))
targets = inputs @ np.array([1.0, -2.0, 3.0])
weight = tg.Tensor(np.zeros(3))
for _ in range(100):
    loss = ((inputs @ weight - targets) ** 2).mean()
    weight.zero_grad()
    loss.backward()
    weight.data -= 0.2 * weight.grad
assert loss.item() < 1e-6, loss

# modules and optimisers
model = tg.nn.MLP(2, [4, 1])
optimizer = tg.optim.SGD(model.parameters(), lr=0.05)
losses = []
for _ in range(30):
    loss = tg.sum([(model([x, y]) - x * y) ** 2 for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0], losses
print("trained")
"""


def test_the_core_alone_imports_and_trains():
    """With every package but NumPy made absent, import and training work, on Values, Tensors and modules."""
    run = subprocess.run([sys.executable, "-W", "error", "-c", CORE_ONLY], capture_output=True, text=True, check=False,
                         cwd=Path(tg.__file__).parent.parent)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "trained"


def test_an_absent_extra_is_one_line_with_the_pip_command():
    """The helper for optional packages turns an ImportError into a MissingExtraError naming what to install."""
    from tinygrad_edu.extras import extra

    parameters = list(inspect.signature(extra).parameters)
    with pytest.raises(tg.errors.MissingExtraError, match="pip install") as caught:
        extra("no_such_package_at_all", *(["tour"] if len(parameters) > 1 else []))
    assert isinstance(caught.value, ImportError)
    assert "\n" not in str(caught.value)


def test_the_type_marker_is_shipped():
    """py.typed stands beside the package, so that users' type checkers read its types."""
    assert (Path(tg.__file__).parent / "py.typed").exists()


def test_micrograd_code_runs_after_changing_the_imports():
    """The expression of micrograd's README, with its numbers."""
    a, b = tg.Value(-4.0), tg.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"
