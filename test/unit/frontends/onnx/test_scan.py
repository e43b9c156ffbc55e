"""The scanner against protobuf's own parser."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from compiler.frontends.onnx.scan import (
    FLOATS,
    SCALARS,
    SMALL,
    MalformedError,
    Scanner,
    Span,
)
from compiler.om.encode import encode_varint

MARK = "the mark"
LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def scan(data: bytes) -> tuple[onnx.ModelProto, list[Span]]:
    scanner = Scanner(data, MARK)
    return onnx.ModelProto.FromString(scanner.model()), scanner.spans


def of_nodes(nodes: Iterable[onnx.NodeProto]) -> list[TensorProto]:
    """Every tensor in the attributes of nodes, by protobuf's own parser."""
    found: list[TensorProto] = []
    for attribute in (a for node in nodes for a in node.attribute):
        found += [attribute.t, *attribute.tensors]
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            found += [sparse.values, sparse.indices]
        for inner in (attribute.g, *attribute.graphs):
            found += of_graph(inner)
    return found


def of_graph(graph: onnx.GraphProto) -> list[TensorProto]:
    sparse = graph.sparse_initializer
    parts = [part for entry in sparse for part in (entry.values, entry.indices)]
    return [*of_nodes(graph.node), *graph.initializer, *parts]


def all_tensors(model: onnx.ModelProto) -> list[TensorProto]:
    return of_graph(model.graph) + [t for f in model.functions for t in of_nodes(f.node)]


def put_back(slim: onnx.ModelProto, spans: list[Span], data: bytes) -> onnx.ModelProto:
    """The model with each weight where its mark is, as raw data."""
    for tensor in all_tensors(slim):
        if tensor.external_data and tensor.external_data[0].key == MARK:
            span = spans[int(tensor.external_data[0].value)]
            tensor.raw_data = data[span.offset : span.offset + span.length]
            del tensor.external_data[:]
            tensor.ClearField("data_location")
    return slim


