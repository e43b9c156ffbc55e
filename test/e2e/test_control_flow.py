# pyright: reportUnknownMemberType=false
"""Control flow, sequences and strings from ONNX to the device, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from compiler.cli import main
from runtime.device import Memory
from runtime.model_registry import Models

HEADER = '<ir_version: 10, opset_import: ["": %d]> g '

CAPTURED = """(float[2] x, bool b) => (float[2] y) {
    two = Constant<value=float[2] {2, 2}>()
    y = If(b) <
        then_branch=t () => (float[2] p) { h = Mul(x, two) p = Neg(h) },
        else_branch=e () => (float[2] q) {
            one = Constant<value=float {1}>()
            inner = Greater(s, one)
            q = If(inner) <
                then_branch=tt () => (float[2] r) { r = Add(x, two) },
                else_branch=ee () => (float[2] u) { u = Sub(x, two) }
            >
        }
    >
}""".replace("inner = ", "s = ReduceSum<keepdims=0>(x) inner = ")

CONSTANT = """(float[2] x) => (float[2] y) {
    b = Constant<value=bool {1}>()
    y = If(b) <
        then_branch=t () => (float[2] p) { p = Neg(x) },
        else_branch=e () => (float[2] q) { q = Relu(x) }
    >
}"""

LOOP = """(int64 n, float[2] x) => (float[2] last, float[k, 2] all) {
    go = Constant<value=bool {1}>()
    last, all = Loop(n, go, x) <
        body=b (int64 i, bool c, float[2] v) => (bool d, float[2] w, float[2] s) {
        w = Add(v, x)
        limit = Constant<value=float {9}>()
        size = ReduceMax<keepdims=0>(w)
        d = Less(size, limit)
        s = Mul(w, w)
    }>
}"""

SCAN = """(float[2] h, float[5, 2] xs) => (float[2] last, float[2, 5] all) {
    last, all = Scan(h, xs) <
        num_scan_inputs=1, scan_input_directions=[1], scan_output_axes=[1],
        scan_output_directions=[1],
        body=b (float[2] a, float[2] x) => (float[2] c, float[2] d) {
        c = Add(a, x)
        d = Mul(a, h)
    }>
}"""

SEQUENCE = """(float[5, 2] x) => (float[2] y, int64 n, float[k, 2] z) {
    two = Constant<value=int64 {2}>()
    s = SplitToSequence<axis=0>(x, two)
    n = SequenceLength(s)
    first = Constant<value=int64 {0}>()
    t = SequenceErase(s, first)
    u = SequenceInsert(t, x)
    z = ConcatFromSequence<axis=0>(u)
    last = Constant<value=int64 {-1}>()
    e = SequenceAt(u, last)
    y = ReduceSum<keepdims=0>(e, axes)
}""".replace("y = ReduceSum", "axes = Constant<value=int64[1] {0}>() y = ReduceSum")

X = np.array([1.5, -0.5], np.float32)
CASES: dict[str, tuple[str, list[Any]]] = {
    "if, then": (CAPTURED, [X, np.array(True)]),
    "if, else, then": (CAPTURED, [X + 1, np.array(False)]),
    "if, else, else": (CAPTURED, [X, np.array(False)]),
    "if, constant": (CONSTANT, [X]),
    "loop to its count": (LOOP, [np.array(3), X]),
    "loop to its condition": (LOOP, [np.array(30), X]),
    "scan backwards": (SCAN, [X, np.arange(10, dtype=np.float32).reshape(5, 2)]),
    "sequence": (SEQUENCE, [np.arange(10, dtype=np.float32).reshape(5, 2)]),
}


def on_device(
    model: onnx.ModelProto, inputs: list[Any], folder: Path, options: str = ""
) -> list[Any]:
    onnx.save(model, folder / "model.onnx")
    arguments = ["-p", f"offline{{{options}}}", "-t", f'om{{output="{folder}/m"}}']
    assert main([str(folder / "model.onnx"), *arguments]) == 0
    models = Models(Memory())
    return list(models[models.load(str(folder / "m.om"))].run(inputs))


@pytest.mark.parametrize("precision", ["must_keep_origin_dtype", "force_fp16"])
@pytest.mark.parametrize("name", CASES)
def test_the_device_agrees_with_onnx_runtime(name: str, precision: str, tmp_path: Path):
    text, inputs = CASES[name]
    model = parser.parse_model(HEADER % 16 + text)
    session: Any = onnxruntime.InferenceSession(model.SerializeToString())
    expected = session.run(
        None, {value.name: x for value, x in zip(model.graph.input, inputs, strict=True)}
    )
    for result, reference in zip(
        on_device(model, inputs, tmp_path, f"precision={precision}"), expected, strict=True
    ):
        assert result.dtype == reference.dtype
        np.testing.assert_allclose(result, reference.reshape(result.shape), rtol=1e-6)


def test_a_loop_of_no_rounds_has_empty_scan_outputs(tmp_path: Path):
    model = parser.parse_model(HEADER % 16 + LOOP)
    last, all = on_device(model, [np.array(0), X], tmp_path)
    np.testing.assert_array_equal(last, X)
    assert (all.shape, all.dtype) == ((0, 2), np.float32)


def test_strings_pass_through(tmp_path: Path):
    text = """(string[2] x) => (string[2] y, string[2] c) {
        c = Constant<value_strings=["a", "ü"]>()
        y = StringConcat(x, c)
    }"""
    model = parser.parse_model(HEADER % 20 + text)
    y, c = on_device(model, [np.array(["1", "2"], object)], tmp_path)
    assert y.tolist() == ["1a", "2ü"]
    assert c.tolist() == ["a", "ü"]


def test_four_bit_tensors_are_packed_on_the_device(tmp_path: Path):
    text = "(uint4[5] x) => (float[5] y, uint4[5] z) { y = Cast<to=1>(x) z = Identity(x) }"
    model = parser.parse_model(HEADER % 21 + text.replace("uint4", "uint8"))
    for value in (model.graph.input[0], model.graph.output[1]):
        value.type.tensor_type.elem_type = onnx.TensorProto.UINT4
    x = np.array([0, 1, 7, 8, 15]).astype(
        onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.UINT4)
    )
    y, z = on_device(model, [x], tmp_path, "precision=must_keep_origin_dtype")
    np.testing.assert_array_equal(y, [0, 1, 7, 8, 15])
    assert z.dtype == x.dtype
    np.testing.assert_array_equal(z, x)


def test_a_sparse_initializer_is_dense_on_the_device(tmp_path: Path):
    model = parser.parse_model(HEADER % 17 + "(float[2,3] x) => (float[2,3] y) { y = Add(x, x) }")
    sparse = onnx.helper.make_sparse_tensor(
        onnx.helper.make_tensor("w", 1, [2], [5.0, 7.0]),
        onnx.helper.make_tensor("w_indices", 7, [2, 2], [0, 1, 1, 2]),
        [2, 3],
    )
    model.graph.sparse_initializer.append(sparse)
    model.graph.node[0].input[1] = "w"
    [y] = on_device(model, [np.zeros((2, 3), np.float32)], tmp_path)
    np.testing.assert_array_equal(y, [[0, 5, 0], [0, 0, 7]])


@pytest.mark.parametrize("call", ["Cast<to=8>(x)", "CastLike(x, s)"])
def test_numbers_become_strings(call: str, tmp_path: Path):
    text = f"(float[3] x, string[1] s) => (string[3] y) {{ y = {call} }}"
    x, s = np.array([1.5, -2.25, 0.125], np.float32), np.array(["0"], object)
    (y,) = on_device(parser.parse_model(HEADER % 20 + text), [x, s], tmp_path)
    assert y.tolist() == ["1.5", "-2.25", "0.125"]


def test_strings_become_numbers(tmp_path: Path):
    text = "(string[2] s, float[1] t) => (float[2] y) { y = CastLike(s, t) }"
    s, t = np.array(["1.5", "-inf"], object), np.zeros(1, np.float32)
    (y,) = on_device(parser.parse_model(HEADER % 20 + text), [s, t], tmp_path)
    assert y.tolist() == [1.5, -np.inf]
