"""Cost laws against measured cycles and rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.simulator.cost import Share, cycles, efficiency
from compiler.simulator.instruction import Instruction, Pipe, Transfer
from compiler.soc import soc

B1 = soc("Ascend910B1").costs
A950 = soc("Ascend950PR_9589").costs
ALONE = Share({(0, False): 1e9, (0, True): 1e9}, 1e9)


def occupancy(instruction: Instruction, *, vector_core: bool = False) -> float:
    return cycles(instruction, B1, ALONE, vector_core=vector_core).occupancy


def test_mmad_takes_what_was_measured_for_512_fractals() -> None:
    assert 521 <= occupancy(Instruction(Pipe.M, "mmad", fractals=512)) <= 524


def test_mmad_of_fp32_takes_two_cycles_a_fractal_on_a2_and_one_on_950() -> None:
    mmad = Instruction(Pipe.M, "mmad", fractals=100, element_bytes=4)
    assert occupancy(mmad) == 209
    assert cycles(mmad, A950, ALONE, vector_core=False).occupancy == 103


def test_mmad_on_950_takes_what_was_measured() -> None:
    mmad = Instruction(Pipe.M, "mmad", fractals=1024)
    assert cycles(mmad, A950, ALONE, vector_core=False).occupancy == 1027


@pytest.mark.parametrize(
    ("repeats", "bank_conflict", "measured"),
    [(32, True, 86.1), (128, True, 278.5), (127, False, 149.6)],
)
def test_add_takes_what_was_measured(repeats: int, bank_conflict: bool, measured: float) -> None:
    add = Instruction(Pipe.V, "add", repeats=repeats, bank_conflict=bank_conflict)
    assert occupancy(add, vector_core=True) == pytest.approx(measured, rel=0.01)


def test_vector_classes_depend_on_the_element_size() -> None:
    exp = Instruction(Pipe.V, "exp", repeats=10)
    assert occupancy(exp) == 22 + 40
    assert occupancy(replace(exp, element_bytes=4)) == 22 + 20


def test_vector_mnemonics_may_have_their_prefix() -> None:
    plain, prefixed = (Instruction(Pipe.V, name, repeats=9) for name in ("cadd", "vcadd"))
    assert occupancy(plain) == occupancy(prefixed) == 22 + 63


def test_load_to_l0_takes_what_was_measured_for_a_block() -> None:
    a = occupancy(Instruction(Pipe.MTE1, "load_l0a", bytes=16 << 10))
    b = occupancy(Instruction(Pipe.MTE1, "load_l0b", bytes=32 << 10))
    assert a + b == pytest.approx(430, rel=0.05)
    assert b - 50 == 2 * 2 * (a - 50)


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
UB_910, L1_910, UB_950, L1_950 = 16.0, 32.0, 15.5, 31.0

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
    share = Share({(0, False): rate, (0, True): rate}, rate)
    load = dma(burst, pitch, bursts, mnemonic)
    taken = cycles(load, soc(name).costs, share, vector_core=mnemonic == "load")
    assert load.bytes / taken.occupancy == pytest.approx(measured, rel=0.06)


def test_one_core_does_not_exceed_its_own_limit() -> None:
    load = dma(1 << 16, 0, 1)
    assert (1 << 16) / occupancy(load, vector_core=True) == pytest.approx(110)
    assert (1 << 16) / occupancy(load) == pytest.approx(160)


def test_format_change_takes_longer_to_start() -> None:
    assert cycles(dma(512, 0, 64, "nd2nz"), B1, ALONE, vector_core=False).latency == 750
    assert cycles(dma(512, 0, 64), B1, ALONE, vector_core=False).latency == 212


def test_a_burst_below_one_request_costs_a_request() -> None:
    path = B1.dma["gm_ub"]
    whole = efficiency(Transfer(0, 0, 8, 128, 512, False), path, 512)
    part = efficiency(Transfer(0, 0, 8, 32, 512, False), path, 512)
    assert part == whole / 4


def test_efficiency_lies_on_a_line_between_the_measured_bursts() -> None:
    path = B1.dma["gm_l1_nz"]
    middle = efficiency(Transfer(0, 0, 8, 320, 512, False), path, 512)
    assert middle == pytest.approx((0.76 + 1.0) / 2)


def test_a_short_burst_needs_to_start_on_a_request_only() -> None:
    path = B1.dma["gm_ub"]

    def of(offset: int, pitch: int, burst: int) -> float:
        return efficiency(Transfer(0, offset, 8, burst, pitch, False), path, 512)

    assert of(128, 384, 128) == 0.92
    assert of(64, 384, 128) == 0.78
    assert of(128, 1024, 512) == 0.78
    assert of(64, 96, 32) == 0.92 / 4
