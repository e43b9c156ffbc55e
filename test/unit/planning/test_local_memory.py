"""Addresses of local buffers: never two live ones in one place, always aligned and inside."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.planning.local_memory import (
    ALIGNMENT,
    LocalBuffer,
    LocalMemoryError,
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
            assert a.pipe is not None and a.pipe == b.pipe
            assert a.last < b.first or b.last < a.first


def test_one_pipe_reuses_what_it_is_done_with() -> None:
    first = LocalBuffer("a", "ub", 100_000, 1, 0, 1, "V")
    second = LocalBuffer("b", "ub", 100_000, 1, 2, 3, "V")
    assert plan_local_memory([first, second], CAPACITY) == [(0,), (0,)]


@pytest.mark.parametrize("pipe", ["MTE3", None])
def test_another_pipe_does_not(pipe: str | None) -> None:
    first = LocalBuffer("a", "ub", 100_000, 1, 0, 1, "V")
    second = LocalBuffer("big", "ub", 100_001, 1, 2, 3, pipe)
    with pytest.raises(LocalMemoryError, match="196608 bytes of ub: largest are big 1 × 100001"):
        plan_local_memory([first, second], CAPACITY)
