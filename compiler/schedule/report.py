"""The schedule of a model as text: a table of operator types, memory, and advice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from xdsl.dialects.builtin import StringAttr

from compiler.kernels.symbols import AI_CPU_REASON
from compiler.om.contract import AI_CORE_NAMES
from compiler.schedule.memory import FeatureMemory
from compiler.schedule.tasks import Kernels
from compiler.simulator.model import ModelTiming, TaskSpan
from compiler.simulator.tables import OperatorTime, operator_times
from dialects.ge import type_of
from dialects.om import KernelTaskOp, ModelOp

NODES_NAMED = 3
ADVISED = 3
"""How many operator types of the longest get advice."""
MIB = 1 << 20


def report(
    model: ModelOp, timing: ModelTiming, memory: FeatureMemory, kernels: Kernels
) -> Iterator[str]:
    """What the schedule says of a model, line by line."""
    yield f"{model.label} on {timing.soc.name}: {timing.total_us:.1f} µs, {len(timing.tasks)} tasks"
    rows = operator_times(timing)
    yield from table(rows)
    yield from memory_lines(memory)
    yield from advice_lines(timing, rows[:ADVISED], kernels)
    yield from ai_cpu_lines(model)


def table(rows: list[OperatorTime]) -> Iterator[str]:
    """Time per operator type, with the bytes that go through global memory."""
    width = max([len("operator"), *(len(row.op_type) for row in rows)])
    yield (
        f"{'operator':<{width}}{'tasks':>7}{'µs':>11}{'share':>8}{'GM MiB':>9}"
        "  bound by  of its roof  busy pipes"
    )
    for row in rows:
        yield (
            f"{row.op_type:<{width}}{row.count:>7}{row.time_us:>11.2f}{row.share:>8.1%}"
            f"{row.gm_bytes / MIB:>9.2f}  {row.bound:<10}{_roof(row):<13}{_pipes(row.utilisation)}"
        ).rstrip()


def memory_lines(memory: FeatureMemory) -> Iterator[str]:
    """What the model needs beside its weights; at least what is in use at a time."""
    planned, interface, peak = (
        size / MIB for size in (memory.planned, memory.interface, memory.peak)
    )
    yield (
        f"feature memory: {planned:.2f} MiB, {interface:.2f} of them inputs and outputs;"
        f" in use at a time: {peak:.2f}"
    )


def advice_lines(timing: ModelTiming, rows: list[OperatorTime], kernels: Kernels) -> Iterator[str]:
    """What would make the longest task of each row faster."""
    for row in rows:
        span = longest(timing, row.op_type)
        if span.task.kernel is not None:
            yield f"faster: {span.task.name} ({row.op_type}): {advice_of(span, kernels)}"


def longest(timing: ModelTiming, op_type: str) -> TaskSpan:
    """The longest task of an operator type."""
    spans = (span for span in timing.tasks if span.task.op_type == op_type)
    return max(spans, key=lambda span: span.task.duration_us)


def advice_of(span: TaskSpan, kernels: Kernels) -> str:
    """What bounds a task, and what would save most of its time."""
    kernel = span.task.kernel
    assert kernel is not None
    found = kernels.advice(span.task.symbol)
    saves = f" would save up to {found.saves:.0%}" if found.saves else ""
    return f"{kernel.duration_us:.1f} µs, bound by {kernel.bound}; {found.change}{saves}"


def ai_cpu_lines(model: ModelOp) -> Iterator[str]:
    """Why operators are on the AI CPU: a line for each type and reason, with the first nodes."""
    nodes = {node.label: node for graph in model.graphs for node in graph.all_nodes}
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for task in model.tasks:
        if isinstance(task, KernelTaskOp) and task.kernel_type.data not in AI_CORE_NAMES:
            node = nodes[task.node.data]
            reason = node.attributes.get(AI_CPU_REASON)
            if isinstance(reason, StringAttr):
                found[type_of(node), reason.data].append(node.label)
    for (op_type, reason), names in found.items():
        more = f" and {len(names) - NODES_NAMED} more" if len(names) > NODES_NAMED else ""
        yield f"on the AI CPU: {op_type}: {reason} ({', '.join(names[:NODES_NAMED])}{more})"


def _roof(row: OperatorTime) -> str:
    name, share = row.roof
    return f"{share:.0%} {name}" if name else ""


def _pipes(utilisation: Mapping[str, float]) -> str:
    busy = sorted(utilisation.items(), key=lambda entry: -entry[1])
    return " ".join(f"{pipe} {share:.0%}" for pipe, share in busy if share >= 0.005)
