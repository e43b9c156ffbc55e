"""ge-make-multi-batch: a dynamic graph is compiled for a list of sizes, and told which at run time.

GraphEngine copies the graph for each gear into a Case. Here it stays one graph with open shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, IntegerAttr, ModuleOp, i32, i64
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from compiler.errors import UserError
from compiler.om.gears import KINDS, SELECTOR, Kind
from compiler.rewrite import main_graphs
from compiler.sizes import dtype_of
from dialects.ge import DataOp, GraphOp
from dialects.op import names_attr
from dialects.types import tensor_type


@dataclass(frozen=True)
class GEMakeMultiBatchPass(ModulePass):
    """Add the input that selects a gear, with the gears as GraphEngine's Case has them.

    `gears` are the sizes of each gear, `"1"` or `"224,224"`; `order` names the inputs as the user
    gave their shapes, `outputs` has the output shapes, entries `<gear>,<output>,<dims…>`.
    """

    name = "ge-make-multi-batch"

    kind: Kind
    gears: tuple[str, ...]
    order: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in main_graphs(op):
            self._add_selector(graph)
            if self.outputs and graph.output is not None:
                graph.output.attributes["_dynamic_output_dims"] = names_attr(self.outputs)

    def _add_selector(self, graph: GraphOp) -> None:
        rows = [self._row(text) for text in self.gears]
        inputs = graph.inputs
        type = tensor_type((len(rows[0]),), i32)
        attributes: dict[str, Attribute] = {
            "index": IntegerAttr(len(inputs), i64),
            "data_type": IntegerAttr(dtype_of(i32).cpp, i64),
            "_is_multi_batch_shape_data": BoolAttr.from_bool(True),
            "mbatch_dynamic_type": IntegerAttr(KINDS.index(self.kind) + 1, i64),
            "user_designate_shape_order": names_attr(self.order),
            "_batch_num": IntegerAttr(len(rows), i64),
        }
        for place, row in enumerate(rows):
            attributes[f"_pred_value_{place}"] = DenseArrayBase.from_list(i64, row)
        selector = DataOp.make(SELECTOR, results=[type], attributes=attributes)
        graph.body.block.insert_op_after(selector, inputs[-1])

    def _row(self, text: str) -> list[int]:
        try:
            return [int(size) for size in text.split(",")]
        except ValueError:
            raise UserError(f"{self.name}: gear '{text}' is not sizes like 224,224") from None
