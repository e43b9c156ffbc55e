"""Compare the simulated times of two models, or of one for two SoCs or with two sets of options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain

from compiler.errors import UserError
from compiler.schedule.report import MIB
from compiler.schedule.sides import Scheduled, Side, scheduled
from compiler.simulator.kernel_timing import CoreType
from compiler.simulator.tables import OperatorTime, operator_times

EPILOG = """examples:
  ascend-opt compare old.om new.om
  ascend-opt compare model.onnx --soc Ascend910B4 --soc Ascend310P3
  ascend-opt compare model.onnx --options precision=force_fp16 \\
                                --options precision=must_keep_origin_dtype
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One file or two; what comes once is for both sides."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("old", help="a .onnx model, or an offline model")
    parser.add_argument("new", nargs="?", help="what to compare it with, if that is another file")
    parser.add_argument(
        "--soc", action="append", default=[], metavar="NAME", help="compile for it; once or twice"
    )
    parser.add_argument(
        "--options",
        action="append",
        default=[],
        help="further options of `offline` to compile with; once or twice",
    )


def run(args: argparse.Namespace) -> int:
    """Print a table of operator types with both times."""
    old, new = (scheduled(side)[0] for side in sides(args))
    print("\n".join(compared(old, new)))
    return 0


def sides(args: argparse.Namespace) -> tuple[Side, Side]:
    """The two sides of a command line; UserError where they are one."""
    for option in ("soc", "options"):
        if len(getattr(args, option)) > 2:
            raise UserError(f"--{option} is for one side or both: it is given at most twice")
    one, other = (
        Side(path, _side(args.soc, place), _side(args.options, place))
        for place, path in enumerate((args.old, args.new or args.old))
    )
    if one == other:
        raise UserError("nothing to compare: name two files, or give --soc or --options twice")
    return one, other


def _side(given: Sequence[str], place: int) -> str | None:
    return given[min(place, len(given) - 1)] if given else None


def compared(old: Scheduled, new: Scheduled) -> Iterator[str]:
    """The table, line by line; a ratio below 1 means that the new side is faster."""
    rows = [{row.op_type: row for row in operator_times(side.timing)} for side in (old, new)]
    names = list(dict.fromkeys(chain(*rows)))
    width = max(len(name) for name in (*names, "tasks of the AI CPU"))
    titles = [f"{side.model.label} on {side.timing.soc.name}" for side in (old, new)]
    yield f"old: {titles[0]}"
    yield f"new: {titles[1]}"
    yield f"{'operator':<{width}}{'old µs':>12}{'new µs':>12}{'ratio':>8}  bound by"
    for name in names:
        yield _operator(width, name, rows[0].get(name), rows[1].get(name))
    yield _line(width, "total", old.timing.total_us, new.timing.total_us)
    for name, *values in _sizes(old, new):
        yield _line(width, name, *values)


def _operator(width: int, name: str, old: OperatorTime | None, new: OperatorTime | None) -> str:
    times = [row.time_us if row else 0.0 for row in (old, new)]
    bounds = [row.bound or "ai cpu" if row else "-" for row in (old, new)]
    bound = bounds[0] if bounds[0] == bounds[1] else " → ".join(bounds)
    return f"{_line(width, name, *times)}  {bound}"


def _sizes(old: Scheduled, new: Scheduled) -> Iterator[tuple[str, float, float]]:
    memories = old.memory, new.memory
    yield "tasks", len(old.timing.tasks), len(new.timing.tasks)
    yield "tasks of the AI CPU", _on_cpu(old), _on_cpu(new)
    yield "feature memory MiB", memories[0].planned / MIB, memories[1].planned / MIB


def _on_cpu(side: Scheduled) -> int:
    return sum(span.task.core_type is CoreType.AI_CPU for span in side.timing.tasks)


def _line(width: int, name: str, old: float, new: float) -> str:
    ratio = f"{new / old:.2f}" if old else "-"
    cells = (f"{value:.2f}" if isinstance(value, float) else str(value) for value in (old, new))
    return f"{name:<{width}}" + "".join(f"{cell:>12}" for cell in cells) + f"{ratio:>8}"
