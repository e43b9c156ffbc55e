"""ge-fuse-pad-conv: zeros that are padded around an image become pads of its convolution."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, StringAttr, i64
from xdsl.passes import ModulePass

from compiler.constants import constant_values
from compiler.matching import Matcher, number
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of

LARGEST = 255
"""Pads of a Conv2D on the AI Core."""


@dataclass(frozen=True)
class GEFusePadConvPass(ModulePass):
    """Add the widths of a Pad with zeros to the pads of the Conv2D that reads it alone.

    GraphEngine's PadConv2dFusionPass: widths are constants, positive, and of rows and columns only.
    OnnxPad is ONNX's own Pad, as which a Pad is imported whose widths become known by folding.
    """

    name = "ge-fuse-pad-conv"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            if type_of(node) != "Conv2D" or not match.is_free(node):
                continue
            pad = match.own(node.input("x"), "Pad", "PadV2", "PadV3", "OnnxPad")
            pads = _together(node, pad) if pad is not None else None
            if pad is not None and pads is not None:
                editor.fuse([pad, node], _padded(node, pad, pads))


def _together(conv: NodeOp, pad: NodeOp) -> list[int] | None:
    """[top, bottom, left, right] of both."""
    pads, widths = conv.integers("pads"), _widths(pad)
    if widths is None or len(pads) != 4 or conv.attributes.get("data_format") != NCHW:
        return None
    both = [a + b for a, b in zip(pads, widths[4:], strict=True)]
    fits = not any(widths[:4]) and min(widths) >= 0 and max(both) <= LARGEST
    return both if fits else None


NCHW = StringAttr("NCHW")


def _widths(pad: NodeOp) -> tuple[int, ...] | None:
    """Before and behind, axis by axis, of a Pad with zeros on four axes."""
    onnx = type_of(pad) == "OnnxPad"
    widths = constant_values(pad.input("pads" if onnx else "paddings"))
    value = pad.input("constant_value" if onnx else "constant_values")
    if pad.input("axes") is not None:
        return None
    if widths is None or len(widths) != 8 or (value is not None and number(value) != 0):
        return None
    mode = pad.attributes.get("mode")
    if mode is not None and mode != StringAttr("constant"):
        return None
    if onnx or pad.integer("paddings_contiguous") == 0:
        return tuple(widths[half * 4 + axis] for axis in range(4) for half in range(2))
    return widths


def _padded(conv: NodeOp, pad: NodeOp, pads: list[int]) -> Op:
    attributes = {**conv.attributes, "pads": DenseArrayBase.from_list(i64, pads)}
    if "auto_pad" in attributes:
        attributes["auto_pad"] = StringAttr("NOTSET")
    inputs = {**conv.named_inputs, "x": pad.operands[0]}
    return Op.of("Conv2D", conv.label, inputs, conv.result_types, attributes)
