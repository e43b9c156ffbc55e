"""The least that a kernel can take: counted from its instructions, never above its time."""

from __future__ import annotations

import pytest

from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.roofline import floors, work
from compiler.soc import soc
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import Tiles

B1 = soc("Ascend910B1")
ADD = Tiles(1 << 20, 8, 4096, 2)
MATMUL = Matmul(512, 512, 512, (256, 256), step=(4, 4))


def test_products_and_elements_are_counted():
    assert work(MATMUL.programs(), B1).cube_ops == 2 * 512**3
    assert work(MATMUL.programs(), B1).vector_ops == 0
    assert work(ADD.programs(), B1).vector_ops == 1 << 20


def test_a_floor_is_work_over_the_whole_soc():
    done = work(MATMUL.programs(), B1)
    found = floors(done, 3 * 512 * 512 * 2, B1)
    assert found["cube"] == pytest.approx(512**3 / 4096 / 24 / 1850)
    rate = B1.costs.memory.gm_total * 24 * 1850
    assert found["memory"] == pytest.approx(3 * 512 * 512 * 2 / rate)
    assert found["vector"] == 0


@pytest.mark.parametrize(("kernel", "core_type"), [(ADD, "AI_VECTOR_CORE"), (MATMUL, "AI_CORE")])
def test_no_kernel_is_faster_than_its_floors(kernel: Tiles | Matmul, core_type: str):
    timing = simulate_kernel(kernel.programs(), B1, core_type=core_type)
    assert 0 < max(timing.floors_us.values()) <= timing.slowest_us
