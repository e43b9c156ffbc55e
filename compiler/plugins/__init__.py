"""What ATC has ONNX plugins for, and so which nodes of a model it would refuse."""

from compiler.plugins.node import GraphOutline, ModelNode, ModelOutline
from compiler.plugins.preflight import Finding, preflight
from compiler.plugins.refusal import Refusal, refusal

__all__ = [
    "Finding",
    "GraphOutline",
    "ModelNode",
    "ModelOutline",
    "Refusal",
    "preflight",
    "refusal",
]
