"""A scalar and an array autograd engine on one table of derivative rules.

>>> import tinygrad_edu as tg
>>> x = tg.Value(2.0)
>>> y = x * x + 3 * x
>>> y.backward()
>>> y.data, x.grad
(10.0, 7.0)
"""

import importlib as _importlib
import typing as _typing

from . import data, errors, nn, optim
from . import display as _display
from .errors import TinygradError
from .modes import detect_anomaly, enable_grad, no_grad
from .ops import (
    TABLE,
    abs,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    argmax,
    argmin,
    argsort,
    astype,
    broadcast_to,
    clip,
    concatenate,
    cos,
    cosh,
    cumsum,
    default_dtype,
    diagonal,
    divide,
    dot,
    einsum,
    elu,
    exp,
    expand_dims,
    expm1,
    flip,
    gelu,
    getitem,
    leaky_relu,
    linalg,
    log,
    log1p,
    log2,
    log10,
    log_softmax,
    logaddexp,
    logsumexp,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    moveaxis,
    multiply,
    negative,
    norm,
    operation,
    outer,
    pad,
    power,
    prod,
    ravel,
    reciprocal,
    relu,
    repeat,
    reshape,
    roll,
    scatter,
    seed,
    set_default_dtype,
    sigmoid,
    sign,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    split,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    subtract,
    sum,
    swapaxes,
    take_along_axis,
    tan,
    tanh,
    tensordot,
    tile,
    trace,
    transpose,
    tril,
    triu,
    var,
    weighted_sum,
    where,
    windows,
)
from .tensor import Tensor
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .value import Value

__version__ = "0.1.0"

_LATE = {"plots": "plots", "testing": "testing", "training": "training",
         **dict.fromkeys(("generators", "load", "save"), "saving"),
         **dict.fromkeys(("explaining", "explain"), "explaining"),
         **dict.fromkeys(("Callback", "EarlyStopping", "History", "evaluate", "fit"), "training"),
         "play": "player", "viz": "viz", **dict.fromkeys(("Drawing", "draw", "draw_dot"), "viz")}
"""What is loaded when it is first asked for, and where it is."""

if _typing.TYPE_CHECKING:
    from . import explaining as explaining
    from . import plots as plots
    from . import testing as testing
    from . import training as training
    from . import viz as viz
    from .explaining import explain as explain
    from .player import play as play
    from .saving import generators as generators
    from .saving import load as load
    from .saving import save as save
    from .training import Callback as Callback
    from .training import EarlyStopping as EarlyStopping
    from .training import History as History
    from .training import evaluate as evaluate
    from .training import fit as fit
    from .viz import Drawing as Drawing
    from .viz import draw as draw
    from .viz import draw_dot as draw_dot
else:
    def __getattr__(name):
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = _importlib.import_module(f"{__name__}.{_LATE[name]}")
        return module if name == _LATE[name] else getattr(module, name)


def _node_bundle(node: _typing.Any) -> dict[str, _typing.Any]:
    """What a notebook shows of a node; what makes it is loaded when the first one is shown."""
    shown: dict[str, _typing.Any] = _importlib.import_module(f"{__name__}.viz.reprs").node_bundle(node)
    return shown


def _error_bundle(error: _typing.Any) -> dict[str, _typing.Any]:
    """The same of an error."""
    shown: dict[str, _typing.Any] = _importlib.import_module(f"{__name__}.viz.reprs").error_bundle(error)
    return shown


_display.READERS |= {"node": _node_bundle, "error": _error_bundle}


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})


__all__ = [
    "TABLE",
    "Tensor",
    "TinygradError",
    "Value",
    "abs",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "argsort",
    "astype",
    "broadcast_to",
    "clip",
    "concatenate",
    "cos",
    "cosh",
    "cumsum",
    "data",
    "default_dtype",
    "detect_anomaly",
    "diagonal",
    "divide",
    "dot",
    "einsum",
    "elu",
    "enable_grad",
    "errors",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "gelu",
    "generators",
    "getitem",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "leaky_relu",
    "linalg",
    "load",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "negative",
    "nn",
    "no_grad",
    "norm",
    "operation",
    "optim",
    "outer",
    "pad",
    "power",
    "prod",
    "ravel",
    "reciprocal",
    "relu",
    "repeat",
    "reshape",
    "roll",
    "save",
    "scatter",
    "seed",
    "set_default_dtype",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "swapaxes",
    "take_along_axis",
    "tan",
    "tanh",
    "tensordot",
    "tile",
    "trace",
    "transpose",
    "tril",
    "triu",
    "value_and_grad",
    "var",
    "vjp",
    "weighted_sum",
    "where",
    "windows",
]
