"""The report of the tour: what the page holds of made-up results, and which files are never overwritten."""

import base64
import hashlib
import os
import re

import matplotlib as mpl
import numpy as np
import pytest
from report_reader import read

import tinygrad_edu as tg
from tinygrad_edu import __main__ as tour
from tinygrad_edu.saving import atomic
from tinygrad_edu.tour import digits, report


def network(name):
    return digits.Network(name, "flat", digits.perceptron, 1e-3, 2, 1, "words")


def result(answers, truth, name="perceptron", lead=3.0):
    """What a network that gave these answers comes to; all images are black at one pixel."""
    scores = np.zeros((len(truth), 10))
    scores[np.arange(len(truth)), answers] = lead
    images = np.zeros((len(truth), 8, 8))
    images[:, 2, 5] = 1.0
    history = tg.History([{"loss": 2.0, "accuracy": 0.25, "lr": 0.1}, {"loss": 1.0, "accuracy": 0.75, "lr": 0.1}])
    return digits.Report(network(name), 1234, 1.5, images, np.array(truth), scores, history)


def made(*reports, shown=0, command="tinygrad-edu"):
    """The page of these results."""
    a = tg.Value(2.0, "a")
    y = a * a
    y.backward()
    return report.report_page(y, reports, reports[shown], command, 7)


def test_the_mistakes_are_listed_the_greatest_first():
    """By the lead of the wrong answer over the right one; what was read rightly is not among them."""
    found = result([1, 2, 3, 4], [1, 7, 3, 0])
    found.scores[3, 4] = 5.0
    assert report.mistakes(found).tolist() == [3, 1]
    page = read(made(found))
    assert page.complaints == []
    assert re.findall(r"a \d, read as \d", " ".join(page.figures)) == ["a 0, read as 4", "a 7, read as 2"]
    chance = 100.0 / (1.0 + 9.0 * np.exp(-5.0))
    assert f"4 has {chance:.0f}\N{NO-BREAK SPACE}%" in page.text
    assert page.source.count('class="ink"') == 2
    assert 'fill-opacity="1" d="M5 2h1v1h-1z"' in page.source


def test_a_network_without_mistakes_is_a_page_too():
    page = read(made(result([1, 2], [1, 2])))
    assert page.complaints == []
    assert "Nothing." in page.text
    assert "100.0 %" in page.text


def test_each_network_has_a_row_and_curves():
    page = read(made(result([1, 2], [1, 3]), result([1, 2], [1, 2], "CNN"), shown=1))
    assert page.complaints == []  # the ids of the pictures are each its own
    assert page.tables[0][1:] == [["perceptron", "1,234", "2", "50.0 %", "1", "1.5"],
                                  ["CNN", "1,234", "2", "100.0 %", "0", "1.5"]]
    assert page.headings[4:6] == ["Perceptron", "CNN"]
    assert page.source.count("the loss from 2.000 to 1.000, the accuracy on training digits with noise from 25.0 % to "
                             "75.0 %") == 2
    assert np.diag(np.array(page.tables[1][1:], int)[:, 1:]).tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_the_page_is_the_same_each_time():
    """No date, no random id; nothing of the machine but the seconds."""
    found = result([1, 2, 3], [1, 7, 3])
    assert made(found) == made(found)


def test_hostile_names_are_shown_and_never_run():
    evil = '</section><script>alert(1)</script><img src="http://x/y" onerror=z>${seed}'
    page = read(made(result([1, 2], [1, 3], evil), command=evil))
    assert page.complaints == []
    assert page.scripts == 0
    assert "<script>alert" in page.text
    assert "${seed}" in page.text


