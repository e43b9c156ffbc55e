"""What a user is told about a file that is not a usable model: one line that names the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

import onnx
import pytest
from onnx import TensorProto, helper
from xdsl.utils.exceptions import VerifyException

from compiler.cli import main
from compiler.errors import UserError
from compiler.frontends.onnx import ImportOptions, import_model

FLOAT4 = [4]


def value(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, FLOAT4)


def model_of(
    nodes: Sequence[onnx.NodeProto], opsets: dict[str, int] | None = None
) -> onnx.ModelProto:
    imports = [helper.make_opsetid(d, v) for d, v in (opsets or {"": 17}).items()]
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")])
    return helper.make_model(graph, opset_imports=imports)


def complaint(path: Path, content: bytes | onnx.ModelProto | None = None, **options: object) -> str:
    """What the import says, without the path that it begins with."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    with pytest.raises(UserError) as error:
        import_model(str(path), options=ImportOptions(**options))  # pyright: ignore[reportArgumentType]
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.onnx"


def test_files_that_are_no_models(path: Path):
    assert complaint(path) == "cannot be read: No such file or directory"
    assert complaint(path, b"") == "is empty"
    assert complaint(path, b"\x89PNG\r\n\x1a\n" + bytes(40)).startswith("is not an ONNX model")
    assert complaint(path, b"hello, world\n").startswith("is not an ONNX model")
    assert complaint(path, onnx.ModelProto(producer_name="p")) == (
        "is not an ONNX model: it holds no graph"
    )
    assert complaint(path.parent) == "cannot be read: Is a directory"


def test_a_field_of_the_wrong_kind(path: Path):
    model = model_of([helper.make_node("Relu", ["x"], ["y"])]).SerializeToString()
    assert complaint(path, model + b"\x3a\x02\x08\xff") == (
        "is not an ONNX model: protobuf cannot parse it"
    )


@pytest.mark.parametrize("name", [b"odd-node", b"Relu", b"odd-value", b"odd-data", b"odd-dim"])
def test_names_that_are_not_text(name: bytes, path: Path):
    model = model_of([helper.make_node("Relu", ["odd-value"], ["y"], name="odd-node")])
    weight = TensorProto(name="odd-value", data_type=TensorProto.FLOAT, dims=FLOAT4)
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="odd-data")
    model.graph.initializer.append(weight)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "odd-dim"
    odd = b"\xff" + name[1:]
    broken = model.SerializeToString().replace(name, odd)
    assert complaint(path, broken) == f"the name {odd!r} is not UTF-8"


def test_a_truncated_model(path: Path):
    whole = model_of([helper.make_node("Relu", ["x"], ["y"])]).SerializeToString()
    assert complaint(path, whole[:-20]).startswith("is not an ONNX model, or is damaged: it ends")


def test_a_pipe(path: Path):
    os.mkfifo(path)
    keep_open = os.open(path, os.O_RDWR)
    try:
        assert complaint(path) == "is not a regular file, and weights are read from it in place"
    finally:
        os.close(keep_open)


@pytest.mark.parametrize(
    ("op_type", "domain", "opsets", "expected"),
    [
        ("Flor", "", {"": 17}, "ai.onnx 17 has no operator 'Flor' (did you mean 'Floor'?)"),
        ("Qqqqqq", "", {"": 17}, "ai.onnx 17 has no operator 'Qqqqqq' (an operator that is not"),
        ("Gelu", "", {"": 17}, "ai.onnx 17 has no operator 'Gelu' (it is new in opset 20)"),
        ("Gelu", "ai.onnx", {"": 17}, "ai.onnx 17 has no operator 'Gelu' (it is new in opset 20)"),
        ("Scaler", "ai.onnx.ml", {"": 17}, "the model imports no opset of 'ai.onnx.ml'"),
        ("Fused", "com.acme", {"": 17}, "the model imports no opset of 'com.acme'"),
        (
            "Scalar",
            "ai.onnx.ml",
            {"": 17, "ai.onnx.ml": 3},
            "ai.onnx.ml 3 has no operator 'Scalar' (did you mean 'Scaler'?)",
        ),
    ],
)
def test_unknown_operators(
    path: Path, op_type: str, domain: str, opsets: dict[str, int], expected: str
):
    node = helper.make_node(op_type, ["x"], ["y"], name="n", domain=domain)
    assert complaint(path, model_of([node], opsets)).startswith(f"{op_type} node 'n': {expected}")


def test_a_node_without_a_name_is_told_by_its_output(path: Path):
    message = complaint(path, model_of([helper.make_node("Flor", ["x"], ["y"])]))
    assert message.startswith("the Flor node that makes 'y': ")


