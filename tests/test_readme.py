"""The README says what is so: its programs run and print what stands beneath them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", README, re.DOTALL)


@pytest.mark.parametrize(("program", "printed"), BLOCKS, ids=range(len(BLOCKS)))
def test_programs_print_what_the_readme_shows(program, printed):
    """Each Python block runs by itself and prints the text block that follows it."""
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (run.stderr, run.stdout) == ("", printed)


def test_the_test_of_an_activation_passes_and_its_wrong_rule_fails_as_shown(tmp_path):
    """The README's test, run by pytest as it stands; and with its rule spoiled as the README says."""
    source, = [program for program, _ in BLOCKS if "def test_" in program]
    assert len(source.strip().splitlines()) <= 15
    assert source.count("lambda out, x: -2.0 * x * out") == README.count("`lambda out, x: out`") == 1
    spoiled = source.replace("-2.0 * x * out", "out")
    shown, = re.findall(r"```text\n(test_bell.*?)```", README, re.DOTALL)
    plain = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}  # no coverage of its own
    for name, text, failures in (("good", source, 0), ("bad", spoiled, 1)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "test_bell.py").write_text(text)
        (folder / "conftest.py").write_text('pytest_plugins = ["tinygrad_edu.testing.plugin"]')
        run = subprocess.run([sys.executable, "-m", "pytest", str(folder)], cwd=folder, env=plain,
                             capture_output=True, text=True, check=False)
        assert run.returncode == failures, run.stdout
        assert (shown in run.stdout) == bool(failures), run.stdout


def test_there_are_programs_to_run():
    """The blocks are found: the example, the training loop, fit, an explanation, the new operation, the test of one."""
    assert [bool(printed) for _, printed in BLOCKS] == [True, True, True, True, True, False]


def test_extras_named_in_the_readme_exist():
    """Every ``pip install '.[extra]'`` names an extra of pyproject.toml."""
    pyproject = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    for extra in set(re.findall(r"pip install '\.\[(\w+)\]'", README)):
        assert re.search(rf"^{extra} = \[", pyproject, re.MULTILINE), extra
