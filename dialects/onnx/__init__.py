"""The onnx dialect: every operator of every ONNX opset, checked against ONNX's own schemas."""

from dialects.onnx.attributes import SparseAttr, TensorAttr
from dialects.onnx.graph import GraphOp
from dialects.onnx.node import NodeOp
from dialects.onnx.operators import OPERATORS, CustomOp
from dialects.onnx.terminals import InitializerOp, NoneOp, OutputOp
from dialects.onnx.types import (
    MapType,
    OptionalType,
    SequenceType,
    SparseTensorType,
    StringType,
    UnknownType,
)

__all__ = [
    "OPERATORS",
    "CustomOp",
    "GraphOp",
    "InitializerOp",
    "MapType",
    "NodeOp",
    "NoneOp",
    "OptionalType",
    "OutputOp",
    "SequenceType",
    "SparseAttr",
    "SparseTensorType",
    "StringType",
    "TensorAttr",
    "UnknownType",
]