def as_raw(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with large packed float fields as raw data: what the scanner sees in them."""
    for tensor in all_tensors(model):
        typed = {1: "float_data", 14: "float_data", 11: "double_data", 15: "double_data"}
        name = typed.get(tensor.data_type, "")
        width = 4 if name == "float_data" else 8
        least = SCALARS if tensor.data_type in FLOATS else SMALL
        if name and len(getattr(tensor, name)) * width > least:
            raw = np.array(getattr(tensor, name), f"<f{width}").tobytes()
            tensor.ClearField(name)  # pyright: ignore[reportArgumentType]  # one of the four above
            tensor.raw_data = raw
    return model


def check(model: onnx.ModelProto) -> list[Span]:
    data = model.SerializeToString()
    slim, spans = scan(data)
    assert as_raw(put_back(slim, spans, data)) == as_raw(model)
    return spans


@st.composite
def tensor(draw: st.DrawFn) -> TensorProto:
    size = draw(st.sampled_from([0, 1, 7, 127, 255, 256, 257, 300, 1024, 2000]))
    made = TensorProto(name=draw(st.text(max_size=3)), dims=[size], doc_string="d")
    made.data_type = draw(st.sampled_from([1, 2, 7, 8, 10, 11, 14, 22]))
    field = draw(st.sampled_from(["raw", "typed", "external"]))
    if field == "raw":
        made.raw_data = bytes(size * 4)
    elif field == "external":
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value="w" * draw(st.sampled_from([1, 2000])))
    elif made.data_type in (1, 14):
        made.float_data.extend([1.5] * size)
    elif made.data_type in (11, 15):
        made.double_data.extend([1.5] * size)
    else:
        made.int64_data.extend([300] * size)
    return made


@st.composite
def graph(draw: st.DrawFn, depth: int = 2) -> onnx.GraphProto:
    made = onnx.GraphProto(name="g", initializer=draw(st.lists(tensor(), max_size=3)))
    made.sparse_initializer.extend(
        onnx.SparseTensorProto(values=draw(tensor()), indices=draw(tensor()), dims=[4])
        for _ in range(draw(st.integers(0, 1)))
    )
    for _ in range(draw(st.integers(0, 3))):
        made.node.append(draw(node(depth)))
    return made


@st.composite
def node(draw: st.DrawFn, depth: int) -> onnx.NodeProto:
    made = onnx.NodeProto(op_type="Op", name="n" * draw(st.sampled_from([0, 3, 1500])))
    kind = draw(st.sampled_from(["ints", "t", "tensors", "g", "graphs", "sparse_tensor"]))
    if kind == "ints":
        made.attribute.add(name="a", ints=[1, 2, 3])
    elif kind == "t":
        made.attribute.add(name="a", t=draw(tensor()))
    elif kind == "tensors":
        made.attribute.add(name="a", tensors=draw(st.lists(tensor(), max_size=2)))
    elif kind == "sparse_tensor":
        made.attribute.add(name="a", sparse_tensor=onnx.SparseTensorProto(values=draw(tensor())))
    elif depth and kind == "g":
        made.attribute.add(name="a", g=draw(graph(depth - 1)))
    elif depth:
        made.attribute.add(name="a", graphs=[draw(graph(depth - 1)), draw(graph(depth - 1))])
    return made


@settings(max_examples=60, deadline=None)
@given(graph(), st.lists(node(1), max_size=2))
def test_cuts_weights_and_nothing_else(made: onnx.GraphProto, nodes: list[onnx.NodeProto]):
    model = onnx.ModelProto(ir_version=10, graph=made, producer_name="p")
    model.functions.append(onnx.FunctionProto(name="f", node=nodes))
    check(model)


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_real_models_keep_all_but_their_weights(path: Path):
    data = path.read_bytes()
    slim, spans = scan(data)
    assert put_back(slim, spans, data) == onnx.ModelProto.FromString(data)


def test_spans_are_the_bytes_of_the_weights():
    weights = np.arange(4096, dtype=np.float32)
    initializers = [
        numpy_helper.from_array(weights, "raw"),
        helper.make_tensor("typed", TensorProto.FLOAT, [4096], weights),
        helper.make_tensor("small", TensorProto.INT64, [2], [1, 2]),
    ]
    model = helper.make_model(helper.make_graph([], "g", [], [], initializers))
    data = model.SerializeToString()
    slim, spans = scan(data)
    assert [data[s.offset : s.offset + s.length] for s in spans] == [weights.tobytes()] * 2
    assert len(slim.SerializeToString()) < 500
    assert list(slim.graph.initializer[2].int64_data) == [1, 2]


def test_training_information_is_dropped():
    model = onnx.ModelProto(graph=onnx.GraphProto(name="g"))
    model.training_info.add().algorithm.initializer.add(name="w", raw_data=bytes(2000))
    slim, spans = scan(model.SerializeToString())
    assert not spans
    assert len(slim.SerializeToString()) < 100


def message(number: int, content: bytes) -> bytes:
    """A length-delimited field on the wire."""
    return bytes([number << 3 | 2]) + encode_varint(len(content)) + content


def test_of_repeated_raw_data_the_last_counts():
    first, last = (TensorProto(name="w", raw_data=bytes([n]) * 2000) for n in (1, 2))
    both = first.SerializeToString() + last.SerializeToString()
    data = message(7, message(5, both))
    assert onnx.ModelProto.FromString(data).graph.initializer[0].raw_data == last.raw_data
    slim, spans = scan(data)
    assert [data[s.offset : s.offset + s.length] for s in spans] == [last.raw_data]
    assert not slim.graph.initializer[0].HasField("raw_data")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\x3a\x05abc", "it ends 2 bytes too early, in the field at byte 0"),
        (b"\x3a\xff\xff", "a number is cut off"),
        (b"\x08" + b"\xff" * 20, "a number is cut off"),
        (b"\x00\x00", "no protobuf field at byte 0"),
        (b"\x3b\x3c", "no protobuf field at byte 0"),
        (b"\x0d\x00", "it ends 3 bytes too early"),
    ],
)
def test_what_is_no_message(data: bytes, complaint: str):
    with pytest.raises(MalformedError, match=complaint):
        Scanner(data, MARK).model()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_parses(data: st.DataObject):
    weight = numpy_helper.from_array(np.zeros(500, np.float32), "w")
    whole = helper.make_model(helper.make_graph([], "g", [], [], [weight])).SerializeToString()
    cut = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole[: data.draw(st.sampled_from([cut, len(whole)]))])
    for _ in range(data.draw(st.integers(0, 3)) if changed else 0):
        changed[data.draw(st.integers(0, min(60, len(changed)) - 1))] = data.draw(
            st.integers(0, 255)
        )
    scanner = Scanner(bytes(changed), MARK)
    try:
        scanner.model()
    except MalformedError:
        return
    for span in scanner.spans:
        assert span.offset + span.length <= len(changed)


def test_endless_nesting_is_refused():
    data = message(2, bytes(2000))  # a graph with a long name
    for _ in range(40):
        data = message(1, message(5, message(6, data)))  # in an attribute of a node of a graph
    with pytest.raises(MalformedError, match="nested more than 100 deep"):
        Scanner(message(7, data), MARK).model()
