"""ge-fuse-matmul-bias: the vector added to a matrix product becomes its bias."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from compiler.matching import Matcher, either_way
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of
from dialects.types import shape_of, tensor_of

PRODUCTS = {
    "MatMul": "MatMul",
    "MatMulV2": "MatMulV2",
    "BatchMatMul": "BatchMatMulV2",
    "BatchMatMulV2": "BatchMatMulV2",
}
"""The types that take a bias, and what they become with one."""


@dataclass(frozen=True)
class GEFuseMatmulBiasPass(ModulePass):
    """Move a vector of N elements that is added to an M x N product into the product's bias.

    GraphEngine's MatMulBiasAddFusionPass: the product has no other reader and no bias, the new
    node keeps the product's name and notes `has_bias`.
    """

    name = "ge-fuse-matmul-bias"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            found = next(_sums(match, node), None)
            if found is not None:
                product, bias = found
                editor.fuse([product, node], _biased(product, bias))


def _sums(match: Matcher, node: NodeOp) -> Iterator[tuple[NodeOp, SSAValue]]:
    """The ways to see a node as a product plus a bias."""
    if type_of(node) not in ("Add", "BiasAdd") or not match.is_free(node):
        return
    orders = either_way(node) if type_of(node) == "Add" else [tuple(node.operands)]
    for value, bias in orders:
        product = match.own(value, *PRODUCTS)
        if product is not None and product.port_names == ("x1", "x2") and _fits(node, value, bias):
            yield product, bias


def _fits(node: NodeOp, product: SSAValue, bias: SSAValue) -> bool:
    """Whether the bias is a vector of the product's columns; BiasAdd counts channels elsewhere."""
    if not all(isinstance(value.type, TensorType) for value in (product, bias)):
        return False
    shape = shape_of(product)
    return (
        product.type == node.results[0].type
        and shape_of(bias) == shape[-1:]
        and tensor_of(bias).element_type == tensor_of(product).element_type
        and (type_of(node) == "Add" or len(shape) == 2)
    )


def _biased(product: NodeOp, bias: SSAValue) -> Op:
    attributes = {**product.attributes, "has_bias": IntegerAttr(1, 1)}
    inputs = {**product.named_inputs, "bias": bias}
    kind = PRODUCTS[type_of(product)]
    return Op.of(kind, product.label, inputs, product.result_types, attributes)
