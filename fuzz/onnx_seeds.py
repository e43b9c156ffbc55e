# pyright: reportUnknownMemberType=false
"""Small ONNX models with something of everything: types, subgraphs, functions, sparse, external."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, parser

DATA_BYTES = 4096
"""The size of the file `data` that external tensors lie in."""

TEXTS = (
    """g (float[2,4] x) => (float[2,3] y) <float[4,3] w = {1,2,3,4,5,6,7,8,9,10,11,12},
       float[3] b = {1,2,3}> { [product] h = MatMul(x, w) [sum] s = Add(h, b) y = Relu(s) }""",
    """g (float[1,2,6,6] x, float[3,2,3,3] w) => (float[1,3,a,b] y)
       { [conv] h = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w)
         [pool] y = MaxPool<kernel_shape=[2,2], ceil_mode=1>(h) }""",
    """g (float[n,4] x) => (float[m,k] y) { s = Shape(x) [half] h = Div(s, s)
       [stretch] e = Expand(x, s) c = Concat<axis=0>(h, h) [fold] y = Reshape(e, h) }""",
    """g (float[2] x, bool b) => (float[2] y) { [if] y = If(b) <
       then_branch=t () => (float[2] p) { p = Neg(x) },
       else_branch=e () => (float[2] q) { q = Abs(x) }> }""",
    """g (float[2] x, int64 n, bool c) => (float[2] y, float[k,2] z) { y, z = Loop(n, c, x) <
       body=l (int64 i, bool k, float[2] s) => (bool m, float[2] t, float[2] u)
       { m = Identity(k) t = Add(s, x) u = Neg(t) }> }""",
    """g (float[3,2] x, float[2] a) => (float[2] y, float[3,2] z) {
       y, z = Scan<num_scan_inputs=1, body=l (float[2] s, float[2] e) => (float[2] t, float[2] u)
       { t = Add(s, e) u = Identity(t) }>(a, x) }""",
    """g (float[4,2] x) => (float[2,2] a, float[m,2] b) <int64[2] s = {2,2}> {
       i = Constant<value_int=0>() q = SplitToSequence<axis=0>(x, s) a = SequenceAt(q, i)
       b = ConcatFromSequence<axis=0>(q) }""",
    """g (uint8[2,3] x, float s, uint8 z) => (float[2,3] y, uint8[2,3] q)
       { y = DequantizeLinear(x, s, z) q = QuantizeLinear(y, s, z) }""",
    """g (float[1,2,4,4] x) => (float[a,b,c,d] y, float[1,2,4,4] z)
       <float[4] f = {1,1,2,2}, float[2] k = {1,1}> {
       y = Resize<mode="linear">(x, , f) z = BatchNormalization<epsilon=0.1>(x, k, k, k, k) }""",
    """g (float[5,1,3] x, float[1,8,3] w, float[1,8,2] r) => (float[5,1,1,2] y, float[1,1,2] h)
       { y, h = LSTM<hidden_size=2>(x, w, r) }""",
    """g (float[2,3,4] x, int64[2] i) => (float[a,b] y, float[c] v, int64[d] k) {
       h = Gather<axis=1>(x, i) t = Transpose<perm=[2,0,1]>(h) y = Flatten<axis=1>(t)
       f = Flatten<axis=0>(x) u = Squeeze(f) n = Constant<value=int64[1] {3}>()
       v, k = TopK(u, n) }""",
    """g (string[n] s, float[2] x) => (bool[n] y, double[2] z, bfloat16[2] b) {
       c = Constant<value_string="a">() y = Equal(s, c) z = Cast<to=11>(x) b = Cast<to=16>(x) }""",
    """g (float[2,6] x) => (float[2,2] a, float[2,4] b, float[2,6] c) <int64[2] p = {2,4},
       int64[4] q = {0,0,0,0}> { a, b = Split<axis=1>(x, p) d = Pad<mode="edge">(x, q)
       z = Constant<value_ints=[0,0]>() e = Constant<value_ints=[2,6]>() c = Slice(d, z, e) }""",
    """g (float[2,3] x) => (float[2,3] y, float[2,3] d, bool[2,3] m) { h = Softmax<axis=-1>(x)
       o = Constant<value_floats=[1.0, 1.0, 1.0]>() k = LayerNormalization(h, o) y = Gelu(k)
       d, m = Dropout(x) }""",
    """g (float[1,1,6,6] x, float[1,1,3,3] w) => (float[a,b,c,d] y) <int64[1] z = {0},
       int64[1] e = {2}, int64[1] k = {2}, int64[8] p = {0,0,0,0,0,0,1,1}>
       { h = Conv(x, w) i = Pad(h, p) y = Slice(i, z, e, k) }""",
    """g (float[2,3] x, float[3,4] w) => (float[2,4] y, float[2] r, int64[2] a) {
       y = Einsum<equation="ij,jk->ik">(x, w) s = Constant<value_ints=[1]>()
       r = ReduceMean<keepdims=0>(x, s) a = ArgMax<axis=1, keepdims=0>(x) }""",
)
FUNCTION = """<ir_version: 10, opset_import: ["": 20, "local": 1]>
 g (float[2] x) => (float[2] y) { h = local.twice<by=2.0>(x) y = local.twice(h) }
 <domain: "local", opset_import: ["": 20]>
 twice <by: float = 3.0>(a) => (b) { c = Constant<value_float: float = @by>() b = Mul(a, c) }"""
OPSETS = (20, 13)
SMALLER_THAN_BYTES = {
    TensorProto.INT4,
    TensorProto.UINT4,
    TensorProto.INT2,
    TensorProto.UINT2,
    TensorProto.FLOAT4E2M1,
}
"""Types of which two elements fit in one byte."""


def onnx_seeds() -> list[bytes]:
    """The models. Those in text are of the newest opset they parse and mean something in."""
    models = [
        parser.parse_model(f'<ir_version: 10, opset_import: ["": {opset}]> {text}')
        for text in TEXTS
        for opset in OPSETS
    ]
    built = [parser.parse_model(FUNCTION), _external(), _sparse(), _typed(), _old()]
    return [model.SerializeToString() for model in (*models, *built)]


def _value(name: str, type_: int, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, type_, shape)


def _model(graph: onnx.GraphProto, opset: int = 20, version: int = 10) -> onnx.ModelProto:
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=version)


def _external() -> onnx.ModelProto:
    """Two tensors in the file `data`, one of them large enough to stay a reference."""
    names = {"big": (512, 0, 2048), "small": (2, 4096 - 8, 8)}
    tensors: list[TensorProto] = []
    for name, (count, offset, length) in names.items():
        tensor = TensorProto(name=name, dims=[count], data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": "data", "offset": offset, "length": length}.items():
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    nodes = [
        helper.make_node("Add", ["x", "big"], ["y"], "add"),
        helper.make_node("Neg", ["small"], ["z"], "neg"),
    ]
    x, y = (_value(name, TensorProto.FLOAT, [512]) for name in "xy")
    z = _value("z", TensorProto.FLOAT, [2])
    return _model(helper.make_graph(nodes, "external", [x], [y, z], tensors))


def _sparse() -> onnx.ModelProto:
    """A sparse initializer and a sparse constant."""
    values = numpy_helper.from_array(np.array([1, 2], np.float32), "s")
    indices = numpy_helper.from_array(np.array([1, 5], np.int64), "places")
    sparse = helper.make_sparse_tensor(values, indices, [6])
    nodes = [
        helper.make_node("Add", ["x", "s"], ["h"], "add"),
        helper.make_node("Constant", [], ["c"], "constant", sparse_value=sparse),
        helper.make_node("Add", ["h", "c"], ["y"], "sum"),
    ]
    x, y = (_value(name, TensorProto.FLOAT, [6]) for name in "xy")
    graph = helper.make_graph(nodes, "sparse", [x], [y], sparse_initializer=[sparse])
    return _model(graph)


def _typed() -> onnx.ModelProto:
    """Initializers of every element type, typed and raw, and inputs of every kind of type."""
    tensors: list[TensorProto] = []
    for number in TensorProto.DataType.values()[1:]:
        if number == TensorProto.STRING:
            strings = TensorProto(name="strings", dims=[2], data_type=number)
            strings.string_data.extend([b"a", b"\xff"])
            tensors.append(strings)
        else:
            raw = TensorProto(name=f"t{number}", dims=[2], data_type=number)
            size = helper.tensor_dtype_to_np_dtype(number).itemsize
            raw.raw_data = bytes(1 if number in SMALLER_THAN_BYTES else 2 * size)
            tensors.append(raw)
    node = helper.make_node("Identity", ["x"], ["y"], "same")
    kinds = [
        helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, [2])),
        helper.make_optional_type_proto(helper.make_tensor_type_proto(7, None)),
        helper.make_map_type_proto(7, helper.make_tensor_type_proto(1, [])),
        helper.make_sparse_tensor_type_proto(1, [3]),
    ]
    inputs = [
        _value("x", 1, [2]),
        *(helper.make_value_info(f"k{i}", k) for i, k in enumerate(kinds)),
    ]
    return _model(helper.make_graph([node], "typed", inputs, [_value("y", 1, [2])], tensors))


def _old() -> onnx.ModelProto:
    """IR version 3: initializers are inputs as well, and no node has a name."""
    weight = numpy_helper.from_array(np.arange(40, dtype=np.float32).reshape(4, 10), "w")
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, transB=0, broadcast=1)
    bias = numpy_helper.from_array(np.ones(10, np.float32), "b")
    inputs = [_value("x", 1, [2, 4]), _value("w", 1, [4, 10]), _value("b", 1, [10])]
    graph = helper.make_graph([node], "old", inputs, [_value("y", 1, [2, 10])], [weight, bias])
    return _model(graph, 6, 3)
