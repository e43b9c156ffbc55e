"""The tasks of an offline model on its SoC: kernels are simulated, streams replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.kernels.symbols import kernel_symbols
from compiler.om.buffers import joined_bytes
from compiler.om.contract import AI_CORE_NAMES, FEATURE_SIZE_NAME, KERNEL_PREFIX, VARIABLE_SIZE_NAME
from compiler.simulator.advice import Advice
from compiler.simulator.instruction import Program
from compiler.simulator.kernel_timing import KernelTiming
from compiler.simulator.model import (
    EventRecord,
    EventWait,
    ModelTiming,
    Step,
    ai_cpu_task,
    kernel_task,
)
from compiler.simulator.residency import Residency
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import buffer_of, byte_size
from dialects.ge import type_of
from dialects.om import BinaryOp, BundleOp, EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp

INSTRUCTIONS_SHOWN = 250
"""What the trace shows of a core, from its start: it must stay small."""

CORE_TYPES = {"AIC": "AI_CORE", "AIV": "AI_VECTOR_CORE", "MIX": "MIX_AIC"}


def models(module: ModuleOp) -> list[tuple[str, ModelOp]]:
    """The models of a module; those of a bundle with the name that tells them apart.

    UserError where there is none.
    """
    found: list[tuple[str, ModelOp]] = []
    for op in module.body.block.ops:
        if isinstance(op, ModelOp):
            found.append(("", op))
        elif isinstance(op, BundleOp):
            found += [(model.label, model) for model in op.models]
    if not found:
        raise UserError("a schedule is made of an om.model or om.bundle: compile first")
    return found


class Kernels:
    """The kernels of a module by name: parsed when first asked for, simulated once."""

    def __init__(self, ctx: Context, module: ModuleOp):
        self.ctx = ctx
        self.sources = kernel_symbols(module)
        self.timings: dict[tuple[str, frozenset[int]], KernelTiming] = {}
        self._programs: dict[str, Sequence[Program]] = {}

    def kernel(self, name: str) -> KernelOp:
        """The kernel of that name; UserError when it is not one of ours."""
        op = self.sources.get(name)
        if isinstance(op, BinaryOp):
            op = self.sources[name] = self._parse(op)
        if not isinstance(op, KernelOp):
            raise UserError(f"kernel '{name}' is not in the model")
        return op

    def _parse(self, binary: BinaryOp) -> KernelOp:
        from xdsl.parser import Parser

        name = binary.sym_name.data
        data = joined_bytes(weight_of(binary.value).chunks())
        if not data.startswith(KERNEL_PREFIX):
            raise UserError(f"kernel '{name}' was not made by ascend-opt: it cannot be simulated")
        op = Parser(self.ctx, data.decode(), name).parse_op()
        assert isinstance(op, KernelOp)
        return op

    def timing(self, name: str, soc: Soc, warm: frozenset[int] = frozenset()) -> KernelTiming:
        """How long the kernel takes on a SoC, with the arguments `warm` in L2 at its start."""
        from compiler.simulator.kernel import simulate_kernel

        if (name, warm) not in self.timings:
            core_type = CORE_TYPES[self.kernel(name).core_type.data]
            self.timings[name, warm] = simulate_kernel(
                self.programs(name), soc, core_type=core_type, keep=INSTRUCTIONS_SHOWN, warm=warm
            )
        return self.timings[name, warm]

    def sizes(self, name: str) -> list[int]:
        """The bytes of the kernel's arguments."""
        return [byte_size(buffer_of(arg)) for arg in self.kernel(name).body.block.args]

    def advice(self, name: str) -> Advice:
        """What would make the kernel, which was timed, faster, when it takes longest."""
        from compiler.simulator.advice import advice

        timed = [timing for (known, _), timing in self.timings.items() if known == name]
        longest = max(timed, key=lambda timing: timing.duration_us)
        return advice(self.programs(name), longest)

    def programs(self, name: str) -> Sequence[Program]:
        """What each core of the kernel issues."""
        from compiler.kernels.program import programs

        if name not in self._programs:
            self._programs[name] = programs(self.kernel(name))
        return self._programs[name]


def simulate(model: ModelOp, kernels: Kernels) -> ModelTiming:
    """Time every task of a model on the SoC it was compiled for."""
    from compiler.simulator.model import replay
    from compiler.soc import soc

    name = model.attributes.get("soc_version")
    target = soc(name.data if isinstance(name, StringAttr) else "")
    _check_memory(model, target)
    return replay(list(_steps(model, kernels, target)), target)


def _check_memory(model: ModelOp, soc: Soc) -> None:
    """A model that is not planned, or does not fit the device, has no time on it."""
    if FEATURE_SIZE_NAME not in model.attributes:
        raise UserError(
            f"om.model '{model.label}' has no addresses: pass om-plan-memory makes them"
        )
    parts = (FEATURE_SIZE_NAME, "weight_size", VARIABLE_SIZE_NAME)
    needed = sum(model.integer(part) for part in parts)
    if soc.hbm is not None and needed > soc.hbm:
        sizes = f"{needed / (1 << 30):.1f} GiB of memory, {soc.name} has {soc.hbm / (1 << 30):.0f}"
        raise UserError(f"om.model '{model.label}' needs {sizes}")


def _steps(model: ModelOp, kernels: Kernels, soc: Soc) -> Iterator[Step]:
    types = {node.label: type_of(node) for graph in model.graphs for node in graph.all_nodes}
    l2 = Residency(soc.l2)
    for task in model.tasks:
        match task:
            case KernelTaskOp() if task.kernel_type.data in AI_CORE_NAMES:
                name = task.kernel.data
                tensors = list(zip(task.args.get_values(), kernels.sizes(name), strict=False))
                timing = kernels.timing(name, soc, l2.touch(tensors))
                yield kernel_task(
                    task.node.data,
                    types[task.node.data],
                    task.stream_id,
                    timing,
                    symbol=task.kernel.data,
                )
            case KernelTaskOp():
                yield ai_cpu_task(task.node.data, types[task.node.data], task.stream_id, soc)
            case EventRecordOp():
                yield EventRecord(task.stream_id, task.event_id)
            case EventWaitOp():
                yield EventWait(task.stream_id, task.event_id)
            case _:
                raise UserError(f"model '{model.label}' has a task that cannot be simulated")
