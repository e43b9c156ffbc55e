"""The compiler and its simulated device as a backend of ONNX's own test suite."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep

from compiler.cli import context
from compiler.frontends.onnx import import_model
from compiler.pipelines import OfflinePass
from compiler.precision_modes import PrecisionMode
from compiler.targets.om import OMTarget
from runtime.device import Memory
from runtime.model_registry import Models


class LoadedModel(BackendRep):
    """A model on a device of its own."""

    def __init__(self, path: Path) -> None:
        models = Models(Memory())
        self._model = models[models.load(str(path))]

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Executes the model once."""
        values: Sequence[Any] = [_given(value) for value in inputs]
        return tuple(self._model.run(values))


def _given(value: Any) -> Any:
    """A tensor as the device takes it; a sequence stays a list, an absent value None."""
    kept = value is None or isinstance(value, list)
    return cast("Any", value) if kept else np.asarray(value)


class OfflineBackend(Backend):
    """ONNX file → GraphEngine → OM file → load, in the types of the model."""

    precision: PrecisionMode = "must_keep_origin_dtype"

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> LoadedModel:
        """Takes a model the whole way; what it raises is why the case fails."""
        with TemporaryDirectory() as folder:
            source, output = Path(folder) / "model.onnx", Path(folder) / "compiled"
            source.write_bytes(model.SerializeToString())
            module = import_model(str(source))
            OfflinePass(precision=cls.precision).apply(context(), module)
            OMTarget(str(output)).emit(context(), module, io.StringIO())
            return LoadedModel(output.with_suffix(".om"))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """The suite names a CPU; that is where the device is simulated."""
        return device == "CPU"


class HalfBackend(OfflineBackend):
    """The same in force_fp16, ATC's default."""

    precision = "force_fp16"
