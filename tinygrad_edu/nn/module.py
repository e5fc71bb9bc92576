"""`Module`: an object that holds parameters, finds them by name, and marks the nodes recorded in its calls.

Parameters are not registered anywhere: they are found by walking the attributes, see `tree`.
"""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError
from ..modes import Mode, current_mode, restore_mode, set_mode
from ..node import Node, clock
from .families import Twinned
from .summary import Summary, summarised
from .tree import joined, nodes_of, walk

_new = object.__new__

# ---- scopes --------------------------------------------------------------------------------------------------------


class Call:
    """One call of a module: the `.scope` of the nodes recorded in it.

    Attributes:
        module: the module that was called.
        parent: the scope in which it was called, None at the outermost.
        index: when it began, on the clock that numbers the nodes.
    """

    __slots__ = ("index", "module", "parent")

    module: Module
    parent: object
    index: int

    @property
    def name(self) -> str:
        """Where the caller holds the module, ``layers.0``; the name of its class, if the caller does not."""
        if isinstance(self.parent, Call):
            for path, key, part in walk(self.parent.module):
                if part is self.module and path is not None:
                    return joined(path, key)
        return type(self.module).__name__

    @property
    def path(self) -> str:
        """The names of the calls around it and its own: ``MLP.layers.0.neurons.3``."""
        names = [self.name]
        outer = self.parent
        while isinstance(outer, Call):
            names.append(outer.name)
            outer = outer.parent
        return ".".join(reversed(names))

    def __repr__(self) -> str:
        return f"<call of {self.path} at {self.index}>"


