"""-t schedule: the simulated schedule of an offline model: table, trace.json, csv, kernels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.utils.target import Target

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.kernels.symbols import AI_CPU_REASON, kernel_symbols, launched_kernels
from compiler.om.buffers import joined_bytes
from compiler.om.contract import FEATURE_SIZE_NAME, KERNEL_PREFIX, VARIABLE_SIZE_NAME
from compiler.simulator.kernel_timing import KernelTiming
from compiler.simulator.model import (
    EventRecord,
    EventWait,
    ModelTiming,
    Step,
    ai_cpu_task,
    kernel_task,
)
from compiler.soc import Soc
from compiler.targets.text import text_of
from dialects.davinci import KernelOp
from dialects.ge import type_of
from dialects.om import BinaryOp, BundleOp, EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp

CORE_TYPES = {"AIC": "AI_CORE", "AIV": "AI_VECTOR_CORE"}
NODES_NAMED = 3
TRACED_KERNELS = 8
INSTRUCTIONS_SHOWN = 250
"""The longest tasks show what the pipes of a core do, from its start: a trace must stay small."""


@dataclass(frozen=True)
class ScheduleTarget(Target):
    """Simulate every static model of the module on its SoC.

    Writes into the folder `output` (one folder deeper for each model of a bundle): `trace.json`
    for Perfetto and chrome://tracing, `op_summary.csv` with a row for each task, and
    `schedule.mlir` with the kernels. Prints time per operator type, pipe utilisation, and why
    operators are on the AI CPU.
    """

    name = "schedule"

    output: str

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        kernels = Kernels(ctx, module)
        models = list(_models(module))
        if not models:
            raise UserError("a schedule is made of an om.model or om.bundle: compile first")
        for folder, model in models:
            if model.dynamic is not None:
                output.write(f"{model.label}: shapes are known at run time, nothing to simulate\n")
                continue
            timing = simulate(model, kernels)
            _write(Path(self.output) / folder, model, timing, kernels)
            _print(output, model, timing, Path(self.output) / folder)


def _models(module: ModuleOp) -> Iterator[tuple[str, ModelOp]]:
    """The models and the folder, below the output, that each is described in."""
    for op in module.body.block.ops:
        if isinstance(op, ModelOp):
            yield "", op
        elif isinstance(op, BundleOp):
            yield from ((model.label, model) for model in op.models)


class Kernels:
    """The kernels of a module by name: parsed when first asked for, simulated once."""

    def __init__(self, ctx: Context, module: ModuleOp):
        self.ctx = ctx
        self.sources = kernel_symbols(module)
        self.timings: dict[str, KernelTiming] = {}

    def kernel(self, name: str) -> KernelOp:
        """The kernel of that name; UserError when it is not one of ours."""
        op = self.sources.get(name)
        if isinstance(op, BinaryOp):
            op = self.sources[name] = self._parse(op)
        if not isinstance(op, KernelOp):
            raise UserError(f"kernel '{name}' is not in the model")
        return op

    def _parse(self, binary: BinaryOp) -> KernelOp:
        from xdsl.parser import Parser

        name = binary.sym_name.data
        data = joined_bytes(weight_of(binary.value).chunks())
        if not data.startswith(KERNEL_PREFIX):
            raise UserError(f"kernel '{name}' was not made by ascend-opt: it cannot be simulated")
        op = Parser(self.ctx, data.decode(), name).parse_op()
        assert isinstance(op, KernelOp)
        return op

    def timing(self, name: str, soc: Soc) -> KernelTiming:
        """How long the kernel takes on a SoC."""
        from compiler.kernels.program import programs
        from compiler.simulator.kernel import simulate_kernel

        if name not in self.timings:
            kernel = self.kernel(name)
            core_type = CORE_TYPES[kernel.core_type.data]
            self.timings[name] = simulate_kernel(
                programs(kernel), soc, core_type=core_type, keep_schedule=True
            )
        return self.timings[name]


def simulate(model: ModelOp, kernels: Kernels) -> ModelTiming:
    """Time every task of a model on the SoC it was compiled for."""
    from compiler.simulator.model import replay
    from compiler.soc import soc

    name = model.attributes.get("soc_version")
    target = soc(name.data if isinstance(name, StringAttr) else "")
    _check_memory(model, target)
    return replay(list(_steps(model, kernels, target)), target)


def _check_memory(model: ModelOp, soc: Soc) -> None:
    """A model that does not fit the device has no time on it."""
    parts = (FEATURE_SIZE_NAME, "weight_size", VARIABLE_SIZE_NAME)
    needed = sum(model.integer(part) for part in parts)
    if soc.hbm is not None and needed > soc.hbm:
        sizes = f"{needed / (1 << 30):.1f} GiB of memory, {soc.name} has {soc.hbm / (1 << 30):.0f}"
        raise UserError(f"om.model '{model.label}' needs {sizes}")


def _steps(model: ModelOp, kernels: Kernels, soc: Soc) -> Iterator[Step]:
    types = {node.label: type_of(node) for graph in model.graphs for node in graph.all_nodes}
    for task in model.tasks:
        match task:
            case KernelTaskOp() if task.kernel_type.data == "TE":
                timing = kernels.timing(task.kernel.data, soc)
                yield kernel_task(task.node.data, types[task.node.data], task.stream_id, timing)
            case KernelTaskOp():
                yield ai_cpu_task(task.node.data, types[task.node.data], task.stream_id, soc)
            case EventRecordOp():
                yield EventRecord(task.stream_id, task.event_id)
            case EventWaitOp():
                yield EventWait(task.stream_id, task.event_id)
            case _:
                raise UserError(f"model '{model.label}' has a task that cannot be simulated")


def _write(folder: Path, model: ModelOp, timing: ModelTiming, kernels: Kernels) -> None:
    from compiler.simulator.tables import op_summary, write_csv
    from compiler.simulator.trace import model_trace, write_trace

    folder.mkdir(parents=True, exist_ok=True)
    longest = sorted(timing.tasks, key=lambda span: -span.task.duration_us)[:TRACED_KERNELS]
    names = {span.task.name for span in longest}
    write_trace(model_trace(timing, kernels=names, cap=INSTRUCTIONS_SHOWN), folder / "trace.json")
    write_csv(op_summary(timing, model.label), folder / "op_summary.csv")
    text = "\n".join(text_of(kernels.kernel(name)) for name in launched_kernels(model))
    (folder / "schedule.mlir").write_text(text)


def _print(output: IO[str], model: ModelOp, timing: ModelTiming, folder: Path) -> None:
    from compiler.simulator.tables import operator_times

    rows = operator_times(timing)
    output.write(f"{model.label} on {timing.soc.name}: {timing.total_us:.1f} µs, ")
    output.write(f"{len(timing.tasks)} tasks\n")
    output.write(
        f"{'operator':<18}{'tasks':>6}{'µs':>10}{'share':>8}  {'bound by':<10}busy pipes\n"
    )
    for row in rows:
        pipes = _pipes(row.utilisation)
        share = f"{row.share:.1%}"
        output.write(f"{row.op_type:<18}{row.count:>6}{row.time_us:>10.2f}{share:>8}  ")
        output.write(f"{row.bound:<10}{pipes}\n")
    for line in ai_cpu_lines(model):
        output.write(f"{line}\n")
    output.write(f"trace: {folder / 'trace.json'} (Perfetto, chrome://tracing)\n")


def ai_cpu_lines(model: ModelOp) -> Iterator[str]:
    """Why operators are on the AI CPU: a line for each type and reason, with the first nodes."""
    nodes = {node.label: node for graph in model.graphs for node in graph.all_nodes}
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for task in model.tasks:
        if isinstance(task, KernelTaskOp) and task.kernel_type.data != "TE":
            node = nodes[task.node.data]
            reason = node.attributes.get(AI_CPU_REASON)
            if isinstance(reason, StringAttr):
                found[type_of(node), reason.data].append(node.label)
    for (op_type, reason), names in found.items():
        more = f" and {len(names) - NODES_NAMED} more" if len(names) > NODES_NAMED else ""
        yield f"on the AI CPU: {op_type}: {reason} ({', '.join(names[:NODES_NAMED])}{more})"


def _pipes(utilisation: Mapping[str, float]) -> str:
    busy = sorted(utilisation.items(), key=lambda entry: -entry[1])
    return " ".join(f"{pipe} {share:.0%}" for pipe, share in busy if share >= 0.005)
