# pyright: reportUnknownMemberType=false
"""Patterns are fused, and what the device computes then is what ONNX Runtime computes.

(onnx's parser is not fully typed.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from onnxruntime import InferenceSession

from compiler.cli import main
from compiler.om.contract import FUSION_GRAPH_NAME
from compiler.om.model_reader import read_model
from runtime.device import Memory
from runtime.model_registry import Models

ORIGIN, HALF = "must_keep_origin_dtype", "force_fp16"
TOLERANCE: dict[str, Any] = {
    ORIGIN: {"rtol": 2e-5, "atol": 2e-5},
    HALF: {"rtol": 1e-2, "atol": 1e-2},
}
SOURCES = {"Data", "Const", "NetOutput", "TransData", "Cast"}

Array = np.ndarray[Any, np.dtype[Any]]
Weights = dict[str, tuple[int, ...]]


def model_of(text: str, weights: Weights) -> onnx.ModelProto:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> g {text}')
    rng = np.random.default_rng(1)
    for name, shape in weights.items():
        values = rng.standard_normal(shape).astype(np.float32)
        values = np.abs(values) + 0.5 if name.startswith("v") else values
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    return model


def compiled(model: onnx.ModelProto, folder: Path, options: str) -> Path:
    onnx.save(model, folder / "model.onnx")
    arguments = ["-p", f"offline{{{options}}}", "-t", f'om{{output="{folder}/m"}}']
    assert main([str(folder / "model.onnx"), *arguments]) == 0
    return folder / "m.om"


def kinds_of(path: Path) -> list[str]:
    """The types of the nodes, of those that one kernel computes together one by one."""
    found: list[str] = []
    for node in read_model(path).root.model_def.graph[0].op:
        fused = node.attr[FUSION_GRAPH_NAME].g.op if FUSION_GRAPH_NAME in node.attr else [node]
        found += [part.type for part in fused if part.type not in SOURCES]
    return found


def on_device(path: Path, feed: list[Array]) -> list[Array]:
    models = Models(Memory())
    results = list(models[models.load(str(path))].run(feed))
    models.clear()
    return results


def by_onnx_runtime(model: onnx.ModelProto, feed: list[Array]) -> list[Array]:
    session: Any = InferenceSession(model.SerializeToString())
    return session.run(None, dict(zip((i.name for i in session.get_inputs()), feed, strict=True)))


def feed_of(model: onnx.ModelProto) -> list[Array]:
    rng = np.random.default_rng(2)
    shapes = [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input]
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


IMAGE = "(float[1,3,9,9] x) => (float[1,4,?,?] y)"
CASES: dict[str, tuple[str, Weights, list[str]]] = {
    "conv and batch norm": (
        "(float[2,3,9,9] x) => (float[2,4,7,7] y) "
        "{ c = Conv(x, w, b) y = BatchNormalization(c, s, o, m, v) }",
        {"w": (4, 3, 3, 3), "b": (4,), "s": (4,), "o": (4,), "m": (4,), "v": (4,)},
        ["Conv2D"],
    ),
    "grouped conv and batch norm": (
        "(float[1,4,9,9] x) => (float[1,4,7,7] y) "
        "{ c = Conv<group=4>(x, w) n = BatchNormalization(c, s, o, m, v) y = Relu(n) }",
        {"w": (4, 1, 3, 3), "s": (4,), "o": (4,), "m": (4,), "v": (4,)},
        ["Conv2D", "Relu"],
    ),
    "conv and channel bias": (
        "(float[1,3,9,9] x) => (float[1,4,7,7] y) { c = Conv(x, w) y = Add(c, b) }",
        {"w": (4, 3, 3, 3), "b": (1, 4, 1, 1)},
        ["Conv2D"],
    ),
    "matmul and bias": (
        "(float[2,5,8] x) => (float[2,5,6] y) { p = MatMul(x, w) y = Add(b, p) }",
        {"w": (8, 6), "b": (6,)},
        ["BatchMatMulV2"],
    ),
    "gemm": (
        "(float[5,8] x) => (float[5,6] y) { y = Gemm(x, w, b) }",
        {"w": (8, 6), "b": (6,)},
        ["MatMulV2"],
    ),
    "transposes": (
        "(float[2,5,8] x) => (float[2,5,8] y) { a = Transpose<perm=[0,2,1]>(x) "
        "b = Transpose<perm=[0,2,1]>(a) y = Relu(b) }",
        {},
        ["Relu"],
    ),
    "reshapes": (
        "(float[2,5,8] x) => (float[2,5,8] y) { s = Constant<value_ints=[10,8]>() "
        "a = Reshape(x, s) t = Shape(x) b = Reshape(a, t) y = Relu(b) }",
        {},
        ["Relu"],
    ),
    "softmax": (
        "(float[3,4,8] x) => (float[3,4,8] y) { m = ReduceMax<axes=[-1], keepdims=1>(x) "
        "d = Sub(x, m) e = Exp(d) a = Constant<value_ints=[-1]>() "
        "s = ReduceSum<keepdims=1>(e, a) y = Div(e, s) }",
        {},
        ["SoftmaxV2"],
    ),
    "gelu": (
        "(float[3,40] x) => (float[3,40] y) { r = Constant<value_float=1.4142135>() "
        "o = Constant<value_float=1.0>() h = Constant<value_float=0.5>() "
        "a = Div(x, r) b = Erf(a) c = Add(b, o) d = Mul(x, c) y = Mul(d, h) }",
        {},
        ["GeluV2"],
    ),
    "gelu with tanh": (
        "(float[3,40] x) => (float[3,40] y) { t = Constant<value_float=3.0>() "
        "o = Constant<value_float=1.0>() h = Constant<value_float=0.5>() "
        "k = Constant<value_float=0.044715>() r = Constant<value_float=0.7978845608>() "
        "p = Pow(x, t) q = Mul(k, p) u = Add(x, q) v = Mul(r, u) w = Tanh(v) z = Add(o, w) "
        "f = Mul(h, x) y = Mul(f, z) }",
        {},
        ["Gelu"],
    ),
    "layer norm": (
        "(float[3,5,40] x) => (float[3,5,40] y) { t = Constant<value_float=2.0>() "
        "e = Constant<value_float=0.00001>() m = ReduceMean<axes=[-1]>(x) d = Sub(x, m) "
        "p = Pow(d, t) n = ReduceMean<axes=[-1]>(p) a = Add(n, e) r = Sqrt(a) q = Div(d, r) "
        "z = Mul(q, s) y = Add(z, o) }",
        {"s": (40,), "o": (40,)},
        ["LayerNorm"],
    ),
    "layer norm with two differences": (
        "(float[3,5,40] x) => (float[3,5,40] y) { e = Constant<value_float=0.00001>() "
        "m = ReduceMean<axes=[-1]>(x) d = Sub(x, m) g = Sub(x, m) p = Mul(g, g) "
        "n = ReduceMean<axes=[-1]>(p) a = Add(n, e) r = Sqrt(a) q = Div(d, r) "
        "z = Mul(q, s) y = Add(z, o) }",
        {"s": (40,), "o": (40,)},
        ["LayerNorm"],
    ),
    "arithmetic on weights": (
        "(float[5,40] x) => (float[5,30] y) { t = Transpose<perm=[1,0]>(w) u = Mul(t, s) "
        "y = MatMul(x, u) }",
        {"w": (30, 40), "s": (30,)},
        ["BatchMatMulV2"],
    ),
    "shape arithmetic": (
        "(float[2,6,4] x) => (float[2,3,8] y) { s = Shape(x) i = Constant<value_int=1>() "
        "g = Gather(s, i) h = Constant<value_int=2>() d = Div(g, h) z = Constant<value_ints=[0]>() "
        "u = Unsqueeze(d, z) a = Constant<value_ints=[2]>() b = Constant<value_ints=[-1]>() "
        "t = Concat<axis=0>(a, u, b) r = Reshape(x, t) y = Relu(r) }",
        {},
        ["Reshape", "Relu"],
    ),
}


@pytest.mark.parametrize("precision", [ORIGIN, HALF])
@pytest.mark.parametrize("case", CASES)
def test_is_fused_and_right(case: str, precision: str, tmp_path: Path):
    text, weights, kinds = CASES[case]
    model = model_of(text, weights)
    path = compiled(model, tmp_path, f"precision={precision}")
    assert kinds_of(path) == kinds
    feed = feed_of(model)
    results = on_device(path, feed)
    for got, expected in zip(results, by_onnx_runtime(model, feed), strict=True):
        np.testing.assert_allclose(got, expected, **TOLERANCE[precision])


@pytest.mark.parametrize(
    ("case", "disable"),
    [
        ("conv and batch norm", "ConvBatchnormFusionPass"),
        ("gelu", "ge-fuse-gelu"),
        ("layer norm", "LayerNormONNXFusionPass"),
        ("matmul and bias", "MatMulBiasAddFusionPass"),
        ("softmax", "ge-fuse-softmax"),
        ("transposes", "ge-cancel-transposes"),
        ("shape arithmetic", "ge-fold-constants"),
    ],
)
def test_what_is_disabled_is_not_done(case: str, disable: str, tmp_path: Path):
    text, weights, kinds = CASES[case]
    model = model_of(text, weights)
    path = compiled(model, tmp_path, f'precision={ORIGIN} disable="{disable}"')
    assert kinds_of(path) != kinds
    feed = feed_of(model)
    results = on_device(path, feed)
    for got, expected in zip(results, by_onnx_runtime(model, feed), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


ATTENTION = (
    "(float[2,5,32] x, float[2,1,1,5] m) => (float[2,4,5,8] y) { "
    "s = Constant<value_ints=[2,5,4,8]>() d = Constant<value_float=2.828427>() "
    "a = MatMul(x, q) b = MatMul(x, k) c = MatMul(x, v) "
    "e = Reshape(a, s) f = Reshape(b, s) g = Reshape(c, s) h = Transpose<perm=[0,2,1,3]>(e) "
    "i = Transpose<perm=[0,2,3,1]>(f) j = Transpose<perm=[0,2,1,3]>(g) l = MatMul(h, i) "
    "n = Div(l, d) o = Add(n, m) p = Softmax<axis=-1>(o) y = MatMul(p, j) }"
)


@pytest.mark.parametrize("masked", [True, False])
def test_attention_is_fused_where_that_is_asked_for(masked: bool, tmp_path: Path):
    text = ATTENTION if masked else ATTENTION.replace("o = Add(n, m)", "o = Identity(n)")
    model = model_of(text, dict.fromkeys("qkv", (32, 32)))
    for weight in model.graph.initializer:
        weight.raw_data = (numpy_helper.to_array(weight) / 6).astype(np.float32).tobytes()
    feed = feed_of(model)
    expected = by_onnx_runtime(model, feed)
    for option, count in (("", 0), ("fuse_attention=true", 1)):
        path = compiled(model, tmp_path, option)
        assert kinds_of(path).count("PromptFlashAttention") == count
        assert kinds_of(path).count("SoftmaxV2") == 1 - count
        for got, reference in zip(on_device(path, feed), expected, strict=True):
            np.testing.assert_allclose(got, reference, rtol=1e-2, atol=1e-2)


def test_what_can_be_refreshed_is_not_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text, weights, _ = CASES["conv and batch norm"]
    model = model_of(text, weights)
    onnx.save(model, tmp_path / "model.onnx")
    arguments = ["-p", f'offline{{precision={ORIGIN} refresh="w","v"}}']
    assert main([str(tmp_path / "model.onnx"), *arguments]) == 0
    printed = capsys.readouterr().out
    assert '"BNInfer"' in printed
    assert "#weights.compute" not in printed
    assert printed.count('ge.Variable "w_Initializer_5_var"') >= 2


def test_an_unknown_name_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    onnx.save(model_of("(float[2] x) => (float[2] y) { y = Relu(x) }", {}), tmp_path / "m.onnx")
    assert main([str(tmp_path / "m.onnx"), "-p", 'offline{disable="ConvBatchFusionPass"}']) == 1
    assert "did you mean 'ConvBatchnormFusionPass'?" in capsys.readouterr().err
