"""Reading models: GraphEngine's file, our own, and each way to break one with its status.

The numbers in the probes' names are those of the probe files that GraphEngine's loader was run on.
"""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from compiler.om.buffers import Held, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef
from compiler.om.header import HEADER_SIZE, ModelFileHeader, ModelType, unpack_header
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType as P
from compiler.om.partitions import TableEntry
from compiler.om.reader import read_om
from compiler.om.writer import Partition, lay_out_file

Parts = dict[int, bytes]


def parts_of(om: bytes) -> Parts:
    root = read_model(om, check=False).root
    return {e.type: bytes(b) for e, b in zip(root.table, root.bodies, strict=True)}


def with_parts(om: bytes, change: Callable[[Parts], object], models: int = 1) -> bytes:
    """`om` written again with other partitions, `models` times in a row."""
    parts = parts_of(om)
    change(parts)
    rows = [Partition(type_, Held(data)) for type_, data in parts.items()]
    header = replace(unpack_header(om), model_num=models)
    return joined_bytes(lay_out_file(header, [rows] * models).chunks())


def patched(om: bytes, offset: int, data: bytes) -> bytes:
    return om[:offset] + data + om[offset + len(data) :]


def with_model(om: bytes, change: Callable[[ModelDef], object]) -> bytes:
    model = ModelDef.FromString(parts_of(om)[P.MODEL_DEF])
    change(model)
    return with_parts(om, lambda parts: parts.update({P.MODEL_DEF: encode_message(model)}))


def counted(om: bytes, extra: bytes) -> bytes:
    """`om` with more bytes at its end that its header knows of."""
    return patched(om, 184, struct.pack("<Q", len(om) - HEADER_SIZE + len(extra))) + extra


def as_tiny(om: bytes) -> bytes:
    parts = [Partition(type_, Held(data)) for type_, data in parts_of(om).items()]
    header = replace(unpack_header(om), model_length=0, length=1)
    return joined_bytes(lay_out_file(header, [parts]).chunks())


def nine_parts(parts: Parts) -> None:
    parts.update(dict.fromkeys(range(9, 13), b"x"))


def test_the_file_graphengine_wrote(root_model: Path) -> None:
    om = read_model(root_model)
    assert om.source == str(root_model) and om.header.model_name == "test_graph_cache"
    assert om.root.table == (
        TableEntry(8, 0, 140), TableEntry(0, 140, 1798), TableEntry(2, 1938, 16)
    )  # fmt: skip
    assert om.root.task_def.version == "test_v100_r001"
    assert [op.type for op in om.root.model_def.graph[0].op] == ["NetOutput", "Data", "FakeOpNpu"]
    assert not om.root.weights and not om.root.tbe_kernels and not om.trailing


def test_its_partitions_repacked(root_model: Path) -> None:
    om = read_model(root_model)
    rows = [
        Partition(entry.type, Held(body))
        for entry, body in zip(om.root.table, om.root.bodies, strict=True)
    ]
    assert joined_bytes(lay_out_file(om.header, [rows]).chunks()) == root_model.read_bytes()


def test_weights_and_kernels_are_views_of_the_buffer(static_om: bytes) -> None:
    data = bytearray(static_om)
    root = read_model(data).root
    at = data.index(bytes(range(48)))
    data[at] = 99
    assert root.weights[512] == 99 and len(root.weights) == 2048
    assert root.weights.readonly
    assert [kernel.name for kernel in root.tbe_kernels] == ["matmul_kernel"]
    assert root.inout.inputs[0].name == "x"


