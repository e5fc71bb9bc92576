"""Playing: a graph's forward and backward pass step by step, on a web page that needs nothing but a browser."""

from .player import Player, play

__all__ = ["Player", "play"]
