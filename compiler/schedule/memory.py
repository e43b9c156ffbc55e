"""The feature memory of an offline model while its simulated tasks run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from compiler.om.contract import FEATURE_BASE_NAME, FEATURE_SIZE_NAME, INTERFACE_SIZE_NAME
from compiler.simulator.memory import Accesses, InUse, Range, lives, memory_over_time
from compiler.simulator.model import ModelTiming
from compiler.sizes import byte_size
from dialects.ge import NodeOp
from dialects.om import KernelTaskOp, ModelOp


@dataclass(frozen=True, slots=True)
class FeatureMemory:
    """Bytes: what is planned, the part for inputs and outputs, and what is in use over time."""

    planned: int
    interface: int
    in_use: Sequence[InUse]

    @property
    def peak(self) -> int:
        """The most that is in use at a time."""
        return max((moment.bytes for moment in self.in_use), default=self.interface)


def feature_memory(model: ModelOp, timing: ModelTiming) -> FeatureMemory:
    """Follow the tensors of a static model through its task list."""
    planned, interface = (model.integer(n) for n in (FEATURE_SIZE_NAME, INTERFACE_SIZE_NAME))
    first = model.integer(FEATURE_BASE_NAME)
    inner = range(first, first + planned - interface)
    tensors = lives(_accesses(model, inner), timing.tasks)
    return FeatureMemory(planned, interface, memory_over_time(tensors, interface))


def _accesses(model: ModelOp, inner: range) -> Iterator[Accesses]:
    nodes = {node.label: node for graph in model.graphs for node in graph.all_nodes}
    for task in model.tasks:
        if isinstance(task, KernelTaskOp) and task.node.data in nodes:
            yield _access(task, nodes, inner)


def _access(task: KernelTaskOp, nodes: Mapping[str, NodeOp], inner: range) -> Accesses:
    node = nodes[task.node.data]
    addresses = task.args.get_values()
    reads = zip(addresses, node.operands, strict=False)
    writes = zip(addresses[len(node.operands) :], node.results, strict=False)
    return Accesses(node.label, _ranges(reads, inner), _ranges(writes, inner))


def _ranges(places: Iterator[tuple[int, SSAValue]], inner: range) -> list[Range]:
    return [Range(address, byte_size(value)) for address, value in places if address in inner]
