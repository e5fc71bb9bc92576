"""Checking gradients: what this project tests itself with, for its users."""

from ..errors import GradientError
from .gallery import GALLERY
from .gradients import gradcheck

__all__ = ["GALLERY", "GradientError", "gradcheck"]
