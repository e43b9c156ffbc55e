"""Kernel stores: the items' bytes, and what a broken store still gives."""

import struct

import pytest

from compiler.om.kernels import Kernel, decode_kernels, encode_kernels

# The store of GraphEngine's sample submodel: 92 bytes, a name of 16 and 64 zero bytes.
SAMPLE = struct.pack("<III", 0x5D776EFD, 16, 64) + b"dumy_kernel_name" + bytes(64)


def test_the_item_graphengine_wrote() -> None:
    assert len(SAMPLE) == 92 and SAMPLE[:4].hex() == "fd6e775d"
    assert encode_kernels([Kernel("dumy_kernel_name", bytes(64))]) == SAMPLE
    kernels, rest = decode_kernels(memoryview(SAMPLE))
    assert kernels == (Kernel("dumy_kernel_name", bytes(64)),) and not rest


def test_several_in_order() -> None:
    kernels = (Kernel("b", b"\1\2"), Kernel("a", b""), Kernel("名", b"\3"))
    assert decode_kernels(memoryview(encode_kernels(kernels))) == (kernels, b"")


def test_nothing() -> None:
    assert encode_kernels([]) == b""
    assert decode_kernels(memoryview(b"")) == ((), b"")


def test_binaries_are_views() -> None:
    data = bytearray(SAMPLE)
    (kernel,), _ = decode_kernels(memoryview(data))
    data[-1] = 7
    assert kernel.binary[-1] == 7


@pytest.mark.parametrize("cut", [1, 64, 80])
def test_an_item_that_does_not_fit_ends_the_list(cut: int) -> None:
    data = memoryview(SAMPLE + SAMPLE)[: 2 * len(SAMPLE) - cut]
    kernels, rest = decode_kernels(data)
    assert len(kernels) == 1 and len(rest) == len(SAMPLE) - cut


def test_no_magic_is_checked_and_twelve_bytes_are_no_item() -> None:
    kernels, rest = decode_kernels(memoryview(bytes(4) + SAMPLE[4:] + bytes(12)))
    assert len(kernels) == 1 and len(rest) == 12


def test_a_name_that_is_not_utf8_comes_back() -> None:
    odd = struct.pack("<III", 0x5D776EFD, 2, 1) + b"\xff\xfe" + b"x"
    assert encode_kernels(decode_kernels(memoryview(odd))[0]) == odd
