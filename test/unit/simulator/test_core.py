"""Event simulation of one core: order within pipes, flags between them, and what is illegal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.simulator.core import CoreTiming, ScheduleError, simulate_core
from compiler.simulator.cost import Cycles
from compiler.simulator.instruction import Instruction, Pipe, Program
from compiler.simulator.intern import Interner
from compiler.soc import soc
from workloads.kernels.flags import set_flag, wait_flag

COSTS = replace(soc("Ascend910B1").costs, issue=1)


def work(pipe: Pipe, cycles: int) -> Instruction:
    """An instruction that takes `cycles`, carried as its bytes."""
    return Instruction(pipe, "work", bytes=cycles)


def run(program: Program, latency: float = 0.0) -> CoreTiming:
    interner = Interner(512)
    codes = interner.codes(program)
    cycles = [Cycles(instruction.bytes, latency) for instruction in interner.distinct]
    return simulate_core(codes, interner.distinct, cycles, COSTS, keep=len(program))


def test_a_pipe_runs_in_order() -> None:
    timing = run([work(Pipe.V, 100), work(Pipe.V, 50)])
    assert list(timing.starts) == [1, 101]
    assert list(timing.ends) == [101, 151]
    assert timing.pipes[Pipe.V].busy == 150
    assert timing.cycles == 151


def test_pipes_overlap() -> None:
    timing = run([work(Pipe.V, 100), work(Pipe.MTE2, 100)])
    assert list(timing.starts) == [1, 2]


def test_the_result_of_a_load_comes_after_the_next_has_begun() -> None:
    timing = run([work(Pipe.MTE2, 100), work(Pipe.MTE2, 100)], latency=30)
    assert list(timing.starts) == [1, 101]
    assert list(timing.ends) == [131, 231]
    assert timing.pipes[Pipe.MTE2].busy == 230


def timed(program: list[Instruction], costs: list[Cycles]) -> CoreTiming:
    """Each instruction of its own cost."""
    return simulate_core(tuple(range(len(program))), program, costs, COSTS, keep=len(program))


def test_an_idle_pipe_fills_again() -> None:
    """The second follows the first; the third, after ten idle cycles, takes as many longer."""
    program = [work(Pipe.M, 100), work(Pipe.M, 100), work(Pipe.S, 209), work(Pipe.M, 100)]
    costs = [Cycles(100, fill=60), Cycles(100, fill=60), Cycles(208), Cycles(100, fill=60)]
    timing = timed(program, costs)
    assert list(timing.starts) == [1, 102, 3, 212]
    assert list(timing.ends) == [102, 202, 211, 322]


def test_data_is_on_its_way_while_the_next_load_is_issued() -> None:
    """Two loads are issued in 10 cycles each; their data takes 100 each, one behind the other."""
    program = [work(Pipe.MTE2, 0), work(Pipe.MTE2, 1)]
    timing = timed(program, [Cycles(10, 30, 100), Cycles(10, 30, 100)])
    assert list(timing.starts) == [1, 11]
    assert list(timing.ends) == [131, 231]


def test_loads_to_l0_are_slower_while_the_cube_works() -> None:
    program = [work(Pipe.M, 100), work(Pipe.MTE1, 200), work(Pipe.MTE1, 200)]
    costs = [Cycles(100), Cycles(200, contention=0.5), Cycles(200, contention=0.5)]
    timing = timed(program, costs)
    assert timing.ends[1] == 2 + 200 + 0.5 * (101 - 2)
    assert timing.ends[2] == timing.ends[1] + 200


def test_a_wait_blocks_its_pipe_until_the_set() -> None:
    timing = run(
        [
            work(Pipe.MTE2, 100),
            set_flag(Pipe.MTE2, Pipe.V, 0),
            wait_flag(Pipe.MTE2, Pipe.V, 0),
            work(Pipe.V, 10),
        ]
    )
    assert timing.ends[1] == 102
    assert timing.starts[3] == 103
    assert timing.pipes[Pipe.V].blocked == pytest.approx(102 - 3)
    assert timing.pipes[Pipe.V].busy == 10


def test_a_set_waits_for_the_data_but_does_not_hold_up_the_next_load() -> None:
    timing = run(
        [work(Pipe.MTE2, 100), set_flag(Pipe.MTE2, Pipe.V, 0), work(Pipe.MTE2, 100)], latency=30
    )
    assert timing.ends[1] == 132
    assert timing.starts[2] == 102


def pipeline(buffers: int, tiles: int = 6) -> Program:
    """Load and compute `tiles` tiles, 100 cycles each, with that many buffers."""
    program = [set_flag(Pipe.V, Pipe.MTE2, event) for event in range(buffers)]
    for tile in range(tiles):
        event = tile % buffers
        program += [
            wait_flag(Pipe.V, Pipe.MTE2, event),
            work(Pipe.MTE2, 100),
            set_flag(Pipe.MTE2, Pipe.V, event),
            wait_flag(Pipe.MTE2, Pipe.V, event),
            work(Pipe.V, 100),
            set_flag(Pipe.V, Pipe.MTE2, event),
        ]
    return program


def test_double_buffering_overlaps() -> None:
    assert run(pipeline(1)).cycles == pytest.approx(6 * 200, rel=0.05)
    assert run(pipeline(2)).cycles == pytest.approx(7 * 100, rel=0.05)


def test_a_wait_may_be_issued_before_its_set() -> None:
    timing = run(
        [
            wait_flag(Pipe.MTE2, Pipe.V, 0),
            work(Pipe.V, 10),
            work(Pipe.MTE2, 100),
            set_flag(Pipe.MTE2, Pipe.V, 0),
        ]
    )
    assert timing.starts[1] == timing.ends[3] + 1


def test_a_wait_without_a_set_deadlocks_and_is_named() -> None:
    with pytest.raises(ScheduleError) as error:
        run([work(Pipe.MTE2, 5), wait_flag(Pipe.V, Pipe.MTE2, 3), work(Pipe.MTE2, 5)])
    assert str(error.value) == ("deadlock: instruction 1 (wait_flag V→MTE2 event 3) waits in MTE2")


def test_pipes_that_wait_for_each_other_deadlock_and_are_both_named() -> None:
    crossed = [
        wait_flag(Pipe.V, Pipe.MTE2, 0),
        set_flag(Pipe.MTE2, Pipe.V, 0),
        wait_flag(Pipe.MTE2, Pipe.V, 0),
        set_flag(Pipe.V, Pipe.MTE2, 0),
    ]
    with pytest.raises(ScheduleError, match=r"instruction 2 .* in V; instruction 0 .* in MTE2"):
        run(crossed)


def test_a_second_set_before_the_wait_is_illegal() -> None:
    twice = [
        set_flag(Pipe.MTE2, Pipe.V, 0),
        set_flag(Pipe.MTE2, Pipe.V, 0),
        wait_flag(Pipe.MTE2, Pipe.V, 0),
        wait_flag(Pipe.MTE2, Pipe.V, 0),
    ]
    with pytest.raises(ScheduleError, match="MTE2→V event 0 is set again by instruction 1"):
        run(twice)
    run([replace(item) for item in (twice[0], twice[2], twice[1], twice[3])])


def test_a_set_that_overtakes_a_blocked_wait_is_illegal() -> None:
    program = [
        set_flag(Pipe.MTE2, Pipe.V, 0),
        work(Pipe.V, 100),
        wait_flag(Pipe.MTE2, Pipe.V, 0),
        set_flag(Pipe.MTE2, Pipe.V, 0),
    ]
    with pytest.raises(ScheduleError, match="set again by instruction 3"):
        run(program)


def test_sets_that_nobody_awaits_are_illegal_when_repeated() -> None:
    with pytest.raises(ScheduleError, match="set again"):
        run([set_flag(Pipe.MTE2, Pipe.V, 0), work(Pipe.MTE2, 9), set_flag(Pipe.MTE2, Pipe.V, 0)])


def test_a_full_queue_holds_up_the_issue() -> None:
    program = [work(Pipe.MTE1, 100) for _ in range(40)] + [work(Pipe.V, 1)]
    timing = run(program)
    assert timing.starts[40] > timing.starts[7]
    assert timing.starts[40] < timing.starts[9]


def test_a_queue_full_of_blocked_instructions_deadlocks() -> None:
    program = [wait_flag(Pipe.M, Pipe.MTE1, 0)] + [work(Pipe.MTE1, 1)] * 32
    with pytest.raises(ScheduleError, match=r"instruction 0 \(wait_flag M→MTE1 event 0\)"):
        run([*program, set_flag(Pipe.M, Pipe.MTE1, 0)])
    run([*program[:31], set_flag(Pipe.M, Pipe.MTE1, 0)])


def test_a_barrier_drains_its_pipe() -> None:
    barrier = Instruction(Pipe.MTE2, "pipe_barrier")
    timing = run([work(Pipe.MTE2, 100), barrier, work(Pipe.MTE2, 10)], latency=30)
    assert timing.starts[2] == 132


def test_a_barrier_on_the_scalar_pipe_drains_all() -> None:
    barrier = Instruction(Pipe.S, "pipe_barrier")
    timing = run([work(Pipe.MTE2, 100), barrier, work(Pipe.V, 10)], latency=30)
    assert timing.starts[2] > 131


def test_the_scalar_unit_stops_at_its_own_wait() -> None:
    timing = run(
        [
            work(Pipe.V, 100),
            set_flag(Pipe.V, Pipe.S, 0),
            wait_flag(Pipe.V, Pipe.S, 0),
            work(Pipe.MTE2, 10),
        ]
    )
    assert timing.starts[3] > 102
    with pytest.raises(ScheduleError, match="waits in S"):
        run([wait_flag(Pipe.V, Pipe.S, 0), set_flag(Pipe.V, Pipe.S, 0)])


def test_long_chains_of_waits_need_no_deep_stack() -> None:
    handshake = [
        set_flag(Pipe.V, Pipe.MTE2, 0),
        wait_flag(Pipe.V, Pipe.MTE2, 0),
        set_flag(Pipe.MTE2, Pipe.V, 0),
        wait_flag(Pipe.MTE2, Pipe.V, 0),
    ]
    held_up = [wait_flag(Pipe.MTE3, Pipe.V, 1), *handshake * 5000]
    assert run([*held_up, set_flag(Pipe.MTE3, Pipe.V, 1)]).cycles > 4 * 5000
