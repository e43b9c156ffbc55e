"""om-assign-streams: a stream for each engine, and events for what streams wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from compiler.planning.streams import Launch, Record, StreamPlan, Wait, plan_streams
from compiler.tasks.dependences import nodes_with_tasks, steps_of
from compiler.tasks.places import find_places
from dialects.om import EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp
from dialects.op import i64_attr

STREAMS, EVENTS = "stream_num", "event_num"


@dataclass(frozen=True)
class OMAssignStreamsPass(ModulePass):
    """Give every task a stream, and put records and waits of events between tasks.

    Tasks of one engine share a stream and keep the order of the graph. Where a task needs what
    another stream makes, reads or overwrites, it waits for an event, unless one that is awaited
    anyway comes later. Models that have streams already keep them.
    """

    name = "om-assign-streams"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for model in op.walk():
            if isinstance(model, ModelOp) and STREAMS not in model.attributes:
                _assign(model)


def _assign(model: ModelOp) -> None:
    plan = StreamPlan((), (), 0) if model.dynamic else _planned(model)
    model.attributes[STREAMS] = i64_attr(plan.stream_count)
    model.attributes[EVENTS] = i64_attr(plan.events)


def _planned(model: ModelOp) -> StreamPlan:
    """Plan the streams of a static model, and write its task list anew."""
    [graph] = model.graphs
    nodes = nodes_with_tasks(graph)
    plan = plan_streams(steps_of(graph, nodes, find_places(graph)))
    tasks = {task.node.data: task for task in model.tasks if isinstance(task, KernelTaskOp)}
    launched = {i: tasks[node.label] for i, node in enumerate(nodes)}
    for task in tasks.values():
        task.detach()
    model.body.block.add_ops([_task(task, plan, launched) for task in plan.tasks])
    return plan


def _task(
    task: Launch | Record | Wait, plan: StreamPlan, launched: Mapping[int, KernelTaskOp]
) -> Operation:
    match task:
        case Launch(step):
            launch = launched[step]
            launch.properties["stream"] = i64_attr(plan.streams[step])
            return launch
        case Record(stream, event):
            return EventRecordOp(stream, event)
        case Wait(stream, event):
            return EventWaitOp(stream, event)
