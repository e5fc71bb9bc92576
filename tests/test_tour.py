"""The tour as its reader meets it: in a process of its own, from the first line to the exit code."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from report_reader import read

import tinygrad_edu as tg
from tinygrad_edu import __main__ as tour
from tinygrad_edu.tour import digits, expression, moons

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(tg.__file__).parent.parent), "PYTHONIOENCODING": "ascii"}


def run(folder, *command):
    """The tour's process, ended."""
    return subprocess.run([sys.executable, *command], env=ENVIRONMENT, capture_output=True, text=True, check=False,
                          cwd=folder)


def counts_of(lines):
    """The numbers of a confusion table of text."""
    return np.array([[int(n) for n in line.replace(".", "0").split()[1:]] for line in lines])


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The quick tour, ended, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("quick")
    return run(folder, "-m", "tinygrad_edu", "--quick", "--seed", "1"), folder


def test_the_quick_tour_ends_with_the_accuracy(quick):
    """Exit code 0, five parts, three networks compared, and last on stdout the accuracy; the bars are on stderr."""
    ended, _ = quick
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert [line[:2] for line in lines if re.match(r"\d\. ", line)] == ["1.", "2.", "3.", "4.", "5."]
    found = re.fullmatch(r"digits test accuracy: (\d+\.\d) %", lines[-1])
    assert found
    assert float(found[1]) > 90.0
    counts = counts_of(lines[-13:-3])
    assert counts.sum() == 447
    assert f"{100.0 * counts.trace() / 447:.1f}" == found[1]
    rows = re.findall(r"^  (perceptron|convolutional network|LSTM) +([\d,]+) +(\d+\.\d) % +\d+\.\d$", ended.stdout,
                      re.MULTILINE)
    assert [(name, size) for name, size, _ in rows] == [
        ("perceptron", "50,826"), ("convolutional network", "9,930"), ("LSTM", "19,594")]
    assert rows[1][2] == found[1]
    assert min(float(accuracy) for _, _, accuracy in rows) > 85.0
    assert re.findall(r"of the test, (\d+\.\d) %", ended.stdout) == [accuracy for _, _, accuracy in rows]
    assert len(re.findall(r"a (\d), read as (?!\1)\d", ended.stdout)) >= 3  # of the four hardest
    assert ended.stderr.count("training: 100%") >= 3
    assert "training:" not in ended.stdout


def test_the_quick_tour_leaves_a_report_and_says_where(quick):
    """The line before the last names it; it is all that is left; its numbers are those of the tour."""
    ended, folder = quick
    path = folder / "tinygrad-edu-report.html"
    assert [found.name for found in folder.iterdir()] == [path.name]
    lines = ended.stdout.splitlines()
    assert lines[-2].endswith(str(path))
    page = read(path.read_text(encoding="utf-8"))
    assert page.complaints == []
    assert page.headings == ["The tour of tinygrad_edu", "The gradients of an expression", "The same, step by step",
                             "Three networks read digits", "Perceptron", "Convolutional network", "LSTM",
                             "The answers of the convolutional network", "What it read wrongly"]
    networks, confusion = page.tables
    told = re.findall(r"^  (perceptron|convolutional network|LSTM) +([\d,]+) +(\d+\.\d %) +(\d+\.\d)$", ended.stdout,
                      re.MULTILINE)
    assert [(row[0], row[1], row[3], row[5]) for row in networks[1:]] == told
    counts = np.array(confusion[1:], int)
    assert np.array_equal(counts[:, 0], np.arange(10))
    assert np.array_equal(counts[:, 1:], counts_of(lines[-13:-3]))
    mistakes = np.zeros((10, 10), int)
    for digit, answer in re.findall(r"a (\d), read as (\d)", " ".join(page.figures)):
        mistakes[int(digit), int(answer)] += 1
    assert np.array_equal(mistakes + np.diag(np.diag(counts[:, 1:])), counts[:, 1:])  # each that was read wrongly
    assert [int(row[4]) for row in networks[1:]][1] == mistakes.sum() > 0
    assert "--quick" in page.text
    player = read(page.frames[0])
    assert player.complaints == []
    assert "Play" in player.source


