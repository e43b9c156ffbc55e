"""MODEL_INOUT_INFO, against the partition GraphEngine wrote; broken ones give its status."""

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.om.errors import OMError, Status
from compiler.om.inout import InOutInfo, TensorInfo, decode_inout, encode_inout

# What root_model.om says of itself.
SAMPLE = InOutInfo(
    inputs=(TensorInfo("_arg_0", 0, 2, 3, (16,), (16,)),),
    outputs=(TensorInfo("output_0_out_0", 0, 2, 3, (-1,), (-1,)),),
)

EVERYTHING = InOutInfo(
    inputs=(
        TensorInfo("a", 8, 0, 0, (1, -1), (1, 3), ((1, 1), (1, -1))),
        TensorInfo("scalar", 4, 2, 0, (), ()),
    ),
    dynamic_batch=(1, 8),
    dynamic_hw=((224, 224), (448, 448)),
    dynamic_dims=((1,), (), (2, 3)),
    dynamic_output_shape=("0:1,2", ""),
    data_order=("a", "é"),
)

int64 = st.integers(-(1 << 63), (1 << 63) - 1)
int32 = st.integers(-(1 << 31), (1 << 31) - 1)
texts = st.text() | st.just("not UTF-8: \udcff")
uint64 = st.integers(0, (1 << 64) - 1)


def tuples(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, max_size=3).map(tuple)


tensors = st.builds(
    TensorInfo, texts, uint64, int32, int32, tuples(int64), tuples(int64),
    tuples(st.tuples(int64, int64)),
)  # fmt: skip
infos = st.builds(
    InOutInfo, tuples(tensors), tuples(tensors), tuples(uint64), tuples(tuples(uint64)),
    tuples(tuples(uint64)), tuples(texts), tuples(texts),
)  # fmt: skip


def decode(data: bytes) -> InOutInfo:
    return decode_inout(memoryview(data), "x.om")


def test_the_partition_graphengine_wrote(root_model: Path) -> None:
    data = root_model.read_bytes()[336:476]
    assert decode(data) == SAMPLE
    assert encode_inout(SAMPLE) == data


def test_every_tag_in_order() -> None:
    data = encode_inout(EVERYTHING)
    assert decode(data) == EVERYTHING
    tags: list[int] = []
    while data:
        tag, size = struct.unpack_from("<II", data)
        tags.append(tag)
        data = data[8 + size :]
    assert tags == [0, 2, 3, 4, 5, 6]


@given(infos)
def test_round_trip(info: InOutInfo) -> None:
    assert decode(encode_inout(info)) == info


def test_nothing() -> None:
    assert encode_inout(InOutInfo()) == b""
    assert decode(b"") == InOutInfo()


def test_a_repeated_tag_adds_up() -> None:
    once = encode_inout(InOutInfo(dynamic_batch=(4,)))
    assert decode(once + once).dynamic_batch == (4, 4)


def test_many_records_of_one_tag_take_linear_time() -> None:
    once = encode_inout(InOutInfo(dynamic_batch=(4,)))
    started = time.process_time()
    assert len(decode(once * 100_000).dynamic_batch) == 100_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (struct.pack("<II", 7, 0), "tag 7, expected 0 to 6"),
        (struct.pack("<I", 0), "a field of 8 bytes where 4 are left"),
        (struct.pack("<II", 2, 9) + bytes(8), "a field of 9 bytes where 8 are left"),
        (struct.pack("<II", 2, 3) + bytes(3), "a field of 4 bytes where 3 are left"),
        (struct.pack("<III", 2, 4, 1), "a field of 8 bytes where 0 are left"),
        (struct.pack("<IIII", 3, 8, 1, 1 << 31), "a field of 17179869184 bytes"),
        (struct.pack("<III", 0, 4, 1), "a field of 32 bytes where 0 are left"),
    ],
)
def test_broken(data: bytes, what: str) -> None:
    with pytest.raises(OMError, match=what) as error:
        decode(data)
    assert error.value.code == Status.PARAM_INVALID
    assert str(error.value).startswith("x.om: MODEL_INOUT_INFO is broken: ")


@pytest.mark.parametrize("sizes", [(0, 12, 0, 0), (0, 8, 4, 0), (0, 8, 8, 8)])
def test_dims_of_a_broken_length(sizes: tuple[int, ...]) -> None:
    record = struct.pack("<QiiIIII", 0, 2, 0, *sizes) + bytes(32)
    with pytest.raises(OMError, match="dims and ranges of"):
        decode(struct.pack("<III", 0, 4 + len(record), 1) + record)


def test_a_tensor_that_no_summary_can_hold() -> None:
    huge = TensorInfo("x", 1 << 70, 2, 0, (1 << 40, 1 << 30), (1 << 40, 1 << 30))
    with pytest.raises(OMError, match="'x' of 1180591620717411303424 bytes"):
        encode_inout(InOutInfo(inputs=(huge,)))
