"""Splitting a graph: GraphEngine's table of errors, where variables stand, what may be chosen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from xdsl.dialects.builtin import ModuleOp

from compiler.context import context
from compiler.ge_ir_build import (
    Graph,
    WeightRefreshableGraphs,
    convert_to_weight_refreshable_graphs,
)
from compiler.om.errors import GraphError, StatusError
from compiler.rewrite import main_graphs
from compiler.transforms.ge.make_weight_refreshable import GEMakeWeightRefreshablePass
from dialects.ge import ConstOp, GraphOp, NodeOp, VariableOp, subgraphs_of, type_of

PARAM_INVALID, GRAPH_PARAM_INVALID = 1343225857, 50331649

T = "tensor<4xf32>"
VALUE = '#weights.file<"m.weights", 0 + 16>'
WEIGHT = f"{VALUE} : {T}"
SIX = ", ".join([T] * 6)
TEXT = f"""
ge.graph "net" {{
  %x = ge.Data "x" {{index = 0 : i64}} : {T}
  %c1 = ge.Const "const_1" {WEIGHT}
  %c2 = ge.Const "layer.w_Initializer_0" {WEIGHT}
  %kept = ge.Const "kept" {WEIGHT}
  %f = ge.FileConstant "file" {VALUE} {{location = "f", offset = 0, length = 16}} : {T}
  %o = ge.op "Constant" "constant" : {T}
  %shape = ge.Const "shape" dense<[2, 2]> : tensor<2xi64>
  %idle = ge.Const "idle" dense<1.0> : {T}
  %a = ge.op "Add" "matmul"(x1 = %x, x2 = %c1) : ({T}, {T}) -> {T}
  %b = ge.op "Add" "twice"(x1 = %c2, x2 = %c2) : ({T}, {T}) -> {T}
  %d = ge.op "AddN" "all"(x0 = %a, x1 = %b, x2 = %kept, x3 = %f, x4 = %o, x5 = %c1)
    after ["const_1"] {{N = 6 : i64}} : ({SIX}) -> {T}
  %r = ge.op "Reshape" "reshape"(x = %d, shape = %shape)
    : ({T}, tensor<2xi64>) -> tensor<2x2xf32>
  ge.NetOutput "Node_Output"(input0 = %r) : (tensor<2x2xf32>)
}}
"""


@pytest.fixture
def graph() -> Graph:
    return Graph.parse(TEXT)


def convert(graph: Graph, *names: str) -> WeightRefreshableGraphs:
    return convert_to_weight_refreshable_graphs(graph, names)


def nodes(graph: Graph) -> list[NodeOp]:
    assert graph.op is not None
    graph.op.verify()
    return list(graph.op.all_nodes)


def count(graph: Graph) -> tuple[int, int, int]:
    kinds = Counter(type_of(node) for node in nodes(graph))
    return kinds["Variable"], kinds["Assign"], kinds["If"]


def test_node_counts(graph: Graph):
    made = convert(graph, "const_1", "kept")
    assert count(made.infer_graph) == (2, 0, 0)
    assert count(made.var_init_graph) == (2, 2, 0)
    assert count(made.var_update_graph) == (2, 2, 2)


def test_chosen_constants_are_gone_and_others_stay(graph: Graph):
    made = convert(graph, "const_1", "kept")
    constants = {node.label for node in nodes(made.infer_graph) if isinstance(node, ConstOp)}
    assert constants == {"layer.w_Initializer_0", "shape", "idle"}


def test_every_reader_and_every_waiter_has_the_variable(graph: Graph):
    made = convert(graph, "const_1", "layer.w")
    labels = {node.label: node for node in nodes(made.infer_graph)}
    assert [v.owner for v in labels["twice"].operands] == [labels["layer.w_Initializer_0_var"]] * 2
    assert labels["matmul"].operands[1].owner is labels["const_1_var"]
    assert labels["all"].operands[5].owner is labels["const_1_var"]
    assert labels["all"].control_inputs == ("const_1_var",)


def test_the_order_of_the_names_is_that_of_the_inputs(graph: Graph):
    for names in (("const_1", "kept"), ("kept", "const_1")):
        update = convert(graph, *names).var_update_graph.op
        assert update is not None
        assert [data.label for data in update.inputs] == [f"{name}_var_data" for name in names]


def test_the_graph_itself_stays_as_it_was(graph: Graph):
    before = str(graph)
    convert(graph, "const_1", "layer.w")
    assert str(graph) == before


@pytest.mark.parametrize(
    ("names", "code", "message"),
    [
        ([], GRAPH_PARAM_INVALID, "no weight is named"),
        ([""], PARAM_INVALID, "the name of a weight is empty"),
        (["nope"], GRAPH_PARAM_INVALID, "no weight is called 'nope'"),
        (["nope*"], GRAPH_PARAM_INVALID, r"no weight is called 'nope\*'"),
        (["matmul"], GRAPH_PARAM_INVALID, "'matmul' is a Add node"),
        (["constant"], GRAPH_PARAM_INVALID, "'constant' is a Constant node"),
        (["file"], GRAPH_PARAM_INVALID, "'file' is a FileConstant node"),
        (["x"], GRAPH_PARAM_INVALID, "'x' is a Data node"),
        (["kept", "kept"], GRAPH_PARAM_INVALID, "weight 'kept' is named twice"),
        (["layer.w", "layer.w_Initializer_0"], GRAPH_PARAM_INVALID, "named twice"),
        (["nope", "nope"], GRAPH_PARAM_INVALID, "no weight is called 'nope'"),
        (["kept", ""], PARAM_INVALID, "empty"),
        (["shape"], GRAPH_PARAM_INVALID, "'shape' cannot be refreshed: .* Reshape 'reshape' makes"),
        (["idle"], GRAPH_PARAM_INVALID, "'idle' cannot be refreshed: no node reads it"),
        (["[is]*p*"], GRAPH_PARAM_INVALID, "no weight that can be refreshed is meant"),
    ],
)
def test_error_table(graph: Graph, names: list[str], code: int, message: str):
    with pytest.raises(GraphError, match=message) as caught:
        convert(graph, *names)
    assert caught.value.code == code


def test_faithfully_everything_but_strings_becomes_a_variable(graph: Graph):
    made = convert_to_weight_refreshable_graphs(graph, ["shape", "idle"], faithful=True)
    assert count(made.infer_graph)[0] == 2
    assert refreshed(graph, consts=("[is]*e",), faithful=True) == ["shape", "idle"]
    with pytest.raises(GraphError, match="its elements are strings"):
        convert_to_weight_refreshable_graphs(Graph.parse(STRINGS), ["w"], faithful=True)


def test_a_graph_without_nodes():
    with pytest.raises(StatusError) as caught:
        convert(Graph("empty"), "w")
    assert caught.value.code == PARAM_INVALID
    with pytest.raises(StatusError) as caught:
        convert(Graph("empty"))
    assert caught.value.code == GRAPH_PARAM_INVALID


def refreshed(graph: Graph, **options: object) -> list[str]:
    """The ONNX names of what the pass makes refreshable."""
    module = ModuleOp([graph.copy()])
    GEMakeWeightRefreshablePass(**options).apply(context(), module)  # pyright: ignore[reportArgumentType]
    return [entry.onnx.data for entry in next(main_graphs(module)).refreshable]


def test_patterns_leave_out_what_cannot_be_refreshed(graph: Graph):
    assert refreshed(graph, consts=("*",)) == ["const_1", "layer.w", "kept"]
    assert refreshed(graph, consts=("k*", "*")) == ["kept", "const_1", "layer.w"]
    assert refreshed(graph, consts=("layer.?",)) == ["layer.w"]


def test_above_is_a_number_of_bytes(graph: Graph):
    assert refreshed(graph, above=15) == ["const_1", "layer.w", "kept"]
    assert refreshed(graph, consts=("kept",), above=15) == ["kept", "const_1", "layer.w"]
    with pytest.raises(GraphError, match="above 16 bytes: no weight that can be refreshed"):
        refreshed(graph, above=16)


def test_a_file_lists_names(graph: Graph, tmp_path: Path):
    listed = tmp_path / "names.txt"
    listed.write_text("# frozen by hand\n kept # x\n  #\n\nlayer.w\t# 'y'\n")
    assert refreshed(graph, file=str(listed)) == ["kept", "layer.w"]
    assert refreshed(graph, consts=("const_1",), file=str(listed)) == ["const_1", "kept", "layer.w"]
    listed.write_text("")
    with pytest.raises(GraphError, match="no weight is named"):
        refreshed(graph, file=str(listed))


BRANCHES = f"""
ge.graph "net" {{
  %c = ge.Data "c" {{index = 0 : i64}} : tensor<1xf32>
  %out = ge.op "If" "if"(cond = %c, input0 = %c) : (tensor<1xf32>, tensor<1xf32>) -> {T} {{
    ge.graph "then" {{
      %w = ge.Const "if/w_Initializer_0" {WEIGHT}
      %s = ge.Const "same" {WEIGHT}
      %r = ge.op "Add" "a"(x1 = %w, x2 = %s) : ({T}, {T}) -> {T}
      ge.NetOutput "o"(input0 = %r) : ({T})
    }}
  }} {{
    ge.graph "else" {{
      %s = ge.Const "same" {WEIGHT}
      %r = ge.op "Add" "b"(x1 = %s, x2 = %s) : ({T}, {T}) -> {T}
      ge.NetOutput "o"(input0 = %r) : ({T})
    }}
  }}
  ge.NetOutput "Node_Output"(input0 = %out) : ({T})
}}
"""


def branches(graph: Graph) -> list[GraphOp]:
    owner = next(node for node in nodes(graph) if node.label == "if")
    return list(subgraphs_of(owner))


@pytest.mark.parametrize("name", ["if/w", "w", "if/w_Initializer_0"])
def test_a_constant_in_a_subgraph_becomes_a_variable_there(name: str):
    then, other = branches(convert(Graph.parse(BRANCHES), name).infer_graph)
    assert [n.label for n in then.nodes if isinstance(n, VariableOp)] == ["if/w_Initializer_0_var"]
    assert not [n for n in other.nodes if isinstance(n, VariableOp)]


def test_of_two_constants_of_one_name_the_first_is_meant():
    then, other = branches(convert(Graph.parse(BRANCHES), "same").infer_graph)
    assert [n.label for n in then.nodes if isinstance(n, VariableOp)] == ["same_var"]
    assert [n.label for n in other.nodes if isinstance(n, ConstOp)] == ["same"]


@pytest.mark.parametrize(
    "type", ["tensor<f32>", "tensor<0x3xf32>", "tensor<2xi1>", "tensor<3xi8>", "tensor<3xbf16>",
             "tensor<2xcomplex<f32>>", "tensor<3xi4>", "tensor<2xf8E4M3FN>"]
)  # fmt: skip
def test_constants_of_any_type_can_be_chosen(type: str):
    value = '#weights.file<"m.weights", 0 + 16>'
    text = f"""
    ge.graph "net" {{
      %w = ge.Const "w" {value} : {type}
      %r = ge.op "Identity" "r"(x = %w) : ({type}) -> {type}
      ge.NetOutput "o"(input0 = %r) : ({type})
    }}"""
    made = convert(Graph.parse(text), "w")
    assert [count(g) for g in (made.infer_graph, made.var_init_graph, made.var_update_graph)] == [
        (1, 0, 0),
        (1, 1, 0),
        (1, 1, 1),
    ]
    assert made.infer_graph.op is not None
    assert str(made.infer_graph.op.refreshable[0].type) == type


STRINGS = """
    ge.graph "net" {
      %w = ge.Const "w" #weights.strings<["a"]> : tensor<1x!ge.dtype<"STRING">>
      ge.NetOutput "o"(input0 = %w) : (tensor<1x!ge.dtype<"STRING">>)
    }"""


def test_strings_have_no_variable():
    with pytest.raises(GraphError, match="'w' cannot be refreshed: its elements are strings"):
        convert(Graph.parse(STRINGS), "w")
