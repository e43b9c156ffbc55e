# pyright: reportUnknownMemberType=false
"""Precision modes of atc, from ONNX to the device: types, numbers, options and their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from onnxruntime import InferenceSession

from compiler.atc import main as atc
from compiler.om.contract import FUSION_GRAPH_NAME
from compiler.om.model_reader import read_model
from runtime.device import Memory
from runtime.model_registry import Models
from runtime.operator_engine.dtypes import from_proto
from runtime.settings import ENGINE_VARIABLE, Engine

NET = """<ir_version: 8, opset_import: ["": 17]> g (float[2, 8] x) => (float[2, 8] y) {
    [first] s = Sigmoid(x)
    [product] p = MatMul(s, w)
    [follows] r = Relu(p)
    [power] q = Pow(r, two)
    [sum] y = Add(r, q)
}"""
BRANCH = """<ir_version: 10, opset_import: ["": 17]> g (float[4] x, bool b) => (float[4] y) {
    y = If(b) <
        then_branch=t () => (float[4] p) { p = Exp(x) },
        else_branch=e () => (float[4] q) { q = Neg(x) }
    >
}"""
TYPES = {
    "force_fp16": "float16 float16 float16 float16 float16",
    "fp16": "float16 float16 float16 float16 float16",
    "must_keep_origin_dtype": "float32 float32 float32 float32 float32",
    "origin": "float32 float32 float32 float32 float32",
    "allow_fp32_to_fp16": "float32 float16 float32 float32 float32",
    "allow_fp32_to_bf16": "float32 bfloat16 float32 float32 float32",
    "force_fp32": "float32 float32 float32 float32 float32",
    "cube_fp16in_fp32out": "float32 float32 float32 float32 float32",
    "allow_mix_precision": "float32 float16 float16 float32 float32",
    "allow_mix_precision_fp16": "float32 float16 float16 float32 float32",
    "mixed_float16": "float32 float16 float16 float32 float32",
    "allow_mix_precision_bf16": "float32 bfloat16 bfloat16 float32 float32",
    "mixed_bfloat16": "float32 bfloat16 bfloat16 float32 float32",
}
"""What first, product, follows, power and sum make in every mode, by both spellings."""
SECOND = {"fp16", "origin", "mixed_float16", "mixed_bfloat16"}

Array = np.ndarray[Any, np.dtype[Any]]


def saved(model: onnx.ModelProto, folder: Path, **weights: Array) -> Path:
    for name, value in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def net(folder: Path) -> Path:
    w = np.random.default_rng(1).standard_normal((8, 8)).astype(np.float32)
    return saved(parser.parse_model(NET), folder, w=w, two=np.array(2, np.float32))


def compiled(model: Path, *options: str, code: int = 0, soc: str = "Ascend910B4") -> Path:
    output = model.with_name("compiled")
    required = ["--framework=5", f"--soc_version={soc}", f"--output={output}"]
    assert atc([*required, f"--model={model}", *options]) == code
    return output.with_suffix(".om")


def spelled(mode: str) -> str:
    return f"--precision_mode{'_v2' if mode in SECOND else ''}={mode}"


def types(path: Path) -> dict[str, str]:
    graphs = read_model(path).root.model_def.graph
    ops = [op for graph in graphs for op in graph.op]
    ops += [part for op in ops for part in op.attr[FUSION_GRAPH_NAME].g.op]
    found = {op.name: from_proto(int(op.output_desc[0].dtype)) for op in ops if op.output_desc}
    return {name.rpartition("/")[2]: str(dtype) for name, dtype in found.items()}


def on_device(path: Path, *inputs: Array) -> list[Array]:
    models = Models(Memory())
    return [np.array(y) for y in models[models.load(str(path))].run(list(inputs))]


@pytest.mark.parametrize("mode", TYPES)
def test_a_mode_gives_types_and_near_numbers(mode: str, tmp_path: Path):
    model = net(tmp_path)
    path = compiled(model, spelled(mode))
    found = types(path)
    names = ("first", "product", "follows", "power", "sum")
    assert [found[name] for name in names] == TYPES[mode].split()
    x = np.random.default_rng(2).standard_normal((2, 8)).astype(np.float32)
    session: Any = InferenceSession(model)
    [expected] = session.run(None, {"x": x})
    [y] = on_device(path, x)
    assert y.dtype == np.float32
    bound = 3e-2 if "bf" in mode else 4e-3 if mode != "origin" else 1e-5
    np.testing.assert_allclose(y, expected, rtol=bound, atol=bound)


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("mode", ["force_fp16", "cube_fp16in_fp32out"])
def test_products_accumulate_in_float32(
    mode: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A sum of ones that float16 would stop at 2048, and one more than it can hold."""
    monkeypatch.setenv(ENGINE_VARIABLE, engine)
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[1, 4096] x) => (float[1, 16] y) '
    model = saved(
        parser.parse_model(text + "{ y = MatMul(x, w) }"),
        tmp_path,
        w=np.ones((4096, 16), np.float32),
    )
    path = compiled(model, spelled(mode))
    for factor, limit in ((1, np.inf), (32, 65504 if mode == "force_fp16" else np.inf)):
        [y] = on_device(path, np.full((1, 4096), factor, np.float32))
        np.testing.assert_array_equal(y, np.full((1, 16), min(4096 * factor, limit)))


