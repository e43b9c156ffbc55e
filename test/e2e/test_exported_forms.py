# pyright: reportUnknownMemberType=false
"""Forms that exporters write for other architectures than those in examples/models.

Each is compiled with fixed sizes, which make it a static model, and with open ones. onnx's parser
and its evaluator take and give what they like, which strict typing does not know.
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

from compiler.frontends.onnx import ImportOptions
from conformance.compiled import compiled

Array = npt.NDArray[Any]
FORMS = {
    "spectrogram": (
        17,
        """(float[B,64,1] x) => (float[B,n,9] y) {
            step = Constant<value_int=8>() size = Constant<value_int=32>() w = HannWindow(size)
            s = STFT(x, step, w, size) q = Mul(s, s) r = ReduceSum<keepdims=0>(q, last)
            y = MatMul(r, mel) }""",
        "int64[1] last = {-1}, float[17,9] mel",
    ),
    "linear attention": (
        27,
        """(float[B,4,32] q) => (float[B,4,32] y) {
            y = LinearAttention<update_rule="linear", q_num_heads=4, kv_num_heads=4>(q, q, q) }""",
        "",
    ),
    "norm of groups": (
        21,
        """(float[B,8,4,4] x) => (float[B,8,4,4] y) {
            y = GroupNormalization<num_groups=4>(x, w, w) }""",
        "float[8] w",
    ),
    "blocks of 4-bit integers without a sign": (
        21,
        """(float[B,16] x) => (float[B,8] y) {
            d = DequantizeLinear<axis=0, block_size=4>(w, s) y = MatMul(x, d) }""",
        "uint4[16,8] w, float[4,8] s",
    ),
    "unpooled": (
        13,
        """(float[B,2,8,8] x) => (float[B,2,8,8] y) {
            p, i = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x)
            y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(p, i) }""",
        "",
    ),
    "a shape decides": (
        17,
        """(float[B,1,4] x) => (float[B,n] y) {
            s = Shape(x) one = Constant<value_int=1>() d = Gather(s, one) c = Equal(d, one)
            [choice] h = If(c) <
              then_branch = then () => (float[B,n] a) {
                axes = Constant<value_ints=[1]>() [squeezed] q = Squeeze(x, axes) a = Relu(q) },
              else_branch = other () => (float[B,m,n] e) { e = Identity(x) }>
            y = Neg(h) }""",
        "",
    ),
    "a branch gives what is outside, twice, and a constant": (
        17,
        """(float[B,4] x) => (float[B,4] y, float[B,4] z, float[2] k) {
            c = Constant<value=bool {0}>()
            y, z, k = If(c) <
              then_branch = then () => (float[B,4] a, float[B,4] b, float[2] d) {
                a = Neg(x) b = Abs(x) d = Constant<value_floats=[1.0, 2.0]>() },
              else_branch = other () => (float[B,4] x, float[B,4] x, float[2] w)
                <float[2] w = {3, 4}> { u = Abs(x) }> }""",
        "",
    ),
    "a branch in a branch": (
        17,
        """(float[B,4] x) => (float[B,4] y) {
            c = Constant<value=bool {1}>()
            y = If(c) <
              then_branch = then () => (float[B,4] a) {
                n = Neg(x)
                a = If(c) <then_branch = t () => (float[B,4] b) { m = Exp(n) b = Add(m, n) },
                           else_branch = u () => (float[B,4] d) { d = Abs(n) }> },
              else_branch = other () => (float[B,4] e) { e = Identity(x) }> }""",
        "",
    ),
    "what is not zero in a constant": (
        17,
        """(float[B,6] x) => (float[B,n] y) {
            i = NonZero(mask) k = Squeeze(i, first) y = Gather<axis=1>(x, k) }""",
        "bool[6] mask = {0,1,1,0,0,1}, int64[1] first = {0}",
    ),
}


def model_of(name: str) -> onnx.ModelProto:
    """The model; constants that the text declares and does not list are drawn."""
    opset, text, constants = FORMS[name]
    head, body = text.split(") {", 1)
    declared = f" <{constants}>" if constants else ""
    imports = f'<ir_version: 10, opset_import: ["": {opset}]>'
    model = parser.parse_model(f"{imports} g {head}){declared} {{{body}")
    for info in model.graph.value_info:
        tensor = helper.make_tensor(
            info.name,
            info.type.tensor_type.elem_type,
            [dim.dim_value for dim in info.type.tensor_type.shape.dim],
            drawn(info).astype(np.float32).reshape(-1),
        )
        model.graph.initializer.append(tensor)
    del model.graph.value_info[:]
    return model


def drawn(info: onnx.ValueInfoProto) -> Array:
    """Small whole numbers for integers; open dimensions are 3."""
    tensor = info.type.tensor_type
    shape = [dim.dim_value or 3 for dim in tensor.shape.dim]
    draw = np.random.default_rng(len(shape))
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if dtype == np.float32:
        return draw.standard_normal(shape).astype(dtype)
    return draw.integers(16, size=shape).astype(dtype)


@pytest.mark.parametrize("way", ["fixed", "open"])
@pytest.mark.parametrize("name", FORMS)
def test_agrees_with_onnx(name: str, way: str, tmp_path: Path) -> None:
    model = model_of(name)
    feed = {value.name: drawn(value) for value in model.graph.input}
    evaluator: Any = ReferenceEvaluator(model)
    expected = evaluator.run(None, feed)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    shapes = {key: x.shape for key, x in feed.items()} if way == "fixed" else {}
    options = ImportOptions(input_shapes=shapes)
    loaded = compiled(tmp_path / "model.onnx", tmp_path / "compiled", options=options)
    assert loaded.is_dynamic == (way == "open")
    for result, wanted in zip(loaded.run(list(feed.values())), expected, strict=True):
        assert (result.dtype, result.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-4)
