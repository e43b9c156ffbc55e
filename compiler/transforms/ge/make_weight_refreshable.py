"""ge-make-weight-refreshable: one graph becomes three that share variables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from compiler.errors import UserError
from compiler.om.contract import PARENT_INDEX_NAME
from compiler.rewrite import main_graphs, nested_graphs, replace_nodes
from dialects.ge import BundleOp, ConstOp, DataOp, GraphOp, NodeOp, Op, VariableOp
from dialects.types import tensor_of, unranked_type


@dataclass(frozen=True)
class GEMakeWeightRefreshablePass(ModulePass):
    """Split a graph into inference, weight initialisation and weight update.

    Each weight named in `consts` (by its node's name, or by its ONNX initializer's) becomes a
    Variable `<const>_var` in `var_infer_graph`. `var_init_graph` assigns the compile-time values,
    `var_update_graph` takes one input per weight and leaves a weight alone whose input is empty.
    `init=false` leaves the initialisation graph out.
    """

    name = "ge-make-weight-refreshable"

    consts: tuple[str, ...]
    init: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        graphs = list(main_graphs(op))
        if len(graphs) != 1:
            raise UserError(f"{self.name} splits one graph, the module has {len(graphs)}")
        graph = graphs[0]
        weights = find_constants(graph, self.consts)
        others = [initialisation_graph(weights)] if self.init else []
        others.append(update_graph(weights))
        make_inference_graph(graph, weights)
        graph.detach()
        op.body.block.add_op(BundleOp([graph, *others]))


def find_constants(graph: GraphOp, names: Sequence[str]) -> list[ConstOp]:
    """The Const nodes that `names` mean, in that order; UserError for a name that means none."""
    if not names:
        raise UserError('no weight to refresh is named: consts="a","b" names them')
    found: list[ConstOp] = []
    constants = {node.label: node for node in graph.all_nodes if isinstance(node, ConstOp)}
    for name in names:
        node = constants.get(name) or _by_initializer(constants, name)
        if node is None:
            raise UserError(_not_found(graph, constants, name))
        if node in found:
            raise UserError(f"weight '{name}' is named twice")
        found.append(node)
    return found


def _by_initializer(constants: dict[str, ConstOp], name: str) -> ConstOp | None:
    """The node that the importer made of an ONNX initializer: `<name>_Initializer_<k>`."""
    pattern = re.compile(re.escape(name) + r"_Initializer_\d+")
    return next((node for label, node in constants.items() if pattern.fullmatch(label)), None)


def _not_found(graph: GraphOp, constants: dict[str, ConstOp], name: str) -> str:
    from difflib import get_close_matches

    other = next((node for node in graph.all_nodes if node.label == name), None)
    if other is not None:
        return f"'{name}' is a {other.name.removeprefix('ge.')} node, a weight is a Const node"
    known = [re.sub(r"_Initializer_\d+$", "", label) for label in constants]
    near = get_close_matches(name, known, 3) or sorted(known)[:3]
    return f"no weight is called '{name}' (there are {len(known)}, such as {', '.join(near)})"


def make_inference_graph(graph: GraphOp, weights: Sequence[ConstOp]) -> None:
    """Let the graph read its weights from variables."""
    graph.sym_name = StringAttr("var_infer_graph")
    variables: dict[NodeOp, NodeOp] = {weight: _variable(weight) for weight in weights}
    for inner in nested_graphs(graph):
        replace_nodes(inner, variables)


def initialisation_graph(weights: Sequence[ConstOp]) -> GraphOp:
    """Assign every variable the value its weight has at compile time; no inputs, no outputs."""
    nodes: list[NodeOp] = []
    for weight in weights:
        variable, value = _variable(weight), weight.clone()
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


def _variable(weight: ConstOp) -> VariableOp:
    return VariableOp.make(f"{weight.label}_var", results=weight.result_types)


def _assign(name: str, variable: NodeOp, value: NodeOp) -> Op:
    inputs = {"ref": variable.results[0], "value": value.results[0]}
    return Op.of("Assign", name, inputs, variable.result_types)
