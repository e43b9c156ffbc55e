"""Buffers of different pipes in the same bytes, one after the other: flags keep them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from xdsl.dialects.builtin import f16

from compiler.conversion.ge_to_davinci.operator import Operator, Tensor
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.planning.local_memory import LocalMemoryError
from compiler.soc import soc
from compiler.transforms.davinci.inject_sync import inject_sync
from compiler.transforms.davinci.multi_buffer import multi_buffer
from compiler.transforms.davinci.plan_memory import plan_memory
from compiler.transforms.davinci.verify_memory import verify_memory
from compiler.transforms.davinci.verify_sync import verify_sync
from dialects.davinci import AllocOp, KernelOp
from dialects.davinci.attributes import Pipe
from runtime.kernel_engine import run_kernel
from runtime.kernel_engine.engine import Order

ROUNDS = 5
ORDERS: tuple[Order, ...] = ("program", Pipe.MTE2, Pipe.V, Pipe.MTE3)


def _filled_with_the_maximum(width: int) -> KernelOp:
    """Each row of the result is the maximum of the same row of x: x is gone when y is made."""
    tensor = Tensor((ROUNDS, width), f16)
    operator = Operator("Test", (("x", tensor),), (tensor,), (), ())
    b = VectorBuilder(operator, "AIV", soc("Ascend910B4"))
    with b.loop(0, ROUNDS) as row:
        x = b.tile((width,), f16, "x")
        b.load(x, b.arguments[0], row * width, [1])
        most = b.tile((1,), f16, "most")
        b.reduce("max", replace(most, sizes=x.sizes, strides=(0,)), x)
        y = b.tile((width,), f16, "y")
        b.duplicate(y, 0.0)
        b.binary("add", y, y, replace(most, sizes=y.sizes, strides=(0,)))
        b.store(b.arguments[1], row * width, [1], y)
    return b.kernel


@pytest.mark.parametrize(
    ("kilobytes", "slots", "shared"), [(40, 2, False), (90, 1, False), (120, 1, True)]
)
def test_only_what_does_not_fit_is_shared(kilobytes: int, slots: int, shared: bool) -> None:
    kernel = _filled_with_the_maximum(kilobytes * 512)
    multi_buffer(kernel)
    plan_memory(kernel)
    x, _, y = (op for op in kernel.body.walk() if isinstance(op, AllocOp))
    assert x.slots == slots
    distance = min(abs(a - b) for a in x.slot_addresses for b in y.slot_addresses)
    assert (distance < kilobytes * 1024) == shared


@pytest.mark.parametrize("kilobytes", [40, 90, 120])
def test_the_numbers_are_the_same(kilobytes: int) -> None:
    kernel = _filled_with_the_maximum(kilobytes * 512)
    multi_buffer(kernel)
    plan_memory(kernel)
    inject_sync(kernel)
    verify_memory(kernel)
    verify_sync(kernel)
    x = (np.arange(ROUNDS * kilobytes * 512) % 999).reshape(ROUNDS, -1).astype(np.float16)
    for order in ORDERS:
        y = np.full_like(x, np.nan)
        run_kernel(kernel, [x, y], order=order)
        np.testing.assert_array_equal(y, np.broadcast_to(x.max(1, keepdims=True), x.shape))


def test_two_that_live_at_once_do_not_fit() -> None:
    kernel = _filled_with_the_maximum(200 * 512)
    with pytest.raises(LocalMemoryError):
        plan_memory(kernel)
