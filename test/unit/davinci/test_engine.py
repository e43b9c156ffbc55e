"""The kernel engine runs what the schedule says, right or wrong, and refuses what cannot run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import DenseArrayBase, i64

from dialects.davinci import AllocOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.attributes import Pipe
from runtime.kernel_engine import KernelError, run_kernel

SIZE = 4_000_000


@pytest.fixture
def kernel(schedule: Any) -> KernelOp:
    """A ReLU whose cores have several tiles each."""
    x = np.zeros(SIZE, np.float16)
    return schedule("Relu", {"x": x}, x, {})


def _run(kernel: KernelOp, order: Any) -> bool:
    """Whether the result is right."""
    x = np.linspace(-1, 1, SIZE, dtype=np.float16)
    y = np.full_like(x, np.nan)
    run_kernel(kernel, [x, y], order=order)
    return bool(np.array_equal(y, np.maximum(x, 0)))


def _without(kernel: KernelOp, source: Pipe, destination: Pipe) -> None:
    for op in list(kernel.body.walk()):
        if isinstance(op, SetFlagOp | WaitFlagOp) and (
            (op.source_pipe, op.destination_pipe) == (source, destination)
        ):
            op.detach()


def test_flags_keep_every_order_right(kernel: KernelOp) -> None:
    assert all(_run(kernel, order) for order in ("producers", "consumers", "program"))


@pytest.mark.parametrize(
    ("source", "destination", "order"),
    [
        (Pipe.MTE2, Pipe.V, "consumers"),
        (Pipe.V, Pipe.MTE3, "consumers"),
        (Pipe.V, Pipe.MTE2, "producers"),
        (Pipe.MTE3, Pipe.V, "producers"),
    ],
)
def test_a_missing_flag_shows(
    kernel: KernelOp, source: Pipe, destination: Pipe, order: str
) -> None:
    """As wrong numbers, or as a flag that is raised twice because its wait did not hold."""
    _without(kernel, source, destination)
    assert _run(kernel, "program")
    try:
        assert not _run(kernel, order)
    except KernelError as error:
        assert "raised already" in str(error)


def test_a_wrong_address_gives_wrong_numbers(kernel: KernelOp) -> None:
    allocs = [op for op in kernel.body.walk() if isinstance(op, AllocOp)]
    target, source = allocs[-1], allocs[0]
    target.properties["addresses"] = DenseArrayBase.from_list(
        i64, [source.slot_addresses[1], source.slot_addresses[0]]
    )
    assert not _run(kernel, "producers")


def test_a_set_that_is_missing_deadlocks(kernel: KernelOp) -> None:
    flag = next(
        op for op in kernel.body.walk() if isinstance(op, SetFlagOp) and op.buffer is not None
    )
    flag.detach()
    with pytest.raises(KernelError, match=r"deadlock: .* wait_flag"):
        _run(kernel, "producers")


def test_arguments_are_counted(kernel: KernelOp) -> None:
    with pytest.raises(KernelError, match="1 arguments for 2 buffers"):
        run_kernel(kernel, [np.zeros(SIZE, np.float16)])


def test_an_access_beyond_an_argument_is_refused(kernel: KernelOp) -> None:
    short = np.zeros(SIZE - 1, np.float16)
    with pytest.raises(KernelError, match="leave"):
        run_kernel(kernel, [short, np.zeros(SIZE, np.float16)])