def test_the_only_program_that_may_run_is_the_players():
    """The page's policy allows one hash, that of the script in the frame, which obeys both policies."""
    page = read(made(result([1, 2], [1, 3])))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.source)[1]
    program, = re.findall(r"<script>(.*?)</script>", page.frames[0], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    assert policy == (f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:")
    assert page.scripts == 0
    assert "http" not in page.source.replace(re.search(r'srcdoc="[^"]*"', page.source)[0], "").replace("http-equiv", "")
    assert read(page.frames[0]).scripts == 1


def test_matplotlib_is_left_as_it_was():
    before = dict(mpl.rcParams)
    made(result([1, 2], [1, 3]))
    assert dict(mpl.rcParams) == before


def test_only_reports_are_overwritten(tmp_path):
    path = tmp_path / "page.html"
    assert report.refusal(path) == ""
    page = made(result([1, 2], [1, 3]))
    report.write(path, page)
    assert path.read_text(encoding="utf-8") == page
    report.write(path, page + "\n")
    assert path.read_text(encoding="utf-8") == page + "\n"
    path.write_text("<html>a work of years</html>")
    assert "is no report" in report.refusal(path)
    with pytest.raises(OSError, match="is no report"):
        report.write(path, page)
    assert path.read_text() == "<html>a work of years</html>"
    assert [found.name for found in tmp_path.iterdir()] == ["page.html"]
    assert "is not a file" in report.refusal(tmp_path)
    assert "there is no folder" in report.refusal(tmp_path / "none" / "page.html")


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    """Ctrl-C in the midst of writing, or a full disk: the old bytes, and no partial file."""
    path = tmp_path / "page.html"
    report.write(path, made(result([1, 2], [1, 3])))
    before = path.read_bytes()
    for kind in (KeyboardInterrupt, OSError):
        def fail(*_, kind=kind):
            raise kind

        monkeypatch.setattr(atomic.os, "fsync", fail)
        with pytest.raises(kind):
            report.write(path, report.MARK)
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def short(monkeypatch, tmp_path):
    """The tour, in a folder of its own, with networks that have learned already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tour, "learn_the_moons", lambda *_, **__: None)
    results = [result([1, 2], [1, 3], name) for name in ("a", "b", "c")]
    monkeypatch.setattr(tour, "read_the_digits", lambda *_: results)
    return tmp_path


def test_the_last_line_is_the_accuracy_with_a_report_and_without(short, capsys):
    assert tour.main(["--report", "mine.html", "--seed", "3"]) == 0
    *_, where, last = capsys.readouterr().out.splitlines()
    assert where.endswith(str(short / "mine.html"))
    assert last == "digits test accuracy: 50.0 %"
    assert "tinygrad-edu --seed 3" in (short / "mine.html").read_text(encoding="utf-8")
    assert tour.main(["--no-report"]) == 0
    *_, empty, last = capsys.readouterr().out.splitlines()
    assert (empty, last) == ("", "digits test accuracy: 50.0 %")
    assert [found.name for found in short.iterdir()] == ["mine.html"]


def test_a_foreign_file_of_the_usual_name_stays(short, capsys):
    """The tour says so at once, and goes on without; of a path that was asked for, it is a usage error."""
    (short / report.DEFAULT).write_text("mine")
    assert tour.main([]) == 0
    said = capsys.readouterr()
    assert "is no report; there will be no report" in said.err
    assert said.out.endswith("digits test accuracy: 50.0 %\n")
    with pytest.raises(SystemExit) as caught:
        tour.main(["--report", str(report.DEFAULT)])
    assert caught.value.code == 2
    assert "is no report" in capsys.readouterr().err
    assert (short / report.DEFAULT).read_text() == "mine"


def test_a_report_that_fails_at_the_end_costs_no_result(short, capsys, monkeypatch):
    """One line on stderr, exit code 1, and the accuracy all the same."""
    def fail(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(tour, "write", fail)
    assert tour.main([]) == 1
    said = capsys.readouterr()
    assert re.search(r"^tinygrad-edu: no report: .*No space left", said.err, re.MULTILINE)
    assert said.out.endswith("\ndigits test accuracy: 50.0 %\n")
    assert "as a page" not in said.out


def test_without_a_report_no_matplotlib_is_needed(short, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert tour.main(["--no-report"]) == 0
