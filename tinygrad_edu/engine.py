"""The graph and the two passes over it: nodes, creation order, reverse mode, forward mode.

A node remembers the operation that made it and the inputs it was made from. Nodes are numbered as they
are created, so the creation index is a topological order by itself: the reverse pass visits nodes by
falling index, the forward pass by rising index, and neither needs recursion.

This file knows nothing of numbers or arrays. What depends on the payload (how to sum a cotangent back
over broadcast axes, what a one looks like, whether all is finite) is a method of the Node subclass.
"""

from __future__ import annotations

import copy
import itertools
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Protocol, Self

from .errors import AnomalyError, GraphError, StaleGraphError
from .modes import Recording, current_mode

Payload = Any
"""What a node holds: a float in a Value, an ndarray in a Tensor; in a differentiable pass, a node."""

_clock = itertools.count()
"""Creation index and version clock at once; `next` on it is atomic."""

_gradients = threading.RLock()
"""Held while gradients are committed, so that threads sharing leaves lose no contribution."""


# ---- nodes -------------------------------------------------------------------------------------------------------


class Operation(Protocol):
    """What a pass asks of the row a node was recorded with; `arguments` are raw payloads or the nodes."""

    name: str

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        """The part of the cotangent that flows to the input at `position`."""

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        """The tangent of the result, from the tangents of the inputs; None stands for zero."""


class Notes:
    """What few nodes have: a label, hooks, the line they came from, a mark that they are results, when
    requires_grad was off, and copies of leaves for detect_anomaly.
    """

    __slots__ = ("frozen", "frozen_since", "hooks", "label", "result", "site", "snapshots")

    def __init__(self, label: str = "", result: bool = False) -> None:
        self.label, self.result = label, result
        self.hooks: dict[int, Callable[[Payload], Payload | None]] = {}
        self.site = ""
        self.frozen_since = -1
        self.frozen: list[tuple[int, int]] = []  # to nodes recorded in between, the leaf is a constant
        self.snapshots: list[tuple[Node, Payload]] = []

    def frozen_at(self, index: int) -> bool:
        """Whether requires_grad was off at this time of the clock, and has been switched on since."""
        return any(begin < index < end for begin, end in self.frozen)


_RESULT = Notes(result=True)
"""Shared by all results of no_grad() and detach(); replaced, not written, when one gets a label."""

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


class Node:
    """A number or array in the graph; the base of `Value` and `Tensor`.

    Attributes:
        op: the row of the operation table that made it, or None.
        index: when it was made, or, for a leaf, when its data was last set.
        scope: the module call it was recorded in, or None.
        requires_grad: whether derivatives flow to it.
    """

    __slots__ = ("_data", "_grad", "_notes", "_requires_grad", "index", "op", "scope")

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
        self._requires_grad, self.index, self.op = requires_grad, next(_clock), None
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
            notes.frozen.append((notes.frozen_since, next(_clock)))
        elif self._requires_grad and not flag:
            self.notes().frozen_since = next(_clock)
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
        self.index = next(_clock)

    def detach(self) -> Self:
        """A constant with the same data: no derivative flows through it."""
        return self.result(self._data)

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
        key = next(_clock)
        hooks[key] = hook
        return lambda: hooks.pop(key, None) and None

    def backward(self, gradient: Payload | None = None, create_graph: bool = False) -> None:
        """Add d self / d leaf to the `.grad` of every leaf, and set `.grad` on every node between.

        Leaves accumulate over calls until `zero_grad()`; nodes between are set afresh. An error on the
        way leaves every gradient as it was.

        Args:
            gradient: the cotangent to start from; needed where self is not a single number.
            create_graph: record the pass, so that the gradients can be differentiated again.

        Raises:
            GraphError: self depends on nothing that requires a gradient.
            StaleGraphError: a leaf changed after it was recorded (a first-order pass over Values alone does not
                need the leaf: it has the derivatives stored when they were recorded).
        """
        if not self._requires_grad:
            raise GraphError(f"backward: {self} is a constant: nothing it was made from has requires_grad=True "
                             "(was it made under no_grad(), or detached?)", [self])
        seed = self.seed(gradient, create_graph)
        cotangents = reverse({self: seed}, None, create_graph)
        _commit(cotangents, create_graph)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # leaves first: one whose data was set since is younger than its readers
        order = sorted(history(self), key=lambda x: x.op is not None)
        replaced: dict[Node, Node] = {}
        fresh = [node for node in order if id(node) not in memo]
        for node in order:
            if id(node) not in memo:
                memo[id(node)] = node.replica(replaced)
            replaced[node] = memo[id(node)]
        _restamp([(node, replaced[node]) for node in fresh])
        for node in fresh:
            twin = replaced[node]
            twin._grad = copy.deepcopy(node._grad, memo)
            for source in node.inputs:
                if isinstance(source, Node) and source.index > node.index:  # the copy of a stale graph is stale
                    twin.notes().snapshots.append((replaced[source], None))
        return replaced[self]  # type: ignore[return-value] # a replica has its original's class

    def __copy__(self) -> Self:
        _check_fresh(self)
        twin = self.replica({})
        if twin._grad is not None:
            twin._grad = twin.owned(twin._grad)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not None:
            raise GraphError(f"pickle: {self} is the result of {self.op.name}; pickle its detach(), or the leaves",
                             [self])
        return _rebuild, (type(self), self._data, self.label, self._requires_grad, self.is_result, self._grad)

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


