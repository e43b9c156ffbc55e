"""What a kernel has to do at least, and how long the whole SoC would take for that alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from compiler.simulator.instruction import Instruction, Loop, Pipe, Program
from compiler.soc.table import Soc

ROWS, COLUMNS, DEPTH_BYTES = 16, 16, 32
"""A fractal of the cube: 16 × 16 results, and as much of k as 32 bytes hold."""
REPEAT_BYTES = 256


@dataclass(frozen=True, slots=True)
class Work:
    """Of all cores: operations of the cube (a multiplication and an addition are two), element
    operations of the vector units, and the cycles of one core that these take at least."""

    cube_ops: int
    vector_ops: int
    cube_cycles: float
    vector_cycles: float


def work(programs: Sequence[Program], soc: Soc) -> Work:
    """Add up what the instructions of all programs do."""
    fractals: Counter[int] = Counter()
    repeats: Counter[int] = Counter()
    for program, count in _counted(programs):
        for instruction, times in _instructions(program, count):
            if instruction.pipe is Pipe.M:
                fractals[instruction.element_bytes] += instruction.fractals * times
            elif instruction.pipe is Pipe.V:
                repeats[instruction.element_bytes] += instruction.repeats * times
    cycles = dict.fromkeys(fractals, soc.costs.mmad.fractal) | {4: soc.costs.mmad.fractal_b4}
    return Work(
        cube_ops=sum(2 * n * ROWS * COLUMNS * DEPTH_BYTES // size for size, n in fractals.items()),
        vector_ops=sum(n * REPEAT_BYTES // size for size, n in repeats.items()),
        cube_cycles=sum(n * cycles[size] for size, n in fractals.items()),
        vector_cycles=float(repeats.total()),
    )


def _counted(programs: Sequence[Program]) -> list[tuple[Program, int]]:
    """Programs that are the same object once, with their number."""
    times = Counter(map(id, programs))
    return [(program, times[number]) for number, program in {id(p): p for p in programs}.items()]


def _instructions(program: Program, count: int) -> Iterable[tuple[Instruction, int]]:
    """Every instruction of a program, and how often it is issued."""
    for step in program:
        if isinstance(step, Loop):
            yield from _instructions(step.body, count * step.count)
        else:
            yield step, count


def floors(work: Work, gm_bytes: int, soc: Soc) -> Mapping[str, float]:
    """Microseconds that global memory, the cubes and the vector units of the SoC need at least."""
    memory = soc.costs.memory.gm_total * soc.cube_cores
    return {
        "memory": gm_bytes / memory / soc.clock_mhz,
        "cube": work.cube_cycles / soc.cube_cores / soc.clock_mhz,
        "vector": work.vector_cycles / soc.vector_cores / soc.clock_mhz,
    }
