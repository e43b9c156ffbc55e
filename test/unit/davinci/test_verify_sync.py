"""davinci-verify-sync finds every flag that is taken away, and the other ways to go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.utils.exceptions import PassFailedException

from compiler.transforms.davinci.verify_sync import verify_sync
from dialects.davinci import AllocOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.attributes import Pipe


@pytest.fixture(params=["MatMulV2", "Sigmoid", "ReduceSum", "Conv2D"])
def kernel(request: pytest.FixtureRequest, schedule: Any) -> KernelOp:
    """Double-buffered kernels with several tiles on a core."""

    def zeros(*shape: int) -> Any:
        return np.zeros(shape, np.float16)

    conv = {"strides": (1, 1, 1, 1), "pads": (1, 1, 1, 1), "data_format": "NCHW"}
    cases: dict[str, Any] = {
        "MatMulV2": (
            {"x1": zeros(1000, 1500), "x2": zeros(1500, 1000), "bias": zeros(1000)},
            zeros(1000, 1000),
            {},
        ),
        "Sigmoid": ({"x": zeros(4_000_000)}, zeros(4_000_000), {}),
        "ReduceSum": (
            {"x": zeros(100, 3, 7000), "axes": np.array([1], np.int64)},
            zeros(100, 7000),
            {},
        ),
        "Conv2D": (
            {"x": zeros(2, 300, 56, 56), "filter": zeros(64, 300, 3, 3)},
            zeros(2, 64, 56, 56),
            conv,
        ),
    }
    return schedule(request.param, *cases[request.param])


def test_every_flag_is_needed(kernel: KernelOp) -> None:
    flags = [op for op in kernel.body.walk() if isinstance(op, SetFlagOp | WaitFlagOp)]
    assert len(flags) >= 8
    for flag in flags:
        block, following = flag.parent, flag.next_op
        assert block is not None
        flag.detach()
        with pytest.raises(PassFailedException, match="flag"):
            verify_sync(kernel)
        if following is None:
            block.add_op(flag)
        else:
            block.insert_op_before(flag, following)
    verify_sync(kernel)


def _pair(kernel: KernelOp, source: Pipe, destination: Pipe) -> list[SetFlagOp | WaitFlagOp]:
    return [
        op
        for op in kernel.body.walk()
        if isinstance(op, SetFlagOp | WaitFlagOp)
        and (op.source_pipe, op.destination_pipe) == (source, destination)
    ]


def test_a_pair_of_flags_is_missed_as_a_hazard(kernel: KernelOp) -> None:
    """Without either side nothing is unbalanced: only the data race is left to find."""
    consumer = Pipe.V if kernel.core_type.data == "AIV" else Pipe.MTE1
    for flag in _pair(kernel, Pipe.MTE2, consumer):
        flag.detach()
    with pytest.raises(PassFailedException, match=r"#\d+ .* reads what #\d+ .* writes"):
        verify_sync(kernel)


def test_a_reverse_pair_is_missed_as_a_hazard(kernel: KernelOp) -> None:
    consumer = Pipe.V if kernel.core_type.data == "AIV" else Pipe.MTE1
    for flag in _pair(kernel, consumer, Pipe.MTE2):
        flag.detach()
    with pytest.raises(PassFailedException, match=r"#\d+ .* overwrites what #\d+ .* reads"):
        verify_sync(kernel)


def test_overlapping_buffers_are_a_hazard(kernel: KernelOp) -> None:
    """All slots of a loaded buffer at one address: the second load overwrites the first."""
    allocs = [op for op in kernel.body.walk() if isinstance(op, AllocOp) and op.slots == 2]
    for alloc in allocs:
        first = alloc.slot_addresses[0]
        alloc.properties["addresses"] = DenseArrayBase.from_list(i64, [first, first])
    with pytest.raises(PassFailedException, match="without a flag"):
        verify_sync(kernel)
