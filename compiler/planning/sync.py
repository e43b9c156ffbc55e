"""Which flags order the pipes that use a core's local buffers, and which event ids they take."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from compiler.soc.core import EVENTS

Pair: TypeAlias = "tuple[str, str]"
"""The source and the destination pipe of flags."""


class SyncError(Exception):
    """The flags a kernel needs cannot be placed or numbered, those of a pair of pipes if said."""

    def __init__(self, message: str, pair: Pair | None = None):
        super().__init__(message)
        self.pair = pair


class Touch(NamedTuple):
    """A step of a block, and the pipe that uses a buffer there."""

    step: int
    pipe: str


@dataclass(frozen=True, slots=True)
class Usage:
    """How the steps of a block use one buffer, in order; each run of the block takes a slot."""

    buffer: int
    slots: int
    touches: Sequence[Touch]


class End(NamedTuple):
    """One side of a flag: the step it is set after or awaited before, and a buffer used there."""

    step: int
    buffer: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a block: forward from producer to consumer, or reverse, which frees a slot.

    A reverse flag is awaited before it is set: it has to be raised once beforehand. One that is
    `acknowledged` shares its event id with others in turn: its wait raises a flag back, for which
    the next set waits.
    """

    source: str
    destination: str
    slots: int
    reverse: bool
    set_after: End
    wait_before: End
    acknowledged: bool = False

    @property
    def pair(self) -> Pair:
        """Its pipes."""
        return self.source, self.destination

    @property
    def back(self) -> Flag:
        """The flag that acknowledges this one."""
        ends = self.wait_before, self.set_after
        return Flag(self.destination, self.source, 1, True, *ends)

    def frugal(self) -> Flag:
        """The flag with one id: in reverse a slot waits for the one before it to be free."""
        return replace(self, slots=1, acknowledged=not self.reverse)

    def merged(self, other: Flag) -> Flag | None:
        """One flag that does the work of two; None when it would come too late."""
        late = max(self.set_after, other.set_after)
        early = min(self.wait_before, other.wait_before)
        if self._key != other._key or (not self.reverse and late.step >= early.step):
            return None
        return replace(self, set_after=late, wait_before=early)

    @property
    def _key(self) -> tuple[str, str, int, bool]:
        return self.source, self.destination, self.slots, self.reverse


def plan_flags(
    usages: Sequence[Usage], *, repeats: bool, frugal: Container[Pair] = ()
) -> list[Flag]:
    """The flags of one block, each for as many buffers as it can serve.

    At every change of pipe a forward flag; from the last pipe back to the first, where they
    differ and the block `repeats`, a reverse flag. Those of `frugal` pairs of pipes take few ids.
    """
    flags: list[Flag] = []
    planned = (flag for usage in usages for flag in _flags(usage, repeats))
    for flag in sorted(
        (flag.frugal() if flag.pair in frugal else flag for flag in planned),
        key=lambda flag: (flag.set_after, flag.wait_before),
    ):
        for place, other in enumerate(flags):
            if (both := other.merged(flag)) is not None:
                flags[place] = both
                break
        else:
            flags.append(flag)
    return flags


def _flags(usage: Usage, repeats: bool) -> list[Flag]:
    runs: list[list[Touch]] = []
    for touch in usage.touches:
        if runs and runs[-1][-1].pipe == touch.pipe:
            runs[-1].append(touch)
        else:
            runs.append([touch])
    flags = [_flag(usage, a[-1], b[0]) for a, b in pairwise(runs)]
    if repeats and runs and runs[-1][-1].pipe != runs[0][0].pipe:
        flags.append(_flag(usage, runs[-1][-1], runs[0][0], reverse=True))
    return flags


def _flag(usage: Usage, producer: Touch, consumer: Touch, *, reverse: bool = False) -> Flag:
    return Flag(
        producer.pipe,
        consumer.pipe,
        usage.slots,
        reverse,
        End(producer.step, usage.buffer),
        End(consumer.step, usage.buffer),
    )


class EventIds:
    """Event ids by pair of pipes: forward flags count up from 0, reverse ones down from 7.

    A block's ids differ from those of the blocks around it. Blocks side by side may share theirs:
    between them every forward flag is clear and every reverse flag raised.
    """

    def __init__(self, outer: EventIds | None = None):
        self._used: dict[tuple[Pair, bool], int] = dict(outer._used) if outer else {}
        self._shared: dict[Pair, tuple[int, ...]] = {}
        self._back: dict[Pair, tuple[int, ...]] = {}

    def take(self, flag: Flag) -> tuple[int, ...]:
        """An id for each slot; SyncError when a pair of pipes needs more than there are.

        Of the acknowledged flags of a pair all have one id, all that acknowledge them another.
        """
        if not flag.acknowledged:
            return self._new(flag)
        if flag.pair not in self._shared:
            self._shared[flag.pair] = self._new(flag)
        return self._shared[flag.pair]

    def acknowledging(self, flag: Flag) -> int | None:
        """The id of the flag that acknowledges another; None where there is none."""
        if not flag.acknowledged:
            return None
        back = flag.back
        if back.pair not in self._back:
            self._back[back.pair] = self._new(back)
        return self._back[back.pair][0]

    def _new(self, flag: Flag) -> tuple[int, ...]:
        used = self._used.get((flag.pair, flag.reverse), 0)
        if used + flag.slots + self._used.get((flag.pair, not flag.reverse), 0) > EVENTS:
            pipes = f"from {flag.source} to {flag.destination}"
            raise SyncError(f"more than {EVENTS} flags {pipes} are needed", flag.pair)
        self._used[flag.pair, flag.reverse] = used + flag.slots
        ids = range(used, used + flag.slots)
        return tuple(EVENTS - 1 - i for i in ids) if flag.reverse else tuple(ids)
