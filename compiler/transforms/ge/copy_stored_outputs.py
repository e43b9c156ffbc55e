"""ge-copy-stored-outputs: a constant or variable that is a model output is copied into it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.rewrite import Names, carry_location, main_graphs
from dialects.ge import ConstOp, FileConstantOp, GraphOp, NetOutputOp, Op, VariableOp

STORED = (ConstOp, FileConstantOp, VariableOp)
"""What lies in memory before the model runs."""


@dataclass(frozen=True)
class GECopyStoredOutputsPass(ModulePass):
    """Put a TensorMove before outputs that lie in memory already: outputs are what tasks write."""

    name = "ge-copy-stored-outputs"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in main_graphs(op):
            if graph.output is not None:
                _copy(graph, graph.output)


def _copy(graph: GraphOp, output: NetOutputOp) -> None:
    copies: dict[SSAValue, SSAValue] = {}
    names = Names(graph)
    for value in output.operands:
        source = value.owner
        if isinstance(source, STORED) and value not in copies:
            label = names.fresh(f"{source.label}_output")
            copy = Op.of("TensorMove", label, {"x": value}, [value.type])
            carry_location(source, copy)
            Rewriter.insert_op(copy, InsertPoint.before(output))
            copies[value] = copy.results[0]
    output.operands = [copies.get(value, value) for value in output.operands]
