"""A drawing is a graphviz.Digraph, drawn by the program that there is, or without one."""

import math
import subprocess
import sys
import textwrap
from pathlib import Path

import graphviz
import numpy as np
import pytest
from viz_examples import graph_of, view_of

import tinygrad_edu as tg
from tinygrad_edu.errors import MissingExtraError, UnsupportedError
from tinygrad_edu.viz import drawing
from tinygrad_edu.viz.colours import NO_NUMBER, TONES, shaded
from tinygrad_edu.viz.dot import body
from tinygrad_edu.viz.drawing import Drawing
from tinygrad_edu.viz.engines import find_dot
from tinygrad_edu.viz.snapshot import RESULT, picture, snapshot
from tinygrad_edu.viz.view import VALUE, Box, View, Wire

SCRIPT = """
    import os, sys
    if "-Tjson" in sys.argv:
        sys.exit("Error: not today")
    text = " ".join([{name!r}, *sys.argv[1:], os.getcwd(), sys.stdin.read()])
    print("{warning}", file=sys.stderr)
    sys.stdout.write(text)
"""


def program(folder, name="dot", warning=""):
    """A program that answers with its name, its arguments, its folder and what it was given."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!{sys.executable}\n" + textwrap.dedent(SCRIPT).format(name=name, warning=warning))
    file.chmod(0o755)
    return str(file)


def wheel(folder, monkeypatch):
    """An installed distribution graphviz-pure whose program is in no folder of PATH."""
    info = folder / "site" / "graphviz_pure-0.2.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: graphviz-pure\nVersion: 0.2.2\n")
    (info / "RECORD").write_text("../bin/graphviz-pure,,\ngraphviz_pure-0.2.2.dist-info/METADATA,,\n")
    monkeypatch.setattr(sys, "path", [str(folder / "site"), *sys.path])  # syspath_prepend would undo it to less
    return program(folder / "bin", "graphviz-pure")


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch, tmp_path):
    """No program is found, whatever this machine has, and nothing was chosen."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("TINYGRAD_EDU_DOT", raising=False)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if "site-packages" not in folder])


@pytest.fixture(autouse=True)
def own_layout(monkeypatch):
    """A stand-in for our own layout."""
    monkeypatch.setattr(drawing, "own_svg", lambda view, direction: f"<svg>{len(view.boxes)} {direction}</svg>")


OWN = "<svg>8 LR</svg>"

# ---- which program draws ---------------------------------------------------------------------------------------------


def test_without_any_program_our_own_layout_draws():
    assert find_dot() is None
    assert Drawing(view_of()).to_svg() == OWN
    assert Drawing(view_of(), "TB").to_svg() == "<svg>8 TB</svg>"


def test_a_dot_on_the_path_comes_before_the_wheel_and_the_users_choice_before_both(monkeypatch, tmp_path):
    """Argument, environment variable, PATH, wheel, nothing."""
    in_wheel = wheel(tmp_path, monkeypatch)
    assert find_dot() == in_wheel
    on_path = program(tmp_path / "path")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert find_dot() == on_path
    by_variable, by_argument = program(tmp_path / "a", "one"), program(tmp_path / "b", "two")
    monkeypatch.setenv("TINYGRAD_EDU_DOT", by_variable)
    assert find_dot() == by_variable
    assert find_dot(by_argument) == by_argument
    assert find_dot("dot") == on_path
    assert Drawing(view_of(), engine=by_argument).to_svg().startswith("two -Kdot -Tsvg ")
    assert Drawing(view_of()).to_svg().startswith("one -Kdot -Tsvg ")


def test_own_is_a_choice_too(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path)
    assert Drawing(view_of(), engine="own").to_svg() == OWN
    assert Drawing(view_of()).to_svg() != OWN
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "own")
    assert Drawing(view_of()).to_svg() == OWN


def test_a_choice_that_does_not_exist_is_told_in_one_line(monkeypatch):
    """With who made it, and what can be done."""
    with pytest.raises(MissingExtraError, match=r"^engine='nodot': there is no such program; .*tinygrad_edu\[dot\]'"):
        Drawing(view_of(), engine="nodot").to_svg()
    with pytest.raises(MissingExtraError, match=r"^there is no dot program; run: pip install 'tinygrad_edu\[dot\]'"):
        Drawing(view_of(), engine="dot").to_svg()
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "/no/such/dot")
    with pytest.raises(MissingExtraError, match=r"^\$TINYGRAD_EDU_DOT is '/no/such/dot': there is no such program"):
        Drawing(view_of()).to_svg()


def test_the_wheel_is_found_only_if_its_program_is_there(monkeypatch, tmp_path):
    file = wheel(tmp_path, monkeypatch)
    (tmp_path / "bin" / "graphviz-pure").unlink()
    assert find_dot() is None
    assert file.endswith("graphviz-pure")


