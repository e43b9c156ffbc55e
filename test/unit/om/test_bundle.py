"""Bundles: the bytes of the worked example, and what ACL's table parser refuses and does not."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from compiler.om.buffers import Held
from compiler.om.bundle import Bundle, read_bundle
from compiler.om.errors import OMError, Status
from compiler.om.files import write_file
from compiler.om.header import MAGIC
from compiler.om.model_reader import read_model
from compiler.om.reader import read_om
from compiler.om.writer import CompiledModel, lay_out_bundle, lay_out_model, pack_bundle, pack_om

PARTS = [Held(b"a" * 5752), Held(b"b" * 5752)]


def patched(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def sized(entry: int, size: int) -> Callable[[bytes], bytes]:
    return lambda data: patched(data, 264 + 24 * entry + 16, struct.pack("<Q", size))


def test_worked_example() -> None:
    data = pack_bundle(4096, PARTS)
    header = bytearray(256)
    header[82], header[156], header[184:192] = 5, 2, struct.pack("<Q", 11848)
    assert data[:256] == header and len(data) == 11848
    assert struct.unpack_from("<I4x", data, 256) == (3,)
    entries = list(struct.iter_unpack("<I4xQQ", data[264:336]))
    assert entries == [(25, 80, 8), (24, 88, 5752), (24, 5840, 5752)]
    assert data[336:344] == struct.pack("<Q", 4096)
    assert data[344:] == b"a" * 5752 + b"b" * 5752


def test_reading_it() -> None:
    bundle = read_bundle(pack_bundle(4096, PARTS))
    assert bundle.var_size == 4096
    assert list(bundle.slices) == [b"a" * 5752, b"b" * 5752]


def test_models_of_a_file(static_model: CompiledModel, tmp_path: Path) -> None:
    path = tmp_path / "bundle.om"
    write_file(path, lay_out_bundle(7, [lay_out_model(static_model)] * 2))
    bundle = read_om(path)
    assert isinstance(bundle, Bundle) and bundle.var_size == 7
    assert [model.root.model_def.name for model in bundle.models] == ["net", "net"]
    assert bundle.models[1].root.weights[512:560] == bytes(range(48))
    assert bundle.slices[1] == pack_om(static_model)


def test_the_older_form_has_no_variables() -> None:
    head = patched(bytes(256), 82, b"\5")
    data = head + struct.pack("<I4xI4xQQ", 1, 24, 32, 3) + b"abc"
    bundle = read_bundle(data)
    assert (bundle.var_size, [bytes(part) for part in bundle.slices]) == (0, [b"abc"])


ACCEPTED: dict[str, Callable[[bytes], bytes]] = {
    "trailing bytes": lambda data: data + b"rest",
    "wrong model_num": lambda data: patched(data, 156, b"\x09"),
    "wrong mem_offset": lambda data: patched(data, 264 + 8, struct.pack("<Q", 99)),
    "wrong model_length": lambda data: patched(data, 184, bytes(8)),
    "a magic": lambda data: patched(data, 0, b"IMOD"),
    "dirty padding": lambda data: patched(data, 260, b"\xaa" * 4),
}


@pytest.mark.parametrize("probe", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(probe: Callable[[bytes], bytes]) -> None:
    bundle = read_bundle(probe(pack_bundle(4096, PARTS)))
    assert (bundle.var_size, [len(part) for part in bundle.slices]) == (4096, [5752, 5752])


def test_unknown_types_and_no_entries() -> None:
    data = pack_bundle(4096, PARTS)
    unknown = read_bundle(patched(patched(data, 264, b"\x63"), 288, b"\x63"))
    assert (unknown.var_size, [bytes(part) for part in unknown.slices]) == (0, [b"b" * 5752])
    for end in (264, len(data)):
        assert read_bundle(patched(data, 256, bytes(4))[:end]).slices == ()


def test_the_size_of_the_variables_may_end_the_file() -> None:
    data = patched(pack_bundle(4096, PARTS), 256, b"\1")[: 264 + 24 + 8]
    assert read_bundle(patched(data, 288, struct.pack("<Q", 77))).var_size == 77


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "too short": (lambda data: data[:263], "263 bytes, too short for a bundle"),
    "no bundle": (lambda data: patched(data, 82, b"\0"), "not an offline model, nor a bundle"),
    "a single model": (
        lambda data: patched(patched(data, 82, b"\0"), 0, struct.pack("<I", MAGIC)),
        "a single model, a bundle is needed: compile it with refresh=",
    ),
    "count too large": (lambda data: patched(data, 256, b"\xff" * 4), "a table of 4294967295 ent"),
    "size too large": (sized(1, 1 << 63), "entry 1 ends at byte"),
    "size overflows": (sized(2, (1 << 64) - 1), "entry 2 ends at byte"),
    "truncated": (lambda data: data[:-1], "entry 2 ends at byte 11848 of 11847"),
    "cut in the table": (lambda data: data[:335], "a table of 3 entries ends at byte 336 of 335"),
    "cut in var_size": (
        lambda data: sized(0, 3)(patched(data[:291], 256, b"\1")), "inside the size of the varia"
    ),
}  # fmt: skip


@pytest.mark.parametrize("probe", BROKEN.values(), ids=BROKEN.keys())
def test_broken(probe: tuple[Callable[[bytes], bytes], str]) -> None:
    breaks, what = probe
    with pytest.raises(OMError, match=what) as error:
        read_bundle(breaks(pack_bundle(4096, PARTS)), name="b.om")
    assert error.value.code == Status.INVALID_PARAM
    assert str(error.value).startswith("b.om: ")


@pytest.mark.parametrize("magic", [False, True], ids=["21 bundle", "22 with magic"])
def test_a_bundle_is_no_model(magic: bool, static_om: bytes) -> None:
    data = pack_bundle(0, [Held(static_om), Held(static_om)])
    head = struct.pack("<III", 0x444F4D49, 256, 0x20000000)
    with pytest.raises(OMError, match="a bundle of models") as error:
        read_model(patched(data, 0, head) if magic else data)
    assert error.value.code == Status.PARAM_INVALID


def test_a_broken_submodel_is_told_by_number(static_om: bytes) -> None:
    data = pack_bundle(0, [Held(static_om), Held(static_om[:-1])])
    bundle = read_bundle(data, name="b.om")
    assert bundle.model(0).root.model_def.name == "net"
    with pytest.raises(OMError, match=r"^b\.om: submodel 1: the header announces") as error:
        read_om(data, name="b.om")
    assert error.value.code == Status.GE_PARAM_INVALID
    with pytest.raises(OMError, match=r"^b\.om: no submodel 2, the bundle has 2") as error:
        bundle.model(2)
    assert error.value.code == Status.INVALID_PARAM
