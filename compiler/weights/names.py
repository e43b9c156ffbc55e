"""What users call the constants of a graph: by node, by ONNX initializer, by pattern, by size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from compiler.atc_names import constant_name, initializer_of
from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.errors import GraphError, Status
from compiler.rewrite import ORIGINS
from dialects.ge import ConstOp, GraphOp, type_of
from dialects.op import origin

REMARK = re.compile(r"(^|\s)\s*#.*")
WILDCARDS = frozenset("*?[")

Refusal = Callable[[ConstOp], str | None]
"""Why a constant cannot be chosen; None when it can."""


def onnx_name(node: ConstOp) -> str:
    """The name that a constant has in the ONNX model: an initializer's, a Constant's output's.

    The location of a Constant without a name is that of its output.
    """
    name = constant_name(node.label, origin(node))
    return initializer_of(name) if name == node.label else name


def matches(node: ConstOp, pattern: str) -> bool:
    """Whether a pattern (`*`, `?` and `[…]`) means a constant, by either of its names."""
    return any(fnmatchcase(name, pattern) for name in (node.label, onnx_name(node)))


def listed(path: str) -> list[str]:
    """The names in a file: one in a line, without empty lines and remarks.

    `#` begins a remark at the begin of a line or behind white space.
    """
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    names = [REMARK.sub("", line).strip() for line in lines]
    return [name for name in names if name]


@dataclass(frozen=True, slots=True)
class Selection:
    """Constants by names and patterns, in their order, and then all of more than `above` bytes.

    What is named must be there and must not be refused; patterns and sizes leave out what is, and
    constants that the importer made for a node.
    """

    names: Sequence[str]
    above: int | None = None

    def find(self, graph: GraphOp, refusal: Refusal) -> list[ConstOp]:
        """The constants in all graphs inside; GraphError with GraphEngine's status for a wrong one.

        Of two nodes of one name, in two graphs, the first is meant.
        """
        return list(self.find_named(graph, refusal))

    def find_named(self, graph: GraphOp, refusal: Refusal) -> dict[ConstOp, bool]:
        """The same constants, and whether each is named itself."""
        self.check()
        known = _Known(graph)
        found: dict[ConstOp, None] = {}
        named: set[ConstOp] = set()
        for name in self.names:
            node = known.by_name(name)
            if node is not None:
                if node in named:
                    raise _invalid(f"weight '{name}' is named twice")
                _check(name, refusal(node))
                named.add(node)
            fitting = [node] if node is not None else known.matching(name)
            found |= dict.fromkeys(each for each in fitting if refusal(each) is None)
        found |= dict.fromkeys(each for each in self._large(known) if refusal(each) is None)
        if not found:
            raise _invalid(f"{self._told()}: no weight that can be refreshed is meant by that")
        return {node: node in named for node in found}

    def check(self) -> None:
        """GraphError when nothing is chosen at all, or by a size that none can have."""
        if not self.names and self.above is None:
            raise _invalid("no weight is named: names, patterns or a number of bytes are needed")
        if self.above is not None and self.above < 0:
            raise _invalid(f"weights above {self.above} bytes: a number of bytes is 0 or more")

    def _large(self, known: _Known) -> Iterator[ConstOp]:
        above = self.above
        if above is not None:
            yield from (node for node in known.own if weight_of(node.value).length > above)

    def _told(self) -> str:
        told = [f"'{name}'" for name in self.names]
        return ", ".join(
            [*told, *([f"above {self.above} bytes"] if self.above is not None else [])]
        )


class _Known:
    """The constants of a graph by each of their names."""

    def __init__(self, graph: GraphOp):
        self.graph = graph
        self.nodes = [node for node in graph.all_nodes if isinstance(node, ConstOp)]
        self.own = [node for node in self.nodes if ORIGINS not in node.attributes]
        self.labels: dict[str, ConstOp] = {}
        self.onnx: dict[str, ConstOp] = {}
        for node in self.nodes:
            self.labels.setdefault(node.label, node)
            self.onnx.setdefault(onnx_name(node), node)

    def by_name(self, name: str) -> ConstOp | None:
        """The constant of that very name; one of a graph inside may go without its owner's."""
        if not name:
            raise GraphError(Status.PARAM_INVALID, "the name of a weight is empty")
        return self.labels.get(name) or self.onnx.get(name) or self._inside(name)

    def _inside(self, name: str) -> ConstOp | None:
        inner = [node for node in self.nodes if node.parent_op() is not self.graph]
        found = [node for node in inner if onnx_name(node).endswith(f"/{name}")]
        if len(found) > 1:
            names = ", ".join(onnx_name(node) for node in found)
            raise _invalid(f"'{name}' means several weights: {names}")
        return found[0] if found else None

    def matching(self, pattern: str) -> list[ConstOp]:
        """The constants that a pattern means; GraphError when it means none, or is no pattern."""
        found = [node for node in self.own if matches(node, pattern)]
        if not found or WILDCARDS.isdisjoint(pattern):
            raise _invalid(self._missing(pattern))
        return found

    def _missing(self, name: str) -> str:
        other = next((node for node in self.graph.all_nodes if node.label == name), None)
        if other is not None:
            return f"'{name}' is a {type_of(other)} node, a weight is a Const node"
        near = get_close_matches(name, self.onnx, 3) or sorted(self.onnx)[:3]
        such = f", such as {', '.join(near)}" if near else ""
        return f"no weight is called '{name}' (there are {len(self.onnx)}{such})"


def _check(name: str, reason: str | None) -> None:
    if reason is not None:
        raise _invalid(f"weight '{name}' cannot be refreshed: {reason}")


def _invalid(message: str) -> GraphError:
    return GraphError(Status.GRAPH_PARAM_INVALID, message)