def _restamp(pairs: Sequence[tuple[Node, Node]]) -> None:
    """Number copies, and when their requires_grad was off, in the order of the originals."""
    events: list[tuple[int, Node, tuple[int, int] | None]] = [(node.index, twin, None) for node, twin in pairs]
    for node, twin in pairs:
        if node._notes is not None and node._notes.frozen:
            twin.notes().frozen = [(-1, -1)] * len(node._notes.frozen)
            events += [(time, twin, (i, end)) for i, interval in enumerate(node._notes.frozen)
                       for end, time in enumerate(interval)]
    for _, twin, place in sorted(events, key=operator.itemgetter(0)):
        if place is None:
            twin.index = next(_clock)
        else:
            (i, end), frozen = place, twin.notes().frozen
            frozen[i] = (frozen[i][0], next(_clock)) if end else (next(_clock), frozen[i][1])


def _rebuild(cls: type[Node], data: Payload, label: str, requires_grad: bool, result: bool, grad: Payload) -> Node:
    node = cls.__new__(cls)
    node._begin(data, requires_grad, Notes(label, result) if label or result else None)
    node._grad = grad
    return node


# ---- passes ------------------------------------------------------------------------------------------------------

by_index = operator.attrgetter("index")
"""The sort key of creation order."""


def history(*roots: Node) -> list[Node]:
    """Every node that `roots` were made from, themselves included, in the order of creation."""
    seen = set(roots)
    waiting = list(seen)
    while waiting:
        for source in waiting.pop().inputs:
            if isinstance(source, Node) and source not in seen:
                seen.add(source)
                waiting.append(source)
    return sorted(seen, key=by_index)


def _check_fresh(node: Node) -> None:
    """Raise if an input of `node` was given other data after `node` was recorded."""
    for source in node.inputs:
        if isinstance(source, Node) and source.index > node.index:
            _raise_stale(source, node, ".data was set")
    _check_snapshots(node)


def _fresh(order: list[Node]) -> list[Node]:
    """`order`, or a StaleGraphError: also a node that no derivative flows through may be a view of a changed leaf."""
    for node in order:
        _check_fresh(node)
    return order


def _check_snapshots(node: Node) -> None:
    """What anomaly mode adds: raise if an input's elements were written after `node` was recorded."""
    if node._notes is not None:
        for leaf, snapshot in node._notes.snapshots:
            if not leaf.same(snapshot):
                _raise_stale(leaf, node, "elements of .data were written")


def _raise_stale(leaf: Node, node: Node, how: str) -> NoReturn:
    assert node.op is not None
    raise StaleGraphError(f"{node.op.name}: the graph is stale: its input {leaf} has changed: {how} after the "
                          "operation was recorded; compute the result again, then differentiate it", [node, leaf])


def _leads_to(targets: Iterable[Node], order: Sequence[Node]) -> set[Node]:
    """The nodes of `order` (by rising index) that are, or were made from, one of `targets`."""
    reached = set(targets)
    for node in order:
        if node not in reached and any(isinstance(x, Node) and x in reached for x in node.inputs):
            reached.add(node)
    return reached


def reverse(seeds: Mapping[Node, Payload], wrt: Iterable[Node] | None, create_graph: bool) -> dict[Node, Payload]:
    """Reverse mode: the cotangents of `wrt` (of every node on the way, where None).

    With v the cotangents in `seeds`, the result is the vector-Jacobian product v J. Under `create_graph`
    the rules are applied to the nodes themselves, and so the result is a graph that can be differentiated.
    Reads and writes no `.grad`.
    """
    targets = None if wrt is None else set(wrt)
    active = None if targets is None else _leads_to(targets, _fresh(history(*seeds)))
    cotangents = dict(seeds)
    anomaly = current_mode().anomaly
    waiting = [(-node.index, node) for node in seeds]  # a heap: the youngest node first
    heapify(waiting)
    with Recording(create_graph):
        while waiting:
            _, node = heappop(waiting)
            op = node.op
            if op is None or (active is not None and node not in active):
                continue
            if node._notes is not None:
                _check_snapshots(node)
                cotangents[node] = _call_hooks(node._notes, node, cotangents[node])
            cotangent = cotangents[node] if targets is None or node in targets else cotangents.pop(node)
            index, params = node.index, node.params
            out, arguments = (node, node.inputs) if create_graph else (node._data, node.arguments)
            for position, source in enumerate(node.inputs):
                if isinstance(source, Node):
                    if source.index > index:
                        _raise_stale(source, node, ".data was set")
                    if (source._requires_grad and (active is None or source in active)
                            and (source._notes is None or not source._notes.frozen_at(index))):
                        part = source.fit(op.vjp(position, cotangent, out, arguments, params))
                        if source in cotangents:
                            part = cotangents[source] + part
                        elif source.op is not None:
                            heappush(waiting, (-source.index, source))
                        cotangents[source] = part
                        if anomaly:
                            _check_cotangent(node, source, cotangent, part)
        for node, cotangent in cotangents.items():
            if node.op is None and node._notes is not None:
                cotangents[node] = _call_hooks(node._notes, node, cotangent)
    return cotangents


