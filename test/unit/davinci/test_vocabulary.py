"""Dialect and planning, which know nothing of each other, mean the same pipes and flags."""

from __future__ import annotations

from compiler.planning.local_memory import ALIGNMENT
from compiler.soc import core
from dialects.davinci import sync
from dialects.davinci.attributes import Pipe, Space


def test_the_pipes() -> None:
    assert [(p.name, p.value) for p in Pipe] == [(p.name, p.value) for p in core.Pipe]


def test_the_event_ids() -> None:
    assert sync.EVENTS == core.EVENTS


def test_every_local_memory_has_an_alignment() -> None:
    assert set(ALIGNMENT) == {space.value for space in Space} - {"gm"}
