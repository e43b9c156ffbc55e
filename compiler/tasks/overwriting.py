"""Which inputs a node's result may be written over, element by element."""

from __future__ import annotations

from xdsl.ir import SSAValue

from dialects.ge import NodeOp, type_of

ELEMENTWISE = frozenset(
    "Abs AccumulateNV2 Acos Acosh Add Adds Asin Asinh Atan Atanh BNInfer BiasAdd Ceil Cos Cosh Div "
    "Elu Erf Exp FastGelu Floor Gelu HardSigmoid HardSwish LeakyRelu Log Maximum Minimum Mul Muls "
    "Neg PRelu Pow RealDiv Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus "
    "Softsign Sqrt Square Sub Swish Tan Tanh".split()
)
"""Types whose kernels read each element once, before they write the one in its place."""


def overwritable(node: NodeOp) -> tuple[SSAValue, ...]:
    """The inputs of a node that are of the same type as its result, where it is elementwise."""
    if type_of(node) not in ELEMENTWISE:
        return ()
    return tuple(value for value in node.operands if value.type == node.results[0].type)
