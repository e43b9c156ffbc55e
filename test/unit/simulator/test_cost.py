"""Cost laws against measured cycles and rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.simulator.cost import Share, Source, Stream, cycles, wire_bytes
from compiler.simulator.instruction import Instruction, Pipe, Transfer
from compiler.soc import soc

B1 = soc("Ascend910B1").costs
A950 = soc("Ascend950PR_9589").costs
PLAIN, NZ = Stream(0, nz=False, cached=True), Stream(0, nz=True, cached=True)


def share(missing: float, rate: float) -> Share:
    """Everybody gets `rate`, of memory and of L2."""
    source = Source(missing, rate, rate)
    return Share({PLAIN: source, NZ: source}, rate)


ALONE = share(0.0, 1e9)


def occupancy(instruction: Instruction, *, vector_core: bool = False) -> float:
    return cycles(instruction, B1, ALONE, vector_core=vector_core).occupancy


@pytest.mark.parametrize("fractals", [64, 512])
def test_an_idle_cube_takes_longer_to_start(fractals: int) -> None:
    """125 and 575 cycles for blocks of 64 and 512 fractals that wait for their loads."""
    taken = cycles(Instruction(Pipe.M, "mmad", fractals=fractals), B1, ALONE, vector_core=False)
    assert taken.occupancy == fractals + 2
    assert taken.occupancy + taken.fill == pytest.approx(fractals + 61.5, abs=1)


def test_mmad_of_fp32_takes_two_cycles_a_fractal_on_a2_and_one_on_950() -> None:
    mmad = Instruction(Pipe.M, "mmad", fractals=100, element_bytes=4)
    assert occupancy(mmad) == 202
    assert cycles(mmad, A950, ALONE, vector_core=False).occupancy == 103


def test_mmad_on_950_takes_what_was_measured() -> None:
    mmad = Instruction(Pipe.M, "mmad", fractals=1024)
    assert cycles(mmad, A950, ALONE, vector_core=False).occupancy == 1027


@pytest.mark.parametrize(
    ("repeats", "bank_ways", "measured"),
    [(32, 2, 86.1), (128, 2, 278.5), (127, 1, 149.6)],
)
def test_add_takes_what_was_measured(repeats: int, bank_ways: int, measured: float) -> None:
    add = Instruction(Pipe.V, "add", repeats=repeats, bank_ways=bank_ways)
    assert occupancy(add, vector_core=True) == pytest.approx(measured, rel=0.01)


def test_vector_classes_depend_on_the_element_size() -> None:
    exp = Instruction(Pipe.V, "exp", repeats=10)
    assert occupancy(exp) == 22 + 40
    assert occupancy(replace(exp, element_bytes=4)) == 22 + 20


def test_vector_mnemonics_may_have_their_prefix() -> None:
    plain, prefixed = (Instruction(Pipe.V, name, repeats=9) for name in ("cadd", "vcadd"))
    assert occupancy(plain) == occupancy(prefixed) == 22 + 63


def test_a_vector_function_of_eight_operations_on_950_takes_what_was_measured() -> None:
    """6.0 to 6.7 cycles a repeat, where one instruction after another takes 15."""
    function = Instruction(Pipe.V, "fused", repeats=8 * 1000, bank_ways=0)
    taken = cycles(function, A950, ALONE, vector_core=True).occupancy
    assert 6.0 <= (taken - A950.vector.start) / 1000 <= 6.7


def test_load_to_l0_takes_what_was_measured_for_a_block() -> None:
    a = occupancy(Instruction(Pipe.MTE1, "load_l0a", bytes=16 << 10))
    b = occupancy(Instruction(Pipe.MTE1, "load_l0b", bytes=32 << 10))
    assert a + b == pytest.approx(367, rel=0.01)
    assert b - 23.5 == 2 * 2 * (a - 23.5)


def test_fixpipe_is_bound_by_l0c_in_fp16_and_by_the_write_in_fp32() -> None:
    size = 128 * 256
    half = occupancy(Instruction(Pipe.FIX, "fixpipe", bytes=2 * size, element_bytes=2))
    full = occupancy(Instruction(Pipe.FIX, "fixpipe", bytes=4 * size, element_bytes=4))
    assert 4 * size / half == pytest.approx(126, rel=0.01)
    assert 70 <= 4 * size / full <= 73


def dma(burst: int, pitch: int, bursts: int, name: str = "load") -> Instruction:
    transfer = Transfer(0, 0, bursts, burst, pitch, write=False)
    return Instruction(Pipe.MTE2, name, bytes=transfer.bytes, transfer=transfer)


ROW = 12288 * 2
UB_910, L1_910, UB_950, L1_950 = 17.2, 34.4, 16.0, 32.0

DMA_ROWS = [
    # SoC, core's fair share (B/cycle), burst, bursts, pitch, instruction, measured B/cycle
    ("Ascend910B1", UB_910, 128, 1, 0, "load", 6.2),
    ("Ascend910B1", UB_910, 128, 64, ROW, "load", 15.4),
    ("Ascend910B1", UB_910, 2048, 64, ROW, "load", 16.8),
    ("Ascend910B1", UB_910, 2048, 64, ROW - 2, "load", 13.1),
    ("Ascend910B1", L1_910, 128, 64, ROW, "nd2nz", 24.0),
    ("Ascend910B1", L1_910, 512, 64, ROW, "nd2nz", 31.7),
    ("Ascend910B1", L1_910, 512, 64, ROW - 2, "nd2nz", 16.1),
    ("Ascend950PR_9589", UB_950, 128, 1, 0, "load", 3.25),
    ("Ascend950PR_9589", UB_950, 128, 64, ROW, "load", 13.9),
    ("Ascend950PR_9589", UB_950, 2048, 64, ROW, "load", 15.4),
    ("Ascend950PR_9589", UB_950, 2048, 64, ROW - 2, "load", 15.1),
    ("Ascend950PR_9589", L1_950, 128, 64, ROW, "nd2nz", 23.7),
    ("Ascend950PR_9589", L1_950, 512, 64, ROW, "nd2nz", 30.6),
    ("Ascend950PR_9589", L1_950, 512, 64, ROW - 2, "nd2nz", 28.2),
]


@pytest.mark.parametrize(
    ("name", "rate", "burst", "bursts", "pitch", "mnemonic", "measured"), DMA_ROWS
)
def test_loads_reach_the_measured_rate(
    name: str, rate: float, burst: int, bursts: int, pitch: int, mnemonic: str, measured: float
) -> None:
    load = dma(burst, pitch, bursts, mnemonic)
    taken = cycles(load, soc(name).costs, share(1.0, rate), vector_core=mnemonic == "load")
    passed = max(taken.occupancy, taken.transport)
    assert load.bytes / passed == pytest.approx(measured, rel=0.06)


def test_one_core_does_not_exceed_its_own_limits() -> None:
    load = dma(1 << 16, 0, 1)
    sent = (1 << 16) + B1.dma["gm_ub"].burst

    def rate(missing: float, *, vector_core: bool) -> float:
        taken = cycles(load, B1, share(missing, 1e9), vector_core=vector_core)
        return sent / taken.transport

    assert rate(0.0, vector_core=True) == pytest.approx(110)
    assert rate(0.0, vector_core=False) == pytest.approx(160)
    assert rate(1.0, vector_core=True) == pytest.approx(34.4)


@pytest.mark.parametrize(
    ("rows", "measured"), [([64, 64], 514), ([128, 256], 1380)], ids=["64x64", "128x256"]
)
def test_short_rows_on_one_core_take_what_was_measured(rows: list[int], measured: float) -> None:
    """Both operands of a matmul block, rows of 128 bytes in L2, loaded before it computes."""
    loads = [cycles(dma(128, 512, n, "nd2nz"), B1, ALONE, vector_core=False) for n in rows]
    taken = sum(load.occupancy for load in loads) + loads[-1].latency
    assert taken == pytest.approx(measured, rel=0.01)


def test_what_is_not_in_l2_takes_longer_to_arrive() -> None:
    load = dma(1 << 13, 0, 1)
    hit = cycles(load, B1, share(0.0, 1e9), vector_core=True).latency
    assert cycles(load, B1, share(1.0, 1e9), vector_core=True).latency == hit + 145


def test_rows_by_index_are_a_load_each() -> None:
    transfer = Transfer(0, 0, bursts=64, burst_bytes=128, pitch=128, write=False)
    rows = Instruction(Pipe.MTE2, "load_rows", bytes=64 * 128, transfer=transfer)
    assert occupancy(rows, vector_core=True) == 64 * B1.dma["gm_ub"].issue
    assert occupancy(replace(rows, mnemonic="load"), vector_core=True) < 64 * 21 / 4


def test_a_burst_below_one_request_costs_a_request() -> None:
    path = B1.dma["gm_ub"]
    whole = wire_bytes(Transfer(0, 0, 8, 128, 512, False), path, 512)
    assert wire_bytes(Transfer(0, 0, 8, 32, 512, False), path, 512) == whole == 8 * (128 + 13)


def test_an_unaligned_burst_costs_a_line_more() -> None:
    path = B1.dma["gm_ub"]
    assert wire_bytes(Transfer(0, 2, 1, 2048, 0, False), path, 512) == 2048 + 13 + 512


def test_a_short_burst_needs_to_start_on_a_request_only() -> None:
    path = B1.dma["gm_ub"]

    def of(offset: int, pitch: int, burst: int) -> float:
        return wire_bytes(Transfer(0, offset, 1, burst, pitch, False), path, 512)

    assert of(128, 384, 128) == 128 + 13
    assert of(64, 384, 128) == 128 + 13 + 128
    assert of(128, 1024, 512) == 512 + 13 + 512
