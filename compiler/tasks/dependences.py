"""Which nodes of a graph become tasks, and which of them each one waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from compiler.om import contract
from compiler.planning.lifetimes import Tensor
from compiler.planning.streams import Step
from compiler.tasks.overwriting import overwritable
from compiler.tasks.places import STORED, Place, Places, has_no_task
from dialects.ge import DataOp, GraphOp, NetOutputOp, NodeOp, type_of

NO_TASK = (*STORED, DataOp, NetOutputOp)


def nodes_with_tasks(graph: GraphOp) -> list[NodeOp]:
    """The nodes that the device has something to do for, in the order of the graph."""
    return [n for n in graph.nodes if not isinstance(n, NO_TASK) and not has_no_task(n)]


def engine_of(node: NodeOp) -> str:
    """The kernel library that runs a node; the AI CPU's where no other claims it."""
    library = node.attributes.get(contract.ENGINE_NAME)
    return library.data if isinstance(library, StringAttr) else contract.AI_CPU_ENGINE


def steps_of(graph: GraphOp, nodes: Sequence[NodeOp], places: Places) -> list[Step]:
    """What each node waits for: control edges, the writers of what it reads, the users of what
    it overwrites."""
    controls = _controls(graph, nodes)
    writer: dict[Place, int] = {}
    readers: dict[Place, set[int]] = {}
    steps: list[Step] = []
    for i, node in enumerate(nodes):
        depends = {writer[place] for place in _read(node, places) if place in writer}
        depends |= controls[node]
        for place in _written(node, places):
            depends |= readers.pop(place, set())
            depends |= {writer[place]} if place in writer else set()
            writer[place] = i
        for place in _read(node, places):
            readers.setdefault(place, set()).add(i)
        steps.append(Step(engine_of(node), frozenset(depends - {i})))
    return steps


def tensors_of(graph: GraphOp, nodes: Sequence[NodeOp], places: Places) -> list[Tensor]:
    """The slots of feature memory with the steps (nodes, by index) that write and read them."""
    writers: dict[int, int] = {}
    readers: list[set[int]] = [set() for _ in places.slots]
    over: dict[int, tuple[int, ...]] = {}
    for i, node in enumerate(nodes):
        for slot in _slots(_written(node, places)):
            writers[slot] = i
            over[slot] = _slots(places.of[value] for value in overwritable(node))
        for slot in _slots(_read(node, places)):
            readers[slot].add(i)
        writers.update(dict.fromkeys(places.workspaces.get(node, ()), i))
    outputs = graph.output.operands if graph.output else ()
    kept = set(_slots(places.of[value] for value in outputs))
    return [
        Tensor(size, writers.get(k), frozenset(readers[k]), k in kept, over.get(k, ()))
        for k, size in enumerate(places.slots)
    ]


def _written(node: NodeOp, places: Places) -> list[Place]:
    return [places.of[result] for result in node.results]


def _read(node: NodeOp, places: Places) -> list[Place]:
    operands: Sequence[SSAValue] = node.operands
    if type_of(node) == "Assign":  # overwrites its first input without looking at it
        operands = operands[1:]
    return [places.of[value] for value in operands]


def _slots(places: Iterable[Place]) -> tuple[int, ...]:
    return tuple(int(place.key) for place in places if place.memory == "feature")


def _controls(graph: GraphOp, nodes: Sequence[NodeOp]) -> Mapping[NodeOp, frozenset[int]]:
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
