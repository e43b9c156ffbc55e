"""From a file to a slim ModelProto that is ready to become IR: checked, inlined, inferred."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from mmap import ACCESS_READ, mmap

import onnx
from google.protobuf.message import DecodeError

from compiler.errors import UserError
from compiler.frontends.onnx import ImportOptions
from compiler.frontends.onnx.external_data import ExternalData, Place
from compiler.frontends.onnx.functions import inline_functions
from compiler.frontends.onnx.inference import forget_shapes, infer_shapes
from compiler.frontends.onnx.opsets import opset_imports, spell_default_domain
from compiler.frontends.onnx.scan import SMALL, MalformedError, Scanner
from compiler.frontends.onnx.tensors import Payloads, type_of
from compiler.frontends.onnx.text import check_text
from dialects.onnx.attributes import byte_count


def load_model(path: str, options: ImportOptions) -> tuple[onnx.ModelProto, Payloads]:
    """The model without its weights, and where those are."""
    model, payloads = _read(path)
    _resolve_external_data(path, model, payloads, options)
    opset_imports(model)
    spell_default_domain(model)
    _set_input_shapes(model.graph, options.input_shapes)
    model = inline_functions(model)
    if options.infer_shapes:
        model = infer_shapes(model)
    return model, payloads


def _read(path: str) -> tuple[onnx.ModelProto, Payloads]:
    payloads = Payloads(secrets.token_hex(16), [])
    try:
        slim = _slim(path, payloads)
        model = onnx.ModelProto.FromString(slim)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}") from None
    except MalformedError as error:
        raise UserError(f"is not an ONNX model, or is damaged: {error}") from None
    except DecodeError:
        raise UserError("is not an ONNX model: protobuf cannot parse it") from None
    if not model.HasField("graph"):
        raise UserError("is not an ONNX model: it holds no graph")
    check_text(model)
    return model, payloads


def _slim(path: str, payloads: Payloads) -> bytes:
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UserError("is not a regular file, and weights are read from it in place")
        if status.st_size == 0:
            raise UserError("is empty")
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            scanner = Scanner(data, payloads.mark)
            slim = scanner.model()
    payloads.places.extend(Place(path, span.offset, span.length) for span in scanner.spans)
    return slim


def _resolve_external_data(
    path: str, model: onnx.ModelProto, payloads: Payloads, options: ImportOptions
) -> None:
    """Check each external tensor and note where it lies; let inference see small ones."""
    folder = options.external_data_dir or os.path.dirname(path)
    store = ExternalData(folder, options.allow_roots)
    for tensor in _tensors_of(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL or payloads.of(tensor):
            continue
        if tensor.data_type == onnx.TensorProto.STRING:
            raise UserError(f"external data of tensor '{tensor.name}': strings cannot be external")
        if tensor.HasField("raw_data"):
            raise UserError(f"external data of tensor '{tensor.name}': it has raw_data as well")
        entries = [(entry.key, entry.value) for entry in tensor.external_data]
        place = store.place(tensor.name, entries, byte_count(type_of(tensor)))
        payloads.put(tensor, place)
        if place.length <= SMALL:
            tensor.raw_data = store.read(tensor.name, dict(entries)["location"], place)
            tensor.ClearField("data_location")


def _tensors_of(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model: of its graphs, of its nodes' attributes, of its functions."""
    yield from _tensors_of_graph(model.graph)
    for function in model.functions:
        yield from _tensors_of_nodes(function.node)
        yield from _tensors_of_attributes(function.attribute_proto)


def _tensors_of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _tensors_of_nodes(graph.node)


def _tensors_of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        yield from _tensors_of_attributes(node.attribute)


_SCALAR_KINDS = {
    onnx.AttributeProto.INT,
    onnx.AttributeProto.INTS,
    onnx.AttributeProto.FLOAT,
    onnx.AttributeProto.FLOATS,
    onnx.AttributeProto.STRING,
    onnx.AttributeProto.STRINGS,
}


def _tensors_of_attributes(
    attributes: Iterable[onnx.AttributeProto],
) -> Iterator[onnx.TensorProto]:
    for attribute in attributes:
        if attribute.type in _SCALAR_KINDS:
            continue
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for graph in (attribute.g, *attribute.graphs):
            yield from _tensors_of_graph(graph)


def _set_input_shapes(graph: onnx.GraphProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Give graph inputs the shapes that the user asks for."""
    inputs = {value.name: value for value in graph.input}
    contradicted = False
    for name, shape in shapes.items():
        if name not in inputs:
            known = ", ".join(f"'{known}'" for known in inputs)
            raise UserError(f"input_shape names '{name}', the model's inputs are {known}")
        tensor = inputs[name].type.tensor_type
        dims = tensor.shape.dim
        if tensor.HasField("shape") and len(dims) != len(shape):
            raise UserError(
                f"input_shape gives '{name}' {len(shape)} dimensions, it has {len(dims)}"
            )
        contradicted |= any(
            dim.HasField("dim_value") and dim.dim_value != size
            for dim, size in zip(dims, shape, strict=False)
        )
        _set_shape(tensor, shape)
    if contradicted:  # what the model says about later shapes no longer holds
        forget_shapes(graph)


def _set_shape(tensor: onnx.TypeProto.Tensor, shape: Sequence[int]) -> None:
    """Set each dimension; an unknown one keeps its name."""
    names = [dim.dim_param for dim in tensor.shape.dim] or [""] * len(shape)
    tensor.ClearField("shape")
    tensor.shape.SetInParent()
    for size, name in zip(shape, names, strict=True):
        dim = tensor.shape.dim.add()
        if size >= 0:
            dim.dim_value = size
        elif name:
            dim.dim_param = name
