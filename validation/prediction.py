"""What the simulator says about a published measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from compiler.simulator.instruction import Pipe, Program
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import CoreType, KernelTiming
from compiler.soc import Soc, soc
from validation.points import Point
from workloads.kernels.copies import Copies
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import Tiles

PIPES: Mapping[str, Pipe] = {
    "mac": Pipe.M,
    "mte1": Pipe.MTE1,
    "mte2": Pipe.MTE2,
    "mte3": Pipe.MTE3,
    "vec": Pipe.V,
    "fixpipe": Pipe.FIX,
    "scalar": Pipe.S,
}


class Unmodelled(Exception):
    """There is no prediction; the text says why."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Microseconds by the names that measurements have."""

    times: Mapping[str, float]


Timed: TypeAlias = "Callable[[Mapping[str, Any], Soc], dict[str, float]]"


def predict(point: Point) -> Prediction:
    """Simulate the kernel of a point; Unmodelled where there is none."""
    if point.reason:
        raise Unmodelled(point.reason)
    times = KERNELS[point.kernel](_tuples(point.fields), soc(point.soc))
    return Prediction({name: time * point.times for name, time in times.items()})


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Lists, which TOML has, as tuples, which can be hashed."""
    return {
        name: tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType]
        for name, value in fields.items()
    }


def kernel_times(programs: list[Program], target: Soc, kind: CoreType) -> dict[str, float]:
    """The times of one kernel."""
    return times_of(simulate_kernel(programs, target, core_type=kind))


def times_of(timing: KernelTiming) -> dict[str, float]:
    """Task, cores and pipes of a simulated kernel."""
    pipes = {
        name: timing.pipes[pipe].busy_us for name, pipe in PIPES.items() if pipe in timing.pipes
    }
    return {"task": timing.duration_us, "core": timing.core_us, **pipes}


def _matmul(fields: Mapping[str, Any], target: Soc) -> dict[str, float]:
    return kernel_times(Matmul(**fields).programs(), target, CoreType.AI_CORE)


def _tiles(fields: Mapping[str, Any], target: Soc) -> dict[str, float]:
    return kernel_times(Tiles(**fields).programs(), target, CoreType.AI_VECTOR_CORE)


def _copies(fields: Mapping[str, Any], target: Soc) -> dict[str, float]:
    kernel = Copies(**fields)
    kind = CoreType.AI_CORE if kernel.name == "nd2nz" else CoreType.AI_VECTOR_CORE
    return kernel_times(kernel.programs(), target, kind)


def _absent(fields: Mapping[str, Any], target: Soc) -> dict[str, float]:
    raise Unmodelled("kernels of cube and vector cores together are not simulated yet")


KERNELS: Mapping[str, Timed] = {
    "matmul": _matmul,
    "tiles": _tiles,
    "copies": _copies,
    "matmul_gelu": _absent,
    "grouped": _absent,
}
