"""Where the values of a graph are kept: which memory, and which values share a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from compiler.om.contract import KERNEL_NAME, NO_TASK_NAME
from compiler.sizes import byte_size
from dialects.ge import ConstOp, FileConstantOp, GraphOp, NodeOp, VariableOp, type_of

Memory = Literal["feature", "weight", "variable"]

STORED = (ConstOp, FileConstantOp, VariableOp)
"""What makes values that outlive a run."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in one of the memories: `key` is a slot of feature memory, the number of a constant,
    or the name of a variable."""

    memory: Memory
    key: int | str


@dataclass
class Places:
    """The place of every value of a graph and its subgraphs.

    `slots` has the sizes of the slots of feature memory in bytes, `constants` the weights and
    `variables` a value of each. `workspaces` are the slots of what kernels need for themselves.
    """

    of: dict[SSAValue, Place] = field(default_factory=dict[SSAValue, Place])
    slots: list[int] = field(default_factory=list[int])
    constants: list[ConstOp] = field(default_factory=list[ConstOp])
    variables: list[tuple[str, SSAValue]] = field(default_factory=list[tuple[str, SSAValue]])

    workspaces: dict[NodeOp, list[int]] = field(default_factory=dict[NodeOp, list[int]])

    def add_workspaces(self, graph: GraphOp, kernels: Mapping[str, Sequence[int]]) -> None:
        """Slots for the kernels of a graph that have workspaces: their bytes, by kernel name."""
        for node in graph.nodes if kernels else ():
            name = node.attributes.get(KERNEL_NAME)
            sizes = kernels.get(name.data, ()) if isinstance(name, StringAttr) else ()
            if sizes:
                first = len(self.slots)
                self.slots += sizes
                self.workspaces[node] = list(range(first, len(self.slots)))

    def new(self, node: NodeOp, result: SSAValue) -> Place:
        """The place of what a node makes."""
        match node:
            case ConstOp():
                self.constants.append(node)
                return Place("weight", len(self.constants) - 1)
            case VariableOp():
                return self._variable(node.label, result)
            case FileConstantOp():
                return self._variable(node.file_key, result)
            case _ if shares_input(node):
                return self.of[node.operands[0]]
            case _:
                self.slots.append(byte_size(result))
                return Place("feature", len(self.slots) - 1)

    def _variable(self, key: str, value: SSAValue) -> Place:
        self.variables.append((key, value))
        return Place("variable", key)


def find_places(graph: GraphOp) -> Places:
    """Give every value of a graph its place, values of subgraphs aside from sources included."""
    places = Places()
    for node in graph.all_nodes:
        for result in node.results:
            places.of[result] = places.new(node, result)
    return places


def shares_input(node: NodeOp) -> bool:
    """Whether the result is the first input: a view, or a variable that is assigned.

    What a node with graphs gives comes from these.
    """
    views = has_no_task(node) and not node.regions
    return bool(node.operands) and (views or type_of(node) == "Assign")


def has_no_task(node: NodeOp) -> bool:
    """Whether the device has nothing to do for a node."""
    return NO_TASK_NAME in node.attributes
