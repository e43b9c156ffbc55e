"""Kernels as the simulator sees them: counts that follow from the shapes alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from compiler.kernels.program import contiguous_runs, programs
from compiler.simulator.instruction import Instruction, Pipe, instructions
from compiler.simulator.kernel import simulate_kernel
from compiler.soc import soc
from dialects.davinci import KernelOp

M, K, N = 512, 1024, 768


@pytest.fixture(scope="module")
def product(schedule: Any) -> Any:
    """The programs of a matrix product, instruction by instruction."""
    inputs = {"x1": np.zeros((M, K), np.float16), "x2": np.zeros((K, N), np.float16)}
    return flat(schedule("MatMulV2", inputs, np.zeros((M, N), np.float16), {}))


def flat(kernel: KernelOp) -> list[list[Instruction]]:
    return [list(instructions(program)) for program in programs(kernel)]


def test_fractals_are_the_products(product: Any) -> None:
    assert sum(i.fractals for program in product for i in program) == M * K * N // 16**3


def test_every_result_is_written_once(product: Any) -> None:
    written = [i.transfer for p in product for i in p if i.pipe is Pipe.FIX and i.transfer]
    assert sum(transfer.bytes for transfer in written) == M * N * 2
    assert all(transfer.buffer == 2 and transfer.write for transfer in written)


def test_bursts_are_the_rows_in_global_memory(product: Any) -> None:
    load = next(i for i in product[0] if i.mnemonic == "nd2nz")
    assert (load.transfer.buffer, load.transfer.pitch) == (0, K * 2)
    assert load.transfer.bursts * load.transfer.burst_bytes == load.bytes
    other = next(i for i in product[0] if i.mnemonic == "dn2nz")
    assert (other.transfer.buffer, other.transfer.pitch) == (1, N * 2)


def test_sets_and_waits_balance(product: Any) -> None:
    for program in product:
        flags = [i for i in program if i.flag]
        sets = Counter(i.flag for i in flags if i.pipe is i.flag.source)
        assert sets == Counter(i.flag for i in flags if i.pipe is i.flag.destination)


def test_repeats_of_a_vector_instruction(schedule: Any) -> None:
    x = np.zeros(1 << 20, np.float16)
    (first, *_) = flat(schedule("Relu", {"x": x}, x, {}))
    elements = {i.transfer.bytes // 2 for i in first if i.transfer}
    repeats = {i.repeats for i in first if i.pipe is Pipe.V and not i.flag}
    assert repeats == {-(-count // 128) for count in elements}


def test_the_simulator_runs_them(product: Any) -> None:
    timing = simulate_kernel(product, soc("Ascend910B4"), core_type="AI_CORE")
    fastest = M * K * N / 4096 / soc("Ascend910B4").cube_cores / 1500
    assert fastest < timing.duration_us < 50 * fastest


@pytest.mark.parametrize(
    ("sizes", "strides", "expected"),
    [
        ((4, 8), (8, 1), (32, 1, 0)),
        ((4, 8), (10, 1), (8, 4, 10)),
        ((4, 8), (1, 4), (32, 1, 0)),
        ((4, 8), (1, 100), (4, 8, 100)),
        ((2, 9, 3), (27, 1, 9), (54, 1, 0)),
        ((2, 9, 3), (45, 1, 9), (27, 2, 45)),
        ((5, 8), (0, 1), (8, 1, 0)),
        ((6,), (3,), (1, 6, 3)),
    ],
)
def test_contiguous_runs(sizes: Any, strides: Any, expected: Any) -> None:
    assert contiguous_runs(sizes, strides) == expected


def test_a_selection_costs_its_elements(schedule: Any) -> None:
    mask, x = np.zeros((8, 512), np.bool_), np.zeros((8, 512), np.float16)
    inputs = {"condition": mask, "then": x, "else": x}
    (program, *_) = flat(schedule("SelectV2", inputs, x, {}))
    select = next(i for i in program if i.mnemonic == "sel")
    assert select.repeats == next(i for i in program if i.mnemonic == "cmp").repeats > 0


def test_few_elements_are_not_worth_all_cores(schedule: Any) -> None:
    few, many = (np.zeros(size, np.float16) for size in (20_000, 20_000_000))
    kernels = [schedule("Relu", {"x": x}, x, {}) for x in (few, many)]
    target = soc(kernels[0].soc.data)
    assert kernels[0].blocks < target.vector_cores / 2
    assert kernels[1].blocks == target.vector_cores
