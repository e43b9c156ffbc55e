"""Graphs of GraphEngine nodes, and the bundle that holds several of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self, cast

from xdsl.dialects.builtin import ArrayAttr, IntegerAttr, StringAttr
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.irdl import irdl_op_definition, prop_def, region_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from dialects.ge.attributes import RefreshableAttr
from dialects.ge.node import NodeOp
from dialects.ge.ops import DataOp, NetOutputOp
from dialects.op import AscendOp, describe

REFRESHABLE = "refreshable"
"""Of an inference graph, and no attribute of GraphEngine's: its weights that are variables."""


@irdl_op_definition
class GraphOp(AscendOp):
    """A graph of nodes in execution order; its attributes are GraphEngine's graph attributes."""

    name = "ge.graph"

    sym_name = prop_def(StringAttr)
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator())

    def __init__(
        self,
        name: str,
        nodes: Sequence[Operation] = (),
        attributes: dict[str, Attribute] | None = None,
    ):
        super().__init__(
            properties={"sym_name": StringAttr(name)},
            attributes=attributes or {},
            regions=[Region(Block(nodes))],
        )

    @property
    def label(self) -> str:
        """The graph's name."""
        return self.sym_name.data

    @property
    def nodes(self) -> Iterator[NodeOp]:
        """The nodes in execution order, those of subgraphs not included."""
        return cast("Iterator[NodeOp]", iter(self.body.block.ops))

    @property
    def all_nodes(self) -> Iterator[NodeOp]:
        """The nodes of this graph and of every graph inside it, an owner before its subgraphs."""
        for node in self.nodes:
            yield node
            if node.regions and node.CALLS:
                for graph in subgraphs_of(node):
                    yield from graph.all_nodes

    @property
    def refreshable(self) -> tuple[RefreshableAttr, ...]:
        """The weights that can be changed after compilation, in the order they are updated in."""
        listed = self.attributes.get(REFRESHABLE)
        return listed.data if isa(listed, ArrayAttr[RefreshableAttr]) else ()

    @property
    def inputs(self) -> list[DataOp]:
        """The Data nodes in the order of their `index` (of the graph where none is given)."""
        data = [node for node in self.nodes if isinstance(node, DataOp)]
        return sorted(data, key=_index)

    @property
    def output(self) -> NetOutputOp | None:
        """The NetOutput node, if there is one."""
        op = self.body.block.last_op
        while op is not None and not isinstance(op, NetOutputOp):
            op = op.prev_op
        return op

    def verify_(self) -> None:
        seen: set[str] = set()
        done: set[Operation] = set()
        for op in self.body.block.ops:
            if not isinstance(op, NodeOp):
                raise VerifyException(f"holds ge nodes only, not {op.name}")
            if op.label in seen:
                raise VerifyException(f"two nodes are called '{op.label}'")
            for value in op.operands:
                if value.owner not in done:
                    raise VerifyException(f"{describe(op)} uses a value before its definition")
            for name in op.control_inputs:
                if name not in seen:
                    raise VerifyException(f"{describe(op)} waits for '{name}', no node before it")
            seen.add(op.label)
            done.add(op)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_str_literal()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        region = parser.parse_region()
        if not region.blocks:
            region.add_block(Block())
        return cls.create(
            properties={"sym_name": StringAttr(name)},
            attributes=dict(attributes.data) if attributes else {},
            regions=[region],
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.label)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)


def _index(node: DataOp) -> int:
    index = node.attributes.get("index")
    return index.value.data if isinstance(index, IntegerAttr) else 0


def subgraphs_of(node: NodeOp) -> Iterator[GraphOp]:
    """The graphs a node calls, in the order of its subgraph slots."""
    for region in node.regions if node.CALLS else ():
        for op in region.block.ops:
            assert isinstance(op, GraphOp)
            yield op


@irdl_op_definition
class BundleOp(AscendOp):
    """Graphs that are built together and share their variables; a graph's index is its place."""

    name = "ge.bundle"

    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator())

    assembly_format = "attr-dict-with-keyword $body"

    def __init__(self, graphs: Sequence[GraphOp]):
        super().__init__(regions=[Region(Block(graphs))])

    @property
    def graphs(self) -> list[GraphOp]:
        """The graphs in bundle order."""
        return [op for op in self.body.block.ops if isinstance(op, GraphOp)]

    def verify_(self) -> None:
        labels: set[str] = set()
        for op in self.body.block.ops:
            if not isinstance(op, GraphOp):
                raise VerifyException(f"holds ge.graph only, not {op.name}")
            if op.label in labels:
                raise VerifyException(f"two graphs are called '{op.label}'")
            labels.add(op.label)
