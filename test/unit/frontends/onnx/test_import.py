"""Models as the onnx dialect has them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from compiler.context import context
from compiler.frontends.onnx import ImportOptions, import_model
from dialects.onnx import GraphOp
from dialects.op import origin
from dialects.types import is_static

BACKEND = Path(onnx.__file__).parent / "backend/test/data"
LIGHT = sorted((BACKEND / "light").glob("*.onnx"))
FLOAT = TensorProto.FLOAT


def value(
    name: str, shape: Sequence[int | str | None] | None, type: int = FLOAT
) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, type, shape)


def imported(folder: Path, model: onnx.ModelProto, **options: object) -> GraphOp:
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    module = import_model(str(path), options=ImportOptions(**options))  # pyright: ignore[reportArgumentType]
    module.verify()
    return graph_of(module)


def graph_of(module: ModuleOp) -> GraphOp:
    graph = module.body.block.first_op
    assert isinstance(graph, GraphOp)
    return graph


def module_around(graph: GraphOp) -> ModuleOp:
    module = graph.parent_op()
    assert isinstance(module, ModuleOp)
    return module


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Sequence[TensorProto] = (),
    opset: int = 17,
    **fields: int,
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **fields)


def survives_text(module: ModuleOp) -> None:
    text = str(module)
    again = Parser(context(), text).parse_module()
    again.verify()
    assert again.is_structurally_equivalent(module)
    assert str(again) == text


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_light_models_are_static(path: Path):
    module = import_model(str(path))
    module.verify()
    types = [result.type for op in module.walk() for result in op.results]
    dynamic = [type for type in types if not is_static(type) and str(type) != "none"]
    assert types
    assert not dynamic
    theirs = onnx.ModelProto.FromString(path.read_bytes()).graph
    nodes = list(graph_of(module).nodes)
    assert [(n.op_type, n.label) for n in nodes] == [(n.op_type, n.name) for n in theirs.node]
    assert list(graph_of(module).outputs) == [output.name for output in theirs.output]
    assert {op.label for op in graph_of(module).initializers.values()} == {
        tensor.name for tensor in theirs.initializer
    }


@pytest.mark.parametrize("folder", ["simple", "pytorch-operator", "pytorch-converted"])
def test_onnxs_backend_models(folder: str):
    paths = sorted((BACKEND / folder).glob("*/model.onnx"))
    assert paths
    for path in paths:
        module = import_model(str(path))
        module.verify()
        if path.stat().st_size < 1000:
            survives_text(module)


@pytest.mark.parametrize(("opset", "inputs"), [(9, 1), (11, 1), (13, 2), (17, 2), (21, 2)])
def test_an_operator_is_that_of_the_models_opset(tmp_path: Path, opset: int, inputs: int):
    axes = numpy_helper.from_array(np.array([0], np.int64), "axes")
    node = (
        helper.make_node("Unsqueeze", ["x"], ["y"], axes=[0])
        if inputs == 1
        else helper.make_node("Unsqueeze", ["x", "axes"], ["y"])
    )
    model = model_of([node], [value("x", [4])], [value("y", None)], [axes], opset)
    graph = imported(tmp_path, model)
    (op,) = graph.nodes
    assert op.opset == opset
    assert str(op.results[0].type) == "tensor<1x4xf32>"
    if inputs == 1:
        assert op.integers("axes") == (0,)
    else:
        assert op.input("axes") is graph.initializers["axes"].output


def test_names_and_locations(tmp_path: Path):
    nodes = [
        helper.make_node("Relu", ["in:0"], ["/a.0/out_1"], name="/a.0/Relu"),
        helper.make_node("Relu", ["/a.0/out_1"], ["out"]),
    ]
    graph = imported(tmp_path, model_of(nodes, [value("in:0", [4])], [value("out", [4])]))
    first, second = graph.nodes
    assert (first.label, origin(first)) == ("/a.0/Relu", "/a.0/Relu")
    assert (second.label, origin(second)) == ("", "out")
    assert list(graph.inputs) == ["in:0"]
    assert list(graph.outputs) == ["out"]


def test_symbolic_dimensions_keep_their_names(tmp_path: Path):
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    model = model_of(nodes, [value("x", ["batch", 3, None])], [value("y", None)])
    graph = imported(tmp_path, model)
    assert str(graph.inputs["x"].type) == "tensor<?x3x?xf32>"
    assert graph.input_dim_params == (("batch", ""),)
    static = imported(tmp_path, model, input_shapes={"x": (2, 3, -1)})
    assert str(static.outputs["y"].type) == "tensor<2x3x?xf32>"
    assert static.input_dim_params == ((),)


def test_an_input_shape_overrides_a_fixed_one(tmp_path: Path):
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    model = model_of(nodes, [value("x", [1, 3])], [value("y", [1, 3])])
    model.graph.value_info.append(value("h", [1, 3]))
    graph = imported(tmp_path, model, input_shapes={"x": (8, 3)})
    assert [str(op.results[0].type) for op in graph.nodes] == ["tensor<8x3xf32>"] * 2


@pytest.mark.parametrize(("shapes", "rows"), [({}, "?"), ({"x": (5, 3)}, "5")])
def test_what_a_model_with_open_inputs_says_counts_only_where_nothing_is_inferred(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], rows: str
):
    """torch's exporter notes the 9 rows of its example, or 0 where it does not know."""
    nodes = [
        helper.make_node("Relu", ["x"], ["h"]),
        helper.make_node("Theirs", ["h"], ["c"], domain="custom"),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    model = model_of(nodes, [value("x", ["n", 3])], [value("y", [9, 4])])
    model.opset_import.add(domain="custom", version=1)
    model.graph.value_info.extend([value("h", [9, 0]), value("c", [9, 4])])
    graph = imported(tmp_path, model, input_shapes=shapes)
    types = [str(op.results[0].type) for op in graph.nodes]
    assert types == [f"tensor<{rows}x3xf32>", "tensor<9x4xf32>", "tensor<9x4xf32>"]


def test_shapes_flow_through_shape_arithmetic(tmp_path: Path):
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"]),
        helper.make_node("Concat", ["batch", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
        helper.make_node("ConstantOfShape", ["target"], ["z"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([6], np.int64), "rest"),
    ]
    outputs = [value("y", None), value("z", None)]
    graph = imported(tmp_path, model_of(nodes, [value("x", [5, 2, 3])], outputs, constants))
    assert [str(v.type) for v in graph.outputs.values()] == ["tensor<5x6xf32>"] * 2


def test_shapes_flow_through_numbers_that_onnx_does_not_follow(tmp_path: Path):
    """Half of a size, a range of so many numbers, padding by the last of them."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], start=2),
        helper.make_node("Squeeze", ["shape"], ["size"]),
        helper.make_node("Div", ["size", "two"], ["half"]),
        helper.make_node("Range", ["zero", "half", "one"], ["range"]),
        helper.make_node("ReduceMax", ["range"], ["last"]),
        helper.make_node("Concat", ["none", "last"], ["pads"], axis=0),
        helper.make_node("Pad", ["x", "pads"], ["p"]),
        helper.make_node("MaxPool", ["p"], ["y"], kernel_shape=[3], strides=[2], ceil_mode=1),
    ]
    numbers = {"two": 2, "zero": 0, "one": 1, "none": [0] * 5}
    constants = [numpy_helper.from_array(np.array(n, np.int64), k) for k, n in numbers.items()]
    outputs = [value("range", None, TensorProto.INT64), value("y", None)]
    graph = imported(tmp_path, model_of(nodes, [value("x", [2, 1, 8])], outputs, constants))
    assert [str(v.type) for v in graph.outputs.values()] == ["tensor<4xi64>", "tensor<2x1x5xf32>"]


def test_without_inference_types_are_unknown(tmp_path: Path):
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    model = model_of(nodes, [value("x", [4])], [value("y", [4])])
    graph = imported(tmp_path, model, infer_shapes=False)
    assert [str(op.results[0].type) for op in graph.nodes] == ["!onnx.unknown", "tensor<4xf32>"]


def test_left_out_inputs_and_outputs(tmp_path: Path):
    nodes = [
        helper.make_node("Clip", ["x", "", "top"], ["c"]),
        helper.make_node("LSTM", ["c", "w", "r", "", ""], ["", "h"], hidden_size=2),
    ]
    constants = [
        numpy_helper.from_array(np.zeros(shape, np.float32), name)
        for name, shape in (("top", ()), ("w", (1, 8, 3)), ("r", (1, 8, 2)))
    ]
    model = model_of(nodes, [value("x", [5, 1, 3])], [value("h", None)], constants)
    clip, lstm = imported(tmp_path, model).nodes
    assert (clip.input("min"), clip.input("max")) == (None, clip.operands[2])
    assert len(lstm.operands) == 3
    assert lstm.output("Y") is None
    assert lstm.output("Y_h") is lstm.results[1]


@pytest.mark.parametrize("ir_version", [3, 8])
def test_an_initializer_that_is_an_input_is_a_constant(tmp_path: Path, ir_version: int):
    weight = numpy_helper.from_array(np.ones(4, np.float32), "w")
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    inputs = [value("x", [4]), value("w", [4])]
    model = model_of(nodes, inputs, [value("y", None)], [weight], 9, ir_version=ir_version)
    graph = imported(tmp_path, model)
    assert list(graph.inputs) == ["x"]
    assert list(graph.initializers) == ["w"]
    assert str(graph.outputs["y"].type) == "tensor<4xf32>"


def test_graphs_in_nodes_use_outer_values(tmp_path: Path):
    then = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["t"])], "then", [], [value("t", None)]
    )
    other = helper.make_graph([], "else", [], [value("w", None)], [])
    weight = numpy_helper.from_array(np.ones(4, np.float32), "w")
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    inputs = [value("c", [], TensorProto.BOOL), value("x", [4])]
    graph = imported(tmp_path, model_of([node], inputs, [value("y", None)], [weight]))
    (op,) = graph.nodes
    region = op.graph("then_branch")
    assert region is not None
    neg = region.block.first_op
    assert isinstance(neg, GraphOp)
    assert next(neg.nodes).operands[0] is graph.inputs["x"]
    assert next(neg.nodes).opset == 17
    survives_text(module_around(graph))


def test_loops_carry_values(tmp_path: Path):
    body = helper.make_graph(
        [
            helper.make_node("Add", ["v", "x"], ["v_out"]),
            helper.make_node("Identity", ["k"], ["ko"]),
        ],
        "body",
        [value("i", [], TensorProto.INT64), value("k", [], TensorProto.BOOL), value("v", [4])],
        [value("ko", [], TensorProto.BOOL), value("v_out", [4])],
    )
    node = helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)
    inputs = [value("n", [], TensorProto.INT64), value("x", [4])]
    graph = imported(tmp_path, model_of([node], inputs, [value("y", None)]))
    (op,) = graph.nodes
    assert op.input("cond") is None
    assert [v.type for v in op.variadic("v_initial")] == [graph.inputs["x"].type]
    survives_text(module_around(graph))


def test_operators_of_other_domains(tmp_path: Path):
    node = helper.make_node("Fused", ["x"], ["y"], name="f", domain="com.acme", alpha=0.5)
    model = model_of([node], [value("x", [4])], [value("y", [4])])
    model.opset_import.add(domain="com.acme", version=1)
    (op,) = imported(tmp_path, model).nodes
    assert (op.name, op.domain, op.op_type, op.label) == ("onnx.custom", "com.acme", "Fused", "f")
    assert op.schema is None


@pytest.mark.parametrize(("imported_as", "used_as"), [("", "ai.onnx"), ("ai.onnx", "")])
def test_the_default_domain_has_two_spellings(tmp_path: Path, imported_as: str, used_as: str):
    node = helper.make_node("Relu", ["x"], ["y"], domain=used_as)
    model = model_of([node], [value("x", [4])], [value("y", None)])
    model.opset_import[0].domain = imported_as
    graph = imported(tmp_path, model)
    assert graph.opsets == {"ai.onnx": 17}
    assert str(graph.outputs["y"].type) == "tensor<4xf32>"


def test_types_that_are_no_tensors(tmp_path: Path):
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, ["n"]))
    optional = helper.make_optional_type_proto(sequence)
    inputs = [helper.make_value_info("s", sequence), helper.make_value_info("o", optional)]
    model = model_of([], inputs, [helper.make_value_info("s", sequence)])
    types = [str(v.type) for v in imported(tmp_path, model).inputs.values()]
    assert types == ["!onnx.seq<tensor<?xf32>>", "!onnx.optional<!onnx.seq<tensor<?xf32>>>"]


def test_weights_are_references_into_the_file(tmp_path: Path):
    array = np.arange(1000, dtype=np.float32)
    constant = numpy_helper.from_array(array + 1)
    nodes = [
        helper.make_node("Constant", [], ["k"], value=constant),
        helper.make_node("Add", ["w", "k"], ["y"]),
    ]
    model = model_of(nodes, [], [value("y", None)], [numpy_helper.from_array(array, "w")])
    graph = imported(tmp_path, model)
    assert str(graph.outputs["y"].type) == "tensor<1000xf32>"
    text = str(graph)
    assert len(text) < 1000
    data = (tmp_path / "m.onnx").read_bytes()
    offset = data.index(array.tobytes())
    assert f'#weights.file<"{tmp_path}/m.onnx", {offset} + 4000> : tensor<1000xf32>' in text
    assert f"{data.index(constant.raw_data)} + 4000> : tensor<1000xf32>>" in text


def large_model(path: Path, megabytes: int) -> None:
    weights = [
        TensorProto(name=f"w{i}", data_type=FLOAT, dims=[512, 512], raw_data=bytes(2**20))
        for i in range(megabytes)
    ]
    names = ["x", *(f"h{i}" for i in range(megabytes))]
    nodes = [
        helper.make_node("MatMul", [names[i], f"w{i}"], [names[i + 1]]) for i in range(megabytes)
    ]
    model = model_of(nodes, [value("x", ["n", 512])], [value(names[-1], None)], weights)
    path.write_bytes(model.SerializeToString())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_does_not_grow_with_the_weights(tmp_path: Path):
    """Peak resident memory of a process of its own, in kibibytes."""
    code = (
        "import re, sys\n"
        "from compiler.frontends.onnx import import_model\n"
        "import_model(sys.argv[1])\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    peaks: list[int] = []
    for megabytes in (1, 96):
        large_model(tmp_path / "m.onnx", megabytes)
        command = [sys.executable, "-c", code, str(tmp_path / "m.onnx")]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(run.stdout))
    assert peaks[1] - peaks[0] < 48 * 1024
