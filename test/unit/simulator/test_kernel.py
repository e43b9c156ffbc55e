"""Kernels of many cores: shared memory, and equal cores."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache

import pytest

from compiler.simulator.instruction import Instruction, Pipe, Program, Transfer
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import KernelTiming
from compiler.soc import soc
from workloads.kernels.flags import set_flag, wait_flag
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import Tiles

B1 = soc("Ascend910B1")
ELEMENTS = 8192 * 8192


@cache
def matmul(size: int, single: tuple[int, int], steps: tuple[int, int]) -> KernelTiming:
    kernel = Matmul(size, size, size, single, step=steps)
    return simulate_kernel(kernel.programs(), B1, core_type="AI_CORE")


@cache
def add(tile: int, buffers: int) -> KernelTiming:
    programs = Tiles(ELEMENTS, 48, tile, buffers).programs()
    return simulate_kernel(programs, B1, core_type="AI_VECTOR_CORE")


def test_the_published_order_of_tilings_is_kept() -> None:
    assert add(4096, 1).duration_us > add(16384, 1).duration_us
    large, small = matmul(1536, (384, 256), (4, 4)), matmul(1536, (384, 256), (1, 1))
    assert small.duration_us > large.duration_us


def test_equal_cores_are_one_group() -> None:
    timing = matmul(8192, (2048, 1536), (8, 4))
    assert timing.block_dim == 24
    assert [len(group.blocks) for group in timing.groups] == [20, 4]
    assert timing.slowest_us == max(group.core_us for group in timing.groups)
    mean = sum(len(group.blocks) * group.core_us for group in timing.groups) / 24
    assert timing.core_us == pytest.approx(mean)
    assert timing.duration_us == timing.head_us + timing.slowest_us


def test_bytes_are_those_of_the_algorithm() -> None:
    timing = matmul(8192, (2048, 1536), (8, 4))
    matrix = 8192 * 8192 * 2
    assert timing.read_bytes == matrix * (8192 // 256 + 8192 // 128)
    assert timing.written_bytes == matrix
    assert 3 * matrix <= timing.gm_bytes < 5 * matrix


def load(offset: int, size: int = 1 << 16, buffer: int = 0) -> Instruction:
    transfer = Transfer(buffer, offset, 1, size, 0, write=False)
    return Instruction(Pipe.MTE2, "load", bytes=size, transfer=transfer)


def past_l2(offset: int) -> Instruction:
    read = load(offset)
    assert read.transfer is not None
    return dataclasses.replace(read, transfer=dataclasses.replace(read.transfer, cached=False))


def store(offset: int, size: int = 1 << 16) -> Instruction:
    transfer = Transfer(1, offset, 1, size, 0, write=True)
    return Instruction(Pipe.MTE3, "store", bytes=size, transfer=transfer)


def vector(programs: Sequence[Program]) -> KernelTiming:
    return simulate_kernel(programs, B1, core_type="AI_VECTOR_CORE")


def test_cores_share_the_memory() -> None:
    one = vector([[load(i << 16) for i in range(64)]])
    all_cores = vector([[load((c * 64 + i) << 16) for i in range(64)] for c in range(48)])
    rate = one.read_bytes / one.core_us, all_cores.read_bytes / all_cores.core_us
    assert rate[0] == pytest.approx(34.4 * 1850, rel=0.01)
    assert rate[1] == pytest.approx(34.4 * 24 * 1850, rel=0.01)


def test_reading_again_comes_from_l2() -> None:
    once = vector([[load((c * 64 + i) << 16) for i in range(64)] for c in range(48)])
    shared = vector([[load((c + i) % 64 << 16) for i in range(64)] for c in range(48)])
    assert shared.read_bytes == once.read_bytes
    assert shared.gm_bytes * 48 == once.gm_bytes
    assert shared.core_us < 0.5 * once.core_us


def test_cores_that_read_one_place_at_a_time_wait_for_each_other() -> None:
    """0.64 TB/s when 48 cores read the same past L2, at least half as much again in turns."""
    same = vector([[past_l2(i << 16) for i in range(64)] for _ in range(48)])
    turns = vector([[past_l2((c + i) % 64 << 16) for i in range(64)] for c in range(48)])
    assert same.gm_bytes == same.read_bytes == turns.gm_bytes
    assert same.read_bytes / same.core_us == pytest.approx(0.64e6, rel=0.03)
    assert turns.core_us * 1.5 < same.core_us


def test_what_was_read_too_long_ago_is_read_again_from_memory() -> None:
    """Four passes of all cores: over more than L2 at once, and over one part after another."""

    def part(core: int, number: int) -> list[Instruction]:
        return [load((number * 48 + core) * 32 + i << 16) for i in range(32)]

    whole = vector([[i for _ in range(4) for p in range(4) for i in part(c, p)] for c in range(48)])
    parts = vector([[i for p in range(4) for i in part(c, p) * 4] for c in range(48)])
    assert whole.read_bytes == parts.read_bytes > 4 * B1.l2
    assert whole.gm_bytes == pytest.approx(whole.read_bytes, rel=0.05)
    assert parts.gm_bytes == pytest.approx(parts.read_bytes // 4, rel=0.05)
    assert parts.core_us < 0.6 * whole.core_us


def test_reads_past_l2_leave_room_for_what_is_written() -> None:
    def copies(cached: bool) -> KernelTiming:
        read = load if cached else past_l2
        tiles = [[place << 16 for place in range(c * 50, c * 50 + 50)] for c in range(48)]
        return vector([[f(at) for at in places for f in (read, store)] for places in tiles])

    through, past = copies(cached=True), copies(cached=False)
    written = through.written_bytes
    assert through.gm_bytes == written + (2 * written - B1.l2)
    assert past.gm_bytes == past.written_bytes


def test_overlapping_reads_do_not_exceed_the_span() -> None:
    timing = vector([[load(i * 512) for i in range(100)]])
    assert timing.gm_bytes == 99 * 512 + (1 << 16)


def test_what_is_written_reaches_memory_as_far_as_it_does_not_fit_l2() -> None:
    small = vector([[store(i << 16) for i in range(8)]])
    assert (small.written_bytes, small.gm_bytes) == (8 << 16, 0)
    large = vector([[store((c * 80 + i) << 16) for i in range(80)] for c in range(48)])
    assert large.gm_bytes == large.written_bytes - B1.l2 > 0


def test_memory_is_never_oversubscribed() -> None:
    """Reads of their own would take three quarters of the time that all the bytes need."""
    timing = add(8192, 2)
    per_us = B1.costs.memory.gm_total * B1.cube_cores * B1.clock_mhz
    assert timing.gm_bytes <= 1.01 * per_us * timing.slowest_us


def test_unaligned_rows_are_slower() -> None:
    def rows(pitch: int) -> float:
        transfer = Transfer(0, 0, 64, 2048, pitch, write=False)
        row = Instruction(Pipe.MTE2, "load", bytes=64 * 2048, transfer=transfer)
        return vector([[row] * 10]).core_us

    assert rows(24574) > 1.15 * rows(24576)


def test_a_short_kernel_is_bound_by_its_launch() -> None:
    timing = vector([[load(0, 512)]])
    assert timing.bound == "launch"
    assert timing.duration_us == pytest.approx(1.027 + timing.core_us)


def test_every_core_that_starts_takes_time() -> None:
    heads = [vector([[load(0, 512)]] * cores).head_us for cores in (1, 48)]
    assert heads[1] - heads[0] == pytest.approx(47 * B1.costs.launch.vector_core_us)


def test_the_bound_is_the_busiest_pipe() -> None:
    compute = [load(0), *[Instruction(Pipe.V, "add", repeats=255)] * 200]
    assert vector([compute]).bound == "vector"


def test_the_wrong_number_of_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="49 blocks on Ascend910B1: it has 48 cores"):
        vector([[load(0)]] * 49)
    with pytest.raises(ValueError, match="0 blocks"):
        vector([])


@pytest.mark.parametrize("core_type", ["AI_CPU", "AIC"])
def test_another_core_type_is_refused(core_type: str) -> None:
    with pytest.raises(
        ValueError, match=f"'{core_type}': it is AI_CORE, AI_VECTOR_CORE or MIX_AIC"
    ):
        simulate_kernel([[load(0)]], B1, core_type=core_type)


def test_an_empty_transfer_takes_an_instruction() -> None:
    timing = vector([[load(0, 0)]])
    assert (timing.read_bytes, timing.gm_bytes) == (0, 0)
    assert timing.pipes[Pipe.MTE2].busy_us == pytest.approx((21 + 81) / 1850)


def test_cores_that_read_the_same_lines_together_bring_them_once() -> None:
    """Two cores, in step, read again what is more than L2: each line comes for both."""
    whole = [load(i << 16) for i in range(4096)] * 2
    alone, together = vector([whole]).gm_bytes, vector([whole, list(whole)]).gm_bytes
    assert together == alone == pytest.approx(2 * (4096 << 16), rel=0.05)


def test_the_scalar_unit_queues_every_instruction() -> None:
    timing = vector([[load(i << 9, 512) for i in range(100)]])
    assert timing.pipes[Pipe.S].busy_us * 1850 == pytest.approx(100 * B1.costs.issue)
    busier = vector([[Instruction(Pipe.S, "scalar", repeats=500), load(0, 512)]])
    assert busier.pipes[Pipe.S].busy_us * 1850 == pytest.approx(500 + 2 * B1.costs.issue)


def test_what_a_kernel_wrote_is_read_from_l2() -> None:
    """The second half of the loads reads what the stores before it wrote."""
    work = [[store((c * 8 + i) << 16) for i in range(8)] for c in range(48)]
    own = [[*p, *(load((c * 8 + i) << 16, buffer=1) for i in range(8))] for c, p in enumerate(work)]
    timing = vector(own)
    assert (timing.read_bytes, timing.gm_bytes) == (48 * 8 << 16, 0)


def test_a_core_that_reads_little_has_its_share_all_the_same() -> None:
    """24 cores read a buffer of their own, and 24 others a hundredth as much of another."""
    much = [[load((c * 100 + i) << 16) for i in range(100)] for c in range(24)]
    little = [[load(c << 16, buffer=2)] for c in range(24)]
    alone, both = vector(much).slowest_us, vector([*much, *little])
    assert both.slowest_us < 1.02 * alone
    quick = min(group.core_us for group in both.groups)
    assert quick < 0.03 * alone


def test_a_core_without_work_takes_no_share() -> None:
    busy_cores = [[load((c * 64 + i) << 16) for i in range(64)] for c in range(24)]
    alone = vector(busy_cores)
    with_idle = vector([*busy_cores, *([] for _ in range(24))])
    assert with_idle.slowest_us == alone.slowest_us
    assert with_idle.block_dim == 48


def test_a_bank_conflict_tells_instructions_apart() -> None:
    def adds(ways: int) -> Instruction:
        return Instruction(Pipe.V, "add", repeats=100, bank_ways=ways)

    timing = vector([[adds(2), adds(1)]])
    assert timing.pipes[Pipe.V].busy_us * 1850 == pytest.approx(22 + 200 + 22 + 100)


def test_the_result_does_not_depend_on_how_programs_are_built() -> None:
    shared = Tiles(1 << 20, 8, 4096, 2).programs()
    copied = [[dataclasses.replace(item, detail="copy") for item in part] for part in shared]
    assert vector(shared) == vector(copied)
    assert vector(shared) == vector(shared)


def test_flags_belong_to_one_core() -> None:
    handshake = [set_flag(Pipe.MTE2, Pipe.V, 0), wait_flag(Pipe.MTE2, Pipe.V, 0)]
    assert len(vector([handshake, list(handshake), [*handshake, load(0)]]).groups) == 2
