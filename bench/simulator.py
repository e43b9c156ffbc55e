"""How far simulated times are from published ones, and how fast the simulator is; one line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from statistics import mean

from compiler.simulator.instruction import Pipe, Program
from compiler.simulator.kernel import simulate_kernel
from compiler.soc import soc
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import Tiles

ELEMENTS = 8192 * 8192
CUBE, VECTOR = "AI_CORE", "AI_VECTOR_CORE"

# Published on Ascend910B1, µs: pipes and core time, mean over the cores.
POINTS: list[tuple[Matmul | Tiles, str, dict[Pipe, float], float]] = [
    (
        Matmul(8192, 8192, 8192, (2048, 1536)),
        CUBE,
        {Pipe.M: 3076, Pipe.MTE1: 2534, Pipe.MTE2: 3436},
        3559,
    ),
    (
        Matmul(3072, 3072, 3072, (768, 512), step=(4, 4)),
        CUBE,
        {Pipe.M: 163.3, Pipe.MTE1: 128.2, Pipe.MTE2: 187.9},
        206.7,
    ),
    (Tiles(ELEMENTS, 48, 4096, 1), VECTOR, {Pipe.V: 15.9, Pipe.MTE2: 215.5}, 297.1),
    (Tiles(ELEMENTS, 48, 16384, 1), VECTOR, {Pipe.V: 12.8, Pipe.MTE2: 184.4}, 261.5),
    (Tiles(ELEMENTS, 48, 8192, 2), VECTOR, {Pipe.V: 12.8, Pipe.MTE2: 250.5}, 257.6),
]


def errors() -> Iterator[tuple[str, float]]:
    """Relative errors, each under the name of its pipe or `core`."""
    for kernel, core_type, pipes, core_us in POINTS:
        timing = simulate_kernel(kernel.programs(), soc("Ascend910B1"), core_type=core_type)
        for pipe, measured in pipes.items():
            yield pipe.value, timing.pipes[pipe].busy_us / measured - 1
        yield "core", timing.core_us / core_us - 1


def seconds(programs: list[Program]) -> float:
    """Wall time of one simulation on cube cores."""
    start = time.perf_counter()
    simulate_kernel(programs, soc("Ascend910B1"), core_type=CUBE)
    return time.perf_counter() - start


def main() -> None:
    """Print the figures, each with its goal; exit 1 when one is missed."""
    found = list(errors())
    goals = (
        ("mac, mte1 and vec", ("M", "MTE1", "V"), 3),
        ("mte2", ("MTE2",), 15),
        ("core time", ("core",), 10),
    )
    means = [
        (name, 100 * mean(abs(error) for kind, error in found if kind in kinds), goal)
        for name, kinds, goal in goals
    ]
    programs = POINTS[0][0].programs()
    speed = len(programs[0]) / seconds(programs[:1])
    whole = seconds(programs)
    figures = ", ".join(f"{name} {value:.1f} % (≤ {goal} %)" for name, value, goal in means)
    print(
        f"simulator: mean error on {len(POINTS)} published kernels: {figures};",
        f"8192³ matmul on 24 cores in {whole:.1f} s (< 5 s),",
        f"{speed:,.0f} instructions/s of one core (≥ 200,000)",
    )
    met = all(value <= goal for _, value, goal in means) and whole < 5 and speed >= 200_000
    sys.exit(not met)


if __name__ == "__main__":
    main()
