"""The header's bytes, against GraphEngine's own file and the struct's field offsets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.om.header import (
    HEADER_SIZE,
    ModelFileHeader,
    ModelType,
    bundle_header,
    unpack_header,
)

# Measured on GraphEngine's struct: where a field lies and how many bytes it takes.
FIELDS = {
    "magic": (0, 4),
    "headsize": (4, 4),
    "version": (8, 4),
    "checksum": (12, 64),
    "length": (76, 4),
    "is_encrypt": (80, 1),
    "is_checksum": (81, 1),
    "modeltype": (82, 1),
    "genmode": (83, 1),
    "name": (84, 32),
    "ops": (116, 4),
    "userdefineinfo": (120, 32),
    "om_ir_version": (152, 4),
    "model_num": (156, 4),
    "platform_version": (160, 20),
    "platform_type": (180, 1),
    "padd": (181, 3),
    "model_length": (184, 8),
    "need_check_os_cpu_info": (192, 1),
    "is_unknow_model": (193, 1),
    "reserved": (194, 62),
}


@pytest.mark.parametrize(("field", "place"), FIELDS.items())
def test_each_field_fills_its_place(field: str, place: tuple[int, int]) -> None:
    offset, size = place
    data = bytearray(HEADER_SIZE)
    data[offset : offset + size] = b"\xff" * size
    header = unpack_header(data)
    full = {int: (1 << 8 * size) - 1, bytes: b"\xff" * size}
    for name in FIELDS:
        value = getattr(header, name)
        assert value == (full[type(value)] if name == field else type(value)())


@given(st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE))
def test_any_header_survives(data: bytes) -> None:
    assert unpack_header(data).pack() == data


def test_defaults() -> None:
    data = ModelFileHeader().pack()
    assert data[:12].hex() == "494d4f44" + "00010000" + "00000020"
    assert data[12:] == bytes(HEADER_SIZE - 12)


def test_the_header_graphengine_wrote(root_model: Path) -> None:
    data = root_model.read_bytes()[:HEADER_SIZE]
    expected = ModelFileHeader(name=b"test_graph_cache", model_num=1, model_length=2034)
    assert unpack_header(data) == expected
    assert expected.pack() == data


def test_a_bundle_has_three_fields_set() -> None:
    data = bytearray(bundle_header(2, 11848).pack())
    assert (data[82], data[156], data[184:192]) == (5, 2, (11848).to_bytes(8, "little"))
    data[82], data[156], data[184:192] = 0, 0, bytes(8)
    assert data == bytes(HEADER_SIZE)


@pytest.mark.parametrize(
    ("header", "dynamic", "tiny"),
    [
        (ModelFileHeader(model_num=1, model_length=9), False, False),
        (ModelFileHeader(model_num=1, length=9), False, True),
        (ModelFileHeader(modeltype=3, length=9), False, False),
        (ModelFileHeader(model_num=2, model_length=9), True, False),
        (ModelFileHeader(model_num=1, is_unknow_model=1, model_length=9), True, False),
        (ModelFileHeader(version=0x10000000, model_num=2, model_length=9), False, False),
    ],
)
def test_how_the_tables_are_read(header: ModelFileHeader, dynamic: bool, tiny: bool) -> None:
    assert (header.is_dynamic, header.has_tiny_tables) == (dynamic, tiny)
    assert header.payload_length == 9


def test_the_name_ends_at_the_first_zero() -> None:
    assert ModelFileHeader(name="模型".encode() + b"\0rest\0").model_name == "模型"
    assert ModelFileHeader(name=b"net\xff").model_name == "net\ufffd"


def test_model_types() -> None:
    assert list(ModelType) == list(range(6))
