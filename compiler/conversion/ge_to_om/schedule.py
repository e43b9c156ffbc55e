"""The tasks of a static model: what depends on what, on which stream, in which memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from compiler.conversion.ge_to_om.overwriting import overwritable
from compiler.conversion.ge_to_om.storage import Place, Storage, has_no_task
from compiler.om import contract
from compiler.planning.lifetimes import Tensor
from compiler.planning.memory import MemoryPlan, plan_memory
from compiler.planning.streams import Step, StreamPlan, plan_streams
from dialects.ge import (
    ConstOp,
    DataOp,
    FileConstantOp,
    GraphOp,
    NetOutputOp,
    NodeOp,
    VariableOp,
    type_of,
)

NO_TASK = (ConstOp, DataOp, FileConstantOp, NetOutputOp, VariableOp)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The nodes that become tasks, the plan of their streams and of feature memory."""

    nodes: Sequence[NodeOp]
    streams: StreamPlan
    memory: MemoryPlan


def schedule(graph: GraphOp, storage: Storage) -> Schedule:
    """Plan a static graph: tasks keep the order of the graph on their stream."""
    nodes = [n for n in graph.nodes if not isinstance(n, NO_TASK) and not has_no_task(n)]
    streams = plan_streams(_steps(nodes, storage, _controls(graph, nodes)))
    return Schedule(nodes, streams, plan_memory(_tensors(graph, nodes, storage), streams.before))


def engine_of(node: NodeOp) -> str:
    """The kernel library that runs a node; the AI CPU's where no other claims it."""
    library = node.attributes.get(contract.ENGINE_NAME)
    return library.data if isinstance(library, StringAttr) else contract.AI_CPU_ENGINE


def block_dim_of(node: NodeOp) -> int:
    """On how many cores a node's kernel runs."""
    return node.integer(contract.BLOCK_DIM_NAME, 1)


def _written(node: NodeOp, storage: Storage) -> list[Place]:
    return [storage.places[result] for result in node.results]


def _read(node: NodeOp, storage: Storage) -> list[Place]:
    operands: Sequence[SSAValue] = node.operands
    if type_of(node) == "Assign":  # overwrites its first input without looking at it
        operands = operands[1:]
    return [storage.places[value] for value in operands]


def _controls(graph: GraphOp, nodes: Sequence[NodeOp]) -> dict[NodeOp, frozenset[int]]:
    """The tasks that each node waits for by control edges.

    Where a control edge comes from a node without a task, the tasks before that node are meant.
    """
    tasks = {node: i for i, node in enumerate(nodes)}
    done: dict[str, frozenset[int]] = {}
    controls: dict[NodeOp, frozenset[int]] = {}
    for node in graph.nodes:
        waits = frozenset[int]().union(*(done[name] for name in node.control_inputs))
        controls[node] = waits
        if node in tasks:
            done[node.label] = frozenset({tasks[node]})
        else:
            makers = (value.owner for value in node.operands)
            before = (done[maker.label] for maker in makers if isinstance(maker, NodeOp))
            done[node.label] = waits.union(*before)
    return controls


def _steps(
    nodes: Sequence[NodeOp], storage: Storage, controls: Mapping[NodeOp, frozenset[int]]
) -> list[Step]:
    """What each node waits for: control edges, the writers of what it reads, the users of what
    it overwrites."""
    writer: dict[Place, int] = {}
    readers: dict[Place, set[int]] = {}
    steps: list[Step] = []
    for i, node in enumerate(nodes):
        depends = {writer[place] for place in _read(node, storage) if place in writer}
        depends |= controls[node]
        for place in _written(node, storage):
            depends |= readers.pop(place, set())
            depends |= {writer[place]} if place in writer else set()
            writer[place] = i
        for place in _read(node, storage):
            readers.setdefault(place, set()).add(i)
        steps.append(Step(engine_of(node), frozenset(depends - {i})))
    return steps


def _tensors(graph: GraphOp, nodes: Sequence[NodeOp], storage: Storage) -> list[Tensor]:
    """The slots of feature memory with their writers and readers."""
    writers: dict[int, int] = {}
    readers: list[set[int]] = [set() for _ in storage.slots]
    over: dict[int, tuple[int, ...]] = {}
    for i, node in enumerate(nodes):
        for number in _slots(_written(node, storage)):
            writers[number] = i
            over[number] = _slots(storage.places[value] for value in overwritable(node))
        for number in _slots(_read(node, storage)):
            readers[number].add(i)
    outputs = graph.output.operands if graph.output else ()
    kept = set(_slots(storage.places[value] for value in outputs))
    return [
        Tensor(size, writers.get(k), frozenset(readers[k]), k in kept, over.get(k, ()))
        for k, size in enumerate(storage.slots)
    ]


def _slots(places: Iterable[Place]) -> tuple[int, ...]:
    return tuple(place.number for place in places if place.memory == "feature")
