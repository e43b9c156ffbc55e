"""Reads an ONNX model into the onnx dialect without reading its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.errors import UserError

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from compiler.frontends.onnx.slim import SlimModel


@dataclass(frozen=True)
class ImportOptions:
    """How a model is read.

    `allow_roots`: folders outside the model's own that external data may lie in, also behind
    links. `external_data_dir`: the folder external data is relative to, the model's by default.
    `input_shapes`: the shape of graph inputs by name, -1 for an unknown dimension.
    """

    allow_roots: tuple[str, ...] = ()
    external_data_dir: str | None = None
    infer_shapes: bool = True
    input_shapes: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])


DEFAULTS = ImportOptions()


def import_model(path: str, *, options: ImportOptions = DEFAULTS) -> ModuleOp:
    """Read the model at `path`: a module with one `onnx.graph`.

    Weights become `#weights.file` references; scalars, shapes and the like dense attributes.
    UserError where the file, its external data or its operators are not as ONNX has them.
    """
    from compiler.frontends.onnx.slim import read_slim

    try:
        return module_of(read_slim(path), options)
    except UserError as error:
        raise error.at(path) from None


def module_of(model: SlimModel, options: ImportOptions) -> ModuleOp:
    """The module of a model that has been read, and now is changed. UserErrors without its path."""
    from xdsl.dialects.builtin import ModuleOp

    from compiler.frontends.onnx.graphs import build_model
    from compiler.frontends.onnx.prepare import prepare

    prepared, payloads = prepare(model, options)
    return ModuleOp([build_model(prepared, payloads)])
