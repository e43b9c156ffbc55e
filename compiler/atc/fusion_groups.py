"""Which operators GraphEngine fused into one, as attributes `group_op_name` (`omg.cc`)."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from compiler.om.ge_ir_pb2 import ModelDef, OpDef

FUSED_OPS = "fm"
"""The model attribute with one serialized OpDef for each operator, which says its scope."""
SCOPE = "fusion_scope"
GROUP = "group_op_name"


def name_fusion_groups(model: ModelDef) -> None:
    """Give every operator of a fusion scope the name of its group, as far as the model tells."""
    fused = list(model.attr[FUSED_OPS].list.bt) if FUSED_OPS in model.attr else []
    ops = (op for graph in model.graph for op in graph.op)
    for op, data in zip(ops, fused, strict=False):
        if not data:
            return
        name = _group(_scope(data), op.stream_id)
        if name:
            op.attr[GROUP].s = name.encode()


def _scope(data: bytes) -> int:
    try:
        op = OpDef.FromString(data)
    except DecodeError:
        return 0
    return op.attr[SCOPE].i & 0xFFFFFFFF if SCOPE in op.attr else 0


def _group(scope: int, stream: int) -> str:
    """L1 fusion stands in the upper 16 bits of a scope, UB fusion in the lower ones."""
    l1, ub = scope >> 16, scope & 0xFFFF
    if l1:
        return f"group_op_l1_{l1}_{stream}"
    return f"group_op_ub_{ub}_{stream}" if ub else ""
