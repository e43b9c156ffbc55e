"""Buffer types: shared memref instances, and what the layout of a buffer implies."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerType, MemRefType, NoneAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Layout, LayoutAttr, Space, SpaceAttr
from dialects.types import ELEMENT_TYPES

Buffer: TypeAlias = MemRefType[Attribute]

Ints: TypeAlias = DenseArrayBase[IntegerType]

BLOCK_BYTES = 32
"""The unit of UB and L1 addresses, and the bytes of C0 elements."""

FRACTAL_ROWS = 16

BITS = ELEMENT_TYPES["ui1"]
"""The element of a mask: eight to a byte, the first in the lowest bit. Tensors of i1 have bytes."""

_BYTES = {
    1: ("i1", "i8", "ui8", "f8E4M3FN", "f8E5M2"),
    2: ("i16", "ui16", "f16", "bf16"),
    4: ("i32", "ui32", "f32"),
    8: ("i64", "ui64", "f64"),
}
_ELEMENT_BYTES = {ELEMENT_TYPES[name]: size for size, names in _BYTES.items() for name in names}


@lru_cache(maxsize=65536)
def buffer_type(
    shape: tuple[int, ...], element: Attribute, space: Space, layout: Layout | None = None
) -> Buffer:
    """The type of a buffer: its logical shape, row-major unless a layout is given."""
    order = LayoutAttr(layout) if layout else NoneAttr()
    return MemRefType(element, shape, order, SpaceAttr(space))


def buffer_of(value: SSAValue) -> Buffer:
    """The memref type of a value; VerifyException when it has another type."""
    found: Attribute = value.type
    if not isinstance(found, MemRefType):
        raise VerifyException(f"a buffer is needed, this is {found}")
    return cast(Buffer, found)


def space_of(buffer: Buffer) -> Space:
    """The memory a buffer is in; VerifyException when its type does not say."""
    space = buffer.memory_space
    if not isinstance(space, SpaceAttr):
        raise VerifyException(f"a buffer needs a memory space (#davinci.space<ub>), not {space}")
    return space.data


def layout_of(buffer: Buffer) -> Layout | None:
    """The layout of a buffer; None for row-major."""
    return buffer.layout.data if isinstance(buffer.layout, LayoutAttr) else None


def is_held(element: Attribute) -> bool:
    """Whether the AI core's buffers hold elements of that type."""
    return element in _ELEMENT_BYTES


def element_bytes(element: Attribute) -> int:
    """The bytes of an element; VerifyException for what the AI core has no whole bytes for."""
    size = _ELEMENT_BYTES.get(element)
    if size is None:
        raise VerifyException(f"the AI Core holds no elements of {element}")
    return size


def byte_size(buffer: Buffer) -> int:
    """The bytes of one slot of a buffer."""
    count = prod(buffer.get_shape())
    if buffer.element_type == BITS:
        return -(-count // 8)
    return count * element_bytes(buffer.element_type)


def c0_of(element: Attribute) -> int:
    """The columns of a fractal: a block of 32 bytes."""
    return BLOCK_BYTES // element_bytes(element)


def ints(array: Attribute) -> tuple[int, ...]:
    """The numbers of a dense array of integers."""
    return tuple(cast(Ints, array).get_values())
