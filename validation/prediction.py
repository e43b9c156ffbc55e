"""What the simulator says about a published measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from compiler.simulator.instruction import Pipe, Program
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import CoreGroup, CoreType, KernelTiming
from compiler.soc import Soc, soc
from validation.operators import Unmodelled, model_times
from validation.points import Point
from workloads.kernels.copies import Copies
from workloads.kernels.matmul import Matmul
from workloads.kernels.mixed import Mixed
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

GELU = ("mul²", "mul", "muls", "add", "muls", "exp", "adds", "div")
"""The instructions of the samples' approximation."""

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


def _matmul_gelu(fields: Mapping[str, Any], target: Soc) -> Times:
    matmul, others = _split(fields)
    return _mixed(Mixed(Matmul(**matmul), GELU, **others), target)


def _grouped(fields: Mapping[str, Any], target: Soc) -> Times:
    """An int8 matmul, dequantised by column and by row, and GELU."""
    matmul, others = _split(fields)
    operations = ("cast", "mul", "muls", *GELU, "cast")
    return _mixed(Mixed(Matmul(**matmul), operations, result=2, **others), target)


HANDOVER = frozenset({"vectors", "slots", "buffers", "fused", "rows"})


def _split(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a matmul, and those of what the vector cores do."""
    others = {name: value for name, value in fields.items() if name in HANDOVER}
    return {name: value for name, value in fields.items() if name not in others}, others


def _mixed(kernel: Mixed, target: Soc) -> Times:
    """Pipes of the cube cores, and of the vector cores that work."""
    timing = simulate_kernel(kernel.programs(), target, core_type=CoreType.MIX_AIC)
    cube = [group for group in timing.groups if group.core == 0]
    vector = [group for group in timing.groups if 0 < group.core <= kernel.vectors]
    return {
        "task": timing.duration_us,
        "core": _mean(cube, None),
        **{name: _mean(cube, PIPES[name]) for name in ("mac", "mte1", "mte2", "fixpipe", "scalar")},
        **{name: _mean(vector, PIPES[name]) for name in ("vec", "mte3")},
        "aiv_mte2": _mean(vector, Pipe.MTE2),
    }


def _mean(groups: Sequence[CoreGroup], pipe: Pipe | None) -> float:
    """Over cores: the busy time of a pipe, or all their time."""
    cores = sum(len(group.blocks) for group in groups)
    times = (
        (group.core_us if pipe is None else group.pipes[pipe].busy_us) * len(group.blocks)
        for group in groups
    )
    return sum(times) / cores


def _operator(fields: Mapping[str, Any], target: Soc) -> Times:
    return model_times(fields, target)


KERNELS: Mapping[str, Timed] = {
    "matmul": _matmul,
    "tiles": _tiles,
    "copies": _copies,
    "matmul_gelu": _matmul_gelu,
    "grouped": _grouped,
}
"""Programs in the tiling of their source."""

OPERATORS: Mapping[str, Timed] = {"operator": _operator}
"""One operator, compiled by us."""

MODELS: Mapping[str, Timed] = {"model": _operator}
"""A whole model, compiled by us."""
