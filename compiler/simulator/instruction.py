"""What the simulator sees of a kernel: per core, instructions and loops in issue order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeAlias

from compiler.soc.core import Pipe


@dataclass(frozen=True, slots=True)
class Transfer:
    """The global-memory side of a DMA instruction: `bursts` runs of `burst_bytes`.

    `buffer` is the kernel argument's index, `offset` the first byte in it, `pitch` the distance
    in bytes between the starts of two runs (0 for one run). A read that is not `cached` goes past
    L2 and leaves nothing there.
    """

    buffer: int
    offset: int
    bursts: int
    burst_bytes: int
    pitch: int
    write: bool
    cached: bool = True

    @property
    def bytes(self) -> int:
        """The payload."""
        return self.bursts * self.burst_bytes


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag between two pipes: raised by the source, awaited and cleared by the destination."""

    source: Pipe
    destination: Pipe
    event: int

    def __str__(self) -> str:
        return f"{self.source}→{self.destination} event {self.event}"


@dataclass(frozen=True, slots=True)
class CrossFlag:
    """A counter between cores, counted up by a set and down by a wait (Ascend C's modes 0 to 2).

    In mode 2 a set on a cube core counts up on each vector core of its group, and the cube core's
    counter goes up when all of these have set. In mode 1 these are the vector cores of a group,
    in mode 0 all cores of a kind: each counter goes up when all of them have set.
    """

    mode: int
    flag: int
    sets: bool

    def __str__(self) -> str:
        return f"mode {self.mode} flag {self.flag}"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction in the queue of its pipe.

    What its time is computed from: `bytes` moved on the core's side (destination format),
    `fractals` of a mmad (⌈m/16⌉⌈k/C0⌉⌈n/16⌉), `repeats` of a vector instruction (256 bytes
    each), `transfer` for traffic with global memory. A set or wait carries its `flag`: on the
    flag's source pipe it is a set, on the destination a wait; `cross_set` and `cross_wait` carry
    `cross` instead. `element_bytes` is the size of an
    input element of a mmad or vector instruction, of an output element of a fixpipe.
    `bank_ways` is the most blocks of a repeat that a vector instruction reads, or writes, in one
    group of UB banks.

    An instruction on S takes `repeats` cycles: the arithmetic between others.

    Mnemonics that have a meaning of their own: MTE1 `load_l0a`, `load_l0b`, `load_bt`; MTE2
    `nd2nz` and `dn2nz`, `load_rows` which is a load for each burst (any other is a plain load);
    `pipe_barrier` on a pipe, on S for all
    pipes; vector instructions as in `compiler/soc/vector.toml`, with or without a leading v.
    """

    pipe: Pipe
    mnemonic: str
    bytes: int = 0
    fractals: int = 0
    repeats: int = 0
    element_bytes: int = 2
    transfer: Transfer | None = None
    flag: Flag | None = None
    cross: CrossFlag | None = None
    bank_ways: int = 1
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """A body that is issued `count` times.

    From one time to the next, transfers move on by as many bytes as `steps` says, by buffer.
    """

    count: int
    body: Program
    steps: Mapping[int, int] = field(default_factory=dict[int, int])


Program: TypeAlias = Sequence[Instruction | Loop]
"""What one core issues."""


def instructions(program: Program) -> Iterator[Instruction]:
    """The instructions of a program one by one, as often as loops run them, moved as they say."""
    for item in program:
        if isinstance(item, Instruction):
            yield item
        else:
            for number in range(item.count):
                for instruction in instructions(item.body):
                    yield _moved(instruction, item.steps, number)


def _moved(instruction: Instruction, steps: Mapping[int, int], times: int) -> Instruction:
    transfer = instruction.transfer
    step = 0 if transfer is None else times * steps.get(transfer.buffer, 0)
    if transfer is None or step == 0:
        return instruction
    return replace(instruction, transfer=replace(transfer, offset=transfer.offset + step))


def first_instructions(program: Program, count: int) -> list[Instruction]:
    """The first `count` instructions, or all."""
    return list(islice(instructions(program), count))
