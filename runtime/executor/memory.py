"""The logical addresses a model was compiled for, on the memory it has been given."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.device import Bytes
from runtime.errors import failure
from runtime.operator_engine import Array, TensorDesc
from runtime.packing import load


@dataclass(frozen=True, slots=True)
class Region:
    """Memory that is seen at logical addresses from `base` on."""

    name: str
    base: int
    memory: Bytes


class AddressSpace:
    """Translates logical addresses of one model."""

    def __init__(self, *regions: Region) -> None:
        self.regions = regions

    def tensor(self, address: int, desc: TensorDesc, what: str) -> Array:
        """The tensor at a logical address, or its bytes where its elements are packed.

        AclError when it is not inside one region.
        """
        if any(dim < 0 for dim in desc.shape):
            raise failure(f"{what}: shape {list(desc.shape)} is open")
        for region in self.regions:
            offset = address - region.base
            if offset >= 0 and offset + desc.size <= len(region.memory):
                found = region.memory[offset : offset + desc.size]
                return found if desc.is_packed else load(found, desc.dtype, desc.shape)
        have = ", ".join(
            f"{region.name} {region.base:#x}+{len(region.memory)}" for region in self.regions
        )
        raise failure(
            f"{what}: {desc.size} bytes at {address:#x} are outside the model's memory ({have})",
        )
