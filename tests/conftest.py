"""How many examples hypothesis draws: HYPOTHESIS_PROFILE=default, ci (the same examples every time) or nightly."""

import os

from hypothesis import settings

EXAMPLES = 15

settings.register_profile("default", max_examples=EXAMPLES, deadline=None)
settings.register_profile("ci", max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
settings.register_profile("nightly", max_examples=10 * EXAMPLES, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))
