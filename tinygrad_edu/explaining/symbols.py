"""What the nodes of an explanation are called, and what they and the steps between them stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..node import Node
from .formula import Formula, applied, derived, named
from .letters import escaped, payload_text
from .parts import Local, Symbol
from .ways import Edge


class Names:
    """A name for each node: its label, else that of a variable, else of a parameter, else v1, v2, ..."""

    def __init__(self, variables: Mapping[int, str], parameters: Mapping[int, str], nodes: Iterable[Node]) -> None:
        self.variables, self.parameters = variables, parameters
        self.given: dict[Node, str] = {}
        self.taken = {*variables.values(), *parameters.values(), *[node.label for node in nodes]}
        self.used: set[str] = set()
        self.last = 0

    def own(self, node: Node) -> str:
        """The name that a node has by itself, or ""."""
        return node.label or self.variables.get(id(node), "") or self.parameters.get(id(node), "")

    def __call__(self, node: Node) -> str:
        """The name of a node; no two have the same."""
        if node not in self.given:
            name = own = self.own(node)
            k = 1
            while name and name in self.used:
                k += 1
                name = f"{own} #{k}"
            self.given[node] = name = name or self._next()
            self.used.add(name)
        return self.given[node]

    def _next(self) -> str:
        while True:
            self.last += 1
            if f"v{self.last}" not in self.taken and f"v{self.last}" not in self.used:
                return f"v{self.last}"

    def symbol(self, x: Any) -> Any:
        """A node as a formula: its name, if it has one, else its number; what is no node as it is."""
        if not isinstance(x, Node):
            return x
        if x in self.given or self.own(x):
            return named(self(x))
        if np.size(x._data) == 1:
            return float(np.asarray(x._data).item())
        text = f"[{x.op.name if x.op is not None else 'constant'} {np.shape(x._data)}]"
        return Formula(text, rf"\mathrm{{{escaped(text)}}}")

    def defined(self, node: Node) -> Symbol:
        """What the name of a node stands for."""
        data = payload_text(node._data)
        if node.op is None:
            return Symbol(self(node), "", data, "")
        formula = applied(node.op, [self.symbol(x) for x in node.inputs], node.params)
        return Symbol(self(node), formula.text, data, formula.latex)

    def locals(self, steps: Iterable[tuple[Node, Edge]]) -> tuple[Local, ...]:
        """The local derivatives of these steps, each once."""
        unique = {(node, edge.position): edge for node, edge in steps}
        parallel = Counter((node, edge.source) for (node, _), edge in unique.items())
        operands = {node: [self.symbol(x) for x in node.inputs] for node, _ in unique}
        found = []
        for (node, position), edge in unique.items():
            formula = derived(node.op, position, named(self(node)), operands[node])
            operand = position + 1 if parallel[node, edge.source] > 1 else None
            text, latex = ("", "") if formula is None else (formula.text, formula.latex)
            found.append(Local(self(node), self(edge.source), operand, text, latex, edge.derivative))
        return tuple(found)
