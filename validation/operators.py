"""Operators and models as our compiler makes them: from ONNX's text to the time of all tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from compiler.context import context
from compiler.frontends.onnx import import_model
from compiler.om.contract import AI_CORE_NAMES
from compiler.pipelines import OfflinePass
from compiler.schedule.tasks import Kernels, models, simulate
from compiler.simulator.instruction import Program
from compiler.soc import Soc
from dialects.om import KernelTaskOp
from validation.networks import resnet50
from validation.quantised import quantised


class Unmodelled(Exception):
    """There is no prediction; the text says why."""


def model_times(fields: Mapping[str, Any], target: Soc) -> dict[str, float]:
    """The time of all tasks of the model `onnx`, or of `resnet50` of a batch.

    With `int8` each kernel is that of float16 with elements of a byte.
    """
    batch = fields.get("resnet50")
    module = _compiled(resnet50(batch) if batch else fields["onnx"], target)
    ((_, model),) = models(module)
    tasks = [task for task in model.tasks if isinstance(task, KernelTaskOp)]
    absent = sorted({t.node.data for t in tasks if t.kernel_type.data not in AI_CORE_NAMES})
    if absent:
        raise Unmodelled(f"no AI Core kernel for {', '.join(absent)}")
    kernels = (_Quantised if fields.get("int8") else Kernels)(context(), module)
    return {"task": simulate(model, kernels).total_us}


class _Quantised(Kernels):
    """Kernels of float16 with elements of a byte."""

    def programs(self, name: str) -> Sequence[Program]:
        return quantised(super().programs(name))

    def sizes(self, name: str) -> list[int]:
        return [size // 2 for size in super().sizes(name)]


def _compiled(text: str, target: Soc) -> ModuleOp:
    """The module of a model in ONNX's text form, its weights as inputs."""
    import onnx

    model = onnx.parser.parse_model(f'<ir_version: 11, opset_import: ["": 24]> model {text}')
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        module = import_model(str(path))
        OfflinePass(soc=target.name, precision="must_keep_origin_dtype").apply(context(), module)
    return module
