"""Windows that slide: what shape inference must see where onnx's own rules are off.

With ceil_mode, onnx before opset 22 counts a window that begins in the padding behind the image.
Its own kernels and ONNX Runtime leave that window out in every opset, as do ours.
"""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from compiler.frontends.onnx.walk import graphs_in

STAND_IN = "ascend-opt.window"
"""The domain of the functions that stand for such nodes while shapes are inferred."""

CORRECTED = 22
"""The first opset whose pools are inferred as they are computed."""

WITH_PADS = {"AveragePool", "Conv", "ConvTranspose", "LpPool", "MaxPool"}


def drop_idle_pads(nodes: Iterable[onnx.NodeProto]) -> None:
    """Remove pads beside an auto_pad: it decides, but inference would go by the pads."""
    for node in nodes:
        if node.op_type not in WITH_PADS or node.domain:
            continue
        auto_pad = next((a.s for a in node.attribute if a.name == "auto_pad"), b"NOTSET")
        if auto_pad in (b"SAME_UPPER", b"SAME_LOWER", b"VALID"):
            kept = [a for a in node.attribute if a.name != "pads"]
            del node.attribute[:]
            node.attribute.extend(kept)


def corrected_opset(node: onnx.NodeProto, opset: int) -> int:
    """The opset whose rules infer a node as it is computed."""
    return max(opset, CORRECTED) if _hangs_over(node) else opset


def _hangs_over(node: onnx.NodeProto) -> bool:
    """Whether it is a pool with ceil_mode, and not with graphs, which no pool has."""
    ceil = any(a.name == "ceil_mode" and a.i for a in node.attribute)
    return (
        ceil
        and not any(graphs_in(node))
        and node.op_type in ("AveragePool", "MaxPool")
        and not node.domain
    )


def put_stand_in(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """Make a pool with ceil_mode a call of a function: the same pool in a corrected opset."""
    if not _hangs_over(node):
        return
    body = onnx.NodeProto(op_type=node.op_type, attribute=node.attribute)
    body.input.extend(f"x{i}" for i in range(len(node.input)))
    body.output.extend(f"y{i}" for i in range(len(node.output)))
    model.functions.add(
        domain=STAND_IN,
        name=f"window{node.name}",
        input=body.input,
        output=body.output,
        node=[body],
        opset_import=[onnx.OperatorSetIdProto(version=CORRECTED)],
    )
    node.op_type, node.domain = f"window{node.name}", STAND_IN
    del node.attribute[:]
    if all(entry.domain != STAND_IN for entry in model.opset_import):
        model.opset_import.add(domain=STAND_IN, version=1)
