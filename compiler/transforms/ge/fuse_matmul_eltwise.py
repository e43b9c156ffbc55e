"""ge-fuse-matmul-eltwise: what follows a matrix product element by element joins its kernel."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.eltwise import is_eltwise
from compiler.fusing import fuse, sole_reader
from compiler.matching import Matcher
from compiler.rewrite import Names, all_graphs, editing
from compiler.sizes import byte_size
from dialects.ge import GraphOp, Op, type_of
from dialects.types import shape_of

PRODUCTS = ("BatchMatMulV2", "MatMulV2")

MOST_FOLLOWERS = 3
"""Elementwise nodes behind a product: they share UB with its blocks."""

WORTH_IT = 1 << 20
"""Bytes of a result for which one node behind a product pays: a group of cores is launched for more
than a cube core and then a vector core, and only while it works does the one hide the other."""


@dataclass(frozen=True)
class GEFuseMatmulEltwisePass(ModulePass):
    """Let one kernel compute a matrix product and the elementwise nodes that alone read it.

    Cube cores compute the product, the vector cores beside them what follows, block by block:
    GraphEngine's ATbeMatmulElemwiseFusionPass. Relu alone is the fixpipe's (ge-fuse-fixpipe), and
    one other node alone joins a large result only.
    """

    name = "ge-fuse-matmul-eltwise"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        names: Names | None = None
        for node in list(graph.nodes):
            if isinstance(node, Op) and type_of(node) in PRODUCTS:
                followers = _followers(match, node)
                if _is_worth_it(node, followers):
                    names = names or Names(graph)
                    fuse(editor, names, [node, *followers])


def _is_worth_it(product: Op, followers: list[Op]) -> bool:
    if not followers or [f.type_name for f in followers] == ["Relu"]:
        return False
    return len(followers) > 1 or byte_size(product.results[0]) >= WORTH_IT


def _followers(match: Matcher, product: Op) -> list[Op]:
    """The elementwise nodes behind a product, each the only reader of the one before."""
    found: list[Op] = []
    last = product
    while len(found) < MOST_FOLLOWERS:
        reader = sole_reader(match, last)
        if not isinstance(reader, Op) or not is_eltwise(reader):
            break
        if shape_of(reader.results[0]) != shape_of(product.results[0]):
            break
        found.append(reader)
        last = reader
    return found
