# pyright: reportUnknownVariableType=false
"""What becomes of weights: variables that hold what the inference needs, made again of others.

(onnx's save is not fully typed.)
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from compiler.cli import main
from compiler.om.bundle import read_bundle
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.manifest import Manifest, RefreshableWeight, read_manifest
from compiler.om.model_reader import read_model
from compiler.weights import Inline
from compiler.weights.recipes import made

Array = np.ndarray[Any, np.dtype[Any]]
SHAPES = {
    "conv.weight": (8, 3, 3, 3),
    "conv.bias": (8,),
    "norm.scale": (8,),
    "norm.bias": (8,),
    "norm.mean": (8,),
    "norm.var": (8,),
    "fc.weight": (16, 288),
    "alone": (16,),
}


def checkpoint(seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    values = {name: random.standard_normal(shape).astype("f4") for name, shape in SHAPES.items()}
    return values | {"norm.var": np.abs(values["norm.var"]) + 0.1}


def network(path: Path, seed: int) -> Path:
    """A convolution with its batch norm, a transposed matrix and a bias."""
    tensors = checkpoint(seed)
    norm = [f"norm.{name}" for name in ("scale", "bias", "mean", "var")]
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["c"], name="conv"),
        helper.make_node("BatchNormalization", ["c", *norm], ["n"], name="norm"),
        helper.make_node("Relu", ["n"], ["r"], name="relu"),
        helper.make_node("Flatten", ["r"], ["f"], name="flat"),
        helper.make_node("Transpose", ["fc.weight"], ["t"], name="turn", perm=[1, 0]),
        helper.make_node("MatMul", ["f", "t"], ["m"], name="fc"),
        helper.make_node("Add", ["m", "alone"], ["y"], name="add"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, path)
    return path


def build(model: Path, output: Path, options: str) -> Path:
    assert main([str(model), "-p", f"offline{{{options}}}", "-t", f'om{{output="{output}"}}']) == 0
    return output.with_name(f"{output.name}.om")


def kinds(model: ModelDef) -> Counter[str]:
    return Counter(op.type for graph in model.graph for op in graph.op)


def by_variable(manifest: Manifest) -> dict[str, RefreshableWeight]:
    return {weight.variable: weight for weight in manifest.weights}


PRECISIONS = ("force_fp16", "must_keep_origin_dtype", "allow_mix_precision_bf16")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_recipes_make_the_variables_of_another_checkpoint(precision: str, tmp_path: Path):
    """… bit for bit as the compiler does when it compiles that checkpoint."""
    options = f'precision={precision} refresh="*" refresh_form=compiled'
    first, second = (
        read_manifest(build(network(tmp_path / f"{n}.onnx", n), tmp_path / f"b{n}", options))
        for n in (1, 2)
    )
    assert set(first.sources) == set(SHAPES)
    tensors = {name: Inline(value.tobytes()) for name, value in checkpoint(2).items()}
    expected = by_variable(second)
    assert by_variable(first).keys() == expected.keys()
    for name, weight in by_variable(first).items():
        data = b"".join(
            bytes(c)
            for c in (
                made(weight.recipe, tensors) if weight.recipe else tensors[weight.onnx]
            ).chunks()
        )
        assert hashlib.sha256(data).hexdigest() == expected[name].sha256 != weight.sha256


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_inference_costs_nothing_more(precision: str, tmp_path: Path):
    model = network(tmp_path / "m.onnx", 1)
    plain = read_model(build(model, tmp_path / "plain", f"precision={precision}"))
    options = f'precision={precision} refresh="*" refresh_form='
    compiled = read_bundle(build(model, tmp_path / "compiled", f"{options}compiled"))
    original = read_bundle(build(model, tmp_path / "original", f"{options}original"))
    expected = kinds(plain.root.model_def)
    found = kinds(compiled.models[0].root.model_def)
    expected["Variable"] = expected.pop("Const")
    assert found == expected
    assert kinds(original.models[0].root.model_def)["BNInfer"] == 1


def test_initial_values_are_those_of_an_ordinary_model(tmp_path: Path):
    model = network(tmp_path / "m.onnx", 1)
    plain = build(model, tmp_path / "plain", "")
    bundle = build(model, tmp_path / "b", 'refresh="*" refresh_form=compiled')
    constants = Counter(
        hashlib.sha256(bytes(part.root.weights)[at : at + size]).hexdigest()
        for part in (read_model(plain),)
        for at, size in places(part.root.model_def)
    )
    assert constants == Counter(weight.sha256 for weight in read_manifest(bundle).weights)


def places(model: ModelDef) -> list[tuple[int, int]]:
    descs = [op.attr["value"].t.desc for g in model.graph for op in g.op if op.type == "Const"]
    return [(desc.data_offset, desc.weight_size) for desc in descs]


def test_what_is_folded_together_is_refreshed_together(tmp_path: Path):
    model = network(tmp_path / "m.onnx", 1)
    bundle = build(model, tmp_path / "b", 'refresh="conv.weight" refresh_form=compiled')
    manifest = read_manifest(bundle)
    assert set(manifest.sources) == set(SHAPES) - {"fc.weight", "alone"}
    filters, bias = manifest.weights
    assert [source.onnx for source in filters.sources] == ["conv.weight", "norm.scale", "norm.var"]
    assert filters.dtype == "DT_FLOAT16" and filters.sources[0].dtype == "DT_FLOAT"
    assert set(manifest.sources) - {"conv.weight"} == {source.onnx for source in bias.sources}


def test_a_weight_alone_is_cast_or_as_it_is(tmp_path: Path):
    model = network(tmp_path / "m.onnx", 1)
    options = 'refresh="alone" refresh_form=compiled'
    [cast] = read_manifest(build(model, tmp_path / "a", options)).weights
    assert cast.recipe == {"cast": {"source": "alone"}, "from": "f32", "to": "f16"}
    keep = f"{options} precision=must_keep_origin_dtype"
    [same] = read_manifest(build(model, tmp_path / "b", keep)).weights
    assert same.recipe is None and same.sha256 == same.sources[0].sha256


@pytest.mark.parametrize("chosen", ["name", "pattern"])
def test_a_weight_that_optimisation_leaves_without_a_reader(
    chosen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What nobody reads is removed, and its weight with it."""
    text = """
    ge.graph "net" {
      %x = ge.Data "x" {index = 0 : i64} : tensor<2xf32>
      %w = ge.Const "w" dense<[1.0, 2.0]> : tensor<2xf32>
      %v = ge.Const "v" dense<[1.0, 2.0]> : tensor<2xf32>
      %a = ge.op "Add" "a"(x1 = %x, x2 = %w) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      %b = ge.op "Add" "dead"(x1 = %x, x2 = %v) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      ge.NetOutput "o"(input0 = %a) : (tensor<2xf32>)
    }"""
    (tmp_path / "m.mlir").write_text(text)
    names = '"w","v"' if chosen == "name" else '"*"'
    passes = f"ge-name-weights{{consts={names}}},ge-remove-dead-nodes,ge-fold-constants"
    passes += ",ge-make-weight-refreshable{named=true}"
    code = main([str(tmp_path / "m.mlir"), "-p", passes])
    printed = capsys.readouterr()
    if chosen == "name":
        assert code == 1 and "weight 'v' cannot be refreshed: no node reads" in printed.err
    else:
        assert code == 0 and '"w_var_data"' in printed.out and "v_var" not in printed.out


