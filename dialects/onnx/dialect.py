"""The dialect as a whole, with a class for every operator: who reads text needs it."""

from xdsl.ir import Dialect

from dialects.onnx import (
    OPERATORS,
    CustomOp,
    GraphOp,
    InitializerOp,
    MapType,
    NoneOp,
    OptionalType,
    OutputOp,
    SequenceType,
    SparseAttr,
    SparseTensorType,
    StringType,
    TensorAttr,
    UnknownType,
)

ONNX = Dialect(
    "onnx",
    [GraphOp, InitializerOp, NoneOp, OutputOp, CustomOp, *OPERATORS.values()],
    [
        TensorAttr,
        SparseAttr,
        StringType,
        UnknownType,
        SequenceType,
        OptionalType,
        SparseTensorType,
        MapType,
    ],
)
