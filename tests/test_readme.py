"""The README says what is so: its programs run and print what stands beneath them."""

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


def test_there_are_programs_to_run():
    """The blocks are found: the example, the training loop, the new operation."""
    assert len(BLOCKS) == 3
    assert [bool(printed) for _, printed in BLOCKS] == [True, True, True]


def test_extras_named_in_the_readme_exist():
    """Every ``pip install '.[extra]'`` names an extra of pyproject.toml."""
    pyproject = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    for extra in set(re.findall(r"pip install '\.\[(\w+)\]'", README)):
        assert re.search(rf"^{extra} = \[", pyproject, re.MULTILINE), extra