def test_seed_0_reads_97_percent_of_the_digits(capsys):
    """On the split default_rng(0).permutation(1797), first 1350 for training, in a fraction of the tour's epochs."""
    report = digits.learn(digits.CNN, np.random.default_rng(0), epochs=8)
    _, labels = tg.data.load_digits()
    assert np.array_equal(report.digits, labels[np.random.default_rng(0).permutation(1797)[1350:]])
    assert report.accuracy >= 0.97
    assert report.accuracy == np.mean(report.scores.argmax(axis=1) == report.digits)
    assert digits.CNN.epochs >= 8
    assert f"of the test, {100.0 * report.accuracy:.1f} %" in capsys.readouterr().out


def test_the_hardest_digits_are_those_read_wrongly():
    """First the one whose wrong answer leads by most, then what was almost read so; more ink is drawn darker."""
    truth, scores = np.array([0, 1, 2, 3]), np.eye(10)[[0, 7, 2, 3]]
    scores[3, 5], scores[1, 7], scores[2, 4] = 4.0, 2.0, 0.5  # 3 is read as 5 by a lead of 3, 1 as 7 by one of 2
    images = np.zeros((4, 8, 8))
    images[3, 0, 0] = 1.0
    report = digits.Report(digits.CNN, 0, 0.0, images, truth, scores)
    lines = digits.hardest(report, count=3)
    assert re.fullmatch("a 3, read as 5 +a 1, read as 7 +a 2, read as 2", lines[-1])
    assert lines[0] == "@@"
    assert len(lines) == 9


def test_noise_is_for_training_alone():
    """Of deviation 0.15 then, and none after eval()."""
    x = np.full((100, 100), 0.5)
    noise = digits.Noise(np.random.default_rng(0))
    shaken = noise(x) - x
    assert abs(shaken.mean()) < 0.01
    assert shaken.std() == pytest.approx(0.15, rel=0.05)
    assert np.array_equal(noise.eval()(x), x)


def test_the_loss_cannot_fall_below_a_half():
    """The cross entropy of 0.91, 0.01, ... 0.01 is at least its entropy, 0.50; sure answers cost more."""
    target = np.full(10, 0.01)
    target[3] = 0.91
    least = -np.sum(target * np.log(target))
    assert f"{least:.2f}" == "0.50"
    assert digits.loss(tg.Tensor(np.log(target)[None]), np.array([3])).item() == pytest.approx(least, rel=1e-12)
    assert digits.loss(tg.Tensor(1000.0 * target[None]), np.array([3])).item() > least


def test_the_same_seed_tells_the_same_story(capsys):
    """Part 2 draws data and weights from the generator alone, and learns: the loss falls."""
    stories = []
    for _ in range(2):
        moons.learn_the_moons(np.random.default_rng(5), steps=5)
        stories.append(capsys.readouterr().out)
    assert stories[0] == stories[1]
    losses = [float(x) for x in re.findall(r"loss (\S+)", stories[0])]
    assert losses[-1] < losses[0]


def test_the_first_part_shows_gradients_that_agree_with_calculus(capsys):
    """d/da, d/db, d/dc of a tanh(a b + c) at (2, -3, 6.5), by backward() and by differences, beside each other."""
    expression.differentiate_an_expression()
    rows = [line.split()[1:] for line in capsys.readouterr().out.splitlines() if re.match(r"  dy/d[abc]", line)]
    t = np.tanh(0.5)
    for row, slope in zip(rows, (t - 6.0 * (1.0 - t * t), 4.0 * (1.0 - t * t), 2.0 * (1.0 - t * t)), strict=True):
        assert [float(x) for x in row] == pytest.approx([slope, slope], abs=2e-8)


