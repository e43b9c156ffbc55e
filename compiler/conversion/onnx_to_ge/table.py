"""Which rule converts which ONNX operator. What is not here has no GraphEngine form yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge import arithmetic, elementwise, products, shapes, spatial
from compiler.conversion.onnx_to_ge.checks import result_type
from compiler.conversion.onnx_to_ge.emitter import Emitter, real
from dialects.ge.catalogue import catalogue
from dialects.types import shape_of

Rule = Callable[[Emitter], list[SSAValue]]

SAME_NAME = (
    "Abs Acos Acosh Add Asin Asinh Atan Atanh BitwiseAnd BitwiseOr BitwiseXor Ceil Cos "
    "Cosh Equal Erf Exp Expand Floor GlobalAveragePool Greater HardSwish Identity Less Log "
    "Mul Neg Pow Range Reciprocal Relu Round Sigmoid Sign Sin Sinh Softplus Softsign Sqrt "
    "Sub Tan Tanh Tile"
).split()
"""Inputs go to the ports by position; there are no attributes."""

RESHAPING = {"GlobalAveragePool", "MatrixDeterminant"}
"""Types whose one input has another shape than their result."""

OTHER_NAME = {
    "And": "LogicalAnd",
    "BitwiseNot": "Invert",
    "Det": "MatrixDeterminant",
    "Div": "RealDiv",
    "GreaterOrEqual": "GreaterEqual",
    "IsNaN": "IsNan",
    "LessOrEqual": "LessEqual",
    "Not": "LogicalNot",
    "Or": "LogicalOr",
    "Where": "SelectV2",
}
"""The same under GraphEngine's own name."""

FLOAT_ATTRIBUTES: dict[str, tuple[str, dict[str, str]]] = {
    "Elu": ("Elu", {"alpha": "alpha"}),
    "HardSigmoid": ("HardSigmoid", {"alpha": "alpha", "beta": "beta"}),
    "LeakyRelu": ("LeakyRelu", {"negative_slope": "alpha"}),
    "Shrink": ("Shrink", {"lambd": "lambd", "bias": "bias"}),
}
"""One input, and GraphEngine's float attributes from ONNX's."""

RULES: dict[str, Rule] = {
    "AveragePool": spatial.average_pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Cast": arithmetic.cast,
    "CastLike": arithmetic.cast_like,
    "Clip": arithmetic.clip,
    "Concat": shapes.concat,
    "ConstantOfShape": shapes.constant_of_shape,
    "Conv": spatial.conv,
    "Dropout": arithmetic.dropout,
    "Flatten": shapes.flatten,
    "Gather": shapes.gather,
    "Gemm": products.gemm,
    "LRN": arithmetic.lrn,
    "MatMul": products.matmul,
    "Max": arithmetic.chain("Maximum"),
    "MaxPool": spatial.max_pool,
    "Min": arithmetic.chain("Minimum"),
    "PRelu": elementwise.prelu,
    "ReduceMax": arithmetic.reduce("ReduceMax"),
    "ReduceMean": arithmetic.reduce("ReduceMean"),
    "ReduceMin": arithmetic.reduce("ReduceMin"),
    "ReduceProd": arithmetic.reduce("ReduceProd"),
    "ReduceSum": arithmetic.reduce("ReduceSum"),
    "Reshape": shapes.reshape,
    "Shape": shapes.shape,
    "Softmax": arithmetic.softmax,
    "Squeeze": shapes.squeeze,
    "Sum": arithmetic.total,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
}


def positional(type: str) -> Rule:
    """The rule that connects inputs to ports by position."""

    def rule(emit: Emitter) -> list[SSAValue]:
        ports = [port.name for port in catalogue()[type].inputs]
        if any(result.uses for result in emit.node.results[1:]):
            raise emit.fail(f"GraphEngine's {type} has one result")
        inputs = elementwise.aligned(emit) if emit.has("broadcast") else emit.inputs
        inner = "result" if emit.expansion.order else ""
        ports_of = dict(zip(ports, inputs, strict=False))
        return [emit.op(type, ports_of, inner=inner, results=_same_shape(emit, type))]

    return rule


def _same_shape(emit: Emitter, type: str) -> list[Attribute] | None:
    """The type of a result that is as large as the first input; None where it need not be."""
    first = emit.inputs[0]
    alone = len(emit.inputs) == 1 and type not in RESHAPING
    if first is None or not (alone or emit.has("broadcast")):
        return None
    return [result_type(emit, shape_of(first))]


def with_floats(type: str, names: Mapping[str, str]) -> Rule:
    """The rule for one input and float attributes."""

    def rule(emit: Emitter) -> list[SSAValue]:
        attributes: dict[str, Attribute] = {
            name: real(emit.node.number(source) or 0.0) for name, source in names.items()
        }
        port = catalogue()[type].inputs[0].name
        results = _same_shape(emit, type)
        return [emit.op(type, {port: emit.inputs[0]}, attributes, results=results)]

    return rule


def rule_for(op_type: str) -> Rule | None:
    """The rule for an operator of the default ONNX domain."""
    if op_type in RULES:
        return RULES[op_type]
    if op_type in SAME_NAME:
        return positional(op_type)
    if op_type in OTHER_NAME:
        return positional(OTHER_NAME[op_type])
    if op_type in FLOAT_ATTRIBUTES:
        return with_floats(*FLOAT_ATTRIBUTES[op_type])
    return None
