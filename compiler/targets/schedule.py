"""-t schedule: the simulated schedule of an offline model: table, trace.json, csv, kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from compiler.kernels.symbols import launched_kernels
from compiler.schedule.memory import FeatureMemory, feature_memory
from compiler.schedule.report import report
from compiler.schedule.tasks import INSTRUCTIONS_SHOWN, Kernels, models, simulate
from compiler.schedule.tensors import tensor_columns
from compiler.simulator.model import ModelTiming
from compiler.targets.text import text_of
from dialects.om import ModelOp

TRACED_KERNELS = 8
"""The longest tasks show what the pipes of a core do."""


@dataclass(frozen=True)
class ScheduleTarget(Target):
    """Simulate every static model of the module on its SoC.

    Writes into the folder `output` (one folder deeper for each model of a bundle): `trace.json`
    for Perfetto and chrome://tracing, `op_summary.csv` with a row for each task, and
    `schedule.mlir` with the kernels. Prints time per operator type, what bounds it, pipe
    utilisation, memory, what would make the longest operators faster, and why operators are on
    the AI CPU.
    """

    name = "schedule"

    output: str

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        kernels = Kernels(ctx, module)
        for folder, model in models(module):
            if model.dynamic is not None:
                output.write(f"{model.label}: shapes are known at run time, nothing to simulate\n")
                continue
            timing = simulate(model, kernels)
            memory = feature_memory(model, timing)
            written = Path(self.output) / folder
            _write(written, model, timing, memory, kernels)
            output.writelines(f"{line}\n" for line in report(model, timing, memory, kernels))
            output.write(f"trace: {written / 'trace.json'} (Perfetto, chrome://tracing)\n")


def _write(
    folder: Path, model: ModelOp, timing: ModelTiming, memory: FeatureMemory, kernels: Kernels
) -> None:
    from compiler.simulator.tables import op_summary, write_csv
    from compiler.simulator.trace import model_trace, write_trace

    folder.mkdir(parents=True, exist_ok=True)
    longest = sorted(timing.tasks, key=lambda span: -span.task.duration_us)[:TRACED_KERNELS]
    names = {span.task.name for span in longest}
    trace = model_trace(timing, memory.in_use, kernels=names, cap=INSTRUCTIONS_SHOWN)
    write_trace(trace, folder / "trace.json")
    rows = op_summary(timing, model.label, tensor_columns(model))
    write_csv(rows, folder / "op_summary.csv")
    text = "\n".join(text_of(kernels.kernel(name)) for name in launched_kernels(model))
    (folder / "schedule.mlir").write_text(text)
