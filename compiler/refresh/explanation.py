"""What becomes of every weight of a model when it is compiled, and whether it can be refreshed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from compiler.atc_names import initializer_of
from compiler.constants import weight_of
from compiler.pipelines import OfflinePass
from compiler.rewrite import ORIGINS, main_graphs
from compiler.transforms.ge.name_weights import name_all
from compiler.weights.digests import all_sha256
from compiler.weights.names import onnx_name
from compiler.weights.refreshability import refusal
from dialects.ge import ConstOp, GraphOp
from dialects.types import element_count, shape_of
from dialects.weights import (
    CastAttr,
    ComputeAttr,
    ConcatAttr,
    NamedAttr,
    SliceAttr,
    TransposeAttr,
    named_in,
)

LOST = "no node reads anything that is made of it"
READ = "passes may read its numbers: they do not once it is refreshable, which may cost a fusion"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One ONNX tensor, an initializer's or a Constant's: why it cannot be refreshed, or how.

    `variables` and `steps` are of `refresh_form=compiled`; `partners` have to change with it there.
    `readers` are nodes of the ONNX model's graph, `tied` tensors of the same bytes and type.
    """

    onnx: str
    length: int
    initializer: bool
    refused: str | None
    variables: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    readers: int = 0
    tied: tuple[str, ...] = ()
    remark: str = ""


def explanations(ctx: Context, module: ModuleOp, pipeline: OfflinePass) -> list[Explanation]:
    """One for each constant of the ONNX model, in the order of the graph.

    `module` is a GraphEngine graph as imported; its weights have names afterwards.
    """
    [graph] = main_graphs(module)
    weights = [node for node in _constants(graph) if ORIGINS not in node.attributes]
    refused = {node: refusal(node) for node in weights}
    readers = {node: len({use.operation for use in node.results[0].uses}) for node in weights}
    tied = _tied(weights)
    named = set(name_all(graph))
    trial = module.clone()
    pipeline.optimise(ctx, trial)
    made = _made(next(main_graphs(trial)))
    told: list[Explanation] = []
    for node in weights:
        name, reason = onnx_name(node), refused[node]
        length, named_so = weight_of(node.value).length, initializer_of(node.label) != node.label
        known = Explanation(name, length, named_so, reason, readers=readers[node])
        told.append(_explained(known, made.get(name), name in named, tied[node]))
    return told


def _explained(
    known: Explanation, made: list[ConstOp] | None, is_named: bool, tied: tuple[str, ...]
) -> Explanation:
    if known.refused is not None:
        return known
    if not is_named:
        return replace(known, tied=tied, remark=READ)
    if not made:
        return replace(known, refused=LOST)
    values = [node.value for node in made]
    steps = dict.fromkeys(step for value in values for step in _steps(value, known.onnx))
    names = dict.fromkeys(name.onnx.data for value in values for name in named_in(value))
    return replace(
        known,
        variables=tuple(f"{node.label}_var" for node in made),
        steps=tuple(steps),
        partners=tuple(name for name in names if name != known.onnx),
        tied=tied,
    )


def _constants(graph: GraphOp) -> Iterator[ConstOp]:
    return (node for node in graph.all_nodes if isinstance(node, ConstOp))


def _made(graph: GraphOp) -> Mapping[str, list[ConstOp]]:
    """The constants that are made of each named tensor and still read."""
    made: dict[str, list[ConstOp]] = defaultdict(list)
    for node in _constants(graph):
        for name in dict.fromkeys(named_in(node.value)):
            if node.results[0].uses and node not in made[name.onnx.data]:
                made[name.onnx.data].append(node)
    return made


def _steps(value: Attribute, name: str) -> list[str]:
    """What is done to a named tensor, the first thing first."""
    match value:
        case CastAttr():
            return [*_steps(value.source, name), f"cast {value.from_type} to {value.to_type}"]
        case TransposeAttr():
            return [*_steps(value.source, name), "transposed"]
        case SliceAttr():
            return [*_steps(value.source, name), "a part"]
        case ComputeAttr() | ConcatAttr():
            inner = [o for o in value.operands if name in {n.onnx.data for n in named_in(o)}]
            last = value.kind.data if isinstance(value, ComputeAttr) else "joined"
            return [*(step for o in inner for step in _steps(o, name)), last]
        case NamedAttr() | _:
            return []


def _tied(weights: Iterable[ConstOp]) -> Mapping[ConstOp, tuple[str, ...]]:
    """For each constant the others of the same type and bytes, where it has several elements."""
    weights = list(weights)
    several = [node for node in weights if element_count(shape_of(node.results[0])) > 1]
    digests = all_sha256(weight_of(node.value) for node in several)
    alike: dict[tuple[Attribute, bytes], list[ConstOp]] = defaultdict(list)
    for node in several:
        alike[node.result_types[0], digests[weight_of(node.value)]].append(node)
    return dict.fromkeys(weights, ()) | {
        node: tuple(onnx_name(other) for other in group if other is not node)
        for group in alike.values()
        for node in group
    }
