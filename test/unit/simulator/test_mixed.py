"""Kernels of cube and vector cores together: flags between cores order them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.simulator.core import ScheduleError
from compiler.simulator.instruction import CrossFlag, Instruction, Loop, Pipe, Program, instructions
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import KernelTiming
from compiler.simulator.model import kernel_task, replay
from compiler.simulator.trace import model_trace
from compiler.soc import soc
from workloads.kernels.flags import set_flag, wait_flag

B1 = soc("Ascend910B1")
FLAG = B1.costs.flag


def cross_set(pipe: Pipe, flag: int, mode: int = 2) -> Instruction:
    return Instruction(pipe, "cross_set", cross=CrossFlag(mode, flag, True))


def cross_wait(pipe: Pipe, flag: int, mode: int = 2) -> Instruction:
    return Instruction(pipe, "cross_wait", cross=CrossFlag(mode, flag, False))


def mmad(fractals: int) -> Instruction:
    return Instruction(Pipe.M, "mmad", fractals=fractals)


def add(repeats: int) -> Instruction:
    return Instruction(Pipe.V, "add", repeats=repeats)


def mixed(*programs: Program) -> KernelTiming:
    """One block after another: the cube core, then its two vector cores."""
    return simulate_kernel(programs, B1, core_type="MIX_AIC", keep=100)


def starts(timing: KernelTiming, core: int) -> list[float]:
    return list(next(group for group in timing.groups if group.core == core).schedule.starts)


def ends(timing: KernelTiming, core: int) -> list[float]:
    return list(next(group for group in timing.groups if group.core == core).schedule.ends)


def test_both_vector_cores_wait_for_the_cube_core() -> None:
    timing = mixed([mmad(1000), cross_set(Pipe.M, 0)], *[[cross_wait(Pipe.V, 0), add(10)]] * 2)
    raised = ends(timing, 0)[1]
    assert raised == ends(timing, 0)[0] + FLAG + B1.costs.cross_flag
    for core in (1, 2):
        assert ends(timing, core)[0] == raised + FLAG == starts(timing, core)[1]


def test_the_cube_core_waits_for_both_vector_cores() -> None:
    first, second = [add(10), cross_set(Pipe.V, 1)], [add(200), cross_set(Pipe.V, 1)]
    timing = mixed([cross_wait(Pipe.M, 1), mmad(10)], first, second)
    assert ends(timing, 2)[1] > ends(timing, 1)[1]
    assert starts(timing, 0)[1] == ends(timing, 2)[1] + FLAG


def test_vector_cores_of_a_block_wait_for_each_other() -> None:
    def program(repeats: int) -> Program:
        return [add(repeats), cross_set(Pipe.V, 2, mode=1), cross_wait(Pipe.V, 2, mode=1), add(1)]

    timing = mixed([], program(10), program(200))
    assert starts(timing, 1)[3] == starts(timing, 2)[3] == ends(timing, 2)[1] + FLAG


def test_all_blocks_wait_for_each_other() -> None:
    def program(repeats: int) -> Program:
        return [add(repeats), cross_set(Pipe.V, 0, mode=0), cross_wait(Pipe.V, 0, mode=0), add(1)]

    programs = [program(200 if block == 7 else 10) for block in range(48)]
    timing = simulate_kernel(programs, B1, core_type="AI_VECTOR_CORE", keep=4)
    short, long = sorted(timing.groups, key=lambda group: -len(group.blocks))
    assert (len(short.blocks), long.blocks) == (47, (7,))
    assert short.schedule.starts[3] == long.schedule.starts[3] == long.schedule.ends[1] + FLAG


def test_sets_are_counted() -> None:
    """The second wait takes the second set, however early that came."""
    cube = [cross_set(Pipe.M, 0), mmad(50), cross_set(Pipe.M, 0)]
    waits = [add(2000), cross_wait(Pipe.V, 0), cross_wait(Pipe.V, 0), add(1)]
    timing = mixed(cube, waits, waits)
    assert starts(timing, 1)[3] == ends(timing, 1)[0] + 2 * FLAG


def test_a_deadlock_between_cores_is_named() -> None:
    with pytest.raises(ScheduleError) as error:
        mixed([cross_wait(Pipe.M, 3), cross_set(Pipe.M, 4)], [cross_wait(Pipe.V, 4)], [])
    assert str(error.value) == (
        "deadlock: instruction 0 (cross_wait mode 2 flag 3) waits in M of the cube core; "
        "instruction 0 (cross_wait mode 2 flag 4) waits in V of vector core 0"
    )


def test_a_queue_full_of_what_waits_for_another_core_goes_on() -> None:
    """MTE1 takes 32 instructions: the rest is issued when the vector cores have set the flag."""
    loads = [Instruction(Pipe.MTE1, "load_l0a", bytes=256)] * 40
    late = [add(1000), cross_set(Pipe.V, 0)]
    timing = mixed([cross_wait(Pipe.MTE1, 0), *loads], late, late)
    assert min(starts(timing, 0)[1:]) > ends(timing, 1)[1]
    assert timing.groups[0].schedule.instructions == 41


def tiles(count: int, sizes: Sequence[int], slots: int) -> list[Program]:
    """The cube core computes tiles, the vector cores work on half of each: `slots` lie between."""
    fractals, *repeats = sizes
    ready, done = (Pipe.M, Pipe.FIX, 0), (Pipe.FIX, Pipe.M, 0)
    cube = [
        *(wait_flag(*done), mmad(fractals), set_flag(*ready)),
        *(cross_wait(Pipe.FIX, 1), wait_flag(*ready)),
        Instruction(Pipe.FIX, "fixpipe", bytes=4096),
        *(set_flag(*done), cross_set(Pipe.FIX, 0)),
    ]
    halves = [[cross_wait(Pipe.V, 0), add(n), cross_set(Pipe.V, 1)] for n in repeats]
    free = [cross_set(Pipe.V, 1)] * slots
    return [[set_flag(*done), Loop(count, cube)], *([*free, Loop(count, half)] for half in halves)]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 50), st.lists(st.integers(1, 800), min_size=3, max_size=3), st.integers(1, 3))
def test_loops_of_several_cores_are_fast_forwarded_exactly(
    count: int, sizes: Sequence[int], slots: int
) -> None:
    programs = tiles(count, sizes, slots)
    plain = [list(instructions(program)) for program in programs]
    looped, run = (simulate_kernel(p, B1, core_type="MIX_AIC") for p in (programs, plain))
    assert [g.schedule for g in looped.groups] == [g.schedule for g in run.groups]


def test_a_million_tiles_take_no_longer_than_a_thousand() -> None:
    def timed(count: int) -> float:
        return mixed(*tiles(count, (300, 200, 210), 2)).cycles

    assert timed(10**6) - timed(10**6 - 1000) == pytest.approx(timed(2000) - timed(1000))


def test_a_mixed_task_takes_vector_cores_too() -> None:
    cube = [mmad(10), cross_set(Pipe.M, 0)]
    kernel = mixed(*[cube, *[[cross_wait(Pipe.V, 0), add(10)]] * 2] * 24)
    assert (kernel.block_dim, kernel.core_type) == (24, "MIX_AIC")
    vector = simulate_kernel([[add(10)]], B1, core_type="AI_VECTOR_CORE")
    tasks = [kernel_task("m", "M", 0, kernel), kernel_task("v", "V", 1, vector)]
    first, second = replay(tasks, B1).tasks
    assert second.start_us == first.end_us


def test_the_trace_shows_all_cores_of_a_block() -> None:
    cube = [mmad(10), cross_set(Pipe.M, 0)]
    kernel = mixed(cube, *[[cross_wait(Pipe.V, 0), add(10)]] * 2)
    trace = model_trace(replay([kernel_task("k", "K", 0, kernel)], B1), kernels=["k"], cap=100)
    cores = {"k/core0.cubecore0", "k/core0.veccore0", "k/core0.veccore1"}
    assert {event["pid"] for event in trace["traceEvents"]} == {"streams", *cores}


def test_a_mixed_kernel_needs_all_programs_of_a_block_and_separate_cores() -> None:
    with pytest.raises(ValueError, match="2 programs are not 3 for each block"):
        mixed([], [])
    with pytest.raises(ValueError, match="Ascend910A has no separate vector cores"):
        simulate_kernel([[], []], soc("Ascend910A"), core_type="MIX_AIC")
