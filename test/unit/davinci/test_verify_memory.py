"""davinci-verify-memory finds buffers moved and shrunk, and accesses beyond a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.utils.exceptions import PassFailedException

from compiler.transforms.davinci.verify_memory import verify_memory
from dialects.davinci import AllocOp, KernelOp, LoadOp
from dialects.davinci.types import buffer_of, buffer_type, layout_of, space_of

CONV = {"strides": (1, 2, 2, 1), "pads": (1, 1, 1, 1), "data_format": "NCHW"}


def _zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float16)


CASES: dict[str, Any] = {
    "MatMulV2": (
        {"x1": _zeros(1000, 1500), "x2": _zeros(1500, 1000), "bias": _zeros(1000)},
        _zeros(1000, 1000),
        {},
    ),
    "SoftmaxV2": ({"x": _zeros(370, 1001)}, _zeros(370, 1001), {"axes": (-1,)}),
    "Conv2D": (
        {"x": _zeros(2, 40, 57, 57), "filter": _zeros(64, 40, 3, 3)},
        _zeros(2, 64, 29, 29),
        CONV,
    ),
}


@pytest.fixture(params=CASES)
def kernel(request: pytest.FixtureRequest, schedule: Any) -> KernelOp:
    """A kernel with remainders in every direction."""
    return schedule(request.param, *CASES[request.param])


@pytest.mark.parametrize(
    ("shift", "message"),
    [(16, "is not aligned"), (1 << 20, "is outside of"), (-(1 << 20), "is outside of")],
)
def test_addresses_are_checked(kernel: KernelOp, shift: int, message: str) -> None:
    alloc = next(op for op in kernel.body.walk() if isinstance(op, AllocOp))
    moved = [address + shift for address in alloc.slot_addresses]
    alloc.properties["addresses"] = DenseArrayBase.from_list(i64, moved)
    with pytest.raises(PassFailedException, match=message):
        verify_memory(kernel)


def test_every_buffer_is_as_small_as_can_be(kernel: KernelOp) -> None:
    verify_memory(kernel)
    for alloc in [op for op in kernel.body.walk() if isinstance(op, AllocOp)]:
        type, name = buffer_of(alloc.buffer), alloc.buffer.name_hint
        rows, *rest = type.get_shape()
        less = buffer_type((rows // 2, *rest), type.element_type, space_of(type), layout_of(type))
        alloc.buffer._type = less  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(PassFailedException, match=f"of {name}, which has|{name} does not hold"):
            verify_memory(kernel)
        alloc.buffer._type = type  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("kernel", ["SoftmaxV2"], indirect=True)
def test_a_load_beyond_the_tensor(kernel: KernelOp) -> None:
    load = next(op for op in kernel.body.walk() if isinstance(op, LoadOp))
    row, one = load.strides.data[1].get_values()
    shifted = [load.strides.data[0], DenseArrayBase.from_list(i64, [int(row) + 1, int(one)])]
    load.properties["strides"] = type(load.strides)(shifted)
    with pytest.raises(PassFailedException, match="of x, which has 370370"):
        verify_memory(kernel)
