"""The logical addresses a model was compiled for, on the memory it has been given."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from compiler.om.contract import VARIABLE_BASE
from runtime.device import Bytes, Memory
from runtime.errors import AclError, Code
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
        for region in self.regions:
            offset = address - region.base
            if offset >= 0 and offset + desc.size <= len(region.memory):
                found = region.memory[offset : offset + desc.size]
                return found if desc.is_packed else load(found, desc.dtype, desc.shape)
        have = ", ".join(
            f"{region.name} {region.base:#x}+{len(region.memory)}" for region in self.regions
        )
        raise AclError(
            Code.GE_FAILURE,
            f"{what}: {desc.size} bytes at {address:#x} are outside the model's memory ({have})",
        )


@dataclass(eq=False)
class Session:
    """The variables that the models of a bundle share, and which of them hold a value."""

    device: Memory
    size: int
    base: int = VARIABLE_BASE
    written: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        self._allocation = self.device.allocate(self.size, "variables") if self.size else None

    @property
    def region(self) -> Region:
        """The variables' memory at their logical addresses."""
        empty = np.empty(0, np.uint8)
        memory = self._allocation.memory if self._allocation else empty
        return Region("variables", self.base, memory)

    def release(self) -> None:
        """Gives the memory back."""
        if self._allocation is not None:
            self.device.free(self._allocation.address)
            self._allocation = None
