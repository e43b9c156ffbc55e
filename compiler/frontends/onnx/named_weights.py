"""The weights of a model by name, their bytes by reference: initializers and Constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from compiler.atc_names import Node, constant_name, labels
from compiler.errors import UserError
from compiler.frontends.onnx.externalize import raw_values
from compiler.frontends.onnx.models import load_model
from compiler.frontends.onnx.opsets import describe
from compiler.frontends.onnx.payloads import TYPED_FIELDS
from compiler.frontends.onnx.slim import SlimModel
from compiler.frontends.onnx.tensors import type_of
from compiler.frontends.onnx.walk import nodes_of, tensors_of
from compiler.safetensors import TensorRef
from compiler.weights import FileBytes, Inline, Weight
from compiler.weights.digests import sha256
from dialects.onnx.attributes import byte_count
from dialects.types import element_name

COMMENTS = ("doc_string", "metadata_props")


@dataclass(frozen=True)
class NamedWeights:
    """A model whose external data has been looked for, and its dense tensors by name.

    An initializer has its own name, a Constant that of its node or, without one, of its output;
    in a graph inside another the owner's comes first, as a bundle's manifest has it.
    Strings are not among them: no safetensors file holds any.
    """

    model: SlimModel
    tensors: Mapping[str, TensorProto]

    @classmethod
    def read(cls, path: str, allow_roots: Sequence[str] = ()) -> NamedWeights:
        """The weights of the model at `path`. UserErrors as `load_model` has, and where two
        weights have one name."""
        model = load_model(path, allow_roots=allow_roots)
        try:
            return cls(model, _by_name(model.proto))
        except UserError as error:
            raise error.at(path) from None

    def refs(self) -> dict[str, TensorRef[Weight]]:
        """References to the tensors. UserError where values and shape do not agree."""
        return {name: self._ref(name, tensor) for name, tensor in self.tensors.items()}

    def _ref(self, name: str, tensor: TensorProto) -> TensorRef[Weight]:
        type = type_of(tensor)
        data = self.model.payloads.of(tensor) or Inline(raw_values(tensor))
        if data.length != byte_count(type):
            raise UserError(
                f"tensor '{name}' has {data.length} bytes, {type} takes {byte_count(type)}"
            )
        return TensorRef(name, element_name(type.element_type) or "", tuple(tensor.dims), data)

    def files(self) -> set[str]:
        """The files that weights lie in: the model's own, and those of external data."""
        places = map(self.model.payloads.of, self.tensors.values())
        return {place.path for place in places if isinstance(place, FileBytes)}

    def put(self, name: str, data: FileBytes | Inline) -> None:
        """Let a tensor have other bytes."""
        tensor = self.tensors[name]
        for values in ("raw_data", *TYPED_FIELDS):
            tensor.ClearField(values)  # pyright: ignore[reportArgumentType]  # a field's name
        self.model.payloads.put(tensor, data)


def difference(old: NamedWeights, new: NamedWeights) -> str | None:
    """Where two models differ beyond their weights: the first node, or a word for the rest.

    Names of nodes and comments are no difference.
    """
    before, after = _skeleton(old), _skeleton(new)
    pairs = zip(before.graph.node, after.graph.node, new.model.proto.graph.node, strict=False)
    for one, other, named in pairs:
        if one != other:
            return describe(named)
    if len(before.graph.node) != len(after.graph.node):
        return f"{len(before.graph.node)} nodes, then {len(after.graph.node)}"
    return None if before == after else "inputs, outputs, opsets or functions"


def _by_name(model: ModelProto) -> dict[str, TensorProto]:
    tensors: dict[str, TensorProto] = {}
    for name, tensor in _named(model):
        if name in tensors:
            raise UserError(f"two weights are called '{name}': each needs its own name")
        tensors[name] = tensor
    return tensors


def _named(model: ModelProto) -> Iterator[tuple[str, TensorProto]]:
    for graph, prefix, names in labels(model.graph, _nodes):
        for tensor in graph.initializer:
            if tensor.data_type != TensorProto.STRING:
                yield prefix + tensor.name, tensor
        for node, label in zip(graph.node, names, strict=True):
            if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
                name = constant_name(label, node.name or next(iter(node.output), None))
                yield from ((name, tensor) for tensor in _values_of(node))


def _nodes(graph: GraphProto) -> Iterator[Node[GraphProto]]:
    for node in graph.node:
        graphs = ((a.name, a.g) for a in node.attribute if a.type == AttributeProto.GRAPH)
        yield Node(node.op_type, node.name, tuple(graphs))


def _values_of(constant: NodeProto) -> Iterator[TensorProto]:
    for attribute in constant.attribute:
        if attribute.name == "value" and attribute.t.data_type != TensorProto.STRING:
            yield attribute.t


def _skeleton(weights: NamedWeights) -> ModelProto:
    """The model without weights, and without what says nothing of what it computes."""
    model = weights.model.proto
    proto = ModelProto(
        graph=model.graph, opset_import=model.opset_import, functions=model.functions
    )
    for _, tensor in _named(proto):
        for field in ("raw_data", "external_data", "data_location", *COMMENTS, *TYPED_FIELDS):
            tensor.ClearField(field)  # pyright: ignore[reportArgumentType]  # a field's name
    for tensor in tensors_of(proto):
        if (place := weights.model.payloads.of(tensor)) is not None:
            tensor.ClearField("external_data")  # which has a mark that no other reading has
            tensor.raw_data = sha256(place)
    for part in _commented(proto):
        for field in ("name", *COMMENTS):
            part.ClearField(field)
    del proto.graph.value_info[:]
    return proto


def _commented(proto: ModelProto) -> Iterator[GraphProto | NodeProto]:
    yield proto.graph
    yield from nodes_of(chain(proto.graph.node, *(f.node for f in proto.functions)))
