"""Mixed kernels: a cube core and its vector cores, held together by flags between cores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, f16, f32
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import PassFailedException

from compiler.conversion.ge_to_davinci.cube import CubeBuilder
from compiler.conversion.ge_to_davinci.mixed import MixedBuilder
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.pipelines import PROVE
from compiler.soc import soc
from compiler.transforms.davinci.inject_sync import DavinciInjectSyncPass
from compiler.transforms.davinci.plan_memory import DavinciPlanMemoryPass
from compiler.transforms.davinci.verify_sync import verify_sync
from compiler.universe import UNIVERSE
from dialects.davinci import (
    CrossSetOp,
    CrossWaitOp,
    FixpipeOp,
    KernelOp,
    LoadL0Op,
    MmadOp,
    Nd2NzOp,
)
from dialects.davinci.attributes import Layout, Pipe, Space
from runtime.kernel_engine import KernelError, run_kernel
from runtime.kernel_engine.engine import Order
from runtime.kernel_engine.memory import Array

ORDERS: tuple[Order, ...] = ("producers", "consumers", "program")
SIZE = 32
READY = 0


def _product_doubled(operator: Operator, name: str) -> KernelOp:
    """The cube core multiplies into a workspace; each vector core doubles some of its rows."""
    b = MixedBuilder(operator, soc(name))
    product = b.workspace((SIZE, SIZE), f16, "product")
    _multiply(b.cube, product)
    b.cube.cross_set(Pipe.FIX, READY)
    v, rows = b.vector, SIZE // b.sub_blocks
    first = v.sub_block_idx * (rows * SIZE)
    tile = v.tile((rows, SIZE), f16, "tile")
    v.cross_wait(Pipe.MTE2, READY)
    v.load(tile, product, first, (SIZE, 1))
    v.scalar("muls", tile, tile, 2.0)
    v.store(v.arguments[2], first, (SIZE, 1), tile)
    return b.kernel


def _multiply(c: CubeBuilder, target: SSAValue) -> None:
    """x · w of one block, w given as its transpose."""
    shape, size = (SIZE, SIZE), [SIZE, SIZE]
    staged = [c.alloc(shape, f16, Space.L1, Layout.NZ, name=name) for name in ("x_l1", "w_l1")]
    for buffer, source in zip(staged, c.arguments, strict=False):
        c.emit(Nd2NzOp, [c.access(buffer, [0, 0]), c.access(source, [0], [SIZE, 1])], size)
    places = ((Space.L0A, Layout.ZZ), (Space.L0B, Layout.ZN))
    loaded = [c.alloc(shape, f16, *place, name=place[0].value) for place in places]
    for buffer, source in zip(loaded, staged, strict=True):
        c.emit(LoadL0Op, [c.access(buffer, [0, 0]), c.access(source, [0, 0])], size)
    result = c.alloc(shape, f32, Space.L0C, Layout.NZ, name="c")
    operands = [c.access(buffer, [0, 0]) for buffer in (result, *loaded)]
    c.emit(MmadOp, operands, [SIZE, SIZE, SIZE], [0])
    c.emit(FixpipeOp, [c.access(target, [0], [SIZE, 1]), c.access(result, [0, 0])], size)


@pytest.fixture
def kernel() -> Callable[[str], KernelOp]:
    """The kernel above on a SoC, scheduled and proved."""

    def make(name: str = "Ascend910B4") -> KernelOp:
        tensor = Tensor((SIZE, SIZE), f16)
        operator = Operator("Test", (("x", tensor), ("w", tensor)), (tensor,), (), ())
        kernel = _product_doubled(operator, name)
        module = ModuleOp([kernel])
        for step in (DavinciPlanMemoryPass(), DavinciInjectSyncPass()):
            step.apply(Context(), module)
        for proof in PROVE:
            UNIVERSE.all_passes[proof]()().apply(Context(), module)
        kernel.verify()
        return kernel

    return make


def _run(kernel: KernelOp, order: Order) -> tuple[Array, Array]:
    """The result and what it should be."""
    random = np.random.default_rng(3)
    x, w = (random.integers(-4, 5, (SIZE, SIZE)).astype(np.float16) for _ in range(2))
    y = np.full_like(x, np.nan)
    run_kernel(kernel, [x, w, y, np.full(x.nbytes, 0x7F, np.uint8)], order=order)
    return y, 2 * (x @ w.T)


@pytest.mark.parametrize("order", ORDERS)
def test_vector_cores_see_what_the_cube_core_has_written(
    kernel: Callable[..., KernelOp], order: Order
) -> None:
    scheduled = kernel()
    assert [function.core_type for function in scheduled.functions] == ["AIC", "AIV"]
    np.testing.assert_array_equal(*_run(scheduled, order))


def test_a_lost_wait_gives_wrong_numbers(kernel: Callable[..., KernelOp]) -> None:
    scheduled = kernel()
    _lose(scheduled, CrossWaitOp)
    result, _ = _run(scheduled, "consumers")
    assert np.isnan(result).any()


@pytest.mark.parametrize("flags", [[CrossWaitOp], [CrossSetOp], [CrossWaitOp, CrossSetOp]])
def test_a_proof_finds_what_is_lost(
    flags: list[type[CrossSetOp | CrossWaitOp]], kernel: Callable[..., KernelOp]
) -> None:
    scheduled = kernel()
    for flag in flags:
        _lose(scheduled, flag)
    with pytest.raises(PassFailedException, match=r"without a flag|set more often|nobody raises"):
        verify_sync(scheduled)


def test_a_lost_set_is_a_deadlock(kernel: Callable[..., KernelOp]) -> None:
    scheduled = kernel()
    _lose(scheduled, CrossSetOp)
    with pytest.raises(KernelError, match="cross_wait on MTE2"):
        _run(scheduled, "producers")


def test_flags_count_to_fifteen(kernel: Callable[..., KernelOp]) -> None:
    scheduled = kernel()
    for _ in range(15):
        scheduled.functions[0].block.add_op(CrossSetOp(Pipe.FIX, READY))
    with pytest.raises(KernelError, match="flag 0 is set more than 15 times"):
        _run(scheduled, "producers")


def _lose(kernel: KernelOp, flag: type[CrossSetOp | CrossWaitOp]) -> None:
    found = next(op for op in kernel.body.walk() if isinstance(op, flag))
    found.detach()


def test_coupled_cores_have_no_mixed_kernels(kernel: Callable[..., KernelOp]) -> None:
    with pytest.raises(UnsupportedError, match="has no vector cores beside its cube cores"):
        kernel("Ascend310P3")
