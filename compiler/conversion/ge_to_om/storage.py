"""Where the values of a graph are kept: which memory, and which values share a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xdsl.ir import SSAValue

from compiler.constants import weight_of
from compiler.conversion.ge_to_om.variables import VariableMemory
from compiler.om.contract import NO_TASK_NAME
from compiler.om.weights import Constant, WeightPlan, plan_weights
from compiler.sizes import byte_size
from compiler.weights.digests import all_sha256
from dialects.ge import ConstOp, FileConstantOp, GraphOp, NodeOp, VariableOp, type_of

Memory = Literal["feature", "weight", "variable"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in one of the memories: `number` is a slot of feature memory, an offset in the
    weight partition, or a logical address of variable memory."""

    memory: Memory
    number: int


@dataclass
class Storage:
    """The place of every value of a graph, and the sizes of the slots of feature memory."""

    weights: WeightPlan
    places: dict[SSAValue, Place] = field(default_factory=dict[SSAValue, Place])
    slots: list[int] = field(default_factory=list[int])

    def new_slot(self, value: SSAValue) -> Place:
        """A slot of feature memory as large as the value."""
        self.slots.append(byte_size(value))
        return Place("feature", len(self.slots) - 1)


def allocate(graph: GraphOp, variables: VariableMemory) -> Storage:
    """Give every value of a graph its place, values of subgraphs aside from sources included."""
    constants = [node for node in graph.all_nodes if isinstance(node, ConstOp)]
    weights = [weight_of(node.value) for node in constants]
    digests = all_sha256(weights)
    plan = plan_weights(Constant(weight.length, digests[weight]) for weight in weights)
    storage = Storage(plan)
    offsets = dict(zip(constants, plan.offsets, strict=True))
    for node in graph.all_nodes:
        for result in node.results:
            storage.places[result] = _place(node, result, storage, offsets, variables)
    return storage


def _place(
    node: NodeOp,
    result: SSAValue,
    storage: Storage,
    offsets: Mapping[ConstOp, int],
    variables: VariableMemory,
) -> Place:
    match node:
        case ConstOp():
            return Place("weight", offsets[node])
        case VariableOp():
            kind = str(result.type)
            return Place("variable", variables.address(node.label, byte_size(result), kind))
        case FileConstantOp():
            return Place("variable", variables.address(node.file_key, byte_size(result), "a file"))
        case _ if shares_input(node):
            return storage.places[node.operands[0]]
        case _:
            return storage.new_slot(result)


def shares_input(node: NodeOp) -> bool:
    """Whether the result is the first input: a view, or a variable that is assigned.

    What a node with graphs gives comes from these.
    """
    views = has_no_task(node) and not node.regions
    return bool(node.operands) and (views or type_of(node) == "Assign")


def has_no_task(node: NodeOp) -> bool:
    """Whether the device has nothing to do for a node."""
    return NO_TASK_NAME in node.attributes
