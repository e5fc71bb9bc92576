"""For pytest: failures of a gradient as students and graders can read them.

Put ``pytest_plugins = ["tinygrad_edu.testing.plugin"]`` into conftest.py, or run
``pytest -p tinygrad_edu.testing.plugin``. Then

- a test that fails with a `GradientError` shows the test's own line, what is wrong, and the example that Hypothesis
  found, without the frames between;
- the run ends with a table of the gradients that are wrong, one line each, and with ``--junitxml`` each carries its
  cause as a property ``gradient_cause``;
- tests may ask for the fixture ``gradcheck``.

Hypothesis counts a slow example as a failure, and calls what fails hundreds of times to explain it, which gradcheck
does already. Homework is graded in a fraction of the time with this in conftest.py::

    from hypothesis import Phase, settings

    settings.register_profile("homework", deadline=None, phases=set(Phase) - {Phase.explain})
    settings.load_profile("homework")
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
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
    raised = list(_errors(call.excinfo.value)) if call.excinfo is not None else []
    error = next((e for e in raised if isinstance(e, GradientError)), None)
    if error is not None:
        own_line = _own_line(item, pytest.ExceptionInfo.from_exception(error))
        besides = [f"besides: {type(e).__name__}" for e in raised if e is not error]
        report.longrepr = "\n".join([own_line, str(error), *getattr(error, "__notes__", []), *besides])
        item.user_properties.append(("gradient_cause", error.cause or "unknown"))
        report.gradient = _in_short(error)
    return report


def _errors(error: BaseException) -> Iterator[BaseException]:
    """The error, or those of a group: Hypothesis raises groups, where examples fail in several ways."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _errors(part)
    else:
        yield error


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
