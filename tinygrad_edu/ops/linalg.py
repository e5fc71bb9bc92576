"""Linear algebra, under the names of `numpy.linalg`."""

from .fused import det, inv, solve
from .products import matmul
from .statistics import norm

__all__ = ["det", "inv", "matmul", "norm", "solve"]