# What loads although it looks odd.
ACCEPTED: dict[str, Callable[[bytes], bytes]] = {
    "02 tiny table": as_tiny,
    "03 only MODEL_DEF": lambda om: with_parts(
        om, lambda parts: [parts.pop(t) for t in list(parts) if t != P.MODEL_DEF]
    ),
    "04 no weights": lambda om: with_parts(om, lambda parts: parts.pop(P.WEIGHTS_DATA)),
    "05 no task": lambda om: with_parts(om, lambda parts: parts.pop(P.TASK_INFO)),
    "14 dirty entry padding": lambda om: patched(om, 268, b"\xaa\xbb\xcc\xdd"),
    "15 dirty num padding": lambda om: patched(om, 260, b"\xaa\xbb\xcc\xdd"),
    "25 wrong mem_offset": lambda om: patched(om, 272, struct.pack("<Q", 999999)),
    "29 headsize 512": lambda om: patched(om, 4, struct.pack("<I", 512)),
    "30 version 1": lambda om: patched(om, 8, struct.pack("<I", 0x10000000)),
    "40 counted trailing byte": lambda om: counted(om, b"x"),
    "eight partitions": lambda om: with_parts(
        om, lambda parts: parts.update(dict.fromkeys((9, 10, 11), b"x"))
    ),
}


