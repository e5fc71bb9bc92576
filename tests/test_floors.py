"""The floors of design.md, section 2, read from the imports: who may import whom, and what an import loads."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import tinygrad_edu

ROOT = Path(tinygrad_edu.__file__).parent
PACKAGE = ROOT.name

FLOORS = (  # from the bottom up; within a floor, too, each may import those named before it
    ("display", "errors", "extras"),
    ("modes", "node", "anomaly", "engine", "copying"),
    ("ops.defaults", "ops.operands", "ops.row", "ops.array_row", "ops.registration", "ops.elementwise", "ops.linear",
     "ops.selections", "ops.geometry", "ops.products", "ops.convolution", "ops.pooling", "ops.fused", "ops.recurrent",
     "ops.composed", "ops.statistics", "ops.linalg", "ops.protocols", "ops"),
    ("payloads", "methods", "sweep", "value", "bridges", "array_node", "tensor"),
    ("trees", "transforms"),
    ("nn", "optim", "data", "saving"),
    ("viz.snapshot", "viz.view", "viz.text", "viz.structure", "viz.shading", "viz.folding", "viz.naming", "viz.opening",
     "viz.engines",
     "viz.measure", "viz.colours", "viz.dot", "viz.mermaid", "viz.exports", "viz.nesting", "viz.layering",
     "viz.ordering", "viz.placing", "viz.plan", "viz.layout", "viz.marks", "viz.svg", "viz.drawing",
     "viz.neighbourhood", "viz.request", "viz.reprs", "viz",
     "player.replay", "player.payload", "player.page", "player.player", "player",
     "explaining.letters", "explaining.formula", "explaining.ways", "explaining.flow", "explaining.probing",
     "explaining.causes", "explaining.parts", "explaining.symbols", "explaining.text", "explaining.latex",
     "explaining.page", "explaining.explanation", "explaining.assembling", "explaining.request", "explaining",
     "testing.measure", "testing.examples", "testing.programs", "testing.drawing", "testing.strategies",
     "testing.problem", "testing.diagnosis", "testing.evidence", "testing.gradients",
     "testing.orders", "testing.demands", "testing.edges", "testing.operations", "testing.gallery",
     "testing.plugin", "testing",
     "compile", "interop"),
    ("training.history", "training.progress", "training.run", "training.callbacks", "training.checks",
     "training.examples", "training.loop", "training",
     "plots.canvas", "plots.groups", "plots.running", "plots.boundary", "plots.confusion", "plots.curves",
     "plots.ridges", "plots.sequences", "plots.surface", "plots.tiles", "plots",
     "",  # the package itself, __init__.py
     "tour.text", "tour.expression", "tour.moons", "tour.digits", "tour.report", "tour",
     "__main__"),
)
ORDER = {name: place for place, name in enumerate(name for floor in FLOORS for name in floor)}
OPTIONAL = {"viz.drawing": {"graphviz"}, "plots.canvas": {"matplotlib"}}
"""Files that import other packages: graphviz is a part of the core; of matplotlib, only types, for type checkers."""

LAZY = {("", "__getattr__"), ("testing", "__getattr__"), ("viz", "__getattr__")}
"""The functions that may import from the package: they load floors 6 and 7, and hypothesis, on first use."""


def module_name(path):
    """A file's name within the package: ops/row.py is ops.row, nn/__init__.py is nn."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def place(name):
    """Where a file stands: its own place, or that of the folder which is named as a whole."""
    while name not in ORDER and "." in name:
        name = name.rpartition(".")[0]
    return ORDER.get(name)


def imports(name, node):
    """The files of the package, and the outside modules, that an import statement reads."""
    if isinstance(node, ast.Import):
        full = [alias.name for alias in node.names]
    else:
        folder = name if FILES[name].name == "__init__.py" else name.rpartition(".")[0]
        parts = [PACKAGE, *folder.split(".")] if folder else [PACKAGE]
        base = ".".join(parts[:len(parts) - node.level + 1]) if node.level else ""
        base = ".".join(p for p in (base, node.module or "") if p)
        full = [f"{base}.{alias.name}" for alias in node.names]
    for target in full:
        top, _, inside = target.partition(".")
        if top != PACKAGE:
            yield target, False
            continue
        while inside not in FILES:  # a name in a file, or in a folder's __init__
            inside = inside.rpartition(".")[0]
        yield inside, True


