# pyright: reportUnknownMemberType=false
"""Models with Ascend's own ONNX operators, from the file to the device.

onnx's parser takes what it likes, which strict typing does not know.
"""

from __future__ import annotations

import numpy as np
import pytest
from onnx import parser

from compiler.errors import UserError
from conformance.backend import LoadedModel, OfflineBackend
from runtime.errors import AclError


def prepared(text: str) -> LoadedModel:
    header = '<ir_version: 8, opset_import: ["": 17, "npu": 1]>'
    return OfflineBackend.prepare(parser.parse_model(f"{header} g {text}"))


def test_what_the_device_has_a_kernel_for_runs():
    model = prepared(
        "(float[2,8] x, float[8] g) => (float[2,8] y)"
        " {m = npu.NPURmsNorm<epsilon=0.5>(x, g) y = Relu(m)}"
    )
    x, g = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)[[0, 1]], np.ones(8)
    [y] = model.run([x, g.astype(np.float32)])
    expected = np.maximum(x / np.sqrt((x * x).mean(1, keepdims=True) + 0.5), 0)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-6)


def test_what_it_has_none_for_is_an_error_that_names_the_node():
    with pytest.raises(AclError, match=r"node 'odd' \(Iou\): there is no kernel"):
        prepared("(float[6,4] x) => (float[6,1] y) {[odd] y = NPUIou<aligned=1>(x, x)}").run(
            [np.ones((6, 4), np.float32)]
        )


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ("AdaptiveAvgPool2d(x)", "attribute 'output_size' is missing"),
        ("NPUFastGelu(x, x)", "has no input 'input1'"),
        ("npu.NPUGeluV2<approximate=1>(x)", "attribute 'approximate' must be String, not 1"),
    ],
)
def test_what_does_not_fit_the_prototype_names_the_node(node: str, message: str):
    with pytest.raises(UserError, match=f"ONNX node 'odd', .*: {message}"):
        prepared(f"(float[2,4,8,8] x) => (float[2,4,8,8] y) {{[odd] y = {node}}}")
