"""ge-fuse-attention: scaled dot-product attention, spelled out, becomes PromptFlashAttention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    f32,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass

from compiler.constants import const_vector, constant_values
from compiler.matching import Matcher, either_way, number
from compiler.rewrite import Names, all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of
from dialects.types import is_static, shape_of, tensor_of, tensor_type

PRODUCTS = ("BatchMatMul", "BatchMatMulV2")
UNMASKED = 2**31 - 1
"""Of pre_tokens and next_tokens: every token sees every other."""


@dataclass(frozen=True)
class GEFuseAttentionPass(ModulePass):
    """Recognise softmax(Q · Kᵀ · scale + mask) · V on float16 tensors [B, N, S, D].

    The mask becomes `pse_shift`. GraphEngine's attention operators differ in whether they add it
    before they scale or behind: where there is a mask the query is scaled in a node of its own.
    Not in the default pipeline: only SoCs with separate vector cores have an AI-Core kernel for it,
    on others the products would move to the AI CPU. `offline{fuse-attention}` asks for it.
    """

    name = "ge-fuse-attention"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


@dataclass
class _Attention:
    """The parts of an attention, `nodes` from the last to the first."""

    nodes: list[NodeOp]
    query: SSAValue
    transposed_key: SSAValue
    value: SSAValue
    adjoint: bool
    """Whether `transposed_key` is the key itself, and the product transposes it."""
    scale: float = 1.0
    mask: SSAValue | None = None


def _fuse(graph: GraphOp) -> None:
    match, names = Matcher(graph), Names(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            found = _attention(match, node) if type_of(node) in PRODUCTS else None
            if found is not None:
                editor.fuse(found.nodes[::-1], *_new(names, found, node))


def _attention(match: Matcher, last: NodeOp) -> _Attention | None:
    softmax = match.own(last.operands[0], "SoftmaxV2")
    if softmax is None or not _is_product(match, last) or last.flag("adj_x2"):
        return None
    axes, rank = softmax.integers("axes"), len(shape_of(last.results[0]))
    element = tensor_of(last.results[0]).element_type
    if rank != 4 or axes not in ([-1], [3]) or not isinstance(element, Float16Type | BFloat16Type):
        return None
    for found in _scores(match, softmax.operands[0]):
        found.nodes[:0] = [last, softmax]
        found.value = last.operands[1]
        fits = [found.query, found.transposed_key, found.value, last.results[0]]
        return found if all(_fits(value, fits[-1]) for value in fits) else None
    return None


def _is_product(match: Matcher, node: NodeOp) -> bool:
    plain = node.port_names == ("x1", "x2") and not node.flag("adj_x1")
    return plain and match.is_free(node)


def _fits(value: SSAValue, result: SSAValue) -> bool:
    """Whether a tensor has the batch, heads and element type of the result."""
    alike = is_static(value.type) and len(shape_of(value)) == 4
    return (
        alike
        and shape_of(value)[:2] == shape_of(result)[:2]
        and tensor_of(value).element_type == tensor_of(result).element_type
    )


def _scores(match: Matcher, value: SSAValue, *, masked: bool = False) -> Iterator[_Attention]:
    """The ways to see a value as Q · Kᵀ, scaled and masked."""
    product = match.own(value, *PRODUCTS)
    if product is not None and _is_product(match, product):
        query, key = product.operands
        yield _Attention([product], query, key, value, product.flag("adj_x2"))
    scaled = match.own(value, "Mul", "RealDiv")
    if scaled is not None:
        yield from _scaled(match, scaled)
    total = match.own(value, "Add") if not masked else None
    if total is None or total.results[0].type != value.type:
        return
    for scores, mask in either_way(total):
        if scores.type != value.type:
            continue
        for found in _scores(match, scores, masked=True):
            found.nodes.insert(0, total)
            found.mask = mask
            yield found


def _scaled(match: Matcher, node: NodeOp) -> Iterator[_Attention]:
    orders = either_way(node) if type_of(node) == "Mul" else [tuple(node.operands)]
    for scores, factor in orders:
        scale, product = number(factor), match.own(scores, *PRODUCTS)
        if scale and product is not None and _is_product(match, product):
            query, key = product.operands
            found = _Attention([node, product], query, key, key, product.flag("adj_x2"))
            found.scale = scale if type_of(node) == "Mul" else 1 / scale
            yield found


def _new(names: Names, found: _Attention, last: NodeOp) -> list[NodeOp]:
    """The attention, and the nodes that make its inputs."""
    made: list[NodeOp] = []
    key, query, scale = found.transposed_key, found.query, found.scale
    if not found.adjoint:
        key = _key(names, last, key, made)
    inputs = {"query": query, "key": key, "value": found.value}
    if found.mask is not None:
        inputs["pse_shift"] = _mask(names, last, found, made)
        if scale != 1:
            muls = Op.of(
                "Muls",
                names.fresh(f"{last.label}_query"),
                {"x": query},
                [query.type],
                {"value": FloatAttr(scale, f32)},
            )
            made.append(muls)
            inputs["query"], scale = muls.results[0], 1.0
    attributes: dict[str, Attribute] = {
        "num_heads": IntegerAttr(shape_of(query)[1], i64),
        "scale_value": FloatAttr(scale, f32),
        "pre_tokens": IntegerAttr(UNMASKED, i64),
        "next_tokens": IntegerAttr(UNMASKED, i64),
        "input_layout": StringAttr("BNSD"),
        "inner_precise": IntegerAttr(0, i64),
    }
    kind, label = "PromptFlashAttention", last.label
    return [*made, Op.of(kind, label, inputs, last.result_types, attributes)]


def _key(names: Names, last: NodeOp, key: SSAValue, made: list[NodeOp]) -> SSAValue:
    """K from Kᵀ: what was transposed, or a transpose of its own."""
    owner, perm = key.owner, (0, 1, 3, 2)
    source = key
    if isinstance(owner, NodeOp) and type_of(owner) in ("Transpose", "TransposeD"):
        given = constant_values(owner.input("perm")) or tuple(owner.integers("perm"))
        if len(given) == 4:
            source, perm = owner.operands[0], tuple(given[axis] % 4 for axis in perm)
    if perm == (0, 1, 2, 3):
        return source
    constant = const_vector(names.fresh(f"{last.label}_perm"), perm, i32)
    shape = tuple(shape_of(source)[axis] for axis in perm)
    transpose = Op.of(
        "Transpose",
        names.fresh(f"{last.label}_key"),
        {"x": source, "perm": constant.results[0]},
        [tensor_type(shape, tensor_of(key).element_type)],
    )
    made += [constant, transpose]
    return transpose.results[0]


def _mask(names: Names, last: NodeOp, found: _Attention, made: list[NodeOp]) -> SSAValue:
    """The mask for every head: [B or 1, N, S, S]."""
    assert found.mask is not None
    shape = shape_of(found.mask)
    scores = shape_of(found.nodes[1].operands[0])
    full = (shape[0] if len(shape) == 4 else 1, *scores[1:])
    if shape == full:
        return found.mask
    constant = const_vector(names.fresh(f"{last.label}_shape"), full, i64)
    spread = Op.of(
        "BroadcastTo",
        names.fresh(f"{last.label}_mask"),
        {"x": found.mask, "shape": constant.results[0]},
        [tensor_type(full, tensor_of(found.mask).element_type)],
    )
    made += [constant, spread]
    return spread.results[0]