# ---- a Digraph -------------------------------------------------------------------------------------------------------


@pytest.fixture
def dot(monkeypatch, tmp_path):
    """A dot program on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return program(tmp_path / "path")


def test_a_drawing_is_a_digraph_and_its_str_is_dot():
    made = Drawing(view_of())
    assert isinstance(made, graphviz.Digraph)
    assert made.source == str(made) == "digraph {\n" + "".join(body(view_of())) + "}\n"
    assert made.format == "svg"


def test_pipe_hands_the_source_to_the_program(dot, tmp_path, monkeypatch):
    """With the layout engine and the format; bytes, or text if there is an encoding."""
    monkeypatch.chdir(tmp_path)
    made = Drawing(view_of())
    assert made.pipe() == f"dot -Kdot -Tsvg {tmp_path} {made.source}".encode()
    assert made.pipe("pdf", encoding="utf-8").startswith("dot -Kdot -Tpdf /")
    assert made.pipe("svg", renderer="cairo", formatter="gd", neato_no_op=2, engine="neato", encoding="utf-8") \
        .startswith("dot -Kneato -Tsvg:cairo:gd -n2 /")
    made.engine, made.format = "circo", "plain"
    assert made.pipe(encoding="utf-8").startswith("dot -Kcirco -Tplain ")
    assert Drawing(view_of(), engine="fdp").pipe(encoding="utf-8").startswith("dot -Kfdp -Tsvg ")


def test_pictures_of_pixels_have_a_longest_side(dot):
    """4,000 pixels at 96 to the inch; other formats have none."""
    assert " -Gsize=41.67 " in Drawing(view_of()).pipe("png", encoding="utf-8")
    assert " -Gsize=41.67 " in Drawing(view_of()).pipe("jpg", encoding="utf-8")
    assert "-Gsize" not in Drawing(view_of()).pipe("svg", encoding="utf-8")


def test_unknown_formats_and_engines_are_refused_before_a_program_runs(dot):
    made = Drawing(view_of())
    with pytest.raises(ValueError, match=r"unknown format or engine: 'wav', 'dot'; .* png,"):
        made.pipe("wav")
    with pytest.raises(ValueError, match=r"unknown format or engine: 'svg', 'tod'; .* neato,"):
        made.pipe("svg", engine="tod")
    with pytest.raises(graphviz.RequiredArgumentError, match="formatter given without renderer"):
        made.pipe("svg", formatter="gd")
    with pytest.raises(ValueError, match="direction is 'RL'; it can be one of LR, TB"):
        Drawing(view_of(), "RL")


def test_a_program_that_fails_raises_with_what_it_said(dot):
    with pytest.raises(graphviz.CalledProcessError, match="Error: not today"):
        Drawing(view_of()).pipe("json")


def test_complaints_of_the_program_are_passed_on_except_about_fonts(monkeypatch, tmp_path, capsys):
    loud = program(tmp_path, "loud", "Warning: unknown colour")
    Drawing(view_of(), engine=loud).pipe()
    assert capsys.readouterr().err == "Warning: unknown colour\n"
    Drawing(view_of(), engine=loud).pipe(quiet=True)
    fonts = program(tmp_path, "fonts", "Warning: no value for width of non-ASCII character 195. Falling back")
    Drawing(view_of(), engine=fonts).pipe()
    assert capsys.readouterr().err == ""


def test_render_writes_the_source_and_the_picture(dot, tmp_path, monkeypatch):
    """Under the names that Graphviz gives them; cleanup removes the source."""
    monkeypatch.chdir(tmp_path)
    made = Drawing(view_of())
    assert made.render() == "Drawing.gv.svg"
    assert (tmp_path / "Drawing.gv").read_text() == made.source
    assert (tmp_path / "Drawing.gv.svg").read_bytes() == made.pipe()
    assert made.render("deep/er/g", format="png", cleanup=True) == "deep/er/g.png"
    assert not (tmp_path / "deep/er/g").exists()
    assert (tmp_path / "deep/er/g.png").read_text().startswith("dot -Kdot -Tpng")
    assert made.render("h", directory="other", renderer="cairo") == "other/h.cairo.svg"
    assert made.render(outfile="x.pdf") == "other/x.pdf"
    assert (tmp_path / "other/x.gv").read_text() == made.source
    assert made.render(outfile="x.svg", directory="third") == "x.svg"
    assert (tmp_path / "third/x.gv").exists()


def test_render_runs_in_the_folder_of_the_source(dot, tmp_path):
    """So that the images of nodes are found beside it."""
    (tmp_path / "folder").mkdir()
    path = Drawing(view_of()).render(tmp_path / "folder" / "g")
    assert f" {tmp_path / 'folder'} digraph" in Path(path).read_text()


def test_render_leaves_a_result_that_is_not_to_be_touched(dot, tmp_path):
    made = Drawing(view_of())
    (tmp_path / "g.svg").write_text("old")
    with pytest.raises(graphviz.FileExistsError, match=r"g\.svg"):
        made.render(tmp_path / "g", raise_if_result_exists=True)
    with pytest.raises(ValueError, match=r"outfile 'g\.svg' must be different from input file"):
        made.render(tmp_path / "g.svg", outfile=tmp_path / "g.svg")
    with pytest.raises(graphviz.CalledProcessError):
        made.render(tmp_path / "other", format="json")
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["g.svg"]
    assert (tmp_path / "g.svg").read_text() == "old"


def test_render_can_show_the_picture(dot, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(graphviz, "view", lambda path, quiet: shown.append((path, quiet)))
    made = Drawing(view_of())
    path = made.render(tmp_path / "g", view=True)
    made.view(tmp_path / "g", quiet_view=True)
    assert shown == [(path, False), (path, True)]


def test_save_subgraph_and_copy_work_as_they_do_on_a_digraph(dot, tmp_path):
    made = Drawing(view_of(), name="mine", directory=tmp_path, graph_attr={"label": "title"})
    with made.subgraph(name="cluster_extra") as part:
        part.node("inside")
    other = made.copy()
    other.node("only here")
    other.graph_attr["label"] = "other"
    assert "cluster_extra" in made.source
    assert "inside" in made.pipe(encoding="utf-8")
    assert "only here" not in made.source
    assert made.graph_attr == {"label": "title"}
    assert type(other) is Drawing
    assert other.shown is made.shown
    assert Path(made.save()).read_text() == made.source
    assert made.filepath == str(tmp_path / "mine.gv")


def test_what_was_added_is_drawn_by_a_program_and_refused_by_our_own_layout(tmp_path):
    """Nothing that was added is left out in silence."""
    changes = [lambda d: d.node("extra"), lambda d: d.edge("b0", "b6"), lambda d: d.attr(bgcolor="red"),
               lambda d: d.node_attr.update(shape="star"), lambda d: d.body.clear()]
    for change in changes:
        made = Drawing(view_of())
        change(made)
        for form in ("svg", "pdf"):
            with pytest.raises(UnsupportedError, match=r"^this drawing was changed, .*pip install .*\[dot\]'"):
                made.pipe(form)
        made.program = program(tmp_path)
        assert made.source in made.to_svg()
    with pytest.raises(UnsupportedError, match=r"^neato is a layout engine of Graphviz"):
        Drawing(view_of(), engine="neato").to_svg()


def test_formats_that_need_a_program_name_the_extra_that_brings_one():
    made = Drawing(view_of())
    with pytest.raises(MissingExtraError, match=r"^png needs a program; run: pip install 'tinygrad_edu\[dot\]'"):
        made.pipe("png")
    with pytest.raises(MissingExtraError, match=r"^ps needs a program; install Graphviz$"):
        made.pipe("ps")


def test_pdf_without_a_dot_that_writes_it_is_made_by_fpdf2(monkeypatch, tmp_path):
    """From our own SVG, or from the wheel's; a Graphviz on the PATH writes it itself."""
    seen = []
    monkeypatch.setattr(drawing, "to_pdf", lambda svg: seen.append(svg) or b"%PDF")
    assert Drawing(view_of()).pipe("pdf") == b"%PDF"
    file = wheel(tmp_path, monkeypatch)
    assert Drawing(view_of(), engine=file).pipe("pdf") == b"%PDF"
    assert seen[0] == OWN
    assert seen[1].startswith("graphviz-pure -Kdot -Tsvg ")
    with pytest.raises(MissingExtraError, match=r"^ps is not among the formats of .*graphviz-pure; install Graphviz$"):
        Drawing(view_of()).pipe("ps")


