"""ONNX models on disk, with the functions of onnx's external data API: no weight is ever loaded.

    model = load_model("model.onnx")
    convert_model_to_external_data(model, location="weights.data")
    save_model(model, "out/model.onnx")

The functions have the names and options of onnx's own and take a `SlimModel` for a ModelProto.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from compiler.errors import UserError
from compiler.frontends.onnx.external_data import ExternalData
from compiler.frontends.onnx.externalize import (
    convert_model_from_external_data,
    convert_model_to_external_data,
)
from compiler.frontends.onnx.save import save_model
from compiler.frontends.onnx.slim import SlimModel, read_slim, resolve

__all__ = [
    "SlimModel",
    "convert_model_from_external_data",
    "convert_model_to_external_data",
    "load_external_data_for_model",
    "load_model",
    "save_model",
]

PathLike = str | os.PathLike[str]


def load_model(
    path: PathLike,
    load_external_data: bool = True,
    *,
    external_data_dir: PathLike | None = None,
    allow_roots: Sequence[PathLike] = (),
) -> SlimModel:
    """Read the model at `path`; its weights stay in their files, in the model's own as well.

    External data is looked for in the model's folder or in `external_data_dir`, and must stay in
    it, except for links to files below one of `allow_roots`. Without `load_external_data` nobody
    looks for it. UserError where the model or its external data is not as ONNX has it.
    """
    path = os.path.abspath(path)
    try:
        model = read_slim(path, keep_training=True)
        if load_external_data:
            folder = model.folder if external_data_dir is None else external_data_dir
            load_external_data_for_model(model, folder, allow_roots=allow_roots)
        return model
    except UserError as error:
        raise error.at(path) from None


def load_external_data_for_model(
    model: SlimModel, base_dir: PathLike, *, allow_roots: Sequence[PathLike] = ()
) -> None:
    """Look in `base_dir` for the external data that nobody has looked for, and check it.

    What is checked is which file it is and how long; it is not read, unless the model has a
    checksum of it. UserError where a rule of external data is broken; the model is unchanged then.
    """
    roots = tuple(os.path.abspath(root) for root in allow_roots)
    resolve(model, ExternalData(os.path.abspath(base_dir), roots))