def explained(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["refresh", "explain", str(path), "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    return {entry["onnx"]: entry for entry in told["weights"]} | {"µs": told["microseconds"]}


def test_what_becomes_of_each_weight_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    told = explained(network(tmp_path / "m.onnx", 1), capsys)
    assert [name for name in SHAPES if told[name]["refused"]] == []
    filters, mean = told["conv.weight"], told["norm.mean"]
    assert filters["steps"] == ["Mul", "cast f32 to f16"]
    assert filters["partners"] == ["norm.scale", "norm.var"]
    assert set(mean["partners"]) == {n for n in SHAPES if n.startswith(("conv.b", "norm"))} - {
        "norm.mean"
    }
    assert told["norm.scale"]["variables"] == filters["variables"] + mean["variables"]
    assert told["fc.weight"]["steps"] == ["transposed", "cast f32 to f16"]
    assert told["alone"]["partners"] == told["alone"]["tied"] == []
    kept = explained(tmp_path / "m.onnx", capsys, "--precision", "must_keep_origin_dtype")
    assert kept["alone"]["steps"] == []


def test_the_cost_of_the_original_form_is_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """By simulation; a refresh of the compiled form costs an inference nothing."""
    model = network(tmp_path / "m.onnx", 1)
    costs = explained(model, capsys, "--cost")["µs"]
    plain = build(model, tmp_path / "plain", "")
    capsys.readouterr()
    assert main([str(plain), "-t", f'schedule{{output="{tmp_path}/s"}}']) == 0
    assert f"{costs['compiled']:.1f} µs" in capsys.readouterr().out
    assert costs["original"] > costs["compiled"]
    assert main(["refresh", "explain", str(model), "--cost"]) == 0
    assert "with refresh_form=original (simulated)" in capsys.readouterr().out


def odd_network(path: Path) -> Path:
    """Weights that cannot be refreshed, one whose number is read, two of the same bytes."""
    same = np.arange(64, dtype=np.float32).reshape(8, 8)
    tensors: dict[str, Array] = {
        "a": same,
        "b": same,
        "shape": np.array([8], np.int64),
        "half": np.array(0.5, np.float32),
        "idle": np.ones(4, np.float32),
        "text": np.array(["x"], object),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["p"], name="first"),
        helper.make_node("MatMul", ["p", "b"], ["q"], name="second"),
        helper.make_node("Mul", ["q", "half"], ["h"], name="halve"),
        helper.make_node("Reshape", ["h", "shape"], ["y"], name="reshape"),
        helper.make_node("Identity", ["text"], ["t"], name="same"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [8]),
            helper.make_tensor_value_info("t", TensorProto.STRING, [1]),
        ],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, path)
    return path


