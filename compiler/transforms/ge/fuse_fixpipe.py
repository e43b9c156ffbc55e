"""ge-fuse-fixpipe: Relu behind a product of the cube becomes a part of it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.fusing import fuse, sole_reader
from compiler.matching import Matcher
from compiler.rewrite import Names, all_graphs, editing
from dialects.ge import GraphOp, Op, type_of

PRODUCTS = ("BatchMatMulV2", "Conv2D", "MatMulV2")


@dataclass(frozen=True)
class GEFuseFixpipePass(ModulePass):
    """Let one kernel compute Conv2D or a matrix product and the Relu that alone reads it.

    The fixpipe applies Relu on the way out of L0C, where it costs nothing: GraphEngine's
    TbeFixPipeFusionPass.
    """

    name = "ge-fuse-fixpipe"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        names: Names | None = None
        for node in list(graph.nodes):
            relu = sole_reader(match, node) if type_of(node) in PRODUCTS else None
            if isinstance(node, Op) and isinstance(relu, Op) and relu.type_name == "Relu":
                names = names or Names(graph)
                fuse(editor, names, [node, relu])
