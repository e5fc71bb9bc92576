"""Activations as modules, elementwise, (...) -> (...): functions of ops, on floats, arrays, Values and Tensors.

Softmax and LogSoftmax work along an axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..errors import UnsupportedError
from .module import Module


class ReLU(Module):
    """max(x, 0), elementwise; its derivative at 0 is 0 (Nair and Hinton, 2010).

    >>> ReLU()(-2.0), ReLU()(3.0)
    (0.0, 3.0)
    """

    def forward(self, x: Any) -> Any:
        """max(x, 0)."""
        return ops.relu(x)


class Tanh(Module):
    """tanh(x), elementwise.

    >>> Tanh()(0.0)
    0.0
    """

    def forward(self, x: Any) -> Any:
        """tanh(x)."""
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise.

    >>> Sigmoid()(0.0)
    0.5
    """

    def forward(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return ops.sigmoid(x)


class LeakyReLU(Module):
    """x where x > 0, negative_slope x elsewhere (Maas, Hannun and Ng, 2013).

    >>> LeakyReLU(0.1)(-2.0)
    -0.2
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """x or negative_slope x."""
        return ops.leaky_relu(x, self.negative_slope)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.negative_slope:g})"


class ELU(Module):
    """x where x > 0, alpha (exp(x) - 1) elsewhere (Clevert, Unterthiner and Hochreiter, 2015).

    >>> ELU()(1.5)
    1.5
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """x or alpha (exp(x) - 1)."""
        return ops.elu(x, self.alpha)

    def __repr__(self) -> str:
        return f"ELU({self.alpha:g})"


class GELU(Module):
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): x times the normal distribution function, in its tanh form.

    Hendrycks and Gimpel (2016). It is PyTorch's ``GELU(approximate="tanh")``; the other form, by erf, is not here.

    >>> GELU()(0.0)
    0.0
    """

    def __init__(self, approximate: str = "tanh") -> None:
        if approximate != "tanh":
            raise UnsupportedError(f'GELU: approximate must be "tanh", not {approximate!r}; the two differ by less '
                                   "than 0.0005")

    def forward(self, x: Any) -> Any:
        """About x times the normal distribution function."""
        return ops.gelu(x)


class SiLU(Module):
    """x / (1 + exp(-x)), also called swish (Elfwing, Uchibe and Doya, 2017).

    >>> SiLU()(0.0)
    0.0
    """

    def forward(self, x: Any) -> Any:
        """sigmoid(x) x."""
        return ops.silu(x)


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, without overflow: a smooth ReLU, the closer to it the larger beta.

    Dugas, Bengio, Belisle, Nadeau and Garcia (2001).

    >>> round(Softplus()(0.0), 4)
    0.6931
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, x: Any) -> Any:
        """log(1 + exp(beta x)) / beta."""
        return ops.softplus(x) if self.beta == 1.0 else ops.softplus(self.beta * x) / self.beta

    def __repr__(self) -> str:
        return "Softplus()" if self.beta == 1.0 else f"Softplus({self.beta:g})"


class Softmax(Module):
    """exp(x) / sum(exp(x)) along the axis `dim`: positive numbers that sum to 1; of a list of Values, a list.

    As the last layer before a loss prefer none, with ``cross_entropy``, which takes the scores as they are.

    >>> Softmax()([0.0, 0.0])
    array([0.5, 0.5])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """exp(x) / sum(exp(x))."""
        return ops.softmax(x, axis=self.dim)

    def __repr__(self) -> str:
        return f"Softmax(dim={self.dim})"


class LogSoftmax(Module):
    """x - log(sum(exp(x))) along the axis `dim`: the logarithm of the softmax, without overflow; see ``nll_loss``.

    >>> LogSoftmax()([1000.0, 1000.0])
    array([-0.69314718, -0.69314718])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """x - log(sum(exp(x)))."""
        return ops.log_softmax(x, axis=self.dim)

    def __repr__(self) -> str:
        return f"LogSoftmax(dim={self.dim})"


# ---- by name ---------------------------------------------------------------------------------------------------------

NAMED: dict[str, type[Module]] = {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid, "leaky_relu": LeakyReLU, "elu": ELU,
                                  "gelu": GELU, "silu": SiLU, "softplus": Softplus}
"""The elementwise ones, by the name of their function in ops."""


def function_of(activation: str | Callable[[Any], Any], who: str) -> Callable[[Any], Any]:
    """The function of this name; what is no name but can be called stays as it is.

    Raises:
        ValueError: no activation of this name is known.
        TypeError: it is neither a name nor a function, but perhaps the class of a module.
    """
    if isinstance(activation, str):
        if activation not in NAMED:
            raise ValueError(f"{who}: no activation {activation!r}; there are {', '.join(NAMED)}")
        function: Callable[[Any], Any] = getattr(ops, activation)
        return function
    if isinstance(activation, type) or not callable(activation):
        raise TypeError(f"{who}: activation must be a name, such as \"tanh\", or a function, not {activation!r}")
    return activation