@pytest.mark.parametrize("probe", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(probe: Callable[[bytes], bytes], static_om: bytes) -> None:
    om = read_model(probe(static_om))
    assert [op.name for op in om.root.model_def.graph[0].op] == ["x", "w", "b", "mm", "add", "out"]


def test_what_is_left_over_is_told(static_om: bytes) -> None:
    assert read_model(counted(static_om, b"xy")).trailing == b"xy"


def test_several_models(static_om: bytes) -> None:
    om = read_model(with_parts(static_om, lambda parts: parts.pop(P.MODEL_INOUT_INFO), models=3))
    assert om.header.is_dynamic and len(om.submodels) == 3
    assert {bytes(model.weights) for model in om.submodels} == {bytes(om.root.weights)}
    assert [model.root for model in om.submodels] == [None, om.root, om.root]


def rename_input(model: ModelDef) -> None:
    model.graph[0].op[3].input[0] = "nobody:0"


def call_unknown_graph(model: ModelDef) -> None:
    model.graph.add(name="other")
    model.graph[0].op[3].subgraph_name.append("nowhere")


def flow_model(count: int) -> bytes:
    parts = [Partition(P.MODEL_DEF, Held(ModelDef(graph=[GraphDef()]).SerializeToString()))]
    parts += [Partition(P.FLOW_SUBMODEL, Held(b"x"))] * (count - 1)
    header = ModelFileHeader(modeltype=ModelType.FLOW, model_num=1)
    return joined_bytes(lay_out_file(header, [parts]).chunks())


def test_flow_models_have_more_partitions() -> None:
    assert len(read_model(flow_model(4096)).root.table) == 4096
    with pytest.raises(OMError, match="a table of 4097 partitions, expected 0 to 4096"):
        read_model(flow_model(4097))
    none = counted(flow_model(1)[:256] + bytes(8), b"x")
    with pytest.raises(OMError, match="there is no MODEL_DEF"):
        read_model(none)


def test_both_kernel_stores(static_om: bytes) -> None:
    store = parts_of(static_om)[P.TBE_KERNELS]
    root = read_model(
        with_parts(static_om, lambda parts: parts.update({P.CUST_AICPU_KERNELS: store}))
    ).root
    assert root.cust_aicpu_kernels == root.tbe_kernels != ()


SIZE, PARAM = Status.MODEL_DATA_SIZE_INVALID, Status.PARAM_INVALID
BROKEN: dict[str, tuple[Callable[[bytes], bytes], Status, str]] = {
    "empty": (lambda _: b"", SIZE, "0 bytes, shorter"),
    "16 bad magic": (lambda om: b"X" + om[1:], Status.GE_PARAM_INVALID, "magic 0x444f4d58"),
    "17 trailing byte": (lambda om: om + b"x", Status.GE_PARAM_INVALID, "announces"),
    "18 truncated": (lambda om: om[:-1], Status.GE_PARAM_INVALID, "announces"),
    "19 header only": (lambda om: om[:256], Status.GE_PARAM_INVALID, "0 follow it"),
    "header alone by itself": (lambda om: counted(om[:256], b""), SIZE, "no room for a part"),
    "20 short header": (lambda om: om[:255], SIZE, "255 bytes, shorter than an OM file's header"),
    "23 modeltype 5": (lambda om: patched(om, 82, b"\5"), PARAM, "only the bundle calls load"),
    "24 nine partitions": (
        lambda om: with_parts(om, nine_parts), Status.GE_PARAM_INVALID, "table of 9 partitions"
    ),
    "26 size too big": (
        lambda om: patched(om, 264 + 24 + 16, struct.pack("<Q", 1 << 40)),
        SIZE, "partition 0 of 1099511627776 bytes",
    ),
    "a size one too big": (
        lambda om: patched(om, 264 + 4 * 24 + 16, b"\xff"), SIZE, "partition 2 of 255 bytes"
    ),
    "eight bytes behind the header": (
        lambda om: counted(om[:256], bytes(8)), SIZE, "no room for a partition table at byte 0 of 8"
    ),
    "27 zero partitions": (
        lambda om: patched(om, 256, bytes(4)), Status.GE_PARAM_INVALID, "table of 0 partitions"
    ),
    "a table and nothing behind": (
        lambda om: counted(patched(om[:256], 156, b"\1") + struct.pack("<I4xI20x", 1, 0), b""),
        SIZE, "ends at byte 32 of 32",
    ),
    "28 garbage MODEL_DEF": (
        lambda om: with_parts(om, lambda parts: parts.update({P.MODEL_DEF: b"\xff" * 100})),
        PARAM, "MODEL_DEF .100 bytes. is not the protobuf message",
    ),
    "31 no MODEL_DEF": (
        lambda om: with_parts(om, lambda parts: parts.pop(P.MODEL_DEF)),
        PARAM, "there is no MODEL_DEF partition",
    ),
    "32 no graph": (
        lambda om: with_model(om, lambda model: model.ClearField("graph")),
        PARAM, "MODEL_DEF has no graph",
    ),
    "33 dangling input": (
        lambda om: with_model(om, rename_input),
        PARAM, "'mm' of graph 'net' takes 'nobody:0', which no operator makes",
    ),
    "34 missing subgraph": (
        lambda om: with_model(om, call_unknown_graph),
        PARAM, "'mm' of graph 'net' calls 'nowhere', no such graph",
    ),
    "36 garbage TASK_INFO": (
        lambda om: with_parts(om, lambda parts: parts.update({P.TASK_INFO: b"\xff" * 30})),
        PARAM, "TASK_INFO .30 bytes. is not the protobuf message",
    ),
    "38 unknown shape, trailing": (
        lambda om: patched(counted(om, b"x"), 193, b"\1"), Status.FAILED, "models end at byte"
    ),
    "no models at all": (
        lambda om: patched(patched(om, 193, b"\1"), 156, bytes(4)), Status.FAILED, "its 0 models"
    ),
    "a model too few": (
        lambda om: patched(om, 156, b"\2"), SIZE, "model 1: no room for a partition table"
    ),
}  # fmt: skip


@pytest.mark.parametrize("probe", BROKEN.values(), ids=BROKEN.keys())
def test_broken(probe: tuple[Callable[[bytes], bytes], Status, str], static_om: bytes) -> None:
    breaks, status, what = probe
    with pytest.raises(OMError, match=what) as error:
        read_model(breaks(static_om), name="x.om")
    assert error.value.code == status
    assert str(error.value).startswith("x.om: ") and "\n" not in str(error.value)


def test_content_is_checked_only_when_asked(static_om: bytes) -> None:
    broken = with_parts(static_om, lambda parts: parts.update({P.TASK_INFO: b"\xff"}))
    om = read_model(broken, check=False)
    assert om.root.model_def.name == "net"
    with pytest.raises(OMError, match="TASK_INFO"):
        _ = om.root.task_def


def test_a_message_beyond_two_gigabytes(static_om: bytes, tmp_path: Path) -> None:
    payload = 32 + (1 << 31)
    with open(tmp_path / "huge.om", "wb") as file:
        file.write(patched(static_om, 184, struct.pack("<Q", payload))[:256])
        file.write(struct.pack("<I4xI4xQQ", 1, 0, 0, 1 << 31))
        file.truncate(256 + payload)
    with pytest.raises(OMError, match="MODEL_DEF is 2147483648 bytes, more than") as error:
        read_om(tmp_path / "huge.om")
    assert error.value.code == Status.PARAM_INVALID
