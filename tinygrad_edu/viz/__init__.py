"""Seeing: graphs as pictures and text. What needs the graphviz package is loaded when it is first asked for."""

import importlib as _importlib
import typing as _typing

__all__ = ["Drawing", "draw", "draw_dot"]

_HOMES = {"Drawing": "drawing", "draw": "request", "draw_dot": "request"}

if _typing.TYPE_CHECKING:
    from .drawing import Drawing
    from .request import draw, draw_dot
else:
    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(_importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

    def __dir__():
        return sorted({*globals(), *_HOMES})
