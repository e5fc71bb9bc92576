"""For pytest: failures of a gradient as students and graders can read them.

Put ``pytest_plugins = ["tinygrad_edu.testing.plugin"]`` into conftest.py, or run
``pytest -p tinygrad_edu.testing.plugin``. Then

- a test that fails with a `GradientError` shows the test's own line and what is wrong, without the frames between;
- the run ends with a table of the gradients that are wrong, one line each, and with ``--junitxml`` each carries its
  cause as a property ``gradient_cause``;
- tests may ask for the fixture ``gradcheck``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from ..errors import GradientError
from ..extras import extra
from .diagnosis import indexed
from .gradients import gradcheck as check_gradients

pytest = extra("pytest", "testing")


def _gradcheck() -> Callable[..., bool]:
    """`tinygrad_edu.testing.gradcheck`, as a fixture."""
    return check_gradients


gradcheck = pytest.fixture(name="gradcheck")(_gradcheck)


@pytest.hookimpl(wrapper=True)  # type: ignore[untyped-decorator] # pytest is an optional dependency
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, Any]:
    """Put what is wrong in the place of the traceback."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, GradientError):
        report.longrepr = f"{_own_line(item, call.excinfo)}\n{error}"
        item.user_properties.append(("gradient_cause", error.cause or "unknown"))
        report.gradient = _in_short(error)
    return report


def _in_short(error: GradientError) -> str:
    """What is wrong, in one line."""
    if error.cause is None:
        return str(error).partition("\n")[0]
    return f"{error.input}{indexed(error.element)}: {error.cause}" if error.input else error.cause


def _own_line(item: Any, excinfo: Any) -> str:
    """The innermost line of the test's own file on the way to the failure."""
    own = [entry for entry in excinfo.traceback if Path(str(entry.path)) == Path(str(item.path))]
    return f"{item.path.name}:{own[-1].lineno + 1}: {str(own[-1].statement).strip()}" if own else str(item.nodeid)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each gradient that is wrong."""
    wrong = [report for report in terminalreporter.stats.get("failed", []) if hasattr(report, "gradient")]
    if wrong:
        terminalreporter.section("gradients")
        for report in wrong:
            terminalreporter.write_line(f"{report.nodeid}  {report.gradient}")
