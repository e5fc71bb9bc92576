"""`Node`: what a number or array in the graph remembers, and what it answers about its payload.

A node remembers the operation that made it and the inputs it was made from. Nodes are numbered as they
are created, so the creation index is a topological order by itself.

This file knows nothing of numbers or arrays. What depends on the payload (how to sum a cotangent back
over broadcast axes, what a one looks like, whether all is finite) is a method of the Node subclass.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Protocol, Self

from .display import Bundle, bundle
from .errors import GraphError
from .modes import current_mode

Payload = Any
"""What a node holds: a float in a Value, an ndarray in a Tensor; in a differentiable pass, a node."""

clock = itertools.count()
"""Creation index and version clock at once; `next` on it is atomic."""


class Operation(Protocol):
    """What a pass asks of the row a node was recorded with; `arguments` are raw payloads or the nodes."""

    name: str
    adders: Mapping[int, Callable[..., None]]

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        """The part of the cotangent that flows to the input at `position`."""

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        """The tangent of the result, from the tangents of the inputs; None stands for zero."""


class Notes:
    """What few nodes have: a label, hooks, the line they came from, a mark that they are results, what they were
    detached from, when requires_grad was off, and copies of leaves for detect_anomaly.
    """

    __slots__ = ("frozen", "frozen_since", "hooks", "label", "origin", "result", "site", "snapshots")

    def __init__(self, label: str = "", result: bool = False) -> None:
        self.label, self.result = label, result
        self.hooks: dict[int, Callable[[Payload], Payload | None]] = {}
        self.site = ""
        self.origin: weakref.ref[Node] | None = None  # weak: what was cut off is to be freed
        self.frozen_since = -1
        self.frozen: list[tuple[int, int]] = []  # to nodes recorded in between, the leaf is a constant
        self.snapshots: list[tuple[Node, Payload]] = []

    def frozen_at(self, index: int) -> bool:
        """Whether requires_grad was off at this time of the clock, and has been switched on since."""
        return any(begin < index < end for begin, end in self.frozen)


_RESULT = Notes(result=True)
"""Shared by all results of no_grad(); replaced, not written, when one gets a label."""

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


class Node:
    """A number or array in the graph; the base of `Value` and `Tensor`, which add what works on whole graphs:
    `backward`, copies and pickles.

    Attributes:
        op: the row of the operation table that made it, or None.
        index: when it was made, or, for a leaf, when its data was last set.
        scope: the module call it was recorded in, or None.
        requires_grad: whether derivatives flow to it.
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_notes", "_requires_grad", "index", "op", "scope")

    _data: Payload
    _grad: Payload
    _notes: Notes | None
    _requires_grad: bool
    index: int
    op: Operation | None
    scope: object

    is_scalar: ClassVar[bool] = False
    """Whether the payload is one number, so that a sequence of nodes is a vector."""

    def _begin(self, data: Payload, requires_grad: bool, notes: Notes | None) -> None:
        """Fill the fields of a node without an operation."""
        self._data, self._grad, self._notes = data, None, notes
        self._requires_grad, self.index, self.op = requires_grad, next(clock), None
        self.scope = current_mode().scope

    # -- what a subclass answers about its payload

    @property
    def params(self) -> Mapping[str, Any]:
        """The operation's other arguments: axis, index, shape."""
        return NO_PARAMS

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The operands it was made from, in order: nodes, and plain numbers or arrays for constants."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    @property
    def arguments(self) -> Sequence[Payload]:
        """The payloads of the inputs, constants as they are."""
        return raw(self.inputs)

    @classmethod
    def record(cls, row: Any, operands: tuple[Any, ...], params: Mapping[str, Any] = NO_PARAMS) -> Self:
        """Apply `row` to `operands` and remember it."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    @classmethod
    def recorder(cls, row: Any) -> Callable[..., Self]:
        """The function that records `row` on operands without further arguments."""
        return lambda *operands: cls.record(row, operands)

    @classmethod
    def payload(cls, data: Any) -> Payload:
        """`data` as a new payload of this kind of node, or a DataError."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    def fit(self, cotangent: Payload) -> Payload:
        """`cotangent` with this node's shape and dtype: summed over the axes that broadcasting stretched."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    def spread(self, tangent: Payload) -> Payload:
        """`tangent` with this node's shape and dtype: stretched where the inputs were broadcast."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    def seed(self, gradient: Payload | None, graph: bool = False) -> Payload:
        """The cotangent a pass starts from: `gradient` checked, or one for a single number; a node for a `graph`."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    def finite(self, payload: Payload) -> tuple[bool, bool]:
        """Whether `payload` is (free of NaN, free of infinities)."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    def replica(self, replaced: Mapping[Node, Node]) -> Self:
        """A copy with a new index, its inputs looked up in `replaced`."""
        raise NotImplementedError  # pragma: no cover - answered by Value and Tensor

    @property
    def adds_in_place(self) -> bool:
        """Whether a cotangent of this node is memory that more can be added to."""
        return False

    def added(self, total: Payload, part: Payload, in_place: bool) -> Payload:
        """The sum of two parts of the cotangent; `in_place` if nobody else holds the first."""
        return total + part

    def owned(self, payload: Payload) -> Payload:
        """`payload` as something no other node holds."""
        return payload

    def shown(self, payload: Payload) -> Payload:
        """`payload` as something that its reader cannot write."""
        return payload

    def same(self, snapshot: Payload | None) -> bool:
        """Whether the data still is what it was in `snapshot`; None stands for something it never is."""
        return snapshot is not None

    # -- what all nodes share

    @property
    def requires_grad(self) -> bool:
        """Whether derivatives flow to this node; may be set on a node without an operation."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if self.op is not None:
            raise GraphError(f"requires_grad: {self} is the result of {self.op.name}; use detach() for a constant "
                             "copy, or set requires_grad on the leaves", [self])
        if flag and not self._requires_grad:
            notes = self.notes()
            notes.frozen.append((notes.frozen_since, next(clock)))
        elif self._requires_grad and not flag:
            self.notes().frozen_since = next(clock)
        self._requires_grad = bool(flag)

    @property
    def label(self) -> str:
        """A name for drawings and error messages."""
        return self._notes.label if self._notes is not None else ""

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"label must be text, not {type(text).__name__}")
        self.notes().label = text

    @property
    def is_result(self) -> bool:
        """Whether this is what no_grad() or detach() left of an operation, and so no parameter."""
        return self.op is not None or (self._notes is not None and self._notes.result)

    def notes(self) -> Notes:
        """The notes of this node alone, made when first needed."""
        if self._notes is None or self._notes is _RESULT:
            self._notes = Notes(result=self._notes is _RESULT)
        return self._notes

    def _assign(self, data: Payload) -> None:
        """Rebind a leaf's payload and stamp it with the clock: graphs that read the old one are stale."""
        if self.op is not None:
            raise GraphError(f"data: {self} is the result of {self.op.name} and follows from its inputs; "
                             "set the data of a leaf, or use detach() for a copy to change", [self])
        self._data = data
        self.index = next(clock)

    def detach(self) -> Self:
        """A constant with the same data: no derivative flows through it."""
        return self._cut_off(self._data)

    def _cut_off(self, data: Payload) -> Self:
        """A constant with this data, that remembers where it was cut off as long as that is there."""
        node = self.result(data)
        node.notes().origin = weakref.ref(self)
        return node

    @classmethod
    def result(cls, data: Payload) -> Self:
        """A constant that an operation left: not a parameter, without history."""
        node = cls.__new__(cls)
        node._begin(data, False, _RESULT)
        return node

    def zero_grad(self) -> None:
        """Forget the gradient: `.grad` is None again, which is not the same as 0."""
        self._grad = None

    def register_hook(self, hook: Callable[[Payload], Payload | None]) -> Callable[[], None]:
        """Call `hook(gradient)` when a pass has this node's gradient complete; what it returns, if not
        None, takes the gradient's place. Returns a function that removes the hook again.
        """
        if not self._requires_grad:
            raise GraphError(f"register_hook: no gradient flows to {self}", [self])
        hooks = self.notes().hooks
        key = next(clock)
        hooks[key] = hook
        return lambda: hooks.pop(key, None) and None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> Bundle:
        """What a notebook shows."""
        return bundle("node", self, include, exclude)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, (Node, type(None), str)):
            return False
        return self._compare_with_data(other)

    __hash__ = object.__hash__

    def _compare_with_data(self, other: object) -> NoReturn:
        raise TypeError(f"==: between nodes it means identity; compare the .data of this {type(self).__name__} with a "
                        "number or array instead")


def raw(inputs: Iterable[Any]) -> list[Payload]:
    """The payloads of nodes; constants as they are."""
    return [x._data if isinstance(x, Node) else x for x in inputs]
