"""How many examples hypothesis draws: HYPOTHESIS_PROFILE=default, ci (the same examples every time) or nightly.

And the fixtures for tests that register operations, and for those that plot.
"""

import os

import pytest
from hypothesis import settings

import tinygrad_edu as tg

EXAMPLES = 15

settings.register_profile("default", max_examples=EXAMPLES, deadline=None)
settings.register_profile("ci", max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
settings.register_profile("nightly", max_examples=10 * EXAMPLES, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture
def restored_table():
    """The operation table as it was, after a test that registers rows of its own."""
    before = dict(tg.TABLE)
    yield
    tg.TABLE.clear()
    tg.TABLE.update(before)


@pytest.fixture
def no_screen():
    """Figures without a window; all are closed afterwards."""
    import matplotlib as mpl  # here, as tests of a browser or of the core alone are run without it
    import matplotlib.pyplot as plt

    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    plt.close("all")
    mpl.use(before)
