# pyright: reportUnknownMemberType=false
"""What ATC would refuse: the list, the pre-check report, the strict compilation.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt

OPTIONS = ["--framework=5", "--soc_version=Ascend910B4"]


def save(path: Path, opset: int, *nodes: onnx.NodeProto, domains: tuple[str, ...] = ()) -> str:
    """A model on one input, whose last node makes the output."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, [4])
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="nowhere.bin")
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weight]))
    del model.opset_import[:]
    model.opset_import.extend(imports)
    path.write_bytes(model.SerializeToString())
    return str(path)


def relu(name: str = "relu") -> onnx.NodeProto:
    return helper.make_node("Relu", ["x"], ["y"], name=name)


def mixed(path: Path) -> str:
    """A model of all that can be wrong; its weights are missing, and nobody shall look."""
    return save(
        path,
        18,
        helper.make_node("Selu", ["x"], ["a"], name="selu", alpha=2.0),
        helper.make_node("ReduceL1", ["a"], ["b"], name="norm", keepdims=0),
        helper.make_node("Frobnicate", ["b"], ["c"], name="odd", domain="acme"),
        helper.make_node("Gelu", ["c"], ["d"], name="gelu"),
        helper.make_node("Relu", ["d"], ["y"], name="good"),
        domains=("acme",),
    )


