"""Control flow: If as ATC has it; Loop and SequenceMap as GraphEngine's While."""

from __future__ import annotations

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Attribute, Region, SSAValue

from compiler.atc_names import graph_label
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.loops import COUNTER, Rounds, joined
from compiler.conversion.onnx_to_ge.subgraphs import Nodes, captured, graph_in
from compiler.conversion.onnx_to_ge.values import ge_type
from dialects.onnx.types import SequenceType
from dialects.types import tensor_type

FOREVER = 2**63 - 1
"""The trip count of a loop that has none."""


def if_(emit: Emitter) -> list[SSAValue]:
    """If → If: branch 0 is then_branch; what they capture follows the condition, by name."""
    names = ("then_branch", "else_branch")
    graphs = [graph_in(emit.node.graph(name)) for name in names]
    outer = captured(*graphs)
    branches: list[Region] = []
    for place, (name, graph) in enumerate(zip(names, graphs, strict=True)):
        branch = Nodes(graph_label(emit.nodes.label, place, name))
        inside = branch.bind(outer, 1)
        branches.append(branch.graph(emit.body(graph, branch, inside)))
    inputs = {"cond": _scalar(emit.nodes, emit.needed("cond"), "condition", i1, 1)}
    inputs |= {f"input{i}": emit.values[value] for i, value in enumerate(outer)}
    return emit.nodes.owner("If", inputs, emit.result_types, branches)


def loop(emit: Emitter) -> list[SSAValue]:
    """Loop → While."""
    graph = graph_in(emit.node.graph("body"))
    nodes, types = emit.nodes, emit.result_types
    given = [value for value in emit.inputs[2:] if value is not None]
    rounds = Rounds(
        nodes,
        _scalar(nodes, emit.input("M"), "trip_count", i64, FOREVER),
        _scalar(nodes, emit.input("cond"), "condition", i1, 1),
    )
    arguments = list(graph.inputs.values())
    seen = [rounds.carry(v, ge_type(a.type)) for v, a in zip(given, arguments[2:], strict=True)]
    handles = [rounds.collector() for _ in types[len(given) :]]
    inside = rounds.capture(emit.values, captured(graph))
    known = dict(zip(arguments, [rounds.iteration, rounds.go_on, *seen], strict=True))
    go_on, *made = emit.body(graph, rounds.body, known | inside)
    collected = [rounds.collect(*pair) for pair in zip(handles, made[len(given) :], strict=True)]
    results = rounds.finish([*made[: len(given)], *collected, *inside.values()], go_on)
    pairs = zip(results[len(given) :], types[len(given) :], strict=False)
    return [*results[: len(given)], *(joined(nodes, handle, type) for handle, type in pairs)]


def _scalar(
    nodes: Nodes, value: SSAValue | None, name: str, element: Attribute, default: int
) -> SSAValue:
    """A scalar input; ONNX lets it have one element in one dimension, too."""
    if value is None:
        return nodes.scalar(name, default, element)
    type = tensor_type((), element)
    if value.type == type:
        return value
    shape = nodes.vector(f"{name}_shape", ())
    return nodes.op("Reshape", name, {"x": value, "shape": shape}, type)


def sequence_map(emit: Emitter) -> list[SSAValue]:
    """SequenceMap → While over the places of its first input, which is a sequence."""
    graph = graph_in(emit.node.graph("body"))
    given = dict(zip(emit.node.operands, emit.inputs, strict=True))
    count = emit.nodes.op("SequenceLength", "trip_count", {"handle": emit.first}, COUNTER)
    rounds = Rounds(emit.nodes, count)
    handles = [rounds.collector() for _ in graph.outputs]
    kept = [rounds.carry(value) for value in given.values() if value is not None]
    inside = rounds.capture(emit.values, captured(graph))
    known: dict[SSAValue, SSAValue] = {}
    for source, value, argument in zip(given, kept, graph.inputs.values(), strict=True):
        is_sequence = isinstance(source.type, SequenceType)
        known[argument] = _item(rounds, value, argument) if is_sequence else value
    made = emit.body(graph, rounds.body, known | inside)
    collected = [rounds.collect(*pair) for pair in zip(handles, made, strict=True)]
    return rounds.finish([*collected, *kept, *inside.values()])[: len(handles)]


def _item(rounds: Rounds, sequence: SSAValue, argument: SSAValue) -> SSAValue:
    """The value of a sequence that is due in this round."""
    inputs = {"handle": sequence, "index": rounds.iteration}
    name = rounds.body.name_of_next("item")
    return rounds.body.op("SequenceAt", name, inputs, ge_type(argument.type))
