"""The compiler and its simulated device as a backend of ONNX's own test suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep

from compiler.precision_modes import PrecisionMode
from conformance.compiled import compiled
from runtime.loaded_model import Model


class LoadedModel(BackendRep):
    """A model on a device of its own."""

    def __init__(self, model: Model) -> None:
        self._model = model

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
            source = Path(folder) / "model.onnx"
            source.write_bytes(model.SerializeToString())
            return LoadedModel(compiled(source, Path(folder) / "compiled", cls.precision))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """The suite names a CPU; that is where the device is simulated."""
        return device == "CPU"


class HalfBackend(OfflineBackend):
    """The same in force_fp16, ATC's default."""

    precision = "force_fp16"
