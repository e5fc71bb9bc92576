"""`explain`: why a gradient is the number that it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DataError
from ..node import Node
from ..viz.naming import caller_names, names_among
from .assembling import assembled
from .explanation import Explanation
from .ways import Ways

MOST = 10_000
"""So many paths can be asked for; a graph may have more of them than there is memory."""


def explain(node: Any, wrt: Any, *, paths: int = 8, names: Any = None, gradient: Any = None) -> Explanation:
    """The gradient of `node` by `wrt` as a derivation: by the chain rule, in symbols and in numbers.

    It is the sum, over all paths of the graph from one to the other, of the products of the local derivatives.
    Where it is None, 0 or small, the nodes that make it so are named, also where `backward` would refuse, as the result
    is a constant. Reads and writes no `.grad`, and calls no hook.

    Args:
        node: the result.
        wrt: what it is differentiated by.
        paths: how many of the paths are shown, the largest first.
        names: a dict of variables to take names from, such as ``locals()``; by default the caller's.
        gradient: as in `backward`: the cotangent to start from; needed where the node is not a single number.

    Raises:
        DataError: `node` or `wrt` is no node, or `paths` no number from 1 to 10,000.
        ShapeError: the node is not a single number, and there is no `gradient` of its shape.
        StaleGraphError: a leaf has changed since the graph was recorded.
        AnomalyError: as in `backward`.

    >>> from tinygrad_edu import Value, tanh
    >>> a, b, c = Value(2.0), Value(-3.0), Value(6.0)
    >>> L = tanh(a * b + c)
    >>> explain(L, a)
    dL/da = dL/dv2 * dv2/dv1 * dv1/da
          = 1 * 1 * -3
          = -3
    <BLANKLINE>
    where
      L = tanh(v2) = 0   dL/dv2 = 1 - L * L = 1
      v2 = v1 + c = 0    dv2/dv1 = 1
      v1 = a * b = -6    dv1/da = b = -3
      a = 2
    """
    for x, which in ((node, "the result"), (wrt, "what to differentiate by")):
        _check_node(x, which)
    if not isinstance(paths, int) or isinstance(paths, bool) or not 1 <= paths <= MOST:
        raise DataError(f"explain: paths must be a whole number from 1 to {MOST:,}, not {paths!r:.60}")
    if names is not None and not isinstance(names, Mapping):
        raise DataError("explain: names must be a dict from names to nodes, such as locals(), not "
                        f"{type(names).__name__}")
    variables = caller_names(sys._getframe(1)) if names is None else names_among(names)
    seed = node.seed(gradient) if node.requires_grad else None
    with np.errstate(all="ignore"):
        return assembled(Ways(node, wrt), seed, paths, variables)


def _check_node(x: Any, which: str) -> None:
    if isinstance(x, Node):
        return
    if isinstance(x, (list, tuple, dict)):
        hint = "explain one after the other" if which != "the result" else "explain one of them, or their sum"
    elif isinstance(x, (int, float, np.ndarray, np.generic)):
        hint = "a plain number or array is a constant of the graph; make it a Value or Tensor before it is used"
    else:
        hint = "nodes are what operations on Values and Tensors give"
    raise DataError(f"explain: {which} must be a Value or Tensor, not {x!r:.60}; {hint}")