def forward(tangents: Mapping[Node, Payload], outputs: Sequence[Node], create_graph: bool) -> list[Payload | None]:
    """Forward mode: the tangents of `outputs`, the Jacobian-vector product J v; None where v does not reach."""
    order = _fresh(history(*outputs))
    flowing: dict[Node, Payload] = dict(tangents)
    with Recording(create_graph):
        for node in order:
            if node.op is None or node in flowing:
                continue
            inputs = node.inputs
            incoming = [flowing.get(x) if isinstance(x, Node) else None for x in inputs]
            if all(t is None for t in incoming):
                continue
            out, arguments = (node, inputs) if create_graph else (node._data, node.arguments)
            flowing[node] = node.spread(node.op.jvp(out, arguments, incoming, node.params))
    return [flowing.get(y) for y in outputs]


def raw(inputs: Iterable[Any]) -> list[Payload]:
    """The payloads of nodes; constants as they are."""
    return [x._data if isinstance(x, Node) else x for x in inputs]


def _call_hooks(notes: Notes, node: Node, cotangent: Payload) -> Payload:
    for hook in list(notes.hooks.values()):
        replacement = hook(node.shown(cotangent))
        if replacement is not None:
            cotangent = node.seed(replacement, isinstance(cotangent, Node))
    return cotangent


def _unshared(cotangents: Mapping[Node, Payload]) -> dict[Node, Payload]:
    """The same graphs of gradients, a node for each: an addition hands one to both its inputs."""
    seen: set[int] = set()
    own = {}
    for node, g in cotangents.items():
        own[node] = g * 1.0 if id(g) in seen else g
        seen.add(id(g))
    return own


def _commit(cotangents: Mapping[Node, Payload], create_graph: bool) -> None:
    """Store what a backward pass found: leaves add up, the nodes between are set afresh."""
    with _gradients, Recording(create_graph):
        if create_graph:
            cotangents = _unshared(cotangents)
        found = [(node, node.owned(g) if node._grad is None else node.fit(node._grad + g))
                 for node, g in cotangents.items() if node.op is None and node._requires_grad]
        if current_mode().anomaly:
            for node, total in found:
                before = all(node.finite(cotangents[node])) and (node._grad is None or all(node.finite(node._grad)))
                if before and not all(node.finite(total)):
                    raise AnomalyError(f"the accumulated gradient of {node} is not finite", [node])
        for node, total in found:
            node._grad = total
        for node, g in cotangents.items():
            if node.op is not None:  # a graph here would be a cycle that no zero_grad() on the leaves unties
                node._grad = raw([g])[0] if create_graph else g


# ---- anomaly mode ------------------------------------------------------------------------------------------------

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - pathlib is slow to load


def calling_line() -> str:
    """File and line of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def inspect_result(node: Node, operation: str, operands: Iterable[Any]) -> None:
    """In anomaly mode: raise if `node` is the first NaN, or the first inf made from finite operands."""
    nodes = [x for x in operands if isinstance(x, Node)]
    no_nan, no_inf = node.finite(node._data)
    finite_before = all(all(node.finite(x)) for x in raw(operands))
    if no_nan and (no_inf or not finite_before):
        return
    where = f" (inputs: {', '.join(map(str, raw(operands)))})"
    raise AnomalyError(f"{operation} gave {'inf' if no_nan else 'nan'}{where}, recorded at {calling_line()}",
                       [node, *nodes])


def _check_cotangent(node: Node, source: Node, cotangent: Payload, part: Payload) -> None:
    """The same for what a pass computes: `part`, the cotangent so far of an input of `node`."""
    assert node.op is not None
    no_nan, no_inf = source.finite(part)
    finite_before = all(node.finite(cotangent)) and all(all(node.finite(x)) for x in raw(node.inputs))
    if no_nan and (no_inf or not finite_before):
        return
    line = f", recorded at {node._notes.site}" if node._notes is not None and node._notes.site else ""
    raise AnomalyError(f"{node.op.name}: the cotangent of its input {source} is {'inf' if no_nan else 'nan'}{line}",
                       [node, source])
