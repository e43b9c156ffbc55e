"""Format names and numbers, sub-formats included."""

import pytest

from compiler.om.formats import NUMBERS, format_name, format_number, pack_format, unpack_format


@pytest.mark.parametrize(
    ("name", "number"),
    [("NCHW", 0), ("ND", 2), ("FRACTAL_Z", 4), ("FRACTAL_NZ", 29), ("FRACTAL_Z:8", 0x804)],
)
def test_format_names(name: str, number: int) -> None:
    assert format_number(name) == number
    assert format_name(number) == name


def test_all_formats_come_back() -> None:
    assert all(format_name(number) == name for name, number in NUMBERS.items())
    assert len(NUMBERS) == 54


def test_format_parts() -> None:
    assert unpack_format(pack_format(4, sub=0xFFFF, c0=5)) == (4, 0xFFFF, 5)
    assert pack_format(10, sub=8) == 0x80A
    assert format_name(pack_format(4, c0=5)) == "FRACTAL_Z"
    assert [format_name(number) for number in (28, 0xFF)] == ["RESERVED", "RESERVED"]
    assert format_number("FRACTAL_Z:01") == 0x104


@pytest.mark.parametrize("name", ["", "nchw", "NCHW:", "NCHW:x", "NCHW:-1", "NCHW:65536", ":1"])
def test_no_such_format(name: str) -> None:
    with pytest.raises(ValueError, match="unknown format"):
        format_number(name)