@pytest.mark.parametrize("mode, element", [("force_fp16", "float16"), ("origin", "float32")])
def test_the_graphs_of_an_if_compute_in_the_mode(mode: str, element: str, tmp_path: Path):
    path = compiled(saved(parser.parse_model(BRANCH), tmp_path), spelled(mode))
    of_exp = [
        str(from_proto(int(op.output_desc[0].dtype)))
        for graph in read_model(path).root.model_def.graph
        for op in graph.op
        if op.type == "Exp"
    ]
    assert of_exp == [element]
    x = np.array([0.1, 1, 2, 3], np.float32)
    [y] = on_device(path, x, np.array(True))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, np.exp(x), rtol=2e-3)
    assert (np.abs(y / np.exp(x) - 1) > 1e-5).any() == (mode == "force_fp16")


@pytest.mark.parametrize("mode", ["force_fp16", "origin", "force_fp32", "mixed_bfloat16"])
def test_a_bfloat16_model_runs(mode: str, tmp_path: Path):
    text = NET.replace("float[", "bfloat16[")
    w = np.random.default_rng(1).standard_normal((8, 8)).astype(np.float32)
    bf16 = onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16)
    two = np.array(2, np.float32)
    path = compiled(
        saved(parser.parse_model(text), tmp_path, w=w.astype(bf16), two=two.astype(bf16)),
        spelled(mode),
    )
    x = np.random.default_rng(2).standard_normal((2, 8)).astype(bf16)
    product = np.maximum(1 / (1 + np.exp(-x.astype(np.float32))) @ w, 0)
    [y] = on_device(path, x)
    assert y.dtype == bf16
    np.testing.assert_allclose(y.astype(np.float32), product + product**2, rtol=4e-2, atol=4e-2)


@pytest.mark.parametrize(
    "lines, kept",
    [("product\npower\n", "product power"), ("OpType::Relu\n\n", "follows"), ("", "")],
)
def test_operators_that_are_kept_have_their_types(lines: str, kept: str, tmp_path: Path):
    listed = tmp_path / "kept.txt"
    listed.write_text(lines)
    found = types(compiled(net(tmp_path), f"--keep_dtype={listed}"))
    names = ("first", "product", "follows", "power", "sum")
    assert {name for name in names if found[name] == "float32"} == set(kept.split())


@pytest.mark.parametrize(
    "options, told",
    [
        (["--precision_mode=fp16"], "(E10001): Value fp16 for parameter --precision_mode is"),
        (["--precision_mode_v2=force_fp16"], "(E10001): Value force_fp16 for parameter"),
        (["--precision_mode_v2=cube_hif8"], "(E10055): The operation is not supported. Reason: "),
        (["--precision_mode_v2=mixed_hif8"], "needs HiFloat8"),
        (["--precision_mode=force_fp16", "--precision_mode_v2=fp16"], "(E10056)"),
        (["--keep_dtype=none.txt"], "Reason: File defined by keep_dtype is not found."),
    ],
)
def test_errors_are_those_of_atc(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = compiled(net(tmp_path), *options, code=255)
    assert told in capsys.readouterr().out
    assert not path.exists()


def test_a_chip_without_bfloat16_has_no_such_mode(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    compiled(net(tmp_path), "--precision_mode_v2=mixed_bfloat16", code=255, soc="Ascend310P3")
    assert "has no bfloat16" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["produkt", "OpType::Matmul"])
def test_a_name_to_keep_must_exist(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    listed = tmp_path / "kept.txt"
    listed.write_text(name)
    compiled(net(tmp_path), f"--keep_dtype={listed}", code=255)
    out = capsys.readouterr().out
    assert f"(E10016): Op name {name} specified in --keep_dtype is not found in the model." in out
    assert "the nearest is" in out


def test_options_without_effect_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compiled(net(tmp_path), "--modify_mixlist=list.json")
    assert "WARNING: --modify_mixlist is not read here" in capsys.readouterr().err
