"""How fast the simulator is; one line. How near its times are to published ones: make validate."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from compiler.simulator.instruction import Program
from compiler.simulator.kernel import simulate_kernel
from compiler.soc import soc
from workloads.kernels.matmul import Matmul


def seconds(programs: Sequence[Program]) -> float:
    """CPU time of one simulation on cube cores."""
    start = time.process_time()
    simulate_kernel(programs, soc("Ascend910B1"), core_type="AI_CORE")
    return time.process_time() - start


def main() -> None:
    """Print the figures, each with its goal; exit 1 when one is missed."""
    programs = Matmul(8192, 8192, 8192, (2048, 1536)).programs()
    speed = len(programs[0]) / seconds(programs[:1])
    whole = seconds(programs)
    print(
        f"simulator: 8192³ matmul on 24 cores, without loops, in {whole:.1f} s (< 5 s),",
        f"{speed:,.0f} instructions/s of one core (≥ 200,000)",
    )
    sys.exit(not (whole < 5 and speed >= 200_000))


if __name__ == "__main__":
    main()
