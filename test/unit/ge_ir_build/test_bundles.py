"""Bundles built in memory: their bytes, decoded here anew from the description of the format."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from compiler.ge_ir_build import (
    Graph,
    GraphWithOptions,
    ModelBufferData,
    build_finalize,
    build_initialize,
    build_model,
    bundle_build_model,
    bundle_save_model,
    convert_to_weight_refreshable_graphs,
    save_model,
)
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Held
from compiler.om.bundle import read_bundle
from compiler.om.errors import GraphError, StatusError
from compiler.om.ge_ir_pb2 import DT_FLOAT16, ModelDef, OpDef
from compiler.om.inout import InOutInfo
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.writer import CompiledModel, lay_out_model, pack_bundle

GRAPH_PARAM_INVALID, PARAM_INVALID = 50331649, 1343225857
UNSUPPORTED, FAILED = 1343225956, 0xFFFFFFFF
ALIGNMENT, GUARDS, VARIABLES = 512, 1024, 137438953472

A, B, X = "tensor<4x4xf32>", "tensor<200xf32>", "tensor<2x4xf32>"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """64 bytes of one weight, and 800 of another."""
    path = tmp_path / "m.weights"
    np.arange(216, dtype=np.float32).tofile(path)
    return path


@pytest.fixture
def origin(weights: Path) -> Graph:
    return Graph.parse(f"""
    ge.graph "net" {{
      %x = ge.Data "x" {{index = 0 : i64}} : {X}
      %a = ge.Const "a" #weights.file<"{weights}", 0 + 64> : {A}
      %b = ge.Const "b" #weights.file<"{weights}", 64 + 800> : {B}
      %k = ge.Const "k" dense<1.0> : tensor<1xf32>
      %p = ge.op "MatMulV2" "p"(x1 = %x, x2 = %a) : ({X}, {A}) -> {X}
      %s = ge.op "Add" "s"(x1 = %b, x2 = %k) : ({B}, tensor<1xf32>) -> {B}
      ge.NetOutput "Node_Output"(input0 = %p, input1 = %s) : ({X}, {B})
    }}""")


@pytest.fixture
def session() -> Iterator[None]:
    build_initialize({"ge.socVersion": "Ascend910B4"})
    yield
    build_finalize()


def three(origin: Graph) -> list[GraphWithOptions]:
    made = convert_to_weight_refreshable_graphs(origin, ["a", "b"])
    graphs = (made.infer_graph, made.var_init_graph, made.var_update_graph)
    return [GraphWithOptions(graph) for graph in graphs]


class Decoded(NamedTuple):
    """A bundle as this test reads it: header fields, table, and the models' bytes."""

    header: bytes
    entries: list[tuple[int, int, int]]
    var_size: int
    models: list[bytes]


def decode(data: bytes) -> Decoded:
    """The layout: 256 bytes, a count, 24 bytes an entry, 8 bytes, then one OM behind the other."""
    (count,) = struct.unpack_from("<I", data, 256)
    entries = [struct.unpack_from("<IxxxxQQ", data, 264 + 24 * i) for i in range(count)]
    bodies = [data[256 + offset : 256 + offset + size] for _, offset, size in entries]
    assert 256 + entries[0][1] == 264 + 24 * count
    for (_, offset, size), (_, following, _) in pairwise(entries):
        assert following == offset + size
    return Decoded(data[:256], entries, *struct.unpack("<Q", bodies[0]), bodies[1:])


def model_def(om: bytes) -> ModelDef:
    """The MODEL_DEF (type 0) of an OM: its table counts offsets from its own end."""
    assert om[:4] == b"IMOD"
    (count,) = struct.unpack_from("<I", om, 256)
    table = [struct.unpack_from("<IxxxxQQ", om, 264 + 24 * i) for i in range(count)]
    start, size = next((offset, size) for kind, offset, size in table if kind == 0)
    base = 264 + 24 * count
    return ModelDef.FromString(om[base + start : base + start + size])