def test_the_list_has_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert ascend_opt([mixed(tmp_path / "m.onnx"), "--preflight"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines() == [
        "E13010 ai.onnx::18::ReduceL1: ATC's plugin is for opset 8-17",
        "    1 node: norm",
        "    instead: opset 17, or Abs + ReduceSum",
        "E13010 acme::1::Frobnicate: ATC has no plugin for it",
        "    1 node: odd",
        "E13010 ai.onnx::18::Gelu: ATC has no plugin for it",
        "    1 node: gelu",
        "    instead: Div + Erf + Add + Mul + Mul",
        "E11010 ai.onnx::18::Selu: only the default alpha and gamma are supported",
        "    1 node: selu",
        "    instead: Elu with that alpha, then Mul with gamma",
        "ATC would refuse 4 operators",
        "Export the model with opset 17: ATC has a plugin for all but 1 node of ONNX's then.",
    ]
    assert ascend_opt([save(tmp_path / "good.onnx", 13, relu()), "--preflight"]) == 0
    assert capsys.readouterr().out == "ATC would take every node of the model.\n"


def test_mode_3_reports_as_atc_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, result = mixed(tmp_path / "m.onnx"), tmp_path / "result.json"
    arguments = ["--mode=3", "--framework=5", f"--model={path}", f"--check_report={result}"]
    assert atc(arguments) == 255
    printed = capsys.readouterr()
    assert "(E13010): No operator plugin is registered for Op: norm, optype: " in printed.out
    assert "        No operator plugin is registered for Op: gelu, optype: " in printed.out
    assert "selu" not in printed.out  # ATC stops before it looks at parameters
    assert "E11010 ai.onnx::18::Selu" in printed.err
    told = json.loads(result.read_text())
    assert (told["result"], told["total"], told["pass"], told["fail"]) == ("failed", 7, 3, 4)
    assert told["op"][1] == {
        "cause": [{"code": 1, "message": "The type is not supported."}],
        "name": "norm",
        "result": "failed",
        "type": "ai.onnx::18::ReduceL1",
    }
    assert told["op"][4] == {"name": "good", "result": "success", "type": "ai.onnx::18::Relu"}
    assert [op["name"] for op in told["op"][5:]] == ["x", "w_Initializer_0"]


def test_mode_3_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ASCEND_WORK_PATH", str(tmp_path))
    path = save(tmp_path / "m.onnx", 13, relu())
    assert atc(["--mode=3", "--framework=5", f"--model={path}"]) == 0
    assert capsys.readouterr().err == ""
    assert json.loads((tmp_path / "check_result.json").read_text())["result"] == "success"


def test_a_function_of_the_models_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = onnx.load(
        save(tmp_path / "m.onnx", 13, helper.make_node("F", ["x"], ["y"], "call")),
        load_external_data=False,
    )
    model.graph.node[0].domain = "mine"
    imports = [helper.make_opsetid("", 13)]
    model.functions.append(helper.make_function("mine", "F", ["x"], ["y"], [relu()], imports))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    (tmp_path / "f.onnx").write_bytes(model.SerializeToString())
    assert ascend_opt([f"{tmp_path}/f.onnx", "--preflight"]) == 1
    assert "instead: inline the model's functions" in capsys.readouterr().out


def test_a_model_without_inputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    model = onnx.load(save(tmp_path / "m.onnx", 13, relu()), load_external_data=False)
    del model.graph.input[:]
    (tmp_path / "n.onnx").write_bytes(model.SerializeToString())
    assert ascend_opt([f"{tmp_path}/n.onnx", "--preflight"]) == 1
    assert "ATC would refuse the model: the model has no input" in capsys.readouterr().out
    assert atc(["--mode=3", "--framework=5", f"--model={tmp_path}/n.onnx"]) == 255
    assert "(E16001): The model has no input node." in capsys.readouterr().out


def test_strict_atc_wants_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = onnx.load(save(tmp_path / "m.onnx", 13, relu()), load_external_data=False)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    del model.graph.initializer[:]
    (tmp_path / "n.onnx").write_bytes(model.SerializeToString())
    arguments = [*OPTIONS, f"--model={tmp_path}/n.onnx", f"--output={tmp_path}/n", "--strict-atc"]
    assert atc(arguments) == 255
    assert "(E10001): Value NULL for parameter --input_shape" in capsys.readouterr().out
    assert atc([*arguments, "--input_shape=x:-1"]) == 0


TWICE = helper.make_node("Relu", ["y"], ["z"], name="relu")
STRICT = [
    (19, [relu()], "(E13010): No operator plugin is registered for Op: relu, optype: ai.onnx::19"),
    (7, [relu()], "(E13010): No operator plugin is registered for Op: relu, optype: ai.onnx::7"),
    (13, [relu(), TWICE], "(E13009): Operator relu already exists in the graph."),
    (13, [relu("x")], "(E13009): Operator x already exists in the graph."),
    (
        13,
        [helper.make_node("Transpose", ["x"], ["y"], name="turn")],
        "(E11010): Failed to parse the parameters of Op turn with optype ai.onnx::13::Transpose.",
    ),
    (13, [relu(), helper.make_node("Odd", ["y"], ["z"], domain="acme")], "no opset of 'acme'"),
]


@pytest.mark.parametrize(("opset", "nodes", "words"), STRICT)
def test_strict_atc(
    opset: int,
    nodes: list[onnx.NodeProto],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    path, report = save(tmp_path / "m.onnx", opset, *nodes), tmp_path / "report.json"
    arguments = [*OPTIONS, f"--model={path}", f"--output={tmp_path}/out/m"]
    assert atc([*arguments, "--strict-atc", f"--check_report={report}"]) == 255
    assert words in capsys.readouterr().out
    assert report.exists()
    assert not (tmp_path / "out").exists()


def test_a_refused_model_compiles_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = save(tmp_path / "m.onnx", 19, relu())
    (tmp_path / "nowhere.bin").write_bytes(bytes(16))
    assert atc([*OPTIONS, f"--model={path}", f"--output={tmp_path}/m"]) == 0
    assert capsys.readouterr().err == ("ATC would refuse 1 operator: `atc --mode=3` lists them\n")
    target = ["-t", f'om{{output="{tmp_path}/n"}}']
    assert ascend_opt([path, "-p", "offline", *target]) == 0
    assert "ATC would refuse 1 operator" in capsys.readouterr().err
    assert ascend_opt([f"{tmp_path}/n.om"]) == 0
    assert '_ascend_opt_atc_refuses = "E13010 ai.onnx::19::Relu' in capsys.readouterr().out
    assert ascend_opt([path, "-p", "offline{strict_atc=true}", *target]) == 1
    assert "ATC refuses node 'relu': E13010" in capsys.readouterr().err


def test_ten_thousand_nodes_are_listed_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    nodes = [helper.make_node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(10_000)]
    path = save(tmp_path / "m.onnx", 20, *nodes)
    start = time.process_time()
    assert ascend_opt([path, "--preflight"]) == 1
    assert time.process_time() - start < 1
    assert "10000 nodes: Relu_0, Relu_1, " in capsys.readouterr().out