def test_opsets(path: Path):
    relu = [helper.make_node("Relu", ["x"], ["y"])]
    newest = onnx.defs.onnx_opset_version()
    assert complaint(path, model_of(relu, {"": 999})) == (
        f"imports opset 999 of ai.onnx, this compiler knows 1 to {newest}"
    )
    assert complaint(path, model_of(relu, {"": 17, "ai.onnx": 13})) == (
        "imports two opsets of 'ai.onnx': 17 and 13"
    )
    none = model_of(relu)
    del none.opset_import[:]
    none.ir_version = 10
    assert complaint(path, none) == "imports no opset, which IR version 10 demands"


def test_a_later_version_of_the_format(path: Path):
    model = model_of([helper.make_node("Relu", ["x"], ["y"])])
    model.ir_version = 99
    assert complaint(path, model) == (
        f"has IR version 99, this compiler knows 1 to {onnx.IR_VERSION}"
    )


def test_values(path: Path):
    late = [helper.make_node("Relu", ["h"], ["y"], name="r"), helper.make_node("Neg", ["x"], ["h"])]
    assert complaint(path, model_of(late)) == (
        "Relu node 'r': its input 'h' is not defined before it (nodes must be in execution order)"
    )
    twice = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["y"])]
    assert complaint(path, model_of(twice)) == (
        "the Neg node that makes 'y' defines 'y', which is defined already"
    )
    assert complaint(path, model_of([])) == "the graph's output 'y' is never made"


def test_outputs(path: Path):
    twice = model_of([helper.make_node("Relu", ["x"], ["y"])])
    twice.graph.output.append(value("y"))
    assert complaint(path, twice) == "the graph lists its output 'y' twice"
    through = model_of([])
    through.graph.output[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, [5]))
    assert complaint(path, through) == (
        "the graph's output 'x' is tensor<4xf32>, declared is tensor<5xf32>"
    )


def test_names(path: Path):
    assert complaint(path, model_of([helper.make_node("Relu", ["x"], ["a\nb"], "two\nlines")])) == (
        "the graph's output 'y' is never made"
    )
    broken = [helper.make_node("Relu", ["\n"], ["y"], "two\nlines")]
    assert complaint(path, model_of(broken)).startswith("Relu node 'two lines': its input ' '")
    whole = model_of([helper.make_node("Relu", ["x"], ["y"], "NAME")]).SerializeToString()
    assert complaint(path, whole.replace(b"NAME", b"N\xff\xfeE")) == (
        "the name b'N\\xff\\xfeE' is not UTF-8"
    )
    nameless = model_of([helper.make_node("Relu", ["x"], ["y"])])
    nameless.graph.input.append(value(""))
    assert complaint(path, nameless) == "the graph defines a value without a name"


@pytest.mark.parametrize("seed", range(4))
def test_damaged_models_are_errors_of_the_user(path: Path, seed: int):
    """Bytes changed, cut out or put in anywhere: the import succeeds or says what is wrong."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [300], [0.5] * 300)
    nodes = [
        helper.make_node("Add", ["x", "w"], ["h"], "a"),
        helper.make_node("Relu", ["h"], ["y"]),
    ]
    model = model_of(nodes)
    model.graph.initializer.append(weight)
    whole = model.SerializeToString()
    random = Random(seed)
    for _ in range(100):
        damaged = bytearray(whole)
        # Half of them outside the weight, whose bytes may be anything.
        at = random.randrange(random.choice([100, len(whole)]))
        size = random.randrange(3)
        damaged[at : at + size] = random.randbytes(random.randrange(3))
        path.write_bytes(damaged)
        try:
            module = import_model(str(path))
            module.verify()
        except (UserError, VerifyException) as error:
            assert "\n" not in str(error)


def test_input_shapes(path: Path):
    model = model_of([helper.make_node("Relu", ["x"], ["y"])])
    assert complaint(path, model, input_shapes={"z": (1,)}) == (
        "input_shape names 'z', the model's inputs are 'x'"
    )
    assert complaint(path, model, input_shapes={"x": (1, 2)}) == (
        "input_shape gives 'x' 2 dimensions, it has 1"
    )


def test_an_attribute_without_a_kind(path: Path):
    node = helper.make_node("Relu", ["x"], ["y"], name="r")
    node.attribute.add(name="alpha")
    assert complaint(path, model_of([node])) == "Relu node 'r': attribute 'alpha' has no value"


def test_the_driver_prints_one_line(path: Path, capsys: pytest.CaptureFixture[str]):
    path.write_bytes(
        model_of([helper.make_node("Relu", ["x", "x"], ["y"], "r")]).SerializeToString()
    )
    assert main([str(path)]) == 1
    output = capsys.readouterr()
    assert len(output.err.splitlines()) == 1
    assert f"{path}: Relu node 'r': shape inference fails: Node with" in output.err
    assert output.out == ""