def variables(model: ModelDef) -> dict[str, tuple[int, tuple[int, ...]]]:
    return {
        op.name: (op.output_i[0], tuple(op.output_desc[0].shape.dim))
        for graph in model.graph
        for op in graph.op
        if op.type == "Variable"
    }


@pytest.mark.usefixtures("session")
def test_bytes_of_a_bundle_of_three(origin: Graph):
    data = bundle_build_model(three(origin)).data
    bundle = decode(data)
    header = bytearray(256)
    header[82], header[156], header[184:192] = 5, 3, struct.pack("<Q", len(data))
    assert bundle.header == header
    assert [kind for kind, _, _ in bundle.entries] == [25, 24, 24, 24]
    assert bundle.entries[0][1:] == (8 + 24 * 4, 8)
    assert 264 + 24 * 4 + 8 + sum(map(len, bundle.models)) == len(data)
    assert bundle.var_size == (512 + GUARDS) + (1024 + GUARDS)
    names = [model_def(model).name for model in bundle.models]
    assert names == ["var_infer_graph", "var_init_graph", "var_update_graph"]


@pytest.mark.usefixtures("session")
def test_a_variable_has_one_place_in_all_models(origin: Graph):
    bundle = decode(bundle_build_model(three(origin)).data)
    places = [variables(model_def(model)) for model in bundle.models]
    assert places[0] == places[1] == places[2]
    expected = {"a_var": (VARIABLES, (4, 4)), "b_var": (VARIABLES + 512 + GUARDS, (200,))}
    assert places[0] == expected


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2)])
def test_the_index_of_a_model_is_the_place_of_its_graph(origin: Graph, order: tuple[int, ...]):
    graphs = three(origin)
    bundle = decode(bundle_build_model([graphs[i] for i in order]).data)
    names = ["var_infer_graph", "var_init_graph", "var_update_graph"]
    assert [model_def(model).name for model in bundle.models] == [names[i] for i in order]


@pytest.mark.usefixtures("session")
def test_graphs_that_have_nothing_to_do_with_each_other(origin: Graph):
    other = Graph.parse(f"""
    ge.graph "other" {{
      %x = ge.Data "x" {{index = 0 : i64}} : {X}
      %r = ge.op "Relu" "r"(x = %x) : ({X}) -> {X}
      ge.NetOutput "Node_Output"(input0 = %r) : ({X})
    }}""")
    bundle = decode(bundle_build_model([GraphWithOptions(g) for g in (origin, other)]).data)
    assert (bundle.var_size, len(bundle.models)) == (0, 2)


@pytest.mark.usefixtures("session")
def test_graphs_of_one_name(origin: Graph):
    bundle = decode(bundle_build_model([GraphWithOptions(origin)] * 3).data)
    assert [model_def(model).name for model in bundle.models] == ["net", "net_1", "net_2"]


@pytest.mark.usefixtures("session")
def test_graphs_keep_what_they_were(origin: Graph):
    graphs = three(origin)
    before = [str(entry.graph) for entry in graphs]
    first = bundle_build_model(graphs).data
    assert [str(entry.graph) for entry in graphs] == before
    assert (
        hashlib.sha256(bundle_build_model(graphs).data).digest() == hashlib.sha256(first).digest()
    )


@pytest.mark.usefixtures("session")
def test_options_are_a_graph_s_own(origin: Graph):
    graphs = three(origin)
    graphs[0].build_options = {"ge.exec.precision_mode": "must_keep_origin_dtype"}
    types = [
        {op.type for graph in model_def(model).graph for op in graph.op}
        for model in decode(bundle_build_model(graphs).data).models
    ]
    assert "Cast" not in types[0]
    narrow = decode(bundle_build_model(three(origin)).data).models[0]
    assert "Cast" in {op.type for graph in model_def(narrow).graph for op in graph.op}


