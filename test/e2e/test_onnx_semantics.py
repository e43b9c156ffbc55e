# pyright: reportUnknownMemberType=false
"""What ONNX says an operator computes, compiled and run on the device.

onnx's parser and its evaluator take and give what they like, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, parser
from onnx.reference import ReferenceEvaluator

from compiler.cli import main
from runtime.device import Memory
from runtime.model_registry import Models

Arrays = list[npt.NDArray[Any]]

ORIGIN = "must_keep_origin_dtype"
TOLERANCE = {ORIGIN: 1e-5, "force_fp16": 1e-2}


def model_of(opset: int, text: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')


def inputs_of(model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(0)
    return {
        value.name: rng.standard_normal([dim.dim_value for dim in tensor.shape.dim]).astype(
            helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        )
        for value in model.graph.input
        for tensor in [value.type.tensor_type]
    }


def on_device(model: onnx.ModelProto, feed: Arrays, folder: Path, precision: str) -> Arrays:
    onnx.save(model, folder / "model.onnx")
    arguments = ["-p", f"offline{{precision={precision}}}", "-t", f'om{{output="{folder}/m"}}']
    assert main([str(folder / "model.onnx"), *arguments]) == 0
    models = Models(Memory())
    results = models[models.load(str(folder / "m.om"))].run(feed)
    models.clear()
    return list(results)


def check(model: onnx.ModelProto, expected: Arrays, folder: Path, precision: str = ORIGIN) -> None:
    got = on_device(model, list(inputs_of(model).values()), folder, precision)
    assert len(got) == len(expected)
    for result, reference in zip(got, expected, strict=True):
        assert result.dtype == reference.dtype
        assert result.shape == reference.shape
        np.testing.assert_allclose(
            result.astype(np.float64), reference, rtol=TOLERANCE[precision], atol=1e-2
        )


def pool(operator: str, window: str, size: int, more: str = "") -> str:
    kernel, stride, pad = window.split()
    attributes = f"kernel_shape=[{kernel},{kernel}], strides=[{stride},{stride}]"
    attributes += f", pads=[{pad},{pad},{pad},{pad}], ceil_mode=1{more}"
    return f"(float[1,2,{size},{size}] x) => (float[1,2,a,b] y) {{y = {operator}<{attributes}>(x)}}"


def padded(operator: str, auto_pad: str) -> str:
    more = f'strides=[2,2], auto_pad="{auto_pad}", pads=[1,1,1,1]'
    if operator == "Conv":
        weight = "w = Constant<value=float[1,1,3,3] {1,2,3,4,5,6,7,8,9}>()"
        return f"(float[1,1,5,5] x) => (float[1,1,a,b] y) {{{weight} y = Conv<{more}>(x, w)}}"
    pooled = f"y = {operator}<kernel_shape=[3,3], {more}>(x)"
    return f"(float[1,1,5,5] x) => (float[1,1,a,b] y) {{{pooled}}}"


AS_ONNX_EVALUATES = [
    *[
        (opset, f"(float[2,3,4] x, float[{slope}] s) => (float[2,3,4] y) {{y = PRelu(x, s)}}")
        for opset, slope in [(7, "4"), (9, "4"), (16, "3,4"), (16, "3,1"), (16, "1"), (16, "2,3,4")]
    ],
    (16, "(float[4] x, float[4] s) => (float[4] y) {y = PRelu(x, s)}"),
    (16, "(float[2,4] x, float[4] s) => (float[2,4] y) {y = PRelu(x, s)}"),
    (6, "(float[2,3,4,4] x, float[3] s) => (float[2,3,4,4] y) {y = PRelu(x, s)}"),
    *[
        (opset, pool(operator, window, size))
        for operator in ("MaxPool", "AveragePool")
        for opset in (10, 11, 19, 22)
        for window, size in [("2 3 1", 7), ("1 2 0", 4), ("3 2 1", 8), ("2 3 1", 4)]
    ],
    (19, pool("AveragePool", "3 2 1", 8, ", count_include_pad=1")),
    (19, pool("AveragePool", "2 3 1", 7, ", count_include_pad=1")),
    *[
        (13, padded(operator, auto_pad))
        for operator in ("Conv", "MaxPool", "AveragePool")
        for auto_pad in ("VALID", "SAME_UPPER")
    ],
    (13, padded("Conv", "SAME_LOWER")),
    # onnx's evaluator normalises as many channels as there are images.
    (13, "(float[5,5,3,4] x) => (float[5,5,3,4] y) {y = LRN<size=4, alpha=0.5>(x)}"),
    (9, "(float[2,3] x) => (float[2,3] y) {y = Clip<min=-0.5, max=0.5>(x)}"),
    (9, "(float16[2,3] x) => (float16[2,3] y) {y = Clip<min=-0.5, max=0.5>(x)}"),
    (9, "(float16[2,3] x) => (float16[2,3] y) {h = Clip<min=-0.5, max=0.5>(x) y = Neg(h)}"),
]


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(("opset", "text"), AS_ONNX_EVALUATES, ids=lambda value: str(value)[-60:])
def test_agrees_with_onnx(opset: int, text: str, precision: str, tmp_path: Path):
    model = model_of(opset, text)
    # With an auto_pad there must be no pads; where there are, the evaluator mixes the two.
    plain = model_of(opset, text.replace(", pads=[1,1,1,1]", "")) if "auto_pad" in text else model
    expected = ReferenceEvaluator(plain).run(None, inputs_of(model))
    check(model, list(expected), tmp_path, precision)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("operator", "axis", "shape", "as_numpy_has_it"),
    [
        ("Add", "axis=1, ", "3", "3,1"),
        ("Add", "axis=0, ", "2,3", "2,3,1"),
        ("Mul", "axis=-2, ", "3", "3,1"),
        ("Sub", "", "3,4", "3,4"),
        ("Sub", "", "1", "1"),
        ("Equal", "axis=0, ", "2", "2,1,1"),
        ("Greater", "axis=1, ", "3,4", "3,4"),
        ("Pow", "axis=1, ", "3", "3,1"),
    ],
)
def test_broadcast_from_an_axis(
    operator: str, axis: str, shape: str, as_numpy_has_it: str, tmp_path: Path
):
    element = "bool" if operator in ("Equal", "Greater") else "float"
    kind = "int32" if operator == "Equal" else "float"
    text = f"({kind}[2,3,4] x, {kind}[{shape}] z) => ({element}[2,3,4] y)"
    model = model_of(6, text + f" {{y = {operator}<{axis}broadcast=1>(x, z)}}")
    x, z = inputs_of(model).values()
    z = z.reshape([int(size) for size in as_numpy_has_it.split(",")])
    functions = {"Add": np.add, "Mul": np.multiply, "Sub": np.subtract, "Pow": np.power}
    functions |= {"Equal": np.equal, "Greater": np.greater}
    with np.errstate(invalid="ignore"):
        check(model, [functions[operator](x, z)], tmp_path)


def test_the_first_concat_joins_channels(tmp_path: Path):
    model = model_of(1, "(float[2,3] x, float[2,1] z) => (float[2,4] y) {y = Concat(x, z)}")
    check(model, [np.concatenate(list(inputs_of(model).values()), axis=1)], tmp_path)


def test_a_model_may_say_what_onnx_used_to_infer(tmp_path: Path):
    text = pool("MaxPool", "2 3 1", 7).replace("a,b", "4,4")
    model = model_of(13, text)
    expected = ReferenceEvaluator(model).run(None, inputs_of(model))
    check(model, list(expected), tmp_path)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(
    "text",
    [
        "(float[2] x) => (float[2] y, float[2] w) <float[2] w={1.1,2.2}> {y = Relu(x)}",
        "(float[2] x) => (float[2] y, float[2] x) {y = Relu(x)}",
        "(float[2] x) => (float[2] y) {y = Identity(x)}",
        "(float[2] x) => (float[2] y) <bool t={0}> {y = Dropout(x, , t)}",
        "(float[2] x) => (float[2] y, float[2] z) {y = Relu(x) z = Identity(y)}",
        "(float[2,3] x) => (int64[2] y) {y = Shape(x)}",
        "(float[2,3] x) => (int64[2] y, int64[2] z) {y = Shape(x) z = Add(y, y)}",
        "(float[2] x) => (float[2,1] y) <int64[2] s={2,1}, float[2] w={5,6}> {y = Reshape(w, s)}",
        "(float[2] x) => (float[2] y) {y = Constant<value=float[2] {1.1,2.2}>()}",
        "(float[2] x) => (float[2] y) {y = Constant<value_floats=[1.1,2.2]>()}",
        "(float[2] x) => (float[2] y) {w = Constant<value_float=1.5>() y = Mul(x, w)}",
        "(float[2] x) => (int64 y) {y = Constant<value_int=3>()}",
        "(float[2] x) => (int64[2] y) {y = Constant<value_ints=[3,-4]>()}",
    ],
)
def test_outputs_that_nothing_computes(text: str, precision: str, tmp_path: Path):
    model = model_of(17, text)
    expected = ReferenceEvaluator(model).run(None, inputs_of(model))
    check(model, list(expected), tmp_path, precision)  # pyright: ignore[reportArgumentType]