def test_pdf_names_its_extra_where_fpdf2_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(MissingExtraError, match=r"^fpdf is not installed; run: pip install 'tinygrad_edu\[pdf\]'"):
        Drawing(view_of()).pipe("pdf")


# ---- in notebooks and terminals --------------------------------------------------------------------------------------


def test_a_notebook_gets_svg_and_text():
    """An untrusted one shows the text alone."""
    bundle = Drawing(view_of(caption="all of it"))._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"] == OWN
    assert bundle["text/plain"].splitlines()[:2] == ["4 nodes, 4 edges; + is 10", "all of it"]
    assert bundle["text/plain"].splitlines()[3].split() == ["+", "10", "1"]


def test_a_notebook_can_include_and_exclude(dot):
    made = Drawing(view_of())
    assert set(made._repr_mimebundle_(include=["image/png", "text/plain", "text/html"])) == {"image/png", "text/plain"}
    assert isinstance(made._repr_mimebundle_(include=["image/jpeg"])["image/jpeg"], bytes)
    assert set(made._repr_mimebundle_(exclude=["text/plain"])) == {"image/svg+xml"}
    assert made._repr_mimebundle_(include=[]) == {}


def test_a_notebook_says_why_it_has_no_picture():
    """The text, and the reason; an error only where a picture was asked for by name."""
    made = Drawing(view_of())
    made.node("extra")
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "tinygrad_edu[dot]" in bundle["text/plain"].splitlines()[-1]
    with pytest.raises(UnsupportedError):
        made._repr_mimebundle_(include=["image/svg+xml"])


