"""The refreshable weights of a bundle: where its file has the values they begin with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from compiler.errors import UserError
from compiler.om.bundle import Bundle, read_bundle
from compiler.om.bundle_roles import roles
from compiler.om.constants import CONST_TYPES, FILE_CONSTANT, extent_of
from compiler.om.dtypes import BY_NAME
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.manifest import Manifest, RefreshableWeight, Tensor, manifest_of
from compiler.om.offline_model import NOTHING, OfflineModel
from compiler.om.partitions import PartitionType
from compiler.om.source import MappedFile, map_file
from compiler.safetensors import IN_OUT, OUT_IN, TensorRef
from compiler.weights import FileBytes, Inline, Unreadable, Weight
from compiler.weights.recipes import started_from, transposes

_TURNED = {"MatMul": "transpose_x2", "MatMulV2": "transpose_x2", "BatchMatMulV2": "adj_x2"}
"""Operators of products, and the attribute that says whether the second operand is transposed."""


@dataclass(frozen=True)
class BundleFile:
    """A bundle, its manifest, and the file that both were read from."""

    file: MappedFile
    bundle: Bundle
    manifest: Manifest

    @property
    def path(self) -> str:
        """Where the file is, from the root."""
        return self.file.path

    @cached_property
    def init(self) -> int | None:
        """The index of the model that variables get their values from; None without one."""
        return roles(self.bundle.models).init

    def range_of(self, index: int) -> FileBytes:
        """Where a model lies in the file."""
        return self.file.range(self.bundle.slices[index])

    def part(self, index: int, type_: int) -> FileBytes:
        """Where the first partition of a type lies in a model; empty when there is none."""
        root = self.bundle.models[index].root
        bodies = zip(root.table, root.bodies, strict=True)
        body = next((body for entry, body in bodies if entry.type == type_), NOTHING)
        return self.file.range(body)

    def weights(self) -> dict[str, TensorRef[Weight]]:
        """What the variables begin with, by ONNX name."""
        values = self._values()
        found: dict[str, TensorRef[Weight]] = {}
        for weight in self.manifest.weights:
            value = self._source(weight, values.get(weight.variable))
            for source in weight.sources:
                if value is not None or source.onnx not in found:
                    found[source.onnx] = self._weight(source, value)
        return found

    def _source(self, weight: RefreshableWeight, value: Weight | None) -> Weight | None:
        """The tensor that a variable was made of, where that can be told from what it holds."""
        if weight.recipe is None or value is None:
            return value
        try:
            return started_from(weight.recipe, value)
        except (ValueError, LookupError, TypeError) as error:
            what = f"the recipe of variable '{weight.variable}' is damaged: {error}"
            raise UserError(f"{self.path}: {what}") from None

    def _weight(self, source: Tensor, value: Weight | None) -> TensorRef[Weight]:
        dtype = BY_NAME[source.dtype]
        if value is None:
            why = f"{self.path}: weight '{source.onnx}' is not in the file: give the ONNX model"
            value = Unreadable(dtype.nbytes(prod(source.shape)) or 0, why)
        return TensorRef(source.onnx, dtype.mlir or dtype.name, source.shape, value)

    def _values(self) -> dict[str, Weight]:
        if self.init is None:
            return {}
        partition = self.part(self.init, PartitionType.WEIGHTS_DATA)
        constants = assigned_constants(definition(self.bundle.models[self.init]))
        return {
            variable: value_of(constant, partition)
            for variable, constant in constants.items()
            if constant.type in CONST_TYPES
        }

    def layouts(self) -> dict[str, str]:
        """Which way the matrices lie that are the second operand of a product, by ONNX name."""
        held = {weight.variable: weight for weight in self.manifest.weights}
        uses: dict[str, set[str]] = {}
        for op in (op for model in self.bundle.models for op in definition(model).graph[0].op):
            sources = producers(op)
            if op.type in _TURNED and len(sources) > 1 and sources[1] in held:
                weight = held[sources[1]]
                turned = op.attr[_TURNED[op.type]].b if _TURNED[op.type] in op.attr else False
                turned ^= bool(transposes(weight.recipe or {}) % 2)
                uses.setdefault(weight.onnx, set()).add(OUT_IN if turned else IN_OUT)
        return {name: min(found) for name, found in uses.items() if len(found) == 1}


def read_bundle_file(path: str) -> BundleFile:
    """The bundle at `path`. OMError for one that is none, or has no manifest."""
    path = os.path.abspath(path)
    file = map_file(path)
    bundle = read_bundle(file.view, name=path)
    manifest = manifest_of(bundle)
    if manifest is None:
        raise UserError(
            f"{path}: the bundle says nothing of its weights: compile it again with refresh=…"
        )
    return BundleFile(file, bundle, manifest)


def definition(model: OfflineModel) -> ModelDef:
    """What a model is made of."""
    return model.root.model_def


def producers(op: OpDef) -> list[str]:
    """The names of the nodes that the inputs of a node come from, in order."""
    return [source.rpartition(":")[0] for source in op.input]


def assigned_constants(model: ModelDef) -> Mapping[str, OpDef]:
    """The node whose value each variable is assigned, by the variable's name."""
    ops = {op.name: op for op in model.graph[0].op} if model.graph else {}
    found: dict[str, OpDef] = {}
    for op in ops.values():
        sources = producers(op)
        value = ops.get(sources[1]) if op.type == "Assign" and len(sources) > 1 else None
        if value is not None and value.type in (*CONST_TYPES, FILE_CONSTANT):
            found[sources[0]] = value
    return found


def value_of(constant: OpDef, partition: FileBytes) -> FileBytes | Inline:
    """The bytes of a constant: in the graph or the partition. OMError for neither."""
    tensor = constant.attr["value"].t
    if tensor.data:
        return Inline(tensor.data)
    offset, length = extent_of(constant, partition.length, partition.path)
    return FileBytes(partition.path, partition.offset + offset, length, partition.version)
