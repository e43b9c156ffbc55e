"""Say of the longest tasks of a model what bounds them, and what would make them faster."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from compiler.errors import UserError
from compiler.schedule.report import advice_of, ai_cpu_lines
from compiler.schedule.sides import Scheduled, Side, scheduled
from compiler.simulator.model import TaskSpan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, how to compile it, and which tasks to explain."""
    parser.add_argument("model", help="a .onnx model, or an offline model")
    parser.add_argument("--soc", metavar="NAME", help="compile for it")
    parser.add_argument("--options", help="further options of `offline` to compile with")
    parser.add_argument("--node", action="append", default=[], help="a node, by its name")
    parser.add_argument("--top", type=int, default=10, help="how many tasks, the longest first")


def run(args: argparse.Namespace) -> int:
    """Print a line for each task."""
    for side in scheduled(Side(args.model, args.soc, args.options)):
        print("\n".join(explained(side, args.node, args.top)))
    return 0


def explained(side: Scheduled, nodes: list[str], top: int) -> Iterator[str]:
    """The tasks of the named nodes, or the `top` longest; UserError for a node that is none."""
    timing = side.timing
    yield f"{side.model.label} on {timing.soc.name}: {timing.total_us:.1f} µs"
    for span in _chosen(side, nodes) or _longest(side, top):
        share = span.task.duration_us / timing.total_us
        yield f"{span.task.name} ({span.task.op_type}), {share:.1%}: {_why(span, side)}"
    yield from ai_cpu_lines(side.model)


def _why(span: TaskSpan, side: Scheduled) -> str:
    if span.task.kernel is None:
        return f"{span.task.duration_us:.1f} µs on the AI CPU, which is an assumption"
    return advice_of(span, side.kernels)


def _chosen(side: Scheduled, nodes: list[str]) -> list[TaskSpan]:
    spans = {span.task.name: span for span in side.timing.tasks}
    for name in nodes:
        if name not in spans:
            raise UserError(f"--node '{name}': model '{side.model.label}' has no such task")
    return [spans[name] for name in nodes]


def _longest(side: Scheduled, top: int) -> list[TaskSpan]:
    return sorted(side.timing.tasks, key=lambda span: -span.task.duration_us)[:top]
