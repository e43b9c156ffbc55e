"""From an ONNX file to a model on a device of its own, the whole way through the OM file."""

from __future__ import annotations

import io
from pathlib import Path

from compiler.context import context
from compiler.frontends.onnx import DEFAULTS, ImportOptions, import_model
from compiler.pipelines import OfflinePass
from compiler.precision_modes import PrecisionMode
from compiler.targets.om import OMTarget
from runtime.device import Memory
from runtime.loaded_model import Model
from runtime.model_registry import Models


def compiled(
    source: Path,
    output: Path,
    precision: PrecisionMode = "must_keep_origin_dtype",
    options: ImportOptions = DEFAULTS,
) -> Model:
    """The model at `source`, compiled to `<output>.om` and loaded."""
    module = import_model(str(source), options=options)
    OfflinePass(precision=precision).apply(context(), module)
    OMTarget(str(output)).emit(context(), module, io.StringIO())
    models = Models(Memory())
    return models[models.load(f"{output}.om")]
