"""Reports of a simulated model: profiler CSVs and a table of time per operator type."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from compiler.simulator.instruction import Pipe
from compiler.simulator.kernel_timing import KernelTiming, PipeUse
from compiler.simulator.model import ModelTiming, TaskSpan

Row: TypeAlias = dict[str, str | int | float]

_PIPES = {
    Pipe.M: "mac",
    Pipe.S: "scalar",
    Pipe.MTE1: "mte1",
    Pipe.MTE2: "mte2",
    Pipe.MTE3: "mte3",
    Pipe.FIX: "fixpipe",
    Pipe.V: "vec",
}


@dataclass(frozen=True, slots=True)
class OperatorTime:
    """The tasks of one operator type: number, time, share of all task time, bytes, and pipes.

    Where kernels were simulated, `gm_bytes` reach global memory, `utilisation` is busy time over
    core time by pipe name, and `roof` the part of the SoC (memory, cube, vector) that would need
    longest for the work alone, with the share of the time that this is.
    """

    op_type: str
    count: int
    time_us: float
    share: float
    gm_bytes: int
    bound: str
    roof: tuple[str, float]
    utilisation: Mapping[str, float]


def op_summary(
    model: ModelTiming, model_name: str, tensors: Mapping[str, Row] = MappingProxyType({})
) -> list[Row]:
    """`op_summary.csv`: a row for each task, in order of start.

    `tensors` has the columns that say something of a task's tensors, by its name.
    """
    return [
        _task_row(number, span, model_name, tensors.get(span.task.name, {}))
        for number, span in enumerate(model.tasks)
    ]


def operator_times(model: ModelTiming) -> list[OperatorTime]:
    """Time per operator type, longest first."""
    spans: defaultdict[str, list[TaskSpan]] = defaultdict(list)
    for span in model.tasks:
        spans[span.task.op_type].append(span)
    total = sum(span.task.duration_us for span in model.tasks)
    rows = [_operator(op_type, group, total) for op_type, group in spans.items()]
    return sorted(rows, key=lambda row: (-row.time_us, row.op_type))


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write rows under the union of their columns; what a row lacks is N/A."""
    import csv

    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="N/A")
        writer.writeheader()
        writer.writerows(rows)


def _task_row(number: int, span: TaskSpan, model_name: str, tensors: Row) -> Row:
    task = span.task
    row: Row = {
        "Device_id": 0,
        "Model Name": model_name,
        "Task ID": number,
        "Stream ID": task.stream,
        "Op Name": task.name,
        "OP Type": task.op_type,
        "OP State": "static",
        "Task Type": task.core_type.value,
        "Task Start Time(us)": _round(span.start_us),
        "Task Duration(us)": _round(task.duration_us),
        "Task Wait Time(us)": _round(span.start_us - span.ready_us),
        "Block Dim": task.block_dim,
        **tensors,
    }
    return row if task.kernel is None else row | _kernel_columns(task.kernel)


def _kernel_columns(kernel: KernelTiming) -> Row:
    times = dict(_times(kernel.pipes, kernel.core_us))
    compute = max(times.get("mac_ratio", 0.0), times.get("vec_ratio", 0.0))
    bound = times.get("mte2_ratio", 0.0) / compute if compute else 0.0
    cycles = sum(group.cycles * len(group.blocks) for group in kernel.groups)
    return {
        "aicore_time(us)": _round(kernel.core_us),
        "total_cycles": round(cycles),
        **times,
        "memory_bound": _round(bound),
        "cube_fops": kernel.work.cube_ops,
        "vector_fops": kernel.work.vector_ops,
    }


def _times(pipes: Mapping[Pipe, PipeUse], core_us: float) -> Iterator[tuple[str, float]]:
    """Busy time and its ratio for each pipe."""
    for pipe, name in _PIPES.items():
        busy = pipes[pipe].busy_us if pipe in pipes else 0.0
        yield f"{name}_time(us)", _round(busy)
        yield f"{name}_ratio", _round(busy / core_us) if core_us else 0.0


def _operator(op_type: str, spans: Sequence[TaskSpan], total_us: float) -> OperatorTime:
    time = sum(span.task.duration_us for span in spans)
    kernels = [span.task.kernel for span in spans if span.task.kernel is not None]
    longest = max(kernels, key=lambda kernel: kernel.duration_us, default=None)
    return OperatorTime(
        op_type=op_type,
        count=len(spans),
        time_us=time,
        share=time / total_us if total_us else 0.0,
        gm_bytes=sum(kernel.gm_bytes for kernel in kernels),
        bound="" if longest is None else longest.bound,
        roof=_roof(kernels),
        utilisation=_utilisation(kernels),
    )


def _roof(kernels: Sequence[KernelTiming]) -> tuple[str, float]:
    floors: Counter[str] = Counter()
    for kernel in kernels:
        floors.update(kernel.floors_us)
    if not floors:
        return "", 0.0
    name, least = floors.most_common(1)[0]
    return name, least / sum(kernel.duration_us for kernel in kernels)


def _utilisation(kernels: Sequence[KernelTiming]) -> dict[str, float]:
    core_us = sum(kernel.core_us for kernel in kernels)
    busy: defaultdict[str, float] = defaultdict(float)
    for kernel in kernels:
        for pipe, use in kernel.pipes.items():
            busy[_PIPES[pipe]] += use.busy_us
    return {name: time / core_us for name, time in busy.items()} if core_us else {}


def _round(value: float) -> float:
    return round(value, 3)
