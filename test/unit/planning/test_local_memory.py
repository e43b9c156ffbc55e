"""Addresses of local buffers: never two live ones in one place, always aligned and inside."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.planning.local_memory import (
    ALIGNMENT,
    LocalBuffer,
    LocalMemoryError,
    Sharing,
    plan_local_memory,
)

CAPACITY = {"ub": 192 << 10, "l1": 512 << 10, "l0a": 64 << 10}


@st.composite
def buffers(draw: st.DrawFn) -> LocalBuffer:
    """A buffer of a few kilobytes with a short life."""
    first = draw(st.integers(0, 20))
    return LocalBuffer(
        name="b",
        space=draw(st.sampled_from(sorted(CAPACITY))),
        bytes=draw(st.integers(1, 4000)),
        slots=draw(st.integers(1, 3)),
        first=first,
        last=first + draw(st.integers(0, 10)),
        pipe=draw(st.sampled_from(["V", "MTE2", None])),
    )


def _overlap(a: LocalBuffer, b: LocalBuffer, at: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return any(x < y + b.bytes and y < x + a.bytes for x in at for y in other)


@given(st.lists(buffers(), max_size=14))
def test_plan(found: list[LocalBuffer]) -> None:
    plan = plan_local_memory(found, CAPACITY)
    for buffer, addresses in zip(found, plan, strict=True):
        assert len(addresses) == buffer.slots
        assert all(address % ALIGNMENT[buffer.space] == 0 for address in addresses)
        assert all(0 <= a <= CAPACITY[buffer.space] - buffer.bytes for a in addresses)
        assert not any(_overlap(buffer, buffer, (a,), (b,)) for a, b in combinations(addresses, 2))
    for (a, at), (b, other) in combinations(zip(found, plan, strict=True), 2):
        if a.space == b.space and _overlap(a, b, at, other):
            assert a.last < b.first or b.last < a.first
            alone = a.pipe is not None and a.pipe == b.pipe
            assert alone or (a.block == b.block and a.slots == b.slots == 1)


def _buffer(name: str, kilobytes: float, first: int, pipe: str | None, **more: Any) -> LocalBuffer:
    return LocalBuffer(name, "ub", int(kilobytes * 1024), 1, first, first + 1, pipe, **more)


def test_what_fits_shares_nothing() -> None:
    first, second = _buffer("a", 90, 0, "V"), _buffer("b", 90, 2, "V")
    assert plan_local_memory([first, second], CAPACITY) == [(0,), (90 << 10,)]


def test_one_pipe_reuses_what_it_is_done_with() -> None:
    first, second = _buffer("a", 100, 0, "V"), _buffer("b", 100, 2, "V")
    assert plan_local_memory([first, second], CAPACITY, Sharing.SAME_PIPE) == [(0,), (0,)]


@pytest.mark.parametrize("pipe", ["MTE3", None])
def test_another_pipe_does_only_where_nothing_else_helps(pipe: str | None) -> None:
    first, second = _buffer("a", 100, 0, "V"), _buffer("big", 101, 2, pipe)
    with pytest.raises(LocalMemoryError, match="196608 bytes of ub: largest are big 1 × 103424"):
        plan_local_memory([first, second], CAPACITY, Sharing.SAME_PIPE)
    assert plan_local_memory([first, second], CAPACITY) == [(0,), (0,)]


@pytest.mark.parametrize("change", [{"slots": 2}, {"block": 7}, {"first": 1}])
def test_but_not_slots_that_take_turns_nor_other_loops(change: dict[str, int]) -> None:
    first, second = _buffer("a", 100, 0, "V"), _buffer("b", 80, 2, None)._replace(**change)
    room = {"ub": 150 << 10}
    with pytest.raises(LocalMemoryError):
        plan_local_memory([first, second], room)


def test_sources_lie_in_different_halves_of_the_banks() -> None:
    sources = [_buffer("a", 1, 0, None, beside=(1,)), _buffer("b", 1, 0, None, beside=(0, 2))]
    sources.append(_buffer("c", 1, 0, None, beside=(1,)))
    (a,), (b,), (c,) = plan_local_memory(sources, CAPACITY)
    assert [(at // 256) % 2 for at in (a, b, c)] == [0, 1, 0]
    assert a % 512 == c % 512 == 0


def test_slots_of_sources_keep_their_half() -> None:
    x = _buffer("x", 0.9, 0, None, beside=(1,))._replace(slots=3)
    y = _buffer("y", 0.7, 0, None, beside=(0,))._replace(slots=3)
    for one, other in zip(*plan_local_memory([x, y], CAPACITY), strict=True):
        assert (one - other) % 512 == 256


def test_where_that_takes_too_much_room_they_conflict() -> None:
    x, y = _buffer("x", 1, 0, None, beside=(1,)), _buffer("y", 1, 0, None, beside=(0,))
    assert plan_local_memory([x, y], {"ub": 2048}) == [(0,), (1024,)]
