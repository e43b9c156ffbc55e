"""What runs a task: the operator engine, or the kernel engine on the kernel in the model's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from compiler.om.offline_model import SubModel
from runtime.errors import failure
from runtime.operator_engine import (
    Array,
    Inputs,
    Node,
    OperatorError,
    goes_into,
    kernel_for,
    run,
    run_convolution,
)
from runtime.packing import packed, unpacked
from runtime.precision import FloatMode
from runtime.settings import ENGINE_VARIABLE, Engine

if TYPE_CHECKING:  # xDSL stays unloaded until a kernel of the file is needed
    from dialects.davinci import KernelOp

INTO: dict[str, Callable[..., object]] = {
    "Add": np.add,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "Relu": partial(np.maximum, 0),
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
}
"""Operator types that compute float32 as NumPy does, straight into their result."""

Launch = Callable[[Inputs, Sequence[Array]], None]
"""Computes the outputs of one task, in place, from its inputs by port."""


def operator_launch(node: Node, mode: FloatMode) -> Launch:
    """A task on the operator engine; AclError 500002 for operator types it does not know."""
    if node.members:
        return _one_after_the_other(node, mode)
    try:
        kernel_for(node)
        in_place = goes_into(node)
    except OperatorError as error:
        raise failure(str(error)) from None

    function = INTO.get(node.type)
    descs = (*node.inputs, *node.outputs)
    if function is not None and {desc.dtype for desc in descs} == {np.dtype(np.float32)}:
        return _in_place(function)
    if in_place:
        return lambda inputs, outputs: run_convolution(node, inputs, outputs[0])

    def launch(inputs: Inputs, outputs: Sequence[Array]) -> None:
        results = run(node, inputs, saturates=mode.saturates)
        for place, (result, target) in enumerate(zip(results, outputs, strict=True)):
            if result.shape != target.shape or result.dtype != target.dtype:
                raise node.error(
                    f"output {place} is {result.dtype}{list(result.shape)}, the model says "
                    f"{target.dtype}{list(target.shape)}"
                )
            if result is not target:  # an Assign has written where it belongs
                np.copyto(target, result)

    return launch


def _one_after_the_other(node: Node, mode: FloatMode) -> Launch:
    """A fused node: its members, each result in the type that it has."""
    steps = [(member, operator_launch(member.node, mode)) for member in node.members]
    result = node.outputs[0]
    read = Counter(at for member in node.members for at in {at for _, at in member.sources})
    own = {
        place
        for place, (member, _) in enumerate(steps[:-1])
        if member.node.outputs[0] == result
        and read[-1 - place] == 1
        and any(at == -1 - place for _, at in steps[place + 1][0].sources)
    }
    """Results that the next member alone reads may lie where the last one will."""

    def launch(inputs: Inputs, outputs: Sequence[Array]) -> None:
        given, made = list(inputs.values()), list[Array]()
        apart = not any(np.may_share_memory(outputs[0], x) for x in given)
        for place, (member, compute) in enumerate(steps):
            desc = member.node.outputs[0]
            is_last = place == len(steps) - 1
            free = is_last or (apart and place in own)
            made.append(outputs[0] if free else np.empty(desc.shape, desc.dtype))
            sources = {port: given[at] if at >= 0 else made[-1 - at] for port, at in member.sources}
            compute(sources, made[-1:])

    return launch


def _in_place(function: Callable[..., object]) -> Launch:
    """A task whose function writes its one result where it belongs: nothing is copied."""

    def launch(inputs: Inputs, outputs: Sequence[Array]) -> None:
        with np.errstate(all="ignore"):
            function(*inputs.values(), out=outputs[0])

    return launch


def unpacking(launch: Launch, node: Node, ports: Sequence[str]) -> Launch:
    """The same launch on memory that may hold packed elements; kernels see a byte for each."""
    descs = dict(zip(ports, node.inputs, strict=True))
    if not any(desc.is_packed for desc in (*node.inputs, *node.outputs)):
        return launch

    def unpack(inputs: Inputs, outputs: Sequence[Array]) -> None:
        given = {
            port: unpacked(x, descs[port].dtype, descs[port].shape) if descs[port].is_packed else x
            for port, x in inputs.items()
        }
        made = [
            np.empty(desc.shape, desc.dtype) if desc.is_packed else y
            for desc, y in zip(node.outputs, outputs, strict=True)
        ]
        launch(given, made)
        for desc, result, target in zip(node.outputs, made, outputs, strict=True):
            if desc.is_packed:
                np.copyto(target, packed(result))

    return unpack


class FileKernels:
    """The AI-Core kernels of a model's file, each parsed once, when a task first launches it."""

    def __init__(self, model: SubModel, mode: FloatMode) -> None:
        self._mode = mode
        self._binaries = {kernel.name: bytes(kernel.binary) for kernel in model.tbe_kernels}
        self._kernels: dict[str, KernelOp] = {}

    def launch(self, name: str, node: Node) -> Launch:
        """A task on the kernel engine; AclError 500002 when its kernel cannot be executed."""
        from runtime import kernel_engine
        from runtime.kernel_engine.binary import check_arguments

        try:
            kernel = self._kernel(name)
            descs = (*node.inputs, *node.outputs)
            check_arguments(kernel, [(str(desc.dtype), desc.shape) for desc in descs])
        except kernel_engine.KernelError as error:
            fault = node.error(f"kernel '{name}': {error}")
            remedy = f"the operator engine can run it ({ENGINE_VARIABLE}={Engine.OPERATOR})"
            raise failure(f"{fault}; {remedy}") from None

        def launch(inputs: Inputs, outputs: Sequence[Array]) -> None:
            arguments = [*inputs.values(), *outputs]
            try:
                kernel_engine.run_kernel(kernel, arguments, saturates=self._mode.saturates)
            except (kernel_engine.KernelError, LookupError, TypeError, ValueError) as error:
                raise node.error(f"kernel '{name}': {error}") from error

        return launch

    def _kernel(self, name: str) -> KernelOp:
        from runtime.kernel_engine import KernelError
        from runtime.kernel_engine.binary import parse_kernel

        if name not in self._kernels:
            if name not in self._binaries:
                raise KernelError("the file does not have it")
            self._kernels[name] = parse_kernel(self._binaries[name])
        return self._kernels[name]
