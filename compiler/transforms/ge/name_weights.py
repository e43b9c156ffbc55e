"""ge-name-weights: what shall be refreshable carries its ONNX name through all passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.utils.hints import isa

from compiler.om.errors import GraphError, Status
from compiler.rewrite import ORIGINS, FreshNames, main_graphs
from compiler.weights.names import Selection, listed, onnx_name
from compiler.weights.refreshability import refusal
from dialects.ge import ConstOp, GraphOp
from dialects.op import names_attr
from dialects.types import element_count, element_name, tensor_of
from dialects.weights import FLOATS, NamedAttr, named_in, without_names

REFRESHED, REQUIRED = "refreshed", "required"
"""The attributes of a graph that list the chosen names, and those of them that no pattern or size
has chosen, until the graph is split."""


@dataclass(frozen=True)
class GENameWeightsPass(ModulePass):
    """Name the chosen weights, so that what is made of them can be refreshed as well.

    `consts`, `file` and `above` choose as those of `ge-make-weight-refreshable` do. A named weight
    is folded, cast and transposed like any other, but no pass reads its numbers. All other float
    tensors are named, too: whatever is computed together with a chosen one is needed to compute
    it again, and has to be refreshable then. `ge-make-weight-refreshable{named=true}` ends that.
    """

    name = "ge-name-weights"

    consts: tuple[str, ...] = ()
    file: str | None = None
    above: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        names = (*self.consts, *(listed(self.file) if self.file is not None else ()))
        for graph in main_graphs(op):
            chosen = Selection(names, self.above).find_named(graph, refusal)
            required = tuple(onnx_name(node) for node, by_name in chosen.items() if by_name)
            graph.attributes[REFRESHED] = names_attr(tuple(onnx_name(node) for node in chosen))
            graph.attributes[REQUIRED] = names_attr(required)
            _name([*chosen, *_partners(graph)])


def _constants(graph: GraphOp) -> Iterator[ConstOp]:
    return (node for node in graph.all_nodes if isinstance(node, ConstOp))


def _partners(graph: GraphOp) -> Iterator[ConstOp]:
    """The tensors that passes may compute with others without reading their numbers."""
    for node in _constants(graph):
        type = tensor_of(node.results[0])
        is_tensor = element_count(type.get_shape()) > 1 and ORIGINS not in node.attributes
        if is_tensor and element_name(type.element_type) in FLOATS and refusal(node) is None:
            yield node


def name_all(graph: GraphOp) -> list[str]:
    """Choose every weight that passes do not read: to see what becomes of each."""
    nodes = list(_partners(graph))
    _name(nodes)
    names = list(dict.fromkeys(onnx_name(node) for node in nodes))
    graph.attributes[REFRESHED], graph.attributes[REQUIRED] = (
        names_attr(tuple(names)),
        names_attr(()),
    )
    return names


def _name(nodes: Iterable[ConstOp]) -> None:
    """Name each node's weight; of two of one name the first."""
    named: dict[str, ConstOp] = {}
    for node in nodes:
        name = onnx_name(node)
        if named.setdefault(name, node) is node and not isinstance(node.value, NamedAttr):
            node.value = NamedAttr(StringAttr(name), node.value, node.result_types[0])


def needed_names(graph: GraphOp) -> set[str]:
    """The chosen weights, and all that have to change with them.

    Where a constant is made of several tensors and one of them is refreshed, the others are
    needed; what they are in besides has to follow them.
    """
    needed = set(_listed(graph, REFRESHED))
    groups = [{name.onnx.data for name in named_in(node.value)} for node in _constants(graph)]
    growing = True
    while growing:
        joined = needed.union(*(group for group in groups if group & needed))
        growing, needed = joined != needed, joined
    return needed


def keep_names(graph: GraphOp, names: set[str]) -> None:
    """Take their names from all weights but some."""
    for node in _constants(graph):
        if not names.intersection(name.onnx.data for name in named_in(node.value)):
            node.value = without_names(node.value)


def take_named(graph: GraphOp) -> list[ConstOp]:
    """The constants that are made of chosen weights or their partners, in the order of the choice.

    All others lose their names. GraphError where nothing is made of a weight any more that was
    chosen by its name, or what is made of it cannot be refreshed.
    """
    chosen, needed = _listed(graph, REFRESHED), needed_names(graph)
    lost = set(_listed(graph, REQUIRED))
    del graph.attributes[REFRESHED], graph.attributes[REQUIRED]
    keep_names(graph, needed)
    order = {name: place for place, name in enumerate((*chosen, *sorted(needed - set(chosen))))}
    found: list[tuple[int, ConstOp]] = []
    for node in _constants(graph):
        places = [order[name.onnx.data] for name in named_in(node.value)]
        if places:
            found.append((min(places), node))
            lost.difference_update(name.onnx.data for name in named_in(node.value))
    for name in sorted(lost):
        raise _lost(name, "no node reads anything that is made of it")
    return _checked([node for _, node in sorted(found, key=lambda pair: pair[0])])


def _listed(graph: GraphOp, attribute: str) -> list[str]:
    chosen = graph.attributes.get(attribute)
    if not isa(chosen, ArrayAttr[StringAttr]):
        raise GraphError(Status.GRAPH_PARAM_INVALID, "no weights are named (by ge-name-weights)")
    return [name.data for name in chosen]


def _checked(nodes: list[ConstOp]) -> list[ConstOp]:
    """The nodes, with names that are their own in all graphs."""
    names = FreshNames()
    for node in nodes:
        if (reason := refusal(node)) is not None:
            raise _lost(next(named_in(node.value)).onnx.data, reason)
        node.node_name = StringAttr(names.fresh(node.label))
    return nodes


def _lost(name: str, reason: str) -> GraphError:
    return GraphError(Status.GRAPH_PARAM_INVALID, f"weight '{name}' cannot be refreshed: {reason}")
