"""ge-cancel-casts: casts that change nothing, and casts behind a cast that loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from compiler.om.dtypes import BY_MLIR
from compiler.rewrite import GraphEditor, all_graphs, editing
from dialects.ge import NodeOp, type_of
from dialects.types import AnyTensor, element_name

BITS = {
    "f16": 11, "bf16": 8, "f32": 24, "f64": 53,
    **{f"i{width}": width - 1 for width in (8, 16, 32, 64)},
    **{f"ui{width}": width for width in (8, 16, 32, 64)},
}  # fmt: skip
"""The significant bits of a number, its sign aside."""
EXPONENT = {"f16": 15, "bf16": 127, "f32": 127, "f64": 1023}
"""The largest exponent of the floats."""


@dataclass(frozen=True)
class GECancelCastsPass(ModulePass):
    """Remove a Cast to its input's type; let a Cast behind a lossless Cast read that one's input.

    As GraphEngine's CastRemovePass, for casts that lose nothing: float16 → float32 → float16 goes,
    float32 → float16 → float32 rounds and stays.
    """

    name = "ge-cancel-casts"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    if type_of(node) == "Cast" and node.after is None:
                        _cancel(editor, node)


def _cancel(editor: GraphEditor, node: NodeOp) -> None:
    before = node.operands[0].owner
    if isinstance(before, NodeOp) and type_of(before) == "Cast" and before.after is None:
        source = before.operands[0]
        types = _element(source), _element(node.operands[0]), _element(node.results[0])
        if is_lossless(types[0], types[1]) and (types[0] == types[2] or _is_alike(*types[:2])):
            node.operands = [source]
            if "SrcT" in node.attributes:
                number = BY_MLIR[_element(source) or ""].cpp
                node.attributes["SrcT"] = IntegerAttr(number, i64)
            if not before.results[0].uses:
                editor.remove(before)
    if node.operands[0].type == node.results[0].type:
        editor.remove(node, node.operands)


def _is_alike(source: str | None, middle: str | None) -> bool:
    """Whether both are floats or neither: floats saturate where they become integers."""
    return (source in EXPONENT) == (middle in EXPONENT)


def _element(value: SSAValue) -> str | None:
    return element_name(cast(AnyTensor, value.type).element_type)


def is_lossless(source: str | None, target: str | None) -> bool:
    """Whether every number of one element type is one of the other."""
    if source is None or target is None or target not in BITS:
        return False
    if source in (target, "i1"):
        return True
    if source not in BITS or BITS[source] > BITS[target]:
        return False
    if source in EXPONENT:
        return target in EXPONENT and EXPONENT[source] <= EXPONENT[target]
    return target in EXPONENT or not target.startswith("u") or source.startswith("u")
