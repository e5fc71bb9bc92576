"""Wrong rules and the errors that they lead to, for the tests of gradcheck."""

import numpy as np
import pytest

from tinygrad_edu.ops.row import Elementwise
from tinygrad_edu.testing import GradientError, gradcheck

X = np.random.default_rng(0).normal(size=(3, 4))
W = np.random.default_rng(1).normal(size=(4, 2))


def unlisted(name, derivative, function=lambda x: x * x):
    """An elementwise row outside of the table, with a derivative of one's own."""
    return Elementwise(name, lambda x: float(function(x)), function, derivative, domain=[[(-2.0, 2.0)]],
                       listed=False, doc="")


def failure(function, *inputs, **options):
    """The error that a wrong gradient raises."""
    with pytest.raises(GradientError) as caught:
        gradcheck(function, *inputs, **options)
    return caught.value
