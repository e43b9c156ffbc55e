"""Advice comes from a second simulation with one limit lifted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.simulator.advice import CHANGES, advice
from compiler.simulator.kernel import simulate_kernel
from compiler.soc import soc
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import Tiles

B1 = soc("Ascend910B1")


def advised(
    kernel: Tiles | Matmul, core_type: str, target: str = "Ascend910B1"
) -> tuple[str, float]:
    programs = kernel.programs()
    found = advice(programs, simulate_kernel(programs, soc(target), core_type=core_type))
    return found.change, found.saves


def test_a_stream_wants_fewer_bytes():
    change, saves = advised(Tiles(1 << 26, 48, 8192, 2), "AI_VECTOR_CORE")
    assert change.startswith("half the bytes from global memory")
    assert 0.3 < saves < 0.5


def test_a_short_kernel_wants_no_launch():
    change, saves = advised(Tiles(1 << 12, 1, 4096, 1), "AI_VECTOR_CORE")
    assert change.startswith("no launch")
    assert saves > 0.5


def test_a_product_of_large_blocks_wants_less_of_the_cube():
    kernel = Matmul(3072, 3072, 3072, (768, 512), step=(4, 4))
    programs = kernel.programs()
    rates = ("gm_read", "gm_total", "gm_window", "l2_read")
    memory = replace(B1.costs.memory, **dict.fromkeys(rates, 1e5))
    paths = {
        path: replace(dma, cap=1e4, gm_cap=1e4, row=0, burst=0, miss=0)
        for path, dma in B1.costs.dma.items()
    }
    fast = replace(B1, costs=replace(B1.costs, memory=memory, dma=paths))
    found = advice(programs, simulate_kernel(programs, fast, core_type="AI_CORE"))
    assert found.change.startswith("half the work of the cube")


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_only_helps(change: str):
    programs = Tiles(1 << 20, 8, 4096, 2).programs()
    before = simulate_kernel(programs, B1, core_type="AI_VECTOR_CORE")
    eased = replace(B1, costs=CHANGES[change](B1.costs))
    after = simulate_kernel(programs, eased, core_type="AI_VECTOR_CORE")
    assert after.duration_us <= before.duration_us
