"""Timelines as `trace.json`, for Perfetto, chrome://tracing and MindStudio Insight."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from compiler.simulator.core_trace import CoreTrace, Placement, core_traces
from compiler.simulator.kernel_timing import CoreGroup, KernelTiming
from compiler.simulator.lanes import TASK_COLOURS, Event, Lane, metadata, microseconds
from compiler.simulator.memory import InUse
from compiler.simulator.model import ModelTiming, TaskSpan

INSTRUCTION_CAP = 2000
"""Instructions of one core that a trace shows: more make it too large to open."""

_STREAMS = "streams"


def model_trace(
    model: ModelTiming,
    memory: Sequence[InUse] = (),
    *,
    kernels: Collection[str] = (),
    cap: int = INSTRUCTION_CAP,
) -> dict[str, Any]:
    """The tasks of a model: a lane for each stream, a slice for each task; times in µs.

    `memory` is shown as a counter. Tasks named in `kernels` also show the pipes of one core of
    each group, below the streams.
    """
    streams = sorted({span.task.stream for span in model.tasks})
    lanes = [Lane(_stream(stream), stream, "") for stream in streams]
    events = [*metadata(_STREAMS, 0, lanes), *map(_task, model.tasks), *map(_in_use, memory)]
    other: dict[str, Any] = {"soc": model.soc.name, "total_us": microseconds(model.total_us)}
    for span in model.tasks:
        kernel = span.task.kernel
        if span.task.name in kernels and kernel is not None:
            number = len(other.get("cores", ()))
            place = Placement(span.start_us + kernel.head_us, f"{span.task.name}/", number)
            _add_kernel(kernel, cap, place, events, other)
    return _document(events, other)


def write_trace(trace: dict[str, Any], path: Path) -> None:
    """Write a trace as JSON, an event to a line."""
    import json

    head = {key: value for key, value in trace.items() if key != "traceEvents"}
    events = ",\n".join(json.dumps(event, ensure_ascii=False) for event in trace["traceEvents"])
    start = json.dumps(head, ensure_ascii=False)[:-1]
    path.write_text(f'{start}, "traceEvents": [\n{events}\n]}}\n', encoding="utf-8")


def _document(events: Sequence[Event], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "displayTimeUnit": "ns",
        "profilingType": "op",
        "schemaVersion": 2,
        "otherData": other,
        "traceEvents": list(events),
    }


def _add_kernel(
    kernel: KernelTiming, cap: int, place: Placement, events: list[Event], other: dict[str, Any]
) -> None:
    """Append the events of a kernel's cores, and state what is left out."""
    other["instruction_cap"] = cap
    cores = other.setdefault("cores", {})
    for core, group in core_traces(kernel, cap, place):
        events.extend(core.events())
        cores[core.process] = _shown(core, group)


def _shown(core: CoreTrace, group: CoreGroup) -> str:
    shown, total = len(core.program), group.schedule.instructions
    return f"first {shown} of {total} instructions; same for blocks {_ranges(group.blocks)}"


def _task(span: TaskSpan) -> Event:
    task = span.task
    start, end = microseconds(span.start_us), microseconds(span.end_us)
    bound = {} if task.kernel is None else {"bound": task.kernel.bound}
    return {
        "name": task.name,
        "cname": TASK_COLOURS[task.core_type],
        "ph": "X",
        "ts": start,
        "dur": microseconds(end - start),
        "pid": _STREAMS,
        "tid": _stream(task.stream),
        "args": {
            "op_type": task.op_type,
            "core_type": task.core_type.value,
            "block_dim": str(task.block_dim),
            "wait_us": str(microseconds(span.start_us - span.ready_us)),
            **bound,
        },
    }


def _in_use(memory: InUse) -> Event:
    return {
        "name": "feature memory",
        "ph": "C",
        "ts": microseconds(memory.at_us),
        "pid": _STREAMS,
        "args": {"bytes": memory.bytes},
    }


def _ranges(blocks: Sequence[int]) -> str:
    """`0-3, 7` for 0, 1, 2, 3, 7."""
    runs: list[list[int]] = []
    for block in blocks:
        if runs and block == runs[-1][-1] + 1:
            runs[-1][1:] = [block]
        else:
            runs.append([block])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _stream(stream: int) -> str:
    return f"stream {stream}"
