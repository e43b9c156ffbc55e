"""ge-fuse-batch-norm-scale: what scales or shifts a batch norm's channels goes into its weights."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from compiler.matching import Matcher, constant, either_way, is_per_channel
from compiler.rewrite import Names, all_graphs, editing
from compiler.transforms.ge.convert_batch_norm import is_inference
from compiler.weights.arithmetic import Term, compute, new_constant
from dialects.ge import ConstOp, GraphOp, NodeOp, Op, type_of
from dialects.types import element_name, tensor_of
from dialects.weights import FLOATS


@dataclass(frozen=True)
class GEFuseBatchNormScalePass(ModulePass):
    """Fold Mul and Add behind BatchNorm at inference, or BNInfer, into its scale and offset.

    Models that come from Caffe have their scale layers so. The factor or addend is a constant
    [C, 1, …] or [1, C, 1, …], scale and offset are constants, so that a refreshable weight is never
    folded; channels come second, and the batch norm has no other reader.
    """

    name = "ge-fuse-batch-norm-scale"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match, names = Matcher(graph), Names(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            found = _batch_norm(match, node) if type_of(node) in ("Mul", "Add") else None
            if found is not None:
                norm, operand = found
                read = [norm.input("scale"), norm.input("offset"), operand.results[0]]
                editor.fuse([norm, node], *_folded(names, norm, type_of(node), operand))
                editor.remove_unread(read)


def _batch_norm(match: Matcher, node: NodeOp) -> tuple[NodeOp, ConstOp] | None:
    """The batch norm whose result a node scales or shifts by a constant."""
    for product, other in either_way(node):
        norm, operand = match.own(product, "BNInfer", "BatchNorm"), constant(other)
        if norm is None or operand is None or not match.is_free(node):
            continue
        fits = product.type == node.results[0].type and is_per_channel(other, product)
        if fits and _foldable(match, norm, operand):
            return norm, operand
    return None


def _foldable(match: Matcher, norm: NodeOp, operand: ConstOp) -> bool:
    """Whether a batch norm has weights of the operand's type that can be changed."""
    channels_second = type_of(norm) == "BNInfer" or (
        is_inference(norm) and norm.attributes.get("data_format") == StringAttr("NCHW")
    )
    held = [constant(norm.input(port)) for port in ("scale", "offset")]
    if not channels_second or not all(node is not None and match.is_free(node) for node in held):
        return False
    values = [operand.results[0], *(node.results[0] for node in held if node is not None)]
    elements = {tensor_of(value).element_type for value in values}
    return len(elements) == 1 and element_name(*elements) in FLOATS


def _folded(names: Names, norm: NodeOp, kind: str, operand: ConstOp) -> tuple[NodeOp, ...]:
    """The constants that change, and the batch norm with them."""
    by = Term.of(operand)
    new: dict[str, ConstOp] = {}
    for port in ("scale", "offset") if kind == "Mul" else ("offset",):
        old = constant(norm.input(port))
        assert old is not None, "_foldable has looked"
        term = Term.of(old)
        changed = compute(kind, term, by.shaped(*term.type.get_shape()))
        new[port] = new_constant(names, f"{norm.label}_{port}", old, changed)
    inputs = norm.named_inputs | {port: node.results[0] for port, node in new.items()}
    fused = Op.of(type_of(norm), norm.label, inputs, norm.result_types, norm.attributes)
    return *new.values(), fused
