"""Executes scheduled kernels on simulated buffers, instruction by instruction."""

from runtime.kernel_engine.engine import run_kernel
from runtime.kernel_engine.memory import KernelError

__all__ = ["KernelError", "run_kernel"]
