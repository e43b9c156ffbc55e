"""Equal instructions as small integers: cores with equal programs are found and timed once."""

from __future__ import annotations

from array import array
from collections.abc import Hashable

from compiler.simulator.instruction import Flag, Instruction, Program, Transfer


class Interner:
    """Codes for instructions; two have one code when they cost the same and use the same flags.

    The address in global memory counts only modulo `alignment` bytes, `detail` not at all.
    Programs must stay alive while their interner is used.
    """

    def __init__(self, alignment: int) -> None:
        self.distinct: list[Instruction] = []
        self._alignment = alignment
        self._by_key: dict[Hashable, int] = {}
        self._by_id: dict[int, int] = {}

    def codes(self, program: Program) -> array[int]:
        """The code of every instruction of `program`: its index in `distinct`."""
        known = self._by_id
        for instruction in program:
            if id(instruction) not in known:
                known[id(instruction)] = self._code(instruction)
        return array("I", [known[id(instruction)] for instruction in program])

    def _code(self, instruction: Instruction) -> int:
        code = self._by_key.setdefault(self._key(instruction), len(self.distinct))
        if code == len(self.distinct):
            self.distinct.append(instruction)
        return code

    def _key(self, instruction: Instruction) -> Hashable:
        return (
            instruction.pipe.value,
            instruction.mnemonic,
            instruction.bytes,
            instruction.fractals,
            instruction.repeats,
            instruction.element_bytes,
            instruction.bank_ways,
            _flag_key(instruction.flag),
            self._transfer_key(instruction.transfer),
        )

    def _transfer_key(self, transfer: Transfer | None) -> Hashable:
        if transfer is None:
            return None
        place = transfer.offset % self._alignment
        shape = (transfer.bursts, transfer.burst_bytes, transfer.pitch)
        return (transfer.buffer, place, shape, transfer.write, transfer.cached)


def _flag_key(flag: Flag | None) -> Hashable:
    return None if flag is None else (flag.source.value, flag.destination.value, flag.event)
