"""The numbers that shapes hang on, computed where a model's inputs have fixed shapes.

onnx's inference follows numbers through few operators, and not through scalars; models of torch
make their shapes, ranges and pads of such. What it leaves open is inferred here node by node.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from compiler.frontends.onnx.payloads import has_values
from compiler.frontends.onnx.windows import corrected_opset

LIMIT = 4096
"""Elements of a value that is computed: a shape is small, and a mask of positions."""

COUNTING = frozenset("Compress NonMaxSuppression NonZero Unique".split())
"""Operators whose result is as long as their values make it, but no longer than their inputs."""

KEEPING = frozenset(["GroupNormalization"])
"""Operators whose result has the shape of their input, where onnx loses some of it."""

_RANDOM = frozenset(
    "Bernoulli Dropout Multinomial RandomNormal RandomNormalLike RandomUniform"
    " RandomUniformLike".split()
)


def infer_by_values(model: onnx.ModelProto) -> None:
    """Complete the types of the values of a graph whose inputs have fixed shapes."""
    types = told_types(model.graph)
    if all(_elements(type) is not None for type in types.values() if type.HasField("tensor_type")):
        return
    values = Values(model, types)
    for node in model.graph.node:
        if any(name and _elements(types.get(name)) is None for name in node.output):
            types.update(values.infer(node))
            types.update(values.counted(node))
    infos = {info.name for info in _infos(model.graph)}
    for info in (*model.graph.value_info, *model.graph.output):
        info.type.CopyFrom(types[info.name])
    for name in values.producers:
        if name in types and name not in infos:
            model.graph.value_info.add(name=name, type=types[name])


def told_types(graph: onnx.GraphProto) -> dict[str, onnx.TypeProto]:
    """What is known of the inputs of a graph and of what its nodes make."""
    return {info.name: info.type for info in _infos(graph)}


def _infos(graph: onnx.GraphProto) -> Iterable[onnx.ValueInfoProto]:
    return (*graph.input, *graph.value_info, *graph.output)


def _elements(type: onnx.TypeProto | None) -> int | None:
    """The number of elements of a tensor, None where its shape is open, or is none."""
    if type is None or not type.tensor_type.HasField("shape"):
        return None
    dims = type.tensor_type.shape.dim
    if not all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in dims):
        return None
    return prod(dim.dim_value for dim in dims)


_NOT_INFERRED = (
    onnx.checker.ValidationError,
    onnx.defs.SchemaError,
    shape_inference.InferenceError,
    ValueError,
)
"""What onnx raises for a node it cannot infer: one of no schema, or that does not fit its own."""


class Values:
    """The values of a graph that can be computed without its inputs; computed when asked for."""

    def __init__(self, model: onnx.ModelProto, types: dict[str, onnx.TypeProto]) -> None:
        self.types = types
        self.nodes = model.graph.node
        self.producers = {
            name: place for place, node in enumerate(self.nodes) for name in node.output if name
        }
        self._known: dict[str, onnx.TensorProto] = {}
        self._unknown: set[str] = set()
        self._model = model
        for tensor in model.graph.initializer:
            types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            if has_values(tensor) and prod(tensor.dims) <= LIMIT:
                self._known[tensor.name] = tensor

    def infer(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        """The types of a node's outputs as far as they can be told."""
        known = {name: self.types[name] for name in node.input if name and name in self.types}
        imports = {entry.domain: entry.version for entry in self._model.opset_import}
        if node.domain or len(known) < len(set(filter(None, node.input))):
            return {}
        opset = corrected_opset(node, imports[""])
        data = {name: value for name in known if (value := self.value(name)) is not None}
        try:
            schema = onnx.defs.get_schema(node.op_type, opset, "")
            found = shape_inference.infer_node_outputs(
                schema, node, known, data, opset_imports=[helper.make_opsetid("", opset)]
            )
        except _NOT_INFERRED:
            return {}
        told = {name: type for name, type in found.items() if _elements(type) is not None}
        return told or self._unchanged(node)

    def _unchanged(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        """The type of the first output of an operator that keeps the shape of its input."""
        kept = self.types.get(node.input[0]) if node.op_type in KEEPING else None
        return {node.output[0]: kept} if kept is not None and _elements(kept) is not None else {}

    def counted(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        """The types of a node's outputs whose shapes hang on values that are known."""
        if node.domain or node.op_type not in COUNTING:
            return {}
        known = {name: value for name in node.output if name and (value := self.value(name))}
        return {
            name: helper.make_tensor_type_proto(value.data_type, value.dims)
            for name, value in known.items()
        }

    def value(self, name: str) -> onnx.TensorProto | None:
        """What a value is, None where that hangs on the inputs or is too large."""
        if name not in self._known and name not in self._unknown:
            places = self._needed(name)
            if places is None or not self._compute([self.nodes[place] for place in places]):
                self._unknown.add(name)
        return self._known.get(name)

    def _needed(self, name: str) -> list[int] | None:
        """The nodes to compute for a value, in order; None where it cannot be."""
        found: set[int] = set()
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if not name or name in self._known:
                continue
            place = self.producers.get(name)
            if place is None or name in self._unknown or not self._is_computable(name, place):
                self._unknown.add(name)
                return None
            node = self.nodes[place]
            if node.op_type == "Shape" and (shape := self._shape(node)) is not None:
                self._known[name] = shape
            elif place not in found:
                found.add(place)
                waiting += node.input
        return sorted(found)

    def _is_computable(self, name: str, place: int) -> bool:
        node, size = self.nodes[place], _elements(self.types.get(name))
        kinds = {attribute.type for attribute in node.attribute}
        has_graph = onnx.AttributeProto.GRAPH in kinds
        plain = not node.domain and node.op_type not in _RANDOM and not has_graph
        small = size <= LIMIT if size is not None else node.op_type in COUNTING
        return plain and small

    def _shape(self, node: onnx.NodeProto) -> onnx.TensorProto | None:
        type = self.types.get(node.input[0])
        if type is None or _elements(type) is None:
            return None
        part = {attribute.name: attribute.i for attribute in node.attribute}
        sizes = [dim.dim_value for dim in type.tensor_type.shape.dim]
        sizes = sizes[part.get("start") : part.get("end")]
        return numpy_helper.from_array(np.array(sizes, np.int64))

    def _compute(self, nodes: list[onnx.NodeProto]) -> bool:
        """Compute the nodes, whose other inputs are known; False where onnx cannot."""
        made = [name for node in nodes for name in node.output if name]
        read = {name for node in nodes for name in node.input if name} - set(made)
        constants = [onnx.TensorProto.FromString(self._known[n].SerializeToString()) for n in read]
        for name, tensor in zip(read, constants, strict=True):
            tensor.name = name
        outputs = [onnx.ValueInfoProto(name=name) for name in made]
        graph = helper.make_graph(nodes, "values", [], outputs, constants)
        model = helper.make_model(graph, opset_imports=self._model.opset_import)
        from onnx.reference import ReferenceEvaluator  # heavy, and few models need it

        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                results: Any = ReferenceEvaluator(model).run(None, {})  # pyright: ignore[reportUnknownMemberType]
        except Exception:  # onnx's reference raises what it likes; the value stays unknown
            return False
        for name, result in zip(made, results, strict=True):
            self._known[name] = numpy_helper.from_array(np.asarray(result), name)
        return True
