"""From a file to a slim ModelProto that is ready to become IR: checked, inlined, inferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from compiler.errors import InputShapeError, UserError
from compiler.frontends.onnx import ImportOptions
from compiler.frontends.onnx.decided_branches import take_decided_branches
from compiler.frontends.onnx.external_data import ExternalData
from compiler.frontends.onnx.functions import inline_functions
from compiler.frontends.onnx.inference import (
    forget_shapes,
    has_open_inputs,
    infer_shapes,
)
from compiler.frontends.onnx.known_values import infer_by_values
from compiler.frontends.onnx.negative_sizes import forget_negative_sizes
from compiler.frontends.onnx.opsets import (
    check_ir_version,
    opset_imports,
    spell_default_domain,
)
from compiler.frontends.onnx.payloads import Payloads
from compiler.frontends.onnx.scan import SMALL
from compiler.frontends.onnx.slim import SlimModel, read_slim, resolve

LARGEST = 2**63 - 1
"""The largest dimension that an ONNX model can say."""


def prepare(slim: SlimModel, options: ImportOptions) -> tuple[onnx.ModelProto, Payloads]:
    """The model ready to become IR, and where its weights are."""
    folder = options.external_data_dir
    store = ExternalData(slim.folder if folder is None else folder, options.allow_roots)
    for tensor, place in resolve(slim, store):
        if place.length <= SMALL:  # for inference to see
            tensor.raw_data = b"".join(place.chunks())
            tensor.ClearField("data_location")
    model = slim.proto
    check_ir_version(model)
    opset_imports(model)
    spell_default_domain(model)
    forget_negative_sizes(model)
    # torch.onnx notes shapes of its example where inputs are open, and zeros where it knows none.
    doubtful = options.infer_shapes and has_open_inputs(model.graph)
    said = forget_shapes(model.graph) if doubtful else []
    _set_input_shapes(model.graph, options.input_shapes)
    model = inline_functions(model)
    if options.infer_shapes:
        model = infer_shapes(model, said)
        while take_decided_branches(model):
            model = infer_shapes(model, said)
        if not has_open_inputs(model.graph):
            infer_by_values(model)
    return model, slim.payloads


def output_shapes(path: str, options: ImportOptions) -> list[tuple[int, ...]]:
    """The shapes of the outputs as they follow from those of the inputs; -1 where they do not."""
    try:
        model, _ = prepare(read_slim(path), options)
    except UserError as error:
        raise error.at(path) from None
    shapes = (output.type.tensor_type.shape for output in model.graph.output)
    return [tuple(d.dim_value if d.HasField("dim_value") else -1 for d in s.dim) for s in shapes]


def _set_input_shapes(graph: onnx.GraphProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Give graph inputs the shapes that the user asks for."""
    inputs = {value.name: value for value in graph.input}
    contradicted = False
    for name, shape in shapes.items():
        if name not in inputs:
            known = ", ".join(f"'{known}'" for known in inputs)
            message = f"input_shape names '{name}', the model's inputs are {known}"
            raise InputShapeError(message, name)
        tensor = inputs[name].type.tensor_type
        dims = tensor.shape.dim
        if tensor.HasField("shape") and len(dims) != len(shape):
            message = f"input_shape gives '{name}' {len(shape)} dimensions, it has {len(dims)}"
            raise InputShapeError(message, name, (len(shape), len(dims)))
        if max(shape, default=0) > LARGEST:
            raise UserError(f"input_shape gives '{name}' a dimension above {LARGEST}")
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
