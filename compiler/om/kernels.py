"""The kernel stores TBE_KERNELS and CUST_AICPU_KERNELS: named binaries in a row."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from compiler.om.buffers import Buffer

ITEM_MAGIC = 0x5D776EFD
ITEM_HEAD = struct.Struct("<III")  # magic, name length, binary length


class Kernel(NamedTuple):
    """A kernel binary under the name that operators refer to it by."""

    name: str
    binary: Buffer


def encode_kernels(kernels: Iterable[Kernel]) -> bytes:
    """The partition of `kernels`, in the given order; empty when there are none."""
    parts: list[Buffer] = []
    for kernel in kernels:
        name = kernel.name.encode("utf-8", "surrogateescape")
        size = memoryview(kernel.binary).nbytes
        parts += [ITEM_HEAD.pack(ITEM_MAGIC, len(name), size), name, kernel.binary]
    return b"".join(parts)


def decode_kernels(data: memoryview) -> tuple[tuple[Kernel, ...], memoryview]:
    """The kernels of a partition, as views of it, and the bytes behind the last one.

    As GraphEngine does, an item that does not fit ends the list without an error and no magic
    is checked; a caller that cares looks whether anything is left over.
    """
    kernels: list[Kernel] = []
    while len(data) > ITEM_HEAD.size:
        _, name_size, size = ITEM_HEAD.unpack_from(data)
        binary = ITEM_HEAD.size + name_size
        if binary + size > len(data):
            break
        name = bytes(data[ITEM_HEAD.size : binary]).decode("utf-8", "surrogateescape")
        kernels.append(Kernel(name, data[binary : binary + size]))
        data = data[binary + size :]
    return tuple(kernels), data