@pytest.mark.usefixtures("session")
def test_too_few_graphs(origin: Graph):
    for graphs in ([], [GraphWithOptions(origin)]):
        with pytest.raises(GraphError) as caught:
            bundle_build_model(graphs)
        assert caught.value.code == GRAPH_PARAM_INVALID


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"": "x"}, PARAM_INVALID, "one is empty"),
        ({"input_format": ""}, PARAM_INVALID, "one is empty"),
        ({"ge.frobnicate": "1"}, GRAPH_PARAM_INVALID, "'ge.frobnicate' is not offered"),
        ({"ge.exec.precision_mode": "f16"}, GRAPH_PARAM_INVALID, "is none of force_fp16"),
        ({"ge.socVersion": "Ascend310P3"}, GRAPH_PARAM_INVALID, "'ge.socVersion' is not offered"),
        (
            {"ge.exec.precision_mode": "force_fp16", "ge.exec.precision_mode_v2": "fp16"},
            GRAPH_PARAM_INVALID,
            "exclude each other",
        ),
    ],
)
def test_options_that_are_wrong(origin: Graph, options: dict[str, str], code: int, message: str):
    graphs = three(origin)
    graphs[2] = replace(graphs[2], build_options=options)
    with pytest.raises(GraphError, match=message) as caught:
        bundle_build_model(graphs)
    assert caught.value.code == code


def variable_graph(name: str, type: str) -> GraphWithOptions:
    """A graph that reads a variable, in a graph inside it."""
    return GraphWithOptions(
        Graph.parse(f"""
    ge.graph "{name}" {{
      %c = ge.Data "c" {{index = 0 : i64}} : tensor<1xf32>
      ge.op "If" "if"(cond = %c, input0 = %c) : (tensor<1xf32>, tensor<1xf32>) {{
        ge.graph "{name}_then" {{
          %o = ge.Variable "{name}_own" : tensor<8xf32>
          %v = ge.Variable "w_var" : {type}
        }}
      }} {{
        ge.graph "{name}_else" {{
        }}
      }}
    }}""")
    )


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("type", ["tensor<4xi32>", "tensor<2x2xf32>", "tensor<5xf32>"])
def test_variables_of_one_name_must_agree(type: str):
    """Also behind a variable that only one graph has: there GraphEngine's check has ended."""
    graphs = [variable_graph("one", "tensor<4xf32>"), variable_graph("two", type)]
    with pytest.raises(GraphError, match="variable 'w_var' is") as caught:
        bundle_build_model(graphs)
    assert caught.value.code == FAILED
    agreed = [variable_graph("one", type), variable_graph("two", type)]
    assert decode(bundle_build_model(agreed).data).var_size == 3 * (512 + GUARDS)


@pytest.mark.usefixtures("session")
def test_saving(origin: Graph, tmp_path: Path):
    model = bundle_build_model(three(origin))
    path = bundle_save_model(str(tmp_path / "out" / "b"), model)
    assert path == tmp_path / "out" / "b.om"
    assert path.read_bytes() == model.data and model.length == len(model.data)
    bundle_save_model(str(tmp_path / "again"), ModelBufferData(Held(model.data)))
    assert (tmp_path / "again.om").read_bytes() == model.data


@pytest.mark.usefixtures("session")
def test_each_kind_of_model_has_its_own_call(origin: Graph, tmp_path: Path):
    single, bundle = build_model(origin), bundle_build_model(three(origin))
    for save, model in ((save_model, bundle), (bundle_save_model, single)):
        with pytest.raises(GraphError) as caught:
            save(str(tmp_path / "m"), model)
        assert caught.value.code == PARAM_INVALID
    assert save_model(str(tmp_path / "m"), single).read_bytes() == single.data
    with pytest.raises(GraphError):
        bundle_save_model(str(tmp_path / "n"), ModelBufferData())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.om", "m.weights"]