def test_the_first_part_shows_the_graph_with_data_and_gradients(capsys):
    """Each node above what it was made from; a, which comes again, is marked; the numbers are those of calculus."""
    expression.differentiate_an_expression()
    lines = capsys.readouterr().out.splitlines()
    start = lines.index(next(line for line in lines if re.fullmatch(r"  node +data +grad", line))) + 1
    found = [re.fullmatch(r"  ( *)(.*?) +(\S+)  +(\S+)( +again)?", line) for line in lines[start:start + 8]]
    assert lines[start + 8] == ""
    t = np.tanh(0.5)
    d = 1.0 - t * t
    by_a = t - 6.0 * d
    expected = [(0, "y = *", 2.0 * t, 1.0), (1, "a", 2.0, by_a), (1, "tanh", t, 2.0), (2, "+", 0.5, 2.0 * d),
                (3, "*", -6.0, 2.0 * d), (4, "a", 2.0, by_a), (4, "b", -3.0, 4.0 * d), (3, "c", 6.5, 2.0 * d)]
    assert [(len(row[1]) // 2, row[2]) for row in found] == [(depth, name) for depth, name, _, _ in expected]
    for row, (_, _, data, grad) in zip(found, expected, strict=True):
        assert (float(row[3]), float(row[4])) == (pytest.approx(data, rel=2e-4), pytest.approx(grad, rel=2e-4))
    assert [row[5] is not None for row in found] == [place == 5 for place in range(8)]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT can be sent to one process there")
@pytest.mark.parametrize("place", ["2. A network of single numbers", "| 1/5 "])
def test_ctrl_c_leaves_with_one_line(place, tmp_path):
    """Exit code 130 and no traceback: in a loop of the tour's own, and when tg.fit, after an epoch, hears it first."""
    def heard():  # a job in the background of a shell would inherit that Ctrl-C is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen([sys.executable, "-m", "tinygrad_edu", "--quick"], env=ENVIRONMENT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0, preexec_fn=heard, cwd=tmp_path) as process:
        said = b""
        while place.encode() not in said:
            said += process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []  # no report, nor half of one
    assert rest.endswith("\nInterrupted. Come back any time.\n")
    assert "Traceback" not in rest
    assert "4. " not in rest
    assert ("Stopped by Ctrl-C" in rest) == (place == "| 1/5 ")


@pytest.mark.parametrize("module", ["tqdm", "sklearn", "sklearn.datasets", "threadpoolctl", "matplotlib"])
def test_a_missing_extra_is_one_line_and_exit_code_1(module, tmp_path):
    """Told before the first part, on stderr, with the pip command."""
    ended = run(tmp_path, "-c", f"import sys; sys.modules[{module!r}] = None; from tinygrad_edu.__main__ import main; "
                      "sys.exit(main([]))")
    assert ended.returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert re.fullmatch(r"tinygrad-edu: \S+ is not installed; run: pip install 'tinygrad_edu\[tour\]'\n", ended.stderr)
    assert "1." not in ended.stdout


@pytest.mark.parametrize("option", ["--seed=-1", "--seed=x", "--slow", "more", "--report=/no/such/folder/x.html"])
def test_wrong_options_are_usage_errors(option, capsys):
    """argparse's exit code 2 and one line of complaint."""
    with pytest.raises(SystemExit) as caught:
        tour.main([option])
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_names_the_options(capsys):
    """Exit code 0, and all options with their meaning."""
    with pytest.raises(SystemExit) as caught:
        tour.main(["--help"])
    assert caught.value.code == 0
    assert {"--seed", "--quick", "--report", "--no-report"} <= set(capsys.readouterr().out.split())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close otherwise there")
def test_a_reader_that_leaves_is_no_crash(tmp_path):
    """As with `| head`: no traceback."""
    with subprocess.Popen([sys.executable, "-m", "tinygrad_edu", "--quick"], env=ENVIRONMENT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in complaint
