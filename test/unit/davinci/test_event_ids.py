"""Kernels that want more than eight flags between two pipes share them, and compute the same."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import f16

from compiler.conversion.ge_to_davinci.operator import Operator, Tensor
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.soc import soc
from compiler.transforms.davinci.inject_sync import inject_sync
from compiler.transforms.davinci.plan_memory import plan_memory
from compiler.transforms.davinci.verify_memory import verify_memory
from compiler.transforms.davinci.verify_sync import verify_sync
from dialects.davinci import KernelOp, WaitFlagOp
from dialects.davinci.attributes import Pipe
from runtime.kernel_engine import run_kernel
from runtime.kernel_engine.engine import Order

WIDTH, ROUNDS = 64, 6
ORDERS: tuple[Order, ...] = ("program", Pipe.MTE2, Pipe.V, Pipe.MTE3)


def _sum_of_loads(loads: int) -> KernelOp:
    """Each round loads a row many times, adding it before the next load is issued."""
    tensor = Tensor((ROUNDS, WIDTH), f16)
    b = VectorBuilder(
        Operator("Test", (("x", tensor),), (tensor,), (), ()), "AIV", soc("Ascend910B4")
    )
    with b.loop(0, ROUNDS) as row:
        total = b.tile((WIDTH,), f16, "total", buffers=2)
        b.duplicate(total, 0.0)
        for number in range(loads):
            part = b.tile((WIDTH,), f16, f"part{number}", buffers=2)
            b.load(part, b.arguments[0], row * WIDTH, [1])
            b.binary("add", total, total, part)
        b.store(b.arguments[1], row * WIDTH, [1], total)
    return b.kernel


@pytest.mark.parametrize("loads", [4, 5, 9, 20])
def test_ids_are_shared(loads: int) -> None:
    kernel = _sum_of_loads(loads)
    plan_memory(kernel)
    inject_sync(kernel)
    kernel.verify()
    verify_memory(kernel)
    verify_sync(kernel)
    waits = [op for op in kernel.body.walk() if isinstance(op, WaitFlagOp)]
    ids = {
        i
        for op in waits
        if (op.source_pipe, op.destination_pipe) == (Pipe.MTE2, Pipe.V)
        for i in op.ids
    }
    assert len(ids) <= 8
    x = (np.arange(ROUNDS * WIDTH) % 7).reshape(ROUNDS, WIDTH).astype(np.float16)
    for order in ORDERS:
        y = np.full_like(x, np.nan)
        run_kernel(kernel, [x, y], order=order)
        np.testing.assert_array_equal(y, x * np.float16(loads))
