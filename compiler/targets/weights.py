"""-t weights: which constant costs how many bytes, where they lie, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute
from xdsl.utils.target import Target

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.contract import LOCATION_NAME, OFFSET_NAME, REFERENCE_NAME
from compiler.weights.digests import all_sha256
from dialects.ge import ConstOp, FileConstantOp
from dialects.onnx.graph import GraphOp as ONNXGraphOp
from dialects.weights import (
    DERIVED,
    CastAttr,
    ComputeAttr,
    FileAttr,
    SliceAttr,
    TransposeAttr,
)

Node = ConstOp | FileConstantOp

INSIDE = "inside"


@dataclass(frozen=True)
class WeightsTarget(Target):
    """Print a line for every constant: bytes it costs, bytes it has, where they are, why, its name.

    Why: `unchanged` in a file that was read, `derived` by passes, `inline` in the IR; `tied`, the
    same bytes of the same file as another constant, or `duplicate`, equal ones elsewhere: these
    cost nothing.
    """

    name = "weights"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        if any(isinstance(op, ONNXGraphOp) for op in module.walk()):
            raise UserError("what constants cost is known when pass 'offline' makes a model")
        lines = list(costs(op for op in module.walk() if isinstance(op, Node)))
        width = max([len(line.where) for line in lines], default=0)
        for line in sorted(lines, key=lambda line: -line.cost):
            sizes = f"{line.cost:>14} {line.length:>14}"
            output.write(f"{sizes}  {line.where:{width}}  {line.why}  {line.name}\n")
        output.write(_summary(lines))


@dataclass(frozen=True, slots=True)
class Line:
    """What one constant costs."""

    name: str
    length: int
    cost: int
    where: str
    why: str


def costs(nodes: Iterable[Node]) -> Iterator[Line]:
    """A line for each constant, in order; the first of equal ones bears the cost."""
    nodes = list(nodes)
    digests = all_sha256(weight_of(node.value) for node in nodes)
    stored: dict[tuple[str, int, bytes], Node] = {}
    for node in nodes:
        weight = weight_of(node.value)
        place = _place(node)
        # Inside, and in a folder of weight files, equal bytes are there once.
        store = place if REFERENCE_NAME in node.attributes else _store(node)
        first = stored.setdefault((store, weight.length, digests[weight]), node)
        cost = weight.length if first is node and REFERENCE_NAME not in node.attributes else 0
        yield Line(node.label, weight.length, cost, place, _why(node, first))


def _place(node: Node) -> str:
    if isinstance(node, ConstOp):
        return INSIDE
    location = node.attributes.get(REFERENCE_NAME) or node.attributes[LOCATION_NAME]
    offset = node.attributes[OFFSET_NAME]
    assert isinstance(location, StringAttr) and isinstance(offset, IntegerAttr)
    return f"{location.data}:{offset.value.data}"


def _store(node: Node) -> str:
    return INSIDE if isinstance(node, ConstOp) else "weight"


def _why(node: Node, first: Node) -> str:
    if REFERENCE_NAME in node.attributes:
        return "reference"
    if first is not node:
        return f"{'tied to' if node.value == first.value else 'duplicate of'} {first.label}"
    if isinstance(node.value, DERIVED):
        return f"derived: {_steps(node.value)}"
    return "unchanged" if isinstance(node.value, FileAttr) else "inline"


def _steps(value: Attribute) -> str:
    """What passes have done to a weight, the last thing first."""
    match value:
        case CastAttr():
            return f"cast {value.from_type} to {value.to_type}{_before(value.source)}"
        case TransposeAttr():
            return f"transpose{_before(value.source)}"
        case SliceAttr():
            return f"slice{_before(value.source)}"
        case ComputeAttr():
            return value.kind.data
        case _:
            return value.name.removeprefix("weights.")


def _before(source: Attribute) -> str:
    return f" of {_steps(source)}" if isinstance(source, DERIVED) else ""


def _summary(lines: Iterable[Line]) -> str:
    lines = list(lines)
    total, cost = sum(line.length for line in lines), sum(line.cost for line in lines)
    kinds: Counter[str] = Counter()
    for line in lines:
        kinds[line.why.partition(" ")[0].rstrip(":")] += line.length
    each = ", ".join(f"{kind} {size}" for kind, size in sorted(kinds.items()))
    constants = "1 constant" if len(lines) == 1 else f"{len(lines)} constants"
    return f"{constants} of {total} bytes cost {cost} bytes{f' ({each})' if each else ''}\n"
