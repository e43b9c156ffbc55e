"""Programs with loops, and their moves, are those of the cores instruction by instruction."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compiler.kernels.issue import issue_order
from compiler.kernels.program import describe, programs
from compiler.simulator.instruction import Instruction, Pipe, instructions
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.moves import ListedMoves, Moves
from compiler.soc import soc
from dialects.davinci import KernelOp
from dialects.davinci.functions import MIX, VECTOR
from dialects.davinci.kernel import Function


def check(kernel: KernelOp) -> None:
    """Compare what each core runs with what it issues."""
    cores = programs(kernel)
    for program, moves, (function, *place) in zip(cores, cores.moves, places(kernel), strict=True):
        order = issue_order(kernel, function)
        issued = [describe(order, record) for record in order.records(*place)]
        assert list(map(without_offset, instructions(program))) == list(map(without_offset, issued))
        compare(moves, ListedMoves(issued))


def places(kernel: KernelOp) -> Iterator[tuple[Function, int, int]]:
    """What each core runs, its block, and its place among the block's vector cores."""
    for block in range(kernel.blocks):
        for function in kernel.functions:
            vector = kernel.core_type.data == MIX and function.core_type == VECTOR
            for sub_block in range(2 if vector else 1):
                yield function, block, sub_block


def without_offset(instruction: Instruction) -> Instruction:
    """Of an address, only whether it is one of those that are always good remains."""
    transfer = instruction.transfer
    if transfer is None:
        return instruction
    return replace(instruction, transfer=replace(transfer, offset=transfer.offset % 128 > 0))


def compare(moves: Moves, listed: ListedMoves) -> None:
    assert moves.counts == listed.counts
    assert {move: set(places) for move, places in moves.offsets.items()} == listed.offsets
    count = sum(listed.counts.values())
    assert moves.first(count + 1) == listed.first(count + 1)
    for stream in {move.stream for move in listed.counts}:
        reads = listed.reads(stream)
        assert moves.reads(stream) == reads
        for number in random.Random(0).sample(range(reads), min(reads, 20)):
            assert moves.nth_read(stream, number) == listed.nth_read(stream, number)
            last = number + number % 97
            places = moves.read_places(stream, number, last)
            assert set(places) == set(listed.read_places(stream, number, last))


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float16)


@pytest.mark.parametrize("seed", range(12))
def test_matmuls(schedule: Any, seed: int) -> None:
    pick = random.Random(seed)
    m, k, n = (pick.choice([16, 100, 512, 1000, 1024, 1500, 2048]) for _ in range(3))
    batch = pick.choice([(), (), (3,), (17,)])
    inputs = {"x1": zeros(*batch, m, k), "x2": zeros(*batch, k, n)}
    check(schedule("BatchMatMulV2" if batch else "MatMulV2", inputs, zeros(*batch, m, n), {}))


@pytest.mark.parametrize(
    ("channels", "side", "filters", "kernel", "stride"),
    [(3, 224, 64, 7, 2), (64, 56, 64, 3, 1), (96, 31, 130, 3, 2), (512, 7, 2048, 1, 1)],
)
def test_convolutions(
    schedule: Any, channels: int, side: int, filters: int, kernel: int, stride: int
) -> None:
    inputs = {
        "x": zeros(2, channels, side, side),
        "filter": zeros(filters, channels, kernel, kernel),
    }
    result = zeros(2, filters, -(-side // stride), -(-side // stride))
    check(
        schedule(
            "Conv2D",
            inputs,
            result,
            {"strides": (1, 1, stride, stride), "pads": (kernel // 2,) * 4, "data_format": "NCHW"},
        )
    )


@pytest.mark.parametrize("shape", [(2048, 4096), (37, 1001), (3, 5, 7, 11), (1 << 14, 130)])
def test_vector_kernels(schedule: Any, shape: Sequence[int]) -> None:
    x = zeros(*shape)
    check(schedule("Relu", {"x": x}, x, {}))
    check(schedule("SoftmaxV2", {"x": x}, x, {"axes": (-1,)}))
    check(schedule("Add", {"x1": x, "x2": x[..., :1]}, x, {}))
    perm = tuple(reversed(range(len(shape))))
    given = {"x": x, "perm": np.array(perm)}
    check(schedule("Transpose", given, x.transpose(perm).copy(), {}))


def test_attention(schedule: Any) -> None:
    """A mixed kernel: cube cores and their vector cores, which the simulator times together."""
    query, keys = zeros(1, 8, 300, 64), zeros(1, 8, 1000, 64)
    attributes = {"num_heads": 8, "scale_value": 0.125, "input_layout": "BNSD"}
    kernel = schedule(
        "PromptFlashAttention", {"query": query, "key": keys, "value": keys}, query, attributes
    )
    assert kernel.core_type.data == MIX
    check(kernel)
    timing = simulate_kernel(programs(kernel), soc("Ascend910B4"), core_type="MIX_AIC")
    assert timing.block_dim == kernel.blocks
    assert {Pipe.M, Pipe.V, Pipe.FIX, Pipe.MTE3} < set(timing.pipes)


def test_equal_iterations_are_made_once(schedule: Any) -> None:
    """More tiles of the same size make programs that are no longer."""

    def length(size: int) -> int:
        inputs = {"x1": zeros(size, 2048), "x2": zeros(2048, size)}
        [program, *_] = programs(schedule("MatMulV2", inputs, zeros(size, size), {}))
        return sum(1 for _ in _items(program))

    assert length(8192) == length(16384) < 250


def _items(program: Sequence[Any]) -> Any:
    for item in program:
        yield item
        if not isinstance(item, Instruction):
            yield from _items(item.body)
