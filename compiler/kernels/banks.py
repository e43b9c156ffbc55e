"""How the sources of a vector instruction meet in the banks of UB, from their planned addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from compiler.kernels.issue import Place
from dialects.davinci import AllocOp
from dialects.davinci.attributes import Space
from dialects.davinci.types import BITS, BLOCK_BYTES, buffer_of, element_bytes, space_of

GROUPS = 16
"""Groups of banks that can be read at a time: a block of 32 bytes from each (NpuArch 2201)."""
REPEAT_BLOCKS = 8


def bank_ways(sources: Iterable[Place]) -> int:
    """The most blocks of the first repeat that lie in one group; without addresses, all begin at 0.

    What two operands share is read once.
    """
    places = {
        (place.buffer, _address(place), _is_scalar(place))
        for place in sources
        if space_of(buffer_of(place.buffer)) is Space.UB
    }
    groups = Counter(
        (start // BLOCK_BYTES + block) % GROUPS
        for _, start, scalar in places
        for block in range(1 if scalar else REPEAT_BLOCKS)
    )
    return max(groups.values(), default=1)


def _address(place: Place) -> int:
    owner = place.buffer.owner
    element = buffer_of(place.buffer).element_type
    addresses = owner.slot_addresses if isinstance(owner, AllocOp) else ()
    base = addresses[place.slot] if addresses else 0
    if element == BITS:
        return base + place.offsets[0] // 8
    return base + place.offsets[0] * element_bytes(element)


def _is_scalar(place: Place) -> bool:
    """One block is read again and again."""
    return bool(place.strides) and not any(place.strides)
