"""Equal instructions as small integers: cores with equal programs are found and timed once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from compiler.simulator.cost import misplaced
from compiler.simulator.instruction import CrossFlag, Flag, Instruction, Loop, Program, Transfer


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop of codes; equal ones are one object."""

    count: int
    body: Codes


Codes: TypeAlias = "tuple[int | Repeat, ...]"
"""A program whose instructions are numbers."""


def length(codes: Codes) -> int:
    """How many instructions are issued."""
    loops = [code for code in codes if isinstance(code, Repeat)]
    return len(codes) - len(loops) + sum(loop.count * length(loop.body) for loop in loops)


class Interner:
    """Codes for instructions; two have one code when they cost the same and use the same flags.

    The address in global memory counts only as far as bursts are misplaced for an `alignment` in
    bytes, `detail` not at all. Programs must stay alive while their interner is used.
    """

    def __init__(self, alignment: int) -> None:
        self.distinct: list[Instruction] = []
        self._alignment = alignment
        self._by_key: dict[Hashable, int] = {}
        self._by_id: dict[int, Codes] = {}
        self._repeats: dict[tuple[int, Codes], Repeat] = {}

    def codes(self, program: Program) -> Codes:
        """The code of every instruction of `program`: its index in `distinct`."""
        known = self._by_id
        for item in program:
            if id(item) not in known:
                known[id(item)] = self._codes(item)
        return tuple([code for item in program for code in known[id(item)]])

    def _codes(self, item: Instruction | Loop) -> Codes:
        if isinstance(item, Loop):
            body = self.codes(item.body)
            return body * item.count if item.count < 2 else (self._repeat(item.count, body),)
        code = self._by_key.setdefault(self._key(item), len(self.distinct))
        if code == len(self.distinct):
            self.distinct.append(item)
        return (code,)

    def _repeat(self, count: int, body: Codes) -> Repeat:
        return self._repeats.setdefault((count, body), Repeat(count, body))

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
            _cross_key(instruction.cross),
            self._transfer_key(instruction.transfer),
        )

    def _transfer_key(self, transfer: Transfer | None) -> Hashable:
        if transfer is None:
            return None
        shape = (transfer.bursts, transfer.burst_bytes, transfer.pitch)
        place = misplaced(transfer, self._alignment)
        return (transfer.buffer, place, shape, transfer.write, transfer.cached)


def _flag_key(flag: Flag | None) -> Hashable:
    return None if flag is None else (flag.source.value, flag.destination.value, flag.event)


def _cross_key(cross: CrossFlag | None) -> Hashable:
    return None if cross is None else (cross.mode, cross.flag, cross.sets)