def all_imports(name):
    """Every import in a file: what it reads, whether that is ours, and the function it stands in ('' for none)."""

    def visit(node, function):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.Import, ast.ImportFrom)):
                yield from ((target, ours, function) for target, ours in imports(name, child))
            inner = child.name if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
            yield from visit(child, "<lambda>" if isinstance(child, ast.Lambda) else inner)

    yield from visit(TREES[name], "")


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_a_floor(name):
    """A new file is given a floor here before anything may import it."""
    assert place(name) is not None, f"name the floor of {name}.py in FLOORS"


@pytest.mark.parametrize("name", FILES)
def test_imports_point_down(name):
    """A file imports from floors below its own, and within a floor from the files named before it."""
    for target, ours, function in all_imports(name):
        if ours and (name, function) not in LAZY and target != name:
            same_folder = place(target) == place(name) and name.partition(".")[0] == target.partition(".")[0]
            assert same_folder or place(target) < place(name), f"{name} imports {target}, which is not below it"


def test_there_is_no_import_cycle():
    """The files, folders' own __init__ included, have a topological order."""
    graph = {name: {target for target, ours, function in all_imports(name)
                    if ours and target != name and (name, function) not in LAZY} for name in FILES}
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(FILES)


@pytest.mark.parametrize("name", FILES)
def test_no_import_of_the_package_stands_inside_a_function(name):
    """Neither as a statement nor through importlib, but for __init__.__getattr__."""
    inside = [target for target, ours,
              function in all_imports(name) if ours and function and (name, function) not in LAZY]
    assert not inside
    if name in ("", "testing", "viz", "extras"):
        return
    calls = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.Call)]
    assert not [c for c in calls if ast.unparse(c.func).endswith(("import_module", "__import__"))]


@pytest.mark.parametrize("name", FILES)
def test_numpy_is_the_only_outside_package_imported(name):
    """The standard library and NumPy; every extra goes through the helper in extras.py, which explains its absence.

    The core's other dependency, graphviz, loads with the first drawing.
    """
    outside = {target.partition(".")[0] for target, ours, _ in all_imports(name) if not ours}
    assert outside <= set(sys.stdlib_module_names) | {"numpy"} | OPTIONAL.get(name, set())


@pytest.mark.parametrize("name", FLOORS[1])
def test_the_engine_knows_no_numpy(name):
    """Its floor is about graphs alone: neither NumPy nor any row, Value or Tensor."""
    targets = {target.partition(".")[0] for target, _, _ in all_imports(name)}
    assert "numpy" not in targets
    assert {target for target, ours, _ in all_imports(name) if ours} <= {"errors", "display", *FLOORS[1]}


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("ops")])
def test_rows_know_no_value_and_no_tensor(name):
    """Rows see Node only: the words Value and Tensor are no names in their code."""
    names = {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}
    assert not names & {"Value", "Tensor"}


def test_no_star_imports():
    """What a file uses can be looked up at its head."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)), name


PROBE = """
import sys
import numpy.random
before = set(sys.modules)
import tinygrad_edu
loaded = {name.partition('.')[0] for name in set(sys.modules) - before}
print(*sorted(loaded - set(sys.stdlib_module_names)))
print(*sorted(name for name in sys.modules if name.startswith('tinygrad_edu.')))
"""


def test_importing_the_package_loads_numpy_alone():
    """A fresh process: no graphviz, sklearn, tqdm, hypothesis, matplotlib, nor any other; floor 6 stays on disk."""
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    packages, ours = (set(line.split()) for line in run.stdout.splitlines())
    assert packages - {"numpy"} == {PACKAGE}
    for late in ("viz", "explaining", "player", "testing", "compile", "interop", "plots", "tour", "__main__"):
        assert f"{PACKAGE}.{late}" not in ours
