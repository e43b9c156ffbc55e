"""Scan → While over the slices of its inputs; of opset 8, inside a While over the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from xdsl.dialects.builtin import TensorType, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.indexing import GATHER
from compiler.conversion.onnx_to_ge.loops import COUNTER, Rounds, joined
from compiler.conversion.onnx_to_ge.subgraphs import Nodes, captured, graph_in
from compiler.conversion.onnx_to_ge.values import data_type, ge_type
from dialects.types import DYNAMIC, RankedTensor, tensor_type


class Plan(NamedTuple):
    """The axis of each scanned input and output, and whether it is scanned from the end."""

    inputs: Sequence[tuple[int, bool]]
    outputs: Sequence[tuple[int, bool]]


def scan(emit: Emitter) -> list[SSAValue]:
    """Scan → While."""
    if emit.has("directions"):
        return _batched(emit)
    graph = graph_in(emit.node.graph("body"))
    count = emit.node.integer("num_scan_inputs") or 0
    outputs = len(graph.outputs) - len(graph.inputs) + count
    plan = Plan(_ways(emit, "scan_input", count), _ways(emit, "scan_output", outputs))
    inputs = [value for value in emit.inputs if value is not None]
    return _rounds(emit, emit.nodes, inputs, plan, values=emit.values, types=emit.result_types)


def _ways(emit: Emitter, which: str, count: int) -> list[tuple[int, bool]]:
    axes = emit.node.integers(f"{which}_axes") or (0,) * count
    directions = emit.node.integers(f"{which}_directions") or (0,) * count
    return [(axis, bool(way)) for axis, way in zip(axes, directions, strict=True)]


def _batched(emit: Emitter) -> list[SSAValue]:
    """Scan of opset 8, where every input has a batch axis before all others."""
    if emit.input("sequence_lens") is not None:
        raise emit.fail("sequence_lens of opset 8 cannot be compiled: convert the model to opset 9")
    graph = graph_in(emit.node.graph("body"))
    count = emit.node.integer("num_scan_inputs") or 0
    ways = emit.node.integers("directions") or (0,) * count
    outputs = len(graph.outputs) - len(graph.inputs) + count
    plan = Plan([(0, bool(way)) for way in ways], [(0, False)] * outputs)
    given = [value for value in emit.inputs if value is not None]
    batches = Rounds(emit.nodes, _size(emit.nodes, given[0], 0))
    handles = [batches.collector() for _ in graph.outputs]
    kept = [batches.carry(value) for value in given]
    inside = batches.capture(emit.values, captured(graph))
    each = [_slice(batches.body, x, batches.iteration, 0, _without(x.type)) for x in kept]
    inner = Nodes(f"{batches.body.label}/scan", batches.body.nodes)
    types = [_without(type) for type in emit.result_types]
    made = _rounds(emit, inner, each, plan, values=inside, types=types)
    collected = [batches.collect(*pair) for pair in zip(handles, made, strict=True)]
    results = batches.finish([*collected, *kept, *inside.values()])
    pairs = zip(results, emit.result_types, strict=False)
    return [joined(emit.nodes, handle, type) for handle, type in pairs]


def _rounds(
    emit: Emitter,
    nodes: Nodes,
    given: Sequence[SSAValue],
    plan: Plan,
    *,
    values: Mapping[SSAValue, SSAValue],
    types: Sequence[Attribute],
) -> list[SSAValue]:
    """The While of one Scan; `values` are those it may capture, `types` those of its results."""
    graph = graph_in(emit.node.graph("body"))
    states = len(given) - len(plan.inputs)
    arguments = list(graph.inputs.values())
    rounds = Rounds(nodes, _size(nodes, given[states], plan.inputs[0][0]))
    seen = [
        rounds.carry(value, ge_type(argument.type))
        for value, argument in zip(given[:states], arguments, strict=False)
    ]
    handles = [rounds.collector() for _ in plan.outputs]
    kept = [rounds.carry(value) for value in given[states:]]
    inside = rounds.capture(values, captured(graph))
    seen += [
        _slice(rounds.body, x, _place(rounds, from_end), axis, ge_type(argument.type))
        for x, (axis, from_end), argument in zip(kept, plan.inputs, arguments[states:], strict=True)
    ]
    made = emit.body(graph, rounds.body, dict(zip(arguments, seen, strict=True)) | inside)
    collected = [
        rounds.collect(handle, value, first=from_end)
        for handle, value, (_, from_end) in zip(handles, made[states:], plan.outputs, strict=True)
    ]
    results = rounds.finish([*made[:states], *collected, *kept, *inside.values()])
    scanned = zip(results[states:], types[states:], plan.outputs, strict=False)
    return [*results[:states], *(joined(nodes, h, type, axis) for h, type, (axis, _) in scanned)]


def _size(nodes: Nodes, value: SSAValue, axis: int) -> SSAValue:
    """The size of a dimension, as a scalar."""
    vector = tensor_type((DYNAMIC,), i64)
    shape = nodes.op("Shape", "shape", {"x": value}, vector, {"dtype": data_type(i64)})
    index = nodes.scalar("trip_axis", axis)
    return _slice(nodes, shape, index, 0, COUNTER)


def _place(rounds: Rounds, from_end: bool) -> SSAValue:
    """The place of the slice that is due in this round."""
    if not from_end:
        return rounds.iteration
    name = rounds.body.name_of_next("place")
    minus_one = rounds.body.scalar(f"{name}_last", -1)
    both = {"x1": minus_one, "x2": rounds.iteration}
    return rounds.body.op("Sub", name, both, COUNTER)


def _slice(nodes: Nodes, x: SSAValue, index: SSAValue, axis: int, type: Attribute) -> SSAValue:
    """The slice at an index, which counts from the end when it is negative."""
    name = nodes.name_of_next("slice")
    at = nodes.scalar(f"{name}_axis", axis)
    inputs = {"x": x, "indices": index, "axis": at}
    return nodes.op("GatherV2", name, inputs, type, GATHER)


def _without(type: Attribute) -> Attribute:
    """The type of one batch."""
    if not isinstance(type, TensorType):
        return type
    ranked = cast(RankedTensor, type)
    return tensor_type(ranked.get_shape()[1:], ranked.element_type)
