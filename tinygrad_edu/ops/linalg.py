"""Linear algebra, under the names of `numpy.linalg`."""

from .composed import norm
from .fused import det, inv, solve
from .products import matmul

__all__ = ["det", "inv", "matmul", "norm", "solve"]