def test_the_repr_says_what_is_drawn_and_lists_small_graphs_only():
    node, x = tg.Value(1.0, "x"), 1.0
    for _ in range(100):
        node, x = node.tanh(), math.tanh(x)
    told = repr(Drawing(View(snapshot([node]), (), (), ())))
    assert told == f"101 nodes, 100 edges; tanh is {x:.4g}\nto_text() lists them"
    assert "object at" not in repr(Drawing(view_of())) + repr(Drawing())


def test_importing_the_package_and_the_text_loads_no_graphviz():
    """It costs half of the import, and only drawings need it."""
    code = "import sys, tinygrad_edu, tinygrad_edu.viz.text, tinygrad_edu.viz.dot; print('graphviz' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ---- the look --------------------------------------------------------------------------------------------------------


def lines_of(view, direction="LR"):
    return [line.strip() for line in body(view, direction)]


def test_values_are_records_and_operations_circles_as_in_micrograd():
    """Side by side in both directions: a record turns with the graph."""
    across, down = lines_of(view_of()), lines_of(view_of(), "TB")
    assert any(line.startswith('b2 [shape=record label="{ data\\ 9 | grad\\ 1 }"') for line in across)
    assert any(line.startswith('b2 [shape=record label="data\\ 9 | grad\\ 1"') for line in down)
    assert any(line.startswith('b1 [shape=circle label="*"') for line in across)
    assert across[0].startswith("rankdir=LR ")
    assert down[0].startswith("rankdir=TB ")


def test_an_operand_used_twice_has_two_wires():
    assert lines_of(view_of()).count("b0 -> b1") == 2


def test_shades_and_tones_colour_the_boxes():
    """A shade comes before the tone."""
    fills = {line.split()[0]: line.split('fillcolor="')[1][:7] for line in lines_of(view_of()) if "fillcolor" in line}
    assert fills["b2"] == shaded(-0.5)
    assert {box: fills[box] for box in ("b0", "b1", "b4", "b6", "b7")} == {
        box: TONES[tone][0] for box, tone in (("b0", "leaf"), ("b1", "operation"), ("b4", "module"), ("b6", "root"),
                                              ("b7", "unreached"))}


def test_arrays_are_tables_of_coloured_cells():
    """As large as the array, at most 12 each way; the strongest colour for the largest element; grey for nan."""
    def cells(array):
        box = Box(0, VALUE, "x", ("data",), -1, -1, RESULT, picture=picture(np.asarray(array)))
        line, = lines_of(View(graph_of(), (box,), (), ()))[3:]
        return [row.split('BGCOLOR="')[1:] for row in line.split("<TR>") if "WIDTH" in row]

    small = cells([[1.0, -2.0, np.nan], [0.0, np.inf, 2.0]])
    assert [[cell[:7] for cell in row] for row in small] == [
        [shaded(0.5), shaded(-1.0), NO_NUMBER], [shaded(0.0), shaded(1.0), shaded(1.0)]]
    assert np.shape(cells(np.ones((100, 50)))) == (12, 12)
    assert np.shape(cells(np.ones(3))) == (1, 3)
    assert cells(3.0) == []
    assert cells(np.ones((0, 3))) == []


def test_the_caption_stands_below_in_short_lines():
    """Whole; a drawing without a caption has no label."""
    caption = "of 5,775 nodes 46 are shown: modules are folded to depth 2, " * 3
    *_, last = lines_of(view_of(caption=caption))
    shown = last.removeprefix('label="').removesuffix('" labelloc=b').split("\\n")
    assert " ".join(shown) == caption.strip()
    assert max(map(len, shown)) <= 60 < len(caption)
    assert not [line for line in lines_of(view_of()) if line.startswith("label=")]


def test_bundles_and_stacks_say_how_many_they_are():
    """With a thick wire, and a double frame."""
    lines = lines_of(view_of())
    assert 'b2 -> b4 [label="\N{MULTIPLICATION SIGN}3" penwidth=2]' in lines
    assert any("b4 " in line and "\N{MULTIPLICATION SIGN}16" in line and "peripheries=2" in line for line in lines)
    assert any(line.startswith("subgraph cluster_0 ") and "\N{MULTIPLICATION SIGN}4" in line for line in lines)
    assert Wire(0, 1).count == 1
