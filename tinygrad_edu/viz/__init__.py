"""Seeing: graphs as pictures and text."""

from .drawing import Drawing
from .request import draw, draw_dot

__all__ = ["Drawing", "draw", "draw_dot"]
