"""The tour as its reader meets it: in a process of its own, from the first line to the exit code."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import __main__ as tour

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(tg.__file__).parent.parent), "PYTHONIOENCODING": "ascii"}


def run(*command):
    """The tour's process, ended."""
    return subprocess.run([sys.executable, *command], env=ENVIRONMENT, capture_output=True, text=True, check=False)


def test_the_quick_tour_ends_with_the_accuracy():
    """Exit code 0, three parts, and as the last line of stdout the accuracy; the progress bar is on stderr."""
    ended = run("-m", "tinygrad_edu", "--quick", "--seed", "1")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    found = re.fullmatch(r"digits test accuracy: (\d+\.\d) %", lines[-1])
    assert found
    assert float(found[1]) > 90.0
    assert [line[:2] for line in lines if re.match(r"\d\. ", line)] == ["1.", "2.", "3."]
    assert "training: 100%" in ended.stderr
    assert "training" not in ended.stdout


def test_seed_0_reads_97_percent_of_the_digits(capsys):
    """On the split default_rng(0).permutation(1797), first 1350 for training; the table adds up to the 447 others."""
    from tqdm import tqdm

    tour.learn_the_digits(*tg.data.load_digits(), np.random.default_rng(0), epochs=60, progress=tqdm)
    lines = capsys.readouterr().out.splitlines()
    assert float(lines[-1].split()[3]) >= 97.0
    counts = np.array([[int(n) for n in line.replace(".", "0").split()[1:]] for line in lines[-12:-2]])
    assert counts.sum() == 447
    assert f"{100.0 * counts.trace() / 447:.1f}" == lines[-1].split()[3]


def test_the_same_seed_tells_the_same_story(capsys):
    """Part 2 draws data and weights from the generator alone, and learns: the loss falls."""
    stories = []
    for _ in range(2):
        tour.learn_the_moons(np.random.default_rng(5), steps=5)
        stories.append(capsys.readouterr().out)
    assert stories[0] == stories[1]
    losses = [float(x) for x in re.findall(r"loss (\S+)", stories[0])]
    assert losses[-1] < losses[0]


def test_the_first_part_shows_gradients_that_agree_with_calculus(capsys):
    """d/da, d/db, d/dc of a tanh(a b + c) at (2, -3, 6.5), by backward() and by differences, beside each other."""
    tour.differentiate_an_expression()
    rows = [line.split()[1:] for line in capsys.readouterr().out.splitlines() if re.match(r"  dy/d[abc]", line)]
    t = np.tanh(0.5)
    for row, slope in zip(rows, (t - 6.0 * (1.0 - t * t), 4.0 * (1.0 - t * t), 2.0 * (1.0 - t * t)), strict=True):
        assert [float(x) for x in row] == pytest.approx([slope, slope], abs=2e-8)


def test_the_listing_shows_a_shared_node_once_in_full():
    """What occurs again is marked and not unfolded, so a graph with many paths stays short."""
    x = tg.Value(1.0, "x")
    for _ in range(40):
        x = x + x
    x.backward()
    lines = tour.listing(x)
    assert len(lines) == 81
    assert sum(line.endswith("(again)") for line in lines) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT can be sent to one process there")
def test_ctrl_c_leaves_with_one_line():
    """Exit code 130 and no traceback."""
    def heard():  # a job in the background of a shell would inherit that Ctrl-C is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen([sys.executable, "-m", "tinygrad_edu"], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, preexec_fn=heard) as process:
        for line in process.stdout:
            if line.startswith("2."):
                break
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate()
    assert process.returncode == 130
    assert complaint.split("\n") == ["", "Interrupted. Come back any time.", ""]


@pytest.mark.parametrize("module", ["tqdm", "sklearn", "sklearn.datasets"])
def test_a_missing_extra_is_one_line_and_exit_code_1(module):
    """Told before the first part, on stderr, with the pip command."""
    ended = run("-c", f"import sys; sys.modules[{module!r}] = None; from tinygrad_edu.__main__ import main; "
                      "sys.exit(main([]))")
    assert ended.returncode == 1
    assert re.fullmatch(r"tinygrad-edu: \S+ is not installed; run: pip install 'tinygrad_edu\[tour\]'\n", ended.stderr)
    assert "1." not in ended.stdout


@pytest.mark.parametrize("option", ["--seed=-1", "--seed=x", "--slow", "more"])
def test_wrong_options_are_usage_errors(option, capsys):
    """argparse's exit code 2 and one line of complaint."""
    with pytest.raises(SystemExit) as caught:
        tour.main([option])
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_names_the_options(capsys):
    """Exit code 0, and both options with their meaning."""
    with pytest.raises(SystemExit) as caught:
        tour.main(["--help"])
    assert caught.value.code == 0
    assert {"--seed", "--quick"} <= set(capsys.readouterr().out.split())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close otherwise there")
def test_a_reader_that_leaves_is_no_crash():
    """As with `| head`: no traceback."""
    with subprocess.Popen([sys.executable, "-m", "tinygrad_edu", "--quick"], env=ENVIRONMENT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in complaint
