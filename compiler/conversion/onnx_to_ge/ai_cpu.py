"""Operators without a GraphEngine form: a node `Onnx<operator>` that the AI CPU runs as ONNX does.

Its inputs have the names that the ONNX schema gives them, its attributes are ONNX's own, tensors
among them constants at ports of the attribute's name. `onnx_domain` and `onnx_opset` say which
version is meant, `onnx_outputs` which of its outputs the node has, where it has not the first ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, NoneType
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.constant import weight_attribute
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import ge_type, integer, integers, string
from compiler.kernels.symbols import AI_CPU_REASON
from dialects.onnx.attributes import TensorAttr, tensor_parts
from dialects.onnx.types import onnx_spelling
from dialects.types import RankedTensor

PREFIX = "Onnx"


def on_ai_cpu(emit: Emitter, reason: str) -> list[SSAValue]:
    """The node in ONNX's own form; `reason` says why it has no other."""
    node = emit.node
    if node.regions:
        raise emit.fail(f"{reason}, and the AI CPU runs no graphs: {', '.join(node.graph_labels)}")
    tensors: dict[str, tuple[Attribute, Attribute]] = {}
    for name, value in node.attributes.items():
        if isinstance(value, DenseIntOrFPElementsAttr | TensorAttr):
            payload, type = tensor_parts(cast(Attribute, value))
            tensors[name] = weight_attribute(payload), type
    inputs = _named_inputs(emit)
    kept = [i for i, result in enumerate(node.results) if not isinstance(result.type, NoneType)]
    if tensors:
        emit.expand(*inputs, f"{PREFIX}{node.op_type}", *tensors)
    for name, (value, type) in tensors.items():
        inputs[name] = emit.const(name, value, cast(RankedTensor, ge_type(type)))
    attributes: dict[str, Attribute] = {
        name: _plain(emit, value) for name, value in node.attributes.items() if name not in tensors
    }
    attributes |= {"onnx_domain": string(node.domain), "onnx_opset": integer(node.opset or 0)}
    if kept != list(range(len(kept))):
        attributes["onnx_outputs"] = integers(kept)
    attributes[AI_CPU_REASON] = string(reason)
    types = [emit.result_types[i] for i in kept]
    inner = f"{PREFIX}{node.op_type}" if tensors else ""
    made = emit.ops(f"{PREFIX}{node.op_type}", inputs, attributes, inner=inner, results=types)
    return _spread(made, kept, len(node.results))


def _spread(made: Sequence[SSAValue], kept: Sequence[int], count: int) -> list[SSAValue]:
    """A value for each ONNX result; those that are left out have no reader."""
    places = dict(zip(kept, made, strict=True))
    return [places.get(i, made[0]) for i in range(count)]


def _plain(emit: Emitter, value: Attribute) -> Attribute:
    """An attribute as GraphEngine can hold it: a type by ONNX's spelling."""
    spelling = onnx_spelling(value)
    return value if spelling is None else string(spelling)


def _named_inputs(emit: Emitter) -> dict[str, SSAValue | None]:
    """The inputs by the names of the schema; those of the variadic one are numbered."""
    names: list[str] = []
    for parameter in emit.node.schema.inputs if emit.node.schema else ():
        rest = len(emit.inputs) - len(names)
        names += (
            [f"{parameter.name}{i}" for i in range(rest)]
            if parameter.variadic
            else [parameter.name]
        )
    return dict(zip(names, emit.inputs, strict=False))
