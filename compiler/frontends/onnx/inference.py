"""Shape inference by onnx's own rules: what a model says and what follows from it must agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from math import prod

import onnx
from onnx import shape_inference

from compiler.errors import UserError
from compiler.frontends.onnx.negative_sizes import negative_size
from compiler.frontends.onnx.opsets import check_operator, describe, opset_imports
from compiler.frontends.onnx.spelled_out import is_spelled_out, spell_out
from compiler.frontends.onnx.types import is_open
from compiler.frontends.onnx.walk import graphs_of, nodes_of
from compiler.frontends.onnx.windows import STAND_IN, drop_idle_pads, put_stand_in

_NODE = re.compile(r"\(op_type:[^,()]*, node name: (\d+)\): ")
_TAG = re.compile(r"\[\w+Error\] |Inference error\(s\): |\(op_type:[^()]*\): ")

NOT_THE_MODELS_FAULT = (
    "Cannot parse data from external tensors",
    "expected to have type but instead is null",
    "(op_type:Constant): ",
)
"""Complaints about weights that are cut out, about results of operators that onnx does not know
(a value that nobody defines is told later), and from onnx's own bodies of its operators.

Only a node of such a body is nameless here; onnx infers that of MeanVarianceNormalization with an
attribute that it has not filled in.
"""


def infer_shapes(model: onnx.ModelProto, said: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
    """The model with the type of every value that can be told. UserError names the wrong node.

    What was `said` of a value, and forgotten, counts where nothing can be inferred.
    """
    inferred = _inferred(model)
    untold = [info for info in said if info.name not in _told(inferred.graph)]
    if not untold:
        return inferred
    outputs = {output.name: output for output in model.graph.output}
    for info in untold:
        if info.name in outputs:
            outputs[info.name].CopyFrom(info)
        else:
            model.graph.value_info.append(info)
    return _inferred(model)


def _told(graph: onnx.GraphProto) -> set[str]:
    """The values of a graph whose type and rank are known."""
    infos = (*graph.value_info, *graph.output)
    return {info.name for info in infos if _has_shape(info.type)}


def _has_shape(type: onnx.TypeProto) -> bool:
    kind = type.WhichOneof("value")
    return kind is not None and (kind != "tensor_type" or type.tensor_type.HasField("shape"))


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    # Before IR version 4 onnx looks at initializers only where they are inputs too.
    model.ir_version = max(model.ir_version, 4)
    nodes = list(nodes_of(model.graph.node))
    drop_idle_pads(nodes)
    copy = _numbered(model)
    inferred, complaint = _infer(copy)
    if complaint and copy.functions:  # the model may say what onnx would have inferred
        forget_shapes(copy.graph)
        inferred, complaint = _infer(copy)
    if complaint:
        _refuse(model, nodes, complaint)
    for graph, own in zip(graphs_of(inferred.graph), graphs_of(model.graph), strict=True):
        del graph.initializer[len(own.initializer) :]
        graph.sparse_initializer.extend(own.sparse_initializer)
    for node, original in zip(nodes_of(inferred.graph.node), nodes, strict=True):
        if node.domain == STAND_IN or is_spelled_out(node):
            node.CopyFrom(original)
        node.name = original.name
    del inferred.functions[:], inferred.opset_import[:]
    inferred.opset_import.extend(model.opset_import)
    return inferred


def forget_shapes(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Drop what a model says about the shapes that follow from its inputs; what was dropped."""
    said = [onnx.ValueInfoProto.FromString(info.SerializeToString()) for info in graph.value_info]
    said += [onnx.ValueInfoProto.FromString(info.SerializeToString()) for info in graph.output]
    del graph.value_info[:]
    for output in graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.ClearField("shape")
    return said


def has_open_inputs(graph: onnx.GraphProto) -> bool:
    """Whether a dimension of an input is left open."""
    return any(is_open(value.type) for value in graph.input)


def _numbered(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy to infer: onnx tells a node by its name, which here is its number."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for index, node in enumerate(list(nodes_of(copy.graph.node))):
        node.name = str(index)
        spell_out(node)
        put_stand_in(copy, node)
    for graph in graphs_of(copy.graph):
        _densify(graph)
    return copy


def _densify(graph: onnx.GraphProto) -> None:
    """Let sparse initializers be tensors whose bytes are elsewhere: no operator takes sparse ones,
    and onnx infers as if they stayed so."""
    for sparse in graph.sparse_initializer:
        dense = graph.initializer.add(name=sparse.values.name, dims=sparse.dims)
        dense.data_type = sparse.values.data_type
        dense.data_location = onnx.TensorProto.EXTERNAL
    del graph.sparse_initializer[:]


def _infer(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """The inferred model, and what onnx says against it.

    onnx follows the values of every vector, element by element, as if each were a shape: that
    is left out where a vector has more elements than any shape.
    """
    shapes, complaint = _infer_safely(model, follow_values=False)
    # In two graphs a name may be of two values.
    types = [(info.name, info.type) for info in _infos(shapes.graph)]
    if complaint or _is_settled(shapes.graph, dict(types)) or any(_is_endless(t) for _, t in types):
        return shapes, complaint
    open_ = {name for name, type in types if not _has_shape(type) or is_open(type)}
    return _infer_safely(model, {name for name, _ in types} - open_, follow_values=True)


def _infer_safely(
    model: onnx.ModelProto, known: Set[str] = frozenset(), *, follow_values: bool
) -> tuple[onnx.ModelProto, str]:
    infer = partial(_infer_strictly, follow_values=follow_values)
    complaint = negative_size(model, infer, known)
    return (model, complaint) if complaint else infer(model)


FOLLOWED, LARGEST = 1 << 16, 1 << 40
"""Elements of a vector whose values are followed, and of any tensor beside it."""


def _infos(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    """What is known of each value, in all graphs."""
    for inner in graphs_of(graph):
        yield from (*inner.input, *inner.value_info, *inner.output)


def _is_settled(graph: onnx.GraphProto, types: Mapping[str, onnx.TypeProto]) -> bool:
    """Whether following values could tell no more."""
    made = (name for node in nodes_of(graph.node) for name in node.output if name)
    whole = all(name in types for name in made)
    return whole and all(_has_shape(type) and not is_open(type) for type in types.values())


def _is_endless(type: onnx.TypeProto) -> bool:
    """Whether to follow the values of a tensor, or of what it is made of, would take too long."""
    sizes = [dim.dim_value for dim in type.tensor_type.shape.dim]
    return prod(sizes) > (FOLLOWED if len(sizes) == 1 else LARGEST)


def _infer_strictly(model: onnx.ModelProto, *, follow_values: bool) -> tuple[onnx.ModelProto, str]:
    try:
        strict = shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=follow_values
        )
        return strict, ""
    except (shape_inference.InferenceError, ValueError) as error:
        lines = filter(str.strip, str(error).splitlines())
        wrong = [line for line in lines if not any(w in line for w in NOT_THE_MODELS_FAULT)]
    if wrong:
        return model, wrong[0]
    try:
        return shape_inference.infer_shapes(model, data_prop=follow_values), ""
    except (shape_inference.InferenceError, ValueError) as error:
        return model, str(error)


def _refuse(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], complaint: str) -> None:
    opsets = opset_imports(model)
    for node in nodes:
        check_operator(node, opsets)
    at = _NODE.findall(complaint)
    who = f"{describe(nodes[int(at[-1])])}: " if at else ""
    reason = " ".join(_TAG.sub("", _NODE.sub("", complaint)).split())[:300]
    raise UserError(f"{who}shape inference fails: {reason}")
