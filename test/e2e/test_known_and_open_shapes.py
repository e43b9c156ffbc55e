# pyright: reportUnknownMemberType=false
"""Operators that have a form in GraphEngine get it, and compute what ONNX Runtime computes.

Dimensions with a name are known at run time only. onnx's parser and ONNX Runtime take and give
what they like, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, parser

from compiler.cli import main
from compiler.context import context
from compiler.conversion.onnx_to_ge.convert import ConvertOnnxToGEPass
from compiler.frontends.onnx import import_model
from dialects.ge import GraphOp, type_of
from runtime.device import Memory
from runtime.model_registry import Models

SIZES = {"N": 2, "C": 4, "D": 5, "H": 7, "W": 9}


def conv(x: str, w: str, attributes: str = "", operator: str = "Conv", bias: str = "") -> str:
    """A convolution of x by w, with a bias of so many channels."""
    inputs, names = f"float[{x}] x, float[{w}] w", "x, w"
    if bias:
        inputs, names = f"{inputs}, float[{bias}] b", "x, w, b"
    rank = ",".join("abcde"[: x.count(",") + 1])
    return f"({inputs}) => (float[{rank}] y) {{y = {operator}<{attributes}>({names})}}"


def pool(x: str, operator: str, attributes: str) -> str:
    """A pool of x."""
    rank = ",".join("abcde"[: x.count(",") + 1])
    given = f"<{attributes}>" if attributes else ""
    return f"(float[{x}] x) => (float[{rank}] y) {{y = {operator}{given}(x)}}"


LINE, IMAGE, VOLUME = "N,C,W", "N,C,H,W", "N,C,D,H,W"
UNKNOWN_SAME = [
    text
    for mode in ("SAME_UPPER", "SAME_LOWER")
    for window in [f'kernel_shape=[2,3], strides=[2,2], auto_pad="{mode}"']
    for text in (
        conv(IMAGE, "6,4,2,3", window),
        conv(IMAGE, "4,3,2,3", window, "ConvTranspose"),
        pool(IMAGE, "MaxPool", window),
        pool(IMAGE, "AveragePool", window),
    )
]
PAIR = "kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1]"
TRIPLE = "kernel_shape=[3,2,2], strides=[2,1,2], pads=[1,0,1,0,1,0]"
SINGLE = "kernel_shape=[3], strides=[2], pads=[1,2]"


def image(call: str) -> str:
    """An operator that keeps the shape of an image x; s, b are vectors over its channels."""
    vectors = "float[C] s, float[C] b"
    used = "x, s, b)" in call
    inputs = f"float[{IMAGE}] x, {vectors}" if used else f"float[{IMAGE}] x"
    return f"({inputs}) => (float[{IMAGE}] y) {{y = {call}}}"


ON_IMAGES = [
    (17, "LRN<size=3, alpha=0.5>(x)"),
    (17, "Celu<alpha=0.7>(x)"),
    (17, "Selu(x)"),
    (17, "Selu<alpha=1.5, gamma=1.2>(x)"),
    (18, "Mish(x)"),
    (20, "Gelu(x)"),
    (20, 'Gelu<approximate="tanh">(x)'),
    (17, "ThresholdedRelu<alpha=0.7>(x)"),
    (17, "LogSoftmax<axis=1>(x)"),
    (11, "LogSoftmax(x)"),
    (11, "Softmax<axis=2>(x)"),
    (17, "Hardmax<axis=1>(x)"),
    (11, "Hardmax(x)"),
    (17, "InstanceNormalization(x, s, b)"),
    (21, "GroupNormalization<num_groups=2>(x, s, b)"),
    (17, "LpNormalization<p=1, axis=1>(x)"),
    (17, "LpNormalization(x)"),
    (17, "MeanVarianceNormalization(x)"),
    (17, "MeanVarianceNormalization<axes=[1,2]>(x)"),
    (17, "Mean(x, x)"),
]


def resized(attributes: str, values: str) -> str:
    """Resize of an image by constants: `scales 1,1,2,2` or `sizes 2,4,9,9`."""
    kind, numbers = values.split()
    count = numbers.count(",") + 1
    constant = f"{'float' if kind == 'scales' else 'int64'}[{count}] s = {{{numbers}}}"
    inputs = {"scales": "x, , s", "sizes": "x, , , s"}[kind]
    given = f"<{attributes}>" if attributes else ""
    return f"(float[{IMAGE}] x) => (float[a,b,c,d] y) <{constant}> {{y = Resize{given}({inputs})}}"


def transformed(mode: str, more: str = "") -> str:
    """The attributes of a Resize."""
    return f'coordinate_transformation_mode="{mode}"{more}'


RESIZED = [
    (13, "", "scales 1,1,2,3"),
    (13, "", "scales 1,1,0.6,0.7"),
    (13, "", "sizes 2,4,9,5"),
    (13, transformed("asymmetric", ', nearest_mode="floor"'), "scales 1,1,2,2"),
    (13, transformed("align_corners"), "sizes 2,4,9,5"),
    (13, 'nearest_mode="ceil"', "scales 1,1,1.7,0.5"),
    (13, "", "scales 2,1,2,1"),
    (13, 'mode="linear"', "scales 1,1,1.7,0.6"),
    (13, 'mode="linear"', "sizes 2,4,9,5"),
    (13, transformed("pytorch_half_pixel", ', mode="linear"'), "sizes 2,4,9,1"),
    (13, transformed("align_corners", ', mode="linear"'), "sizes 2,4,9,5"),
    (13, 'mode="cubic", cubic_coeff_a=-0.5', "scales 1,1,1.7,0.6"),
    (13, 'mode="cubic", exclude_outside=1', "sizes 2,4,9,5"),
    (18, 'mode="linear", antialias=1', "sizes 2,4,3,4"),
    (18, 'mode="cubic", antialias=1', "sizes 2,4,3,4"),
    (18, "axes=[2,3]", "scales 2,2"),
    (18, 'axes=[3,2], keep_aspect_ratio_policy="not_larger"', "sizes 5,9"),
]
ROIS = (
    "r = Constant<value=float[3,4] {0,0,4,4, 1,0.6,8,5, 2,2,2.5,2.2}>()"
    " i = Constant<value=int64[3] {0,1,0}>()"
)
SIGNATURES = [
    (10, f"float[{IMAGE}] x", "float[2,4,14,18] y",
     "s = Constant<value=float[4] {1,1,2,2}>() y = Resize(x, s)"),
    (10, f"float[{IMAGE}] x", "float[a,b,c,d] y",
     's = Constant<value=float[4] {1,1,1.3,2}>() y = Resize<mode="linear">(x, s)'),
    (9, f"float[{IMAGE}] x", "float[2,4,14,18] y",
     "s = Constant<value=float[4] {1,1,2,2}>() y = Upsample(x, s)"),
    (7, "float[2,4,7,9] x", "float[2,4,14,18] y",
     'y = Upsample<mode="linear", scales=[1.0,1.0,2.0,2.0]>(x)'),
    (17, "float[N,C,D] x, float[D] s, float[D] b", "float[N,C,D] y",
     "y = LayerNormalization<epsilon=0.01>(x, s, b)"),
    (17, "float[N,C,D] x, float[C,D] s", "float[N,C,D] y, float[N,1,1] m, float[N,1,1] d",
     "y, m, d = LayerNormalization<axis=1>(x, s)"),
    (17, "float[N,C,D] x, float[D,4] z", "float[N,C,4] y",
     'y = Einsum<equation="nij, jk -> nik">(x, z)'),
    (17, "int32[N,C] x, int32[C] z", "int32[N,C] y", "i = Constant<value_int=7>()"
     " k = CastLike(i, z) m = Abs(z) n = Add(m, k) p = Neg(n) y = Mod(x, p)"),
    (17, "float[N,C] x, float[C] z", "float[N,C] y", "y = Mod<fmod=1>(x, z)"),
    (17, "bool[N,C] x, bool[C] z", "bool[N,C] y", "y = Xor(x, z)"),
    (17, "uint8[N,C] x, uint8[N,C] z", "uint8[N,C] y", 'y = BitShift<direction="RIGHT">(x, z)'),
    (17, "float[N,C] x", "bool[N,C] y", "z = Log(x) y = IsInf<detect_negative=0>(z)"),
    (17, "float[N,C] x", "float[N,C] y",
     "a = Constant<value_int=1>() y = CumSum<exclusive=1, reverse=1>(x, a)"),
    (17, "float[N,C] x, float[C] z", "float[N,C] y", "y = Mean(x, z, x)"),
    *[
        (opset, f"float[{IMAGE}] x", "float[3,4,3,2] y",
         f"{ROIS} y = RoiAlign<output_height=3, output_width=2{more}>(x, r, i)")
        for opset, more in ((10, ""), (16, ", sampling_ratio=2"), (16, ', mode="max"'))
    ],
    *[
        (16, "float[2,3,6,7] x, float[2,4,5,2] g", "float[2,3,4,5] y", f"y = GridSample{a}(x, g)")
        for a in ("", '<mode="bicubic", padding_mode="border">',
                  '<padding_mode="reflection", align_corners=1>', '<mode="nearest">')
    ],
    (20, "float[2,3,4,6,7] x, float[2,4,5,3,3] g", "float[2,3,4,5,3] y", "y = GridSample(x, g)"),
    (20, "float[2,2,3] t", "float[2,5,6,2] y",
     "s = Constant<value_ints=[2,3,5,6]>() y = AffineGrid<align_corners=1>(t, s)"),
    (18, "float[2,18,25] x", "float[2,3,6,7] y",
     "s = Constant<value_ints=[6,7]>() k = Constant<value_ints=[2,3]>()"
     " y = Col2Im<dilations=[1,2], pads=[0,1,0,1]>(x, s, k)"),
    (11, f"float[{IMAGE}] x, int64[2,4,3,4] i", "float[2,4,6,8] y",
     "p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) m = Abs(i)"
     " y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(p, m)"),
    (19, "float[2,4,7,6] x, float[6,2,3,2] w, float[2,24,5,5] o, float[2,12,5,5] m, float[6] b",
     "float[2,6,5,5] y", "y = DeformConv<group=2, offset_group=2>(x, w, o, b, m)"),
]  # fmt: skip


FORMS: list[tuple[int, str]] = [
    *[(17, text) for text in UNKNOWN_SAME],
    (17, conv("2,4,9", "6,2,3", f"group=2, dilations=[2], {SINGLE}", bias="6")),
    (17, conv(LINE, "6,4,3", SINGLE)),
    (17, conv(VOLUME, "6,4,3,2,2", TRIPLE, bias="6")),
    (17, conv(LINE, "4,3,3", f"group=2, dilations=[2], {SINGLE}", "ConvTranspose", "6")),
    (17, conv("2,4,7,9", "4,3,3,2", f"output_padding=[1,0], {PAIR}", "ConvTranspose")),
    (17, conv(VOLUME, "4,3,3,2,2", TRIPLE, "ConvTranspose", "3")),
    (17, conv(IMAGE, "4,3,3,2", "strides=[2,1], output_shape=[13,9]", "ConvTranspose")),
    (17, conv(LINE, "4,3,3", "strides=[2], output_shape=[20]", "ConvTranspose")),
    *[
        (opset, pool(x, operator, f"{window}{more}"))
        for operator, opset, more in (
            ("MaxPool", 17, ", ceil_mode=1"),
            ("AveragePool", 17, ", count_include_pad=1"),
            ("AveragePool", 17, ", ceil_mode=1"),
            ("LpPool", 17, ", p=3"),
            ("LpPool", 18, ", p=1, ceil_mode=1"),
        )
        for x, window in ((LINE, SINGLE), (IMAGE, PAIR), (VOLUME, TRIPLE))
        if (operator, opset, x) != ("LpPool", 18, VOLUME)  # ONNX Runtime refuses this one
    ],
    (17, pool(IMAGE, "MaxPool", f"{PAIR}, dilations=[2,3]")),
    (19, pool(IMAGE, "AveragePool", "kernel_shape=[3,2], dilations=[2,3]")),
    (19, pool(VOLUME, "AveragePool", "kernel_shape=[2,2,2], dilations=[1,2,1]")),
    (17, pool(IMAGE, "GlobalMaxPool", "")),
    (17, pool(VOLUME, "GlobalMaxPool", "")),
    (17, pool(IMAGE, "GlobalLpPool", "p=3")),
    (
        17,
        "(float[N,C,H,W] x) => (float[2,4,3,2] y) <float[2,5] r={0,0,0,4,4, 1,1,0.6,8,5}>"
        " {y = MaxRoiPool<pooled_shape=[3,2], spatial_scale=0.7>(x, r)}",
    ),
    *[(opset, image(call)) for opset, call in ON_IMAGES],
    *[(opset, resized(attributes, values)) for opset, attributes, values in RESIZED],
    *[
        (opset, f"({inputs}) => ({outputs}) {{{call}}}")
        for opset, inputs, outputs, call in SIGNATURES
    ],
]


def model_of(opset: int, text: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')


def feed_of(model: onnx.ModelProto) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    feed: dict[str, Any] = {}
    for value in model.graph.input:
        tensor = value.type.tensor_type
        shape = [SIZES.get(dim.dim_param, dim.dim_value) for dim in tensor.shape.dim]
        numbers = rng.standard_normal(shape) * 3
        feed[value.name] = numbers.astype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return feed


@pytest.mark.parametrize(("opset", "text"), FORMS, ids=lambda value: str(value)[-70:])
def test_has_the_form_and_the_result(opset: int, text: str, tmp_path: Path):
    model = model_of(opset, text)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    assert [kind for kind in ge_types(path) if kind.startswith("Onnx")] == []
    feed = feed_of(model)
    session: Any = ort.InferenceSession(model.SerializeToString())
    for result, expected in zip(on_device(path, feed), session.run(None, feed), strict=True):
        assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(
            result.astype(np.float64), expected.astype(np.float64), rtol=1e-4, atol=1e-4
        )


def ge_types(path: Path) -> list[str]:
    module = import_model(str(path))
    ConvertOnnxToGEPass().apply(context(), module)
    (graph,) = module.body.block.ops
    assert isinstance(graph, GraphOp)
    return [type_of(node) for node in graph.nodes]


def on_device(path: Path, feed: dict[str, Any]) -> list[Any]:
    output = path.with_name("m")
    precision = "offline{precision=must_keep_origin_dtype}"
    assert main([str(path), "-p", precision, "-t", f'om{{output="{output}"}}']) == 0
    models = Models(Memory())
    results = models[models.load(str(output.with_suffix(".om")))].run(list(feed.values()))
    models.clear()
    return list(results)
