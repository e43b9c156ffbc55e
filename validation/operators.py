"""Operators and models as our compiler makes them: from ONNX's text to the times of all tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from compiler.context import context
from compiler.frontends.onnx import import_model
from compiler.kernels.program import programs
from compiler.pipelines import OfflinePass
from compiler.simulator.kernel import simulate_kernel
from compiler.soc import Soc
from compiler.schedule.tasks import CORE_TYPES, Kernels
from dialects.om import KernelTaskOp, ModelOp
from validation.networks import resnet50
from validation.quantised import quantised


class Unmodelled(Exception):
    """There is no prediction; the text says why."""


def model_times(fields: Mapping[str, Any], target: Soc) -> dict[str, float]:
    """The task time of the operators in `onnx`, or of `resnet50`, one kernel after another.

    With `int8` each kernel is that of float16 with elements of a byte.
    """
    batch = fields.get("resnet50")
    module = _compiled(resnet50(batch) if batch else fields["onnx"], target)
    model = next(op for op in module.walk() if isinstance(op, ModelOp))
    tasks = [task for task in model.tasks if isinstance(task, KernelTaskOp)]
    absent = sorted({task.node.data for task in tasks if task.kernel_type.data != "TE"})
    if absent:
        raise Unmodelled(f"no AI Core kernel for {', '.join(absent)}")
    kernels = Kernels(context(), module)
    known: dict[str, float] = {}
    for name in {task.kernel.data for task in tasks}:
        known[name] = _time(kernels, name, target, int8=fields.get("int8", False))
    return {"task": sum(known[task.kernel.data] for task in tasks)}


def _time(kernels: Kernels, name: str, target: Soc, *, int8: bool) -> float:
    kernel = kernels.kernel(name)
    work = programs(kernel)
    if int8:
        work = [quantised(program) for program in work]
    core_type = CORE_TYPES[kernel.core_type.data]
    return simulate_kernel(work, target, core_type=core_type).duration_us


def _compiled(text: str, target: Soc) -> ModuleOp:
    """The module of a model in ONNX's text form, its weights as inputs."""
    import onnx

    model = onnx.parser.parse_model(f'<ir_version: 11, opset_import: ["": 24]> model {text}')
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, str(path))
        module = import_model(str(path))
        OfflinePass(soc=target.name, precision="must_keep_origin_dtype").apply(context(), module)
    return module
