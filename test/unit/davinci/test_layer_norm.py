"""Kernels of LayerNorm against ONNX Runtime and NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxruntime import InferenceSession

TOLERANCE: dict[str, Any] = {"f2": {"rtol": 3e-3, "atol": 3e-3}, "f4": {"rtol": 1e-5, "atol": 1e-5}}
SHAPES = [((3, 7, 768), -1), ((5, 33), 1), ((2, 3, 4, 5), 2), ((1, 1), 1), ((300, 4096), 1)]


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_layer_norm(shape: Any, axis: int, dtype: str, execute: Any, random: Any) -> None:
    x = (random.standard_normal(shape) * 3 + 2).astype(dtype)
    parameters = [random.uniform(0.5, 2, shape[axis:]).astype(dtype) for _ in range(2)]
    inputs = dict(zip(("x", "gamma", "beta"), (x, *parameters), strict=True))
    attributes = {"begin_norm_axis": axis, "begin_params_axis": axis, "epsilon": 1e-5}
    result = execute("LayerNorm", inputs, shape, attributes)
    wide, axes = x.astype(np.float64), tuple(range(axis % len(shape), len(shape)))
    mean, variance = (f(wide, axis=axes, keepdims=True) for f in (np.mean, np.var))
    expected = (wide - mean) / np.sqrt(variance + 1e-5) * parameters[0] + parameters[1]
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


def test_is_onnx_runtimes(execute: Any, random: Any) -> None:
    x, gamma, beta = (random.standard_normal(s).astype("f4") for s in ((4, 96), 96, 96))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(np.shape(array)))
        for name, array in (("x", x), ("gamma", gamma), ("beta", beta), ("y", x))
    ]
    node = helper.make_node("LayerNormalization", ["x", "gamma", "beta"], ["y"], epsilon=1e-5)
    graph = helper.make_graph([node], "g", values[:3], values[3:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session: Any = InferenceSession(model.SerializeToString())
    expected = session.run(None, {"x": x, "gamma": gamma, "beta": beta})[0]
    attributes = {"begin_norm_axis": 1, "begin_params_axis": 1, "epsilon": 1e-5}
    inputs = {"x": x, "gamma": gamma, "beta": beta}
    result = execute("LayerNorm", inputs, (4, 96), attributes)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


CLOSE: dict[Any, tuple[float, float]] = {np.float16: (2e-3, 2e-3), np.float32: (2e-5, 2e-5)}
LONG = 70_001


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(
    ("shape", "axis", "parameters"),
    [((9, 300), 1, (300,)), ((9, 300), 1, (9, 300)), ((3, LONG), 1, (LONG,)), ((2, 9000), 1, None)],
)
@pytest.mark.parametrize("op_type", ["LayerNorm", "LayerNormV3"])
def test_rows_of_any_length(
    op_type: str, shape: Any, axis: int, parameters: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    x = (random.standard_normal(shape) * 3 + 20).astype(dtype)
    gamma, beta = (
        random.uniform(0.5, 2, parameters or shape[axis:]).astype(dtype) for _ in range(2)
    )
    inputs = {"x": x, "gamma": gamma, "beta": beta}
    attributes = {"begin_norm_axis": axis, "epsilon": 1e-5}
    agrees(op_type, inputs, attributes, tolerance=CLOSE[dtype])


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("shape", [(5, 7, 64), (3, LONG)])
def test_rms_norm(shape: Any, dtype: Any, agrees: Any, random: Any) -> None:
    x = random.standard_normal(shape).astype(dtype)
    gamma = random.uniform(0.5, 2, shape[-1]).astype(dtype)
    agrees("RmsNorm", {"x": x, "gamma": gamma}, {"epsilon": 1e-5}, tolerance=CLOSE[dtype])


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("shape", [(2, 12, 9, 11), (1, 4, LONG), (3, 60, 200), (2, 4, 9000)])
@pytest.mark.parametrize("op_type", ["InstanceNorm", "GroupNorm"])
def test_norms_of_channels(op_type: str, shape: Any, dtype: Any, agrees: Any, random: Any) -> None:
    x = (random.standard_normal(shape) * 3 + 5).astype(dtype)
    gamma, beta = (random.uniform(0.5, 2, shape[1]).astype(dtype) for _ in range(2))
    inputs = {"x": x, "gamma": gamma, "beta": beta}
    attributes = {"epsilon": 1e-5} if op_type == "InstanceNorm" else {"num_groups": 2, "eps": 1e-5}
    agrees(op_type, inputs, attributes, tolerance=CLOSE[dtype], results=1)
