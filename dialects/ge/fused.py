"""Nodes that one kernel computes together: the graph they were stays with the node they became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import prop_def
from xdsl.utils.exceptions import VerifyException

from dialects.definition import node_definition
from dialects.ge.graph import GraphOp
from dialects.ge.node import NodeOp
from dialects.ge.ops import Op


@node_definition
class FusedOp(NodeOp):
    """A node of the type of its first part, and the graph of all parts.

    The graph has a Data for each input of the node, in order, and a NetOutput for its results. It
    is GraphEngine's `_original_fusion_graph`: nobody calls it, a kernel computes it.
    """

    name = "ge.fused"

    op_type = prop_def(StringAttr)
    BEFORE_NAME: ClassVar[tuple[str, ...]] = ("op_type",)
    CALLS: ClassVar[bool] = False

    @classmethod
    def of(
        cls,
        name: str,
        inputs: Mapping[str, SSAValue],
        results: Sequence[Attribute],
        attributes: Mapping[str, Attribute],
        graph: GraphOp,
    ) -> Self:
        """Build a node with the graph that it stands for."""
        first = next(node for node in graph.nodes if isinstance(node, Op))
        regions = [Region(Block([graph]))]
        op_type = first.op_type
        return cls.make(name, inputs, results, attributes, subgraphs=regions, op_type=op_type)

    @property
    def graph(self) -> GraphOp:
        """The graph that the node stands for."""
        graph = self.regions[0].block.first_op
        assert isinstance(graph, GraphOp)
        return graph

    @property
    def parts(self) -> list[Op]:
        """The nodes that it stands for, in order."""
        return [node for node in self.graph.nodes if isinstance(node, Op)]

    def verify_(self) -> None:
        super().verify_()
        if len(self.regions) != 1 or not isinstance(self.regions[0].block.first_op, GraphOp):
            raise VerifyException("holds the one graph that it stands for")
        if [data.results[0].type for data in self.graph.inputs] != [v.type for v in self.operands]:
            raise VerifyException("has other inputs than its graph")
        output = self.graph.output
        if output is None or [v.type for v in output.operands] != list(self.result_types):
            raise VerifyException("has other results than its graph")
