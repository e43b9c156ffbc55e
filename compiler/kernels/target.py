"""The SoC of a kernel or a pass option, by the name the IR has for it."""

from __future__ import annotations

from xdsl.utils.exceptions import PassFailedException

from compiler.soc import Soc, soc
from dialects.davinci import KernelOp


def target_soc(name: str) -> Soc:
    """The SoC of that name; PassFailedException when there is none."""
    try:
        return soc(name)
    except ValueError as error:
        raise PassFailedException(str(error)) from None


def soc_of(kernel: KernelOp) -> Soc:
    """The SoC a kernel is for."""
    return target_soc(kernel.soc.data)
