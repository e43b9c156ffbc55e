"""The flags of a block, and their event ids."""

from __future__ import annotations

import pytest

from compiler.planning.sync import EventIds, Flag, SyncError, Touch, Usage, plan_flags


def _usage(buffer: int, *touches: tuple[int, str], slots: int = 2) -> Usage:
    return Usage(buffer, slots, [Touch(step, pipe) for step, pipe in touches])


def _short(flag: Flag) -> tuple[str, str, bool, int, int]:
    return (
        flag.source,
        flag.destination,
        flag.reverse,
        flag.set_after.step,
        flag.wait_before.step,
    )


def test_a_flag_at_every_change_of_pipe() -> None:
    usage = _usage(0, (1, "MTE2"), (2, "V"), (3, "V"), (4, "MTE3"))
    assert [_short(flag) for flag in plan_flags([usage], repeats=True)] == [
        ("MTE2", "V", False, 1, 2),
        ("V", "MTE3", False, 3, 4),
        ("MTE3", "MTE2", True, 4, 1),
    ]


def test_what_runs_once_frees_nothing() -> None:
    usage = _usage(0, (1, "MTE2"), (2, "V"))
    assert [flag.reverse for flag in plan_flags([usage], repeats=False)] == [False]


def test_the_first_pipe_frees_for_itself() -> None:
    usage = _usage(0, (1, "V"), (2, "MTE2"), (3, "V"))
    assert [flag.reverse for flag in plan_flags([usage], repeats=True)] == [False, False]


def test_one_flag_serves_buffers_that_are_filled_together() -> None:
    left = _usage(0, (2, "MTE2"), (5, "V"))
    right = _usage(1, (3, "MTE2"), (6, "V"))
    assert [_short(flag) for flag in plan_flags([left, right], repeats=True)] == [
        ("MTE2", "V", False, 3, 5),
        ("V", "MTE2", True, 6, 2),
    ]


@pytest.mark.parametrize(
    ("late", "slots"), [((6, "MTE2"), 2), ((3, "MTE2"), 1)], ids=["too_late", "other_slots"]
)
def test_but_not_others(late: tuple[int, str], slots: int) -> None:
    early = _usage(0, (2, "MTE2"), (5, "V"))
    other = _usage(1, late, (8, "V"), slots=slots)
    flags = plan_flags([early, other], repeats=False)
    assert [flag.wait_before.step for flag in flags] == [5, 8]


def _flag(reverse: bool = False, slots: int = 2) -> Flag:
    usage = _usage(0, (0, "MTE2"), (1, "V"), slots=slots)
    forward, backward = plan_flags([usage], repeats=True)
    return backward if reverse else forward


def test_ids_count_up_forward_and_down_in_reverse() -> None:
    ids = EventIds()
    assert [ids.take(_flag()), ids.take(_flag())] == [(0, 1), (2, 3)]
    assert ids.take(_flag(reverse=True)) == (7, 6)


def test_inner_blocks_continue_and_neighbours_share() -> None:
    outer = EventIds()
    outer.take(_flag())
    assert EventIds(outer).take(_flag()) == (2, 3)
    assert EventIds(outer).take(_flag()) == (2, 3)


def test_there_are_eight_ids() -> None:
    ids = EventIds()
    for _ in range(4):
        ids.take(_flag())
    with pytest.raises(SyncError, match="more than 8 flags from MTE2 to V"):
        ids.take(_flag())


def test_frugal_pairs_take_one_id_and_one_to_acknowledge_it() -> None:
    usages = [_usage(i, (2 * i, "MTE2"), (2 * i + 1, "V")) for i in range(20)]
    flags = plan_flags(usages, repeats=True, frugal={("MTE2", "V"), ("V", "MTE2")})
    assert [flag.reverse for flag in flags].count(True) == 1
    ids = EventIds()
    assert {ids.take(flag) for flag in flags if not flag.reverse} == {(0,)}
    assert {ids.acknowledging(flag) for flag in flags if not flag.reverse} == {7}
    assert [ids.take(flag) for flag in flags if flag.reverse] == [(6,)]
