"""Kernel binaries as they lie in an offline model: the text of a davinci kernel."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.context import Context
from xdsl.dialects.affine import Affine
from xdsl.dialects.builtin import Builtin
from xdsl.parser import Parser
from xdsl.utils.exceptions import DiagnosticException, ParseError

from compiler.om.contract import KERNEL_PREFIX
from compiler.weights import numpy_dtype
from dialects.davinci import DAVINCI, KernelOp
from dialects.davinci.types import Buffer
from dialects.types import element_name
from runtime.kernel_engine.memory import KernelError


def parse_kernel(binary: bytes) -> KernelOp:
    """The kernel of a binary; KernelError when it is not one that this project has made."""
    if not binary.startswith(KERNEL_PREFIX):
        raise KernelError("its binary is no davinci kernel: the simulated device cannot execute it")
    context = Context()
    for dialect in (Builtin, Affine, DAVINCI):
        context.load_dialect(dialect)
    try:
        kernel = Parser(context, binary.decode()).parse_op()
        kernel.verify()
    except (ParseError, DiagnosticException, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[-1].strip(" ^")
        raise KernelError(f"its davinci kernel is damaged: {reason}") from None
    assert isinstance(kernel, KernelOp)
    return kernel


def check_arguments(kernel: KernelOp, tensors: Sequence[tuple[str, tuple[int, ...]]]) -> None:
    """Raise KernelError unless a kernel takes tensors of those types, given as name and shape.

    Workspaces of the kernel's own come on top of them.
    """
    own = len(kernel.workspace_types)
    wanted = [_described(buffer) for buffer in kernel.arguments[: len(kernel.arguments) - own]]
    if wanted != list(tensors):
        raise KernelError(f"it takes {_words(wanted)}, the node has {_words(tensors)}")


def _described(buffer: Buffer) -> tuple[str, tuple[int, ...]]:
    name = element_name(buffer.element_type)
    dtype = str(numpy_dtype(name)) if name else str(buffer.element_type)
    return dtype, buffer.get_shape()


def _words(tensors: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for dtype, shape in tensors)