def _entering(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as the `__call__` of a module: what it records carries a `Call` as its scope.

    ``super().__call__(x)`` inside an overriding `__call__` is a part of the same call and enters no second one.
    A neuron is called so often that `with scope(...)` would cost as much as its own work, and the
    constructors a third of what this costs: both objects are filled field by field.
    """

    @functools.wraps(function)
    def call(self: Module, *args: Any, **kwargs: Any) -> Any:
        if type(self).__call__ is not call:
            return function(self, *args, **kwargs)
        mode = current_mode()
        entered = _new(Call)
        entered.module, entered.parent, entered.index = self, mode.scope, next(clock)
        inside = _new(Mode)
        inside.recording, inside.anomaly, inside.plain = mode.recording, mode.anomaly, mode.plain
        inside.scope = entered
        token = set_mode(inside)
        try:
            return function(self, *args, **kwargs) if kwargs else function(self, *args)
        finally:
            restore_mode(token)

    return call


# ---- the class -----------------------------------------------------------------------------------------------------


class Module(Twinned):
    """Base of everything with parameters. A subclass sets attributes and defines `__call__` or `forward`.

    A parameter is a node that no operation made; whether it requires a gradient does not matter. One that
    is found twice counts once, under its first name. Array attributes are buffers: saved, not trained.
    No ``super().__init__()`` is needed. Calling the module makes the nodes recorded meanwhile carry a
    `Call` as their scope.

    >>> import tinygrad_edu as tg
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = tg.Value(2.0), tg.Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data, [name for name, _ in line.named_parameters()]
    (7.0, ['slope', 'offset'])
    """

    training: bool = True
    """Whether layers such as dropout act as in training; see `train` and `eval`."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Let a `__call__` that the class defines enter a scope, as the inherited one does for `forward`."""
        super().__init_subclass__(**options)
        if "__call__" in vars(cls):
            cls.__call__ = _entering(cls.__call__)  # type: ignore[method-assign] # the same, in a scope

    @_entering
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of `forward`, recorded in a scope of its own."""
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; a subclass defines this, or `__call__`."""
        raise NotImplementedError(f"{type(self).__name__} defines neither __call__ nor forward")

    # -- what it holds

    def parameters(self) -> list[Any]:
        """The parameters, Values or Tensors, in the order their attributes were set."""
        return [node for node in nodes_of(self) if not node.is_result]

    def named_parameters(self) -> list[tuple[str, Any]]:
        """Pairs of a parameter's name, such as ``layers.0.neurons.3.w.1``, and the parameter."""
        return [(joined(path, key), part) for path, key, part in walk(self)
                if isinstance(part, Node) and not part.is_result]

    def modules(self) -> list[Module]:
        """The module itself and those it holds, however deep; each once."""
        return [part for _, _, part in walk(self) if isinstance(part, Module)]

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every module held; returns the module itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set `training` to False here and in every module held; returns the module itself."""
        return self.train(False)

    # -- saving and restoring

    def _entries(self) -> dict[str, Any]:
        """Parameters and buffers by name."""
        entries: dict[str, Any] = {}
        for path, key, part in walk(self):
            if isinstance(part, np.ndarray) or (isinstance(part, Node) and not part.is_result):
                name = joined(path, key)
                if name in entries:
                    raise DataError(f"state_dict: two entries are called {name!r}; rename a key", [part])
                entries[name] = part
        return entries

    def state_dict(self) -> dict[str, float | NDArray[Any]]:
        """Copies of all parameters and buffers by name: floats for Values, arrays for Tensors and buffers."""
        return {name: part._data if isinstance(part, Node) and part.is_scalar else np.array(_array(part))
                for name, part in self._entries().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set parameters and buffers to copies of what `state` holds under their names, in their own dtype.

        Layers have PyTorch's names and shapes: the ``state_dict()`` of a layer of torch.nn is taken as it is, and
        ``torch_layer.load_state_dict({name: torch.tensor(x) for name, x in layer.state_dict().items()})`` goes back.

        Raises:
            ShapeError: entries are missing, unexpected or of another shape. Nothing has been changed then.
            DataError: an entry does not hold numbers, or not of the kind. Nothing has been changed then.
        """
        for part, data in self._checked_state(state):
            if isinstance(part, Node):
                part._assign(data)
            else:
                part[...] = data

    def _checked_state(self, state: Mapping[str, Any]) -> list[tuple[Any, Any]]:
        """Pairs of a parameter or buffer and its new data, after all checks of `load_state_dict`."""
        if not isinstance(state, Mapping):
            raise DataError(f"load_state_dict: takes names with their numbers, not a {type(state).__name__}; of a "
                            "module give its state_dict()")
        entries = self._entries()
        problems = [f"{name} is missing" for name in entries if name not in state]
        problems += [f"{name} is unexpected" for name in state if name not in entries]
        for name, part in entries.items():
            wanted, given = np.shape(_array(part)), np.shape(state.get(name, _array(part)))
            if wanted != given:
                problems.append(f"{name} has shape {given} in place of {wanted}")
        if problems:
            raise ShapeError(f"load_state_dict of {type(self).__name__}: {'; '.join(problems)}")
        return [(part, _converted(name, part, state[name])) for name, part in entries.items()]

    # -- looking at it

    def summary(self, *inputs: Any) -> Summary:
        """The tree of the modules: the parameters of each and, with inputs, the shape of its output and its FLOPs.

        Neighbours that are alike are folded to one line, with the numbers of one of them. A shared parameter counts
        once; frozen ones, which require no gradients, are counted beside.

        Args:
            inputs: examples of what the model is called with: arrays, numbers, lists of numbers for a model of
                Values; a tuple of sizes stands for zeros of that shape. A copy of the model runs on them, after
                ``eval()``: the model, its statistics and all random generators stay as they are.

        Returns:
            A `Summary`, which prints as a table, and has `parameters`, `frozen`, `flops` and `rows`. For the FLOPs
            each addition, multiplication, comparison or function of a number counts 1, moving numbers 0.

        >>> from tinygrad_edu.nn import Linear, ReLU, Sequential
        >>> model = Sequential(Linear(3, 8), ReLU(), Linear(8, 1))
        >>> model.summary()
        module             parameters
        Sequential                 41
          0: Linear(3, 8)          32
          1: ReLU()                 0
          2: Linear(8, 1)           9
        total                      41
        >>> model.summary((5, 3)).flops  # 5 (2 3 8 + 8) + 5 8 + 5 (2 8 + 1)
        405
        """
        return summarised(self, inputs)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @reprlib.recursive_repr("...")
    def __repr__(self) -> str:
        """The name of the class, with the modules held, each on a line of its own."""
        held = [(joined(path, key), part) for path, key, part in walk(self, deep=False) if isinstance(part, Module)]
        return nested(type(self).__name__, [(key, repr(part)) for key, part in held[1:]])  # the first is the module


def nested(name: str, parts: Iterable[tuple[Any, str]]) -> str:
    """A module that holds others: pairs of a name and a text for each, one below the other."""
    lines = [f"({key}): {text}".replace("\n", "\n  ") for key, text in parts]
    return "\n  ".join([f"{name}(", *lines]) + "\n)" if lines else f"{name}()"


def shown(name: str, *sizes: Any, **options: tuple[Any, Any]) -> str:
    """A layer as it was made; of the options, pairs of what is and the default, those that differ."""
    given = [*map(str, sizes), *(f"{key}={value!r}" for key, (value, default) in options.items() if value != default)]
    return f"{name}({', '.join(given)})"


def _array(part: Any) -> Any:
    return part._data if isinstance(part, Node) else part


def _converted(name: str, part: Any, given: Any) -> Any:
    """`given` as data for a parameter or buffer, or a DataError that names it."""
    try:
        if hasattr(given, "detach"):  # a node, or a tensor of PyTorch, which gives no array while it requires_grad
            given = given.detach()
        if isinstance(part, Node):
            data = np.asarray(given)
            return float(data) if part.is_scalar else type(part).payload(data).astype(part._data.dtype)
        if not part.flags.writeable:
            raise TypeError("the buffer is read-only")
        return np.array(given).astype(part.dtype, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise DataError(f"load_state_dict: {name}: {error}") from error