def test_why_a_weight_cannot_be_refreshed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = odd_network(tmp_path / "m.onnx")
    told = explained(model, capsys)
    reasons = {name: told[name]["refused"] for name in ("shape", "idle", "text")}
    assert "what Reshape 'reshape' makes, which is compiled in" in reasons["shape"]
    assert reasons["idle"].startswith("no node reads it")
    assert reasons["text"].startswith("its elements are strings")
    assert told["a"]["tied"] == ["b"] and told["b"]["tied"] == ["a"]
    assert told["half"]["refused"] is None and "may cost a fusion" in told["half"]["remark"]
    for name, reason in reasons.items():
        options = ["-p", f'offline{{refresh="{name}"}}', "-t", f'om{{output="{tmp_path}/b"}}']
        assert main([str(model), *options]) == 1
        assert f"weight '{name}' cannot be refreshed: {reason}" in capsys.readouterr().err


def test_explanations_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["refresh", "explain", str(odd_network(tmp_path / "m.onnx"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["bytes", "refreshable"]
    assert lines[1].split() == ["256", "yes", "cast", "f32", "to", "f16", "1", "a"]
    assert "b: the same bytes as a" in lines
    assert lines[-1] == "3 of 6 weights can be refreshed"
    assert main(["refresh", "explain", str(tmp_path / "m.onnx"), "--cost"]) == 0
    assert "cannot be simulated: shapes are known at run" in capsys.readouterr().out
    assert main(["refresh", "explain", str(tmp_path / "m.om")]) == 1
    assert "m.om: weights are explained of a .onnx model" in capsys.readouterr().err
