"""ge-make-weight-refreshable: one graph becomes three that share variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from compiler.errors import UserError
from compiler.om.contract import PARENT_INDEX_NAME
from compiler.rewrite import main_graphs, nested_graphs, replace_nodes
from compiler.transforms.ge.name_weights import take_named
from compiler.weights.names import Selection, listed, onnx_name
from compiler.weights.refreshability import anything, refusal
from dialects.ge import (
    REFRESHABLE,
    BundleOp,
    ConstOp,
    DataOp,
    GraphOp,
    NodeOp,
    Op,
    RefreshableAttr,
    VariableOp,
)
from dialects.types import tensor_of, unranked_type
from dialects.weights import named_in, without_names


@dataclass(frozen=True)
class GEMakeWeightRefreshablePass(ModulePass):
    """Split a graph into inference, weight initialisation and weight update.

    Each chosen weight becomes a Variable `<const>_var` in `var_infer_graph`, which lists them
    all. `var_init_graph` assigns the compile-time values, `var_update_graph` takes one input per
    weight and leaves a weight alone whose input is empty. `init=false` leaves the initialisation
    graph out.

    `named=true` instead chooses what was made of the weights that `ge-name-weights` has named: a
    variable then holds a folded, cast or transposed weight as the inference needs it.

    `consts` are names of nodes, of ONNX initializers, or patterns (`*`, `?` and `[…]`), in the
    order of the inputs; `file` has more of them, one in a line; then come all constants of more
    than `above` bytes. What cannot be refreshed (strings, and what says the shape of something) is
    an error where it is named, and left out where a pattern or a size means it; with
    `faithful=true` all but strings becomes a variable, as in GraphEngine: an update of a shape then
    changes what one node reads, and nothing else.
    """

    name = "ge-make-weight-refreshable"

    consts: tuple[str, ...] = ()
    file: str | None = None
    above: int | None = None
    init: bool = True
    named: bool = False
    faithful: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        graphs = list(main_graphs(op))
        if len(graphs) != 1:
            raise UserError(f"{self.name} splits one graph, the module has {len(graphs)}")
        graph = graphs[0]
        weights = take_named(graph) if self.named else self._chosen(graph)
        others = split(graph, weights, init=self.init)
        graph.detach()
        op.body.block.add_op(BundleOp([graph, *others]))

    def _chosen(self, graph: GraphOp) -> list[ConstOp]:
        names = (*self.consts, *(listed(self.file) if self.file is not None else ()))
        return Selection(names, self.above).find(graph, anything if self.faithful else refusal)


def split(graph: GraphOp, weights: Sequence[ConstOp], *, init: bool) -> list[GraphOp]:
    """Let a graph read its weights from variables; the graphs that set them and update them."""
    others = [initialisation_graph(weights)] if init else []
    others.append(update_graph(weights))
    make_inference_graph(graph, weights)
    return others


def make_inference_graph(graph: GraphOp, weights: Sequence[ConstOp]) -> None:
    """Put a variable in the place of each weight, in whichever graph inside it is."""
    graph.sym_name = StringAttr("var_infer_graph")
    graph.attributes[REFRESHABLE] = ArrayAttr([_refreshable(weight) for weight in weights])
    variables: dict[NodeOp, NodeOp] = {weight: _variable(weight) for weight in weights}
    for inner in nested_graphs(graph):
        replace_nodes(inner, variables)


def initialisation_graph(weights: Sequence[ConstOp]) -> GraphOp:
    """Assign every variable the value its weight has at compile time; no inputs, no outputs."""
    nodes: list[NodeOp] = []
    for weight in weights:
        variable, value = _variable(weight), _copy(weight)
        nodes += [variable, value, _assign(f"{weight.label}_assign", variable, value)]
    return GraphOp("var_init_graph", nodes)


def update_graph(weights: Sequence[ConstOp]) -> GraphOp:
    """Assign every variable the input of its name, unless that is an empty tensor."""
    nodes: list[NodeOp] = []
    for index, weight in enumerate(weights):
        type = unranked_type(tensor_of(weight.results[0]).element_type)
        data = DataOp.make(
            f"{weight.label}_var_data",
            results=[type],
            attributes={"index": IntegerAttr(index, i64)},
        )
        inputs = {"cond": data.results[0], "input0": data.results[0]}
        branches = [Region(Block([branch])) for branch in _branches(weight)]
        nodes += [data, Op.of("If", f"{weight.label}_var_if", inputs, (), subgraphs=branches)]
    return GraphOp("var_update_graph", nodes)


def _branches(weight: ConstOp) -> tuple[GraphOp, GraphOp]:
    """The branches of a weight's If: assign the input, or do nothing."""
    stem = f"{weight.label}_var"
    owner_input = {PARENT_INDEX_NAME: IntegerAttr(1, i64)}
    types = weight.result_types
    variable = _variable(weight)
    value = DataOp.make(f"{stem}_then_data", results=types, attributes=owner_input)
    assign = _assign(f"{stem}_then_assign", variable, value)
    unused = DataOp.make(f"{stem}_else_data", results=types, attributes=owner_input)
    return (
        GraphOp(f"{stem}_then_graph", [variable, value, assign]),
        GraphOp(f"{stem}_else_graph", [unused]),
    )


def _refreshable(weight: ConstOp) -> RefreshableAttr:
    named = next(named_in(weight.value), None)
    onnx = named.onnx if named is not None else StringAttr(onnx_name(weight))
    return RefreshableAttr(onnx, weight.node_name, weight.value, weight.result_types[0])


def _variable(weight: ConstOp) -> VariableOp:
    return VariableOp.make(f"{weight.label}_var", results=weight.result_types)


def _copy(weight: ConstOp) -> ConstOp:
    """The same constant for another graph, where there is nothing it could wait for."""
    copy = ConstOp.make(
        weight.label,
        results=weight.result_types,
        attributes=weight.attributes,
        value=without_names(weight.value),
    )
    copy.location = weight.location
    return copy


def _assign(name: str, variable: NodeOp, value: NodeOp) -> Op:
    inputs = {"ref": variable.results[0], "value": value.results[0]}
    return Op.of("Assign", name, inputs, variable.result_types)