@pytest.mark.usefixtures("session")
def test_models_outlive_their_session(origin: Graph, tmp_path: Path):
    model = bundle_build_model(three(origin))
    build_finalize()
    assert bundle_save_model(str(tmp_path / "b"), model).exists()
    with pytest.raises(GraphError, match="before aclgrphBuildInitialize"):
        bundle_build_model(three(origin))


def changed(model: ModelBufferData, index: int, change: str) -> ModelBufferData:
    """The bundle with one of its models changed."""
    bundle = read_bundle(model.data)
    parts = [bytes(part) for part in bundle.slices]
    root = bundle.models[index].root.model_def
    found = ModelDef()
    found.CopyFrom(root)
    op = [op for graph in found.graph for op in graph.op if op.type == "Variable"][-1]
    CHANGES[change](op)
    header = bundle.models[index].header
    parts[index] = b"".join(
        bytes(chunk)
        for chunk in lay_out_model(
            CompiledModel(
                name=root.name,
                model_def=found,
                task_def=ModelTaskDef(version="1"),
                inout=InOutInfo(),
                is_unknown=header.is_dynamic,
            )
        ).chunks()
    )
    return ModelBufferData(Held(pack_bundle(bundle.var_size, [Held(part) for part in parts])))


def _move(op: OpDef) -> None:
    op.output_i[0] += 512


def _retype(op: OpDef) -> None:
    op.output_desc[0].dtype = DT_FLOAT16


def _reshape(op: OpDef) -> None:
    op.output_desc[0].shape.dim[0] += 1


def _to_host(op: OpDef) -> None:
    set_attribute(op.attr["_variable_placement"], "host")


CHANGES = {"move": _move, "retype": _retype, "reshape": _reshape, "to_host": _to_host}


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("change", CHANGES)
def test_a_foreign_bundle_is_checked_as_a_whole(origin: Graph, change: str, tmp_path: Path):
    """The last variable of the last model: GraphEngine's check does not get there."""
    model = changed(bundle_build_model(three(origin)), 2, change)
    with pytest.raises(GraphError, match="variable 'b_var'") as caught:
        bundle_save_model(str(tmp_path / "b"), model)
    assert caught.value.code == (PARAM_INVALID if change == "to_host" else FAILED)
    assert not (tmp_path / "b.om").exists()


@pytest.mark.usefixtures("session")
def test_a_bundle_has_no_flow_model(origin: Graph, tmp_path: Path):
    data = bytearray(bundle_build_model(three(origin)).data)
    first = 264 + 24 * 4 + 8
    data[first + 82] = 3
    with pytest.raises(StatusError, match="submodel 0 is a flow model") as caught:
        bundle_save_model(str(tmp_path / "b"), ModelBufferData(Held(bytes(data))))
    assert caught.value.code == UNSUPPORTED


@pytest.mark.parametrize("mode", ["1", "2", "reference"])
def test_external_weights_of_a_bundle(mode: str, origin: Graph, weights: Path, tmp_path: Path):
    build_initialize(
        {"ge.externalWeight": mode, "ge.exec.precision_mode": "must_keep_origin_dtype"}
    )
    try:
        model = bundle_build_model(three(origin))
        path = bundle_save_model(str(tmp_path / "out" / "b"), model)
    finally:
        build_finalize()
    init = model_def(decode(path.read_bytes()).models[1])
    ops = {op.name.partition("_")[0]: op for op in init.graph[0].op if op.type == "FileConstant"}
    assert ops.keys() == {"a", "b"}
    original = weights.read_bytes()
    for name, expected in (("a", original[:64]), ("b", original[64:])):
        attributes = ops[name].attr
        folder = tmp_path if mode == "reference" else path.parent / "weight"
        stored = (folder / attributes["location"].s.decode()).read_bytes()
        start = attributes["offset"].i
        assert stored[start : start + attributes["length"].i] == expected
    assert (path.parent / "weight").exists() == (mode != "reference")
