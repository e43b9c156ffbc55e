"""The calls under GraphEngine's names: the documented program, line by line, and return codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler.ge_ir_build import (
    GRAPH_FAILED,
    GRAPH_PARAM_INVALID,
    GRAPH_SUCCESS,
    PARAM_INVALID,
    GEGetErrorMsg,
    Graph,
    GraphWithOptions,
    ModelBufferData,
    WeightRefreshableGraphs,
    aclgrphBuildFinalize,
    aclgrphBuildInitialize,
    aclgrphBuildModel,
    aclgrphBundleBuildModel,
    aclgrphBundleSaveModel,
    aclgrphConvertToWeightRefreshableGraphs,
    aclgrphParseONNX,
    aclgrphSaveModel,
    build_session,
)
from compiler.om.bundle import read_bundle
from compiler.om.model_reader import read_model

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "model.onnx"
NAMES = ["conv1.weight_Initializer_1", "fc2.bias"]


@pytest.fixture(autouse=True)
def finalized() -> Iterator[None]:
    GEGetErrorMsg()
    yield
    aclgrphBuildFinalize()


def test_the_documented_program(tmp_path: Path):
    origin_graph = Graph("Irorigin_graph")
    assert aclgrphParseONNX(str(DIGITS), {}, origin_graph) == GRAPH_SUCCESS
    assert origin_graph.name == "Irorigin_graph"

    status = aclgrphBuildInitialize({"ge.socVersion": "Ascend910B4"})
    assert status == GRAPH_SUCCESS

    weight_refreshable_graphs = WeightRefreshableGraphs()
    status = aclgrphConvertToWeightRefreshableGraphs(origin_graph, NAMES, weight_refreshable_graphs)
    assert status == GRAPH_SUCCESS

    options: dict[str, str] = {}
    graph_and_options: list[GraphWithOptions] = []
    graph_and_options.append(GraphWithOptions(weight_refreshable_graphs.infer_graph, options))
    graph_and_options.append(GraphWithOptions(weight_refreshable_graphs.var_init_graph, options))
    graph_and_options.append(GraphWithOptions(weight_refreshable_graphs.var_update_graph, options))
    model = ModelBufferData()
    status = aclgrphBundleBuildModel(graph_and_options, model)
    assert status == GRAPH_SUCCESS

    status = aclgrphBundleSaveModel(str(tmp_path / "xxx"), model)
    assert status == GRAPH_SUCCESS
    aclgrphBuildFinalize()

    assert GEGetErrorMsg() == ""
    assert len(read_bundle(tmp_path / "xxx.om").models) == 3


def test_initialisation_can_be_left_out_and_several_models_built(tmp_path: Path):
    graph, split = Graph(), WeightRefreshableGraphs()
    assert aclgrphParseONNX(str(DIGITS), {}, graph) == GRAPH_SUCCESS
    assert aclgrphBuildInitialize({}) == aclgrphBuildInitialize({}) == GRAPH_SUCCESS
    for number, name in enumerate(NAMES):
        assert aclgrphConvertToWeightRefreshableGraphs(graph, [name], split) == GRAPH_SUCCESS
        two = [GraphWithOptions(split.infer_graph), GraphWithOptions(split.var_update_graph)]
        model = ModelBufferData()
        assert aclgrphBundleBuildModel(two, model) == GRAPH_SUCCESS
        assert aclgrphBundleSaveModel(str(tmp_path / f"b{number}"), model) == GRAPH_SUCCESS
        assert len(read_bundle(tmp_path / f"b{number}.om").models) == 2
    model = ModelBufferData()
    assert aclgrphBuildModel(graph, {"input_format": "ND"}, model) == GRAPH_SUCCESS
    assert aclgrphSaveModel(str(tmp_path / "m"), model) == GRAPH_SUCCESS
    assert read_model(tmp_path / "m.om").root.model_def.name == graph.name


def test_return_codes(tmp_path: Path):
    graph, split, model = Graph("g"), WeightRefreshableGraphs(), ModelBufferData()
    assert aclgrphConvertToWeightRefreshableGraphs(graph, [], split) == GRAPH_PARAM_INVALID
    assert aclgrphConvertToWeightRefreshableGraphs(graph, ["w"], split) == PARAM_INVALID
    assert aclgrphParseONNX(str(tmp_path / "none.onnx"), {}, graph) == GRAPH_FAILED
    assert aclgrphParseONNX(str(DIGITS), {"out_nodes": "x"}, graph) == GRAPH_PARAM_INVALID
    assert aclgrphBuildModel(graph, {}, model) == GRAPH_FAILED
    assert aclgrphBuildInitialize({"ge.socVersion": "Ascend1"}) == GRAPH_FAILED
    assert aclgrphBuildInitialize({"ge.externalWeight": "3"}) == GRAPH_PARAM_INVALID
    assert aclgrphBuildInitialize({}) == GRAPH_SUCCESS
    assert aclgrphBuildModel(graph, {}, model) == PARAM_INVALID
    assert aclgrphBundleBuildModel([], model) == GRAPH_PARAM_INVALID
    assert aclgrphBundleSaveModel(None, model) == GRAPH_PARAM_INVALID
    assert aclgrphSaveModel(None, model) == GRAPH_PARAM_INVALID
    assert aclgrphBundleSaveModel(str(tmp_path / "b"), model) == PARAM_INVALID
    assert not list(tmp_path.iterdir())


def test_the_environment_can_ask_for_graph_engine_s_rule(monkeypatch: pytest.MonkeyPatch):
    graph = Graph.parse("""
    ge.graph "net" {
      %x = ge.Data "x" {index = 0 : i64} : tensor<2xf32>
      %idle = ge.Const "idle" dense<1.0> : tensor<2xf32>
      ge.NetOutput "Node_Output"(input0 = %x) : (tensor<2xf32>)
    }""")
    split = WeightRefreshableGraphs()
    refused = aclgrphConvertToWeightRefreshableGraphs(graph, ["idle"], split)
    assert refused == GRAPH_PARAM_INVALID and "no node reads it" in GEGetErrorMsg()
    monkeypatch.setenv("ASCEND_OPT_FAITHFUL", "1")
    assert aclgrphConvertToWeightRefreshableGraphs(graph, ["idle"], split) == GRAPH_SUCCESS


def test_messages_are_told_once():
    aclgrphConvertToWeightRefreshableGraphs(Graph("g"), [], WeightRefreshableGraphs())
    aclgrphBundleSaveModel(None, ModelBufferData())
    first, second = GEGetErrorMsg().splitlines()
    assert "no weight is named" in first and "name of the file" in second
    assert GEGetErrorMsg() == ""


def test_a_failed_conversion_changes_nothing_of_its_result():
    graph, split = Graph(), WeightRefreshableGraphs()
    assert aclgrphParseONNX(str(DIGITS), {}, graph) == GRAPH_SUCCESS
    assert aclgrphConvertToWeightRefreshableGraphs(graph, ["fc2.bias"], split) == GRAPH_SUCCESS
    before = split.infer_graph
    assert aclgrphConvertToWeightRefreshableGraphs(graph, ["?"], split) == GRAPH_PARAM_INVALID
    assert split.infer_graph is before


def test_a_session_ends_with_its_block():
    model = ModelBufferData()
    with pytest.raises(ZeroDivisionError), build_session():
        raise ZeroDivisionError
    assert aclgrphBuildModel(Graph("g"), {}, model) == GRAPH_FAILED
    assert "before aclgrphBuildInitialize" in GEGetErrorMsg()
