"""What the simulator says about a published measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from compiler.simulator.instruction import Pipe, Program
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import CoreType, KernelTiming
from compiler.soc import Soc, soc
from validation.operators import Unmodelled, model_times
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

Times: TypeAlias = "dict[str, float]"
Timed: TypeAlias = "Callable[[Mapping[str, Any], Soc], Times]"


def predict(point: Point) -> Times:
    """Microseconds by the names that measurements have; Unmodelled where there is no kernel."""
    if point.reason:
        raise Unmodelled(point.reason)
    fields = {name: _hashable(value) for name, value in point.fields.items()}
    timed = {**KERNELS, **OPERATORS, **MODELS}[point.kernel]
    times = timed(fields, soc(point.soc))
    return {name: time * point.times for name, time in times.items()}


def _hashable(value: Any) -> Any:
    """Lists, which TOML has, as tuples."""
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _times(programs: Sequence[Program], target: Soc, kind: CoreType) -> Times:
    return times_of(simulate_kernel(programs, target, core_type=kind))


def times_of(timing: KernelTiming) -> Times:
    """Task, cores and pipes of a simulated kernel."""
    pipes = {
        name: timing.pipes[pipe].busy_us for name, pipe in PIPES.items() if pipe in timing.pipes
    }
    return {"task": timing.duration_us, "core": timing.core_us, **pipes}


def _matmul(fields: Mapping[str, Any], target: Soc) -> Times:
    return _times(Matmul(**fields).programs(), target, CoreType.AI_CORE)


def _tiles(fields: Mapping[str, Any], target: Soc) -> Times:
    return _times(Tiles(**fields).programs(), target, CoreType.AI_VECTOR_CORE)


def _copies(fields: Mapping[str, Any], target: Soc) -> Times:
    kernel = Copies(**fields)
    kind = CoreType.AI_CORE if kernel.name == "nd2nz" else CoreType.AI_VECTOR_CORE
    return _times(kernel.programs(), target, kind)


def _mixed(fields: Mapping[str, Any], target: Soc) -> Times:
    raise Unmodelled("kernels of cube and vector cores together have no program here yet")


def _operator(fields: Mapping[str, Any], target: Soc) -> Times:
    return model_times(fields, target)


KERNELS: Mapping[str, Timed] = {
    "matmul": _matmul,
    "tiles": _tiles,
    "copies": _copies,
    "matmul_gelu": _mixed,
    "grouped": _mixed,
}
"""Programs in the tiling of their source."""

OPERATORS: Mapping[str, Timed] = {"operator": _operator}
"""One operator, compiled by us."""

MODELS: Mapping[str, Timed] = {"model": _operator}
"""A whole model, compiled by us."""
