"""Our own tiles are no slower, by the simulator, than those that were published for a shape."""

from __future__ import annotations

import pytest

from compiler.simulator.kernel import simulate_kernel
from compiler.soc import soc
from workloads.kernels.compiled import matmul_programs
from workloads.kernels.matmul import Matmul

PUBLISHED: dict[str, tuple[str, Matmul]] = {
    "1536": ("Ascend910_9391", Matmul(1536, 1536, 1536, (384, 256), step=(4, 4), result=4)),
    "3072": ("Ascend910_9391", Matmul(3072, 3072, 3072, (768, 512), step=(4, 4), result=4)),
    "wide": ("Ascend910B1", Matmul(128, 1024, 30720, (128, 1280), step=(4, 4))),
    "beyond_l2": (
        "Ascend950PR_9589",
        Matmul(4096, 4096, 16384, (1024, 2048), (256, 256, 64), step=(4, 4)),
    ),
    "rectangle": ("Ascend910B3", Matmul(4096, 4096, 5120, (1024, 1024), step=(4, 4))),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_published_tiling_is_faster(name: str) -> None:
    target, kernel = PUBLISHED[name]
    result = "f32" if kernel.result == 4 else "f16"
    sizes = kernel.m, kernel.k, kernel.n
    own = matmul_programs(target, *sizes, transposed=(False, True), result=result)
    times = [
        simulate_kernel(cores, soc(target), core_type="AI_CORE").cycles
        for cores in (own, kernel.programs())
    ]
    assert times[0] <= times[1]
