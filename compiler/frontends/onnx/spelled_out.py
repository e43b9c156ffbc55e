"""What onnx's shape inference overlooks unless a node says it, though ONNX has a default for it."""

from __future__ import annotations

import onnx
from onnx import helper

DEFAULTS = {"STFT": {"onesided": 1}}
"""Attributes whose default onnx takes for another one."""

OUTPUTS = {"CausalConvWithState": 2, "LinearAttention": 2}
"""Operators whose inference fails when a node leaves out an optional output at the end."""


def is_spelled_out(node: onnx.NodeProto) -> bool:
    """Whether `spell_out` may change such a node."""
    return not node.domain and (node.op_type in DEFAULTS or node.op_type in OUTPUTS)


def spell_out(node: onnx.NodeProto) -> None:
    """Let a numbered node of a model that is only inferred say what it leaves out."""
    if not is_spelled_out(node):
        return
    given = {attribute.name for attribute in node.attribute}
    for name, value in DEFAULTS.get(node.op_type, {}).items():
        if name not in given:
            node.attribute.append(helper.make_attribute(name, value))
    for place in range(len(node.output), OUTPUTS.get(node.op_type, 0)):
        node.output.append(f"{node.name} left out {place}")
