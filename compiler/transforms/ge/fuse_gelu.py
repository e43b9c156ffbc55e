"""ge-fuse-gelu: the Gaussian error linear unit, spelled out, becomes one node."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from compiler.matching import Matcher, either_way, number
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of

CLOSE = 1e-3
"""How far constants may be from √½, √(2/π) and 0.044715: exporters write few digits."""


@dataclass(frozen=True)
class GEFuseGeluPass(ModulePass):
    """Recognise x/2 · (1 + erf(x/√2)) as GeluV2, and its approximation with tanh as Gelu.

    The factors may stand in any order. Every node in between has no other reader.
    """

    name = "ge-fuse-gelu"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        order = {node: place for place, node in enumerate(graph.nodes)}
        for node in list(order):
            found = _gelu(match, node) if type_of(node) == "Mul" else None
            if found is not None:
                x, parts, kind = found
                attributes = {"approximate": StringAttr("none")} if kind == "GeluV2" else {}
                new = Op.of(kind, node.label, {"x": x}, node.result_types, attributes)
                editor.fuse(sorted(parts, key=order.__getitem__), new)


@dataclass
class _Product:
    """The factors of nested multiplications: their numbers together, the others one by one."""

    scale: float = 1.0
    values: list[SSAValue] = field(default_factory=list[SSAValue])
    nodes: list[NodeOp] = field(default_factory=list[NodeOp])


DEPTH = 5
"""Multiplications within one another that a GELU has at most."""


def _product(match: Matcher, node: NodeOp, depth: int = DEPTH) -> _Product:
    """What a Mul, Muls, or RealDiv by a number multiplies."""
    product = _Product(nodes=[node])
    if type_of(node) == "RealDiv":
        divisor = number(node.operands[1])
        product.scale = 1 / divisor if divisor else math.nan
    for value in node.operands[: 1 if type_of(node) == "RealDiv" else 2]:
        factor = number(value)
        inner = match.own(value, "Mul", "RealDiv") if depth else None
        if factor is not None:
            product.scale *= factor
        elif inner is not None and (type_of(inner) == "Mul" or number(inner.operands[1])):
            part = _product(match, inner, depth - 1)
            product.scale *= part.scale
            product.values += part.values
            product.nodes += part.nodes
        else:
            product.values.append(value)
    return product


def _gelu(match: Matcher, root: NodeOp) -> tuple[SSAValue, list[NodeOp], str] | None:
    """The input, the nodes and GraphEngine's type of a GELU that ends in `root`."""
    if not match.is_free(root):
        return None
    outer = _product(match, root)
    if len(outer.values) != 2 or not math.isclose(outer.scale, 0.5, rel_tol=CLOSE):
        return None
    for x, gate in (outer.values, outer.values[::-1]):
        plus = match.own(gate, "Add")
        if plus is None or x.type != root.results[0].type:
            continue
        for value, one in either_way(plus):
            curve = match.own(value, "Erf", "Tanh") if number(one) == 1 else None
            inner = _argument(match, curve, x) if curve is not None else None
            if curve is not None and inner is not None:
                kind = "GeluV2" if type_of(curve) == "Erf" else "Gelu"
                return x, [*outer.nodes, plus, curve, *inner], kind
    return None


def _argument(match: Matcher, curve: NodeOp, x: SSAValue) -> list[NodeOp] | None:
    """The nodes that make the argument of erf or tanh from x."""
    scaled = match.own(curve.operands[0], "Mul", "RealDiv")
    if scaled is None:
        return None
    product = _product(match, scaled)
    if type_of(curve) == "Erf":
        right = product.values == [x] and math.isclose(product.scale, math.sqrt(0.5), rel_tol=CLOSE)
        return product.nodes if right else None
    slope = math.isclose(product.scale, math.sqrt(2 / math.pi), rel_tol=CLOSE)
    total = match.own(product.values[0], "Add") if slope and len(product.values) == 1 else None
    cube = next(_cubes(match, total, x), None) if total is not None else None
    return [*product.nodes, total, *cube] if total is not None and cube is not None else None


def _cubes(match: Matcher, total: NodeOp, x: SSAValue) -> Iterator[list[NodeOp]]:
    """The nodes that make 0.044715 x³, where that is what is added to x."""
    for same, value in either_way(total):
        scaled = match.own(value, "Mul") if same is x else None
        if scaled is None:
            continue
        product = _product(match, scaled)
        if not math.isclose(product.scale, 0.044715, rel_tol=CLOSE):
            continue
        if product.values == [x, x, x]:
            yield product.nodes
        power = match.own(product.values[0], "Pow") if len(product.values) == 1 else None
        if power is not None and power.operands[0] is x and number(power.operands[1]) == 3:
            yield [*product.nodes, power]
