"""What kernels find in L2 of the tensors that others left there."""

from __future__ import annotations

from compiler.simulator.instruction import Instruction, Pipe, Transfer
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.residency import Residency
from compiler.soc import soc

B1 = soc("Ascend910B1")


def test_what_was_just_written_is_found() -> None:
    l2 = Residency(100)
    assert l2.touch([(0, 40), (512, 40)]) == frozenset()
    assert l2.touch([(512, 40), (1024, 20)]) == {0}


def test_the_least_recently_used_leaves_first() -> None:
    l2 = Residency(100)
    l2.touch([(0, 40), (512, 40)])
    l2.touch([(0, 40)])
    l2.touch([(1024, 40)])
    assert l2.touch([(512, 40)]) == frozenset()
    assert l2.touch([(1024, 40), (512, 40)]) == {0, 1}


def test_what_does_not_fit_is_never_found() -> None:
    l2 = Residency(100)
    l2.touch([(0, 101)])
    assert l2.touch([(0, 101)]) == frozenset()


def test_another_tensor_at_the_same_place_is_found_as_far_as_it_is_no_larger() -> None:
    l2 = Residency(100)
    l2.touch([(0, 40)])
    assert l2.touch([(0, 50)]) == frozenset()
    assert l2.touch([(0, 50)]) == {0}


def test_a_kernel_reads_what_is_there_from_l2() -> None:
    def load(buffer: int, place: int) -> Instruction:
        transfer = Transfer(buffer, place << 16, 1, 1 << 16, 0, write=False)
        return Instruction(Pipe.MTE2, "load", bytes=1 << 16, transfer=transfer)

    programs = [
        [load(buffer, c * 16 + i) for i in range(16) for buffer in (0, 1)] for c in range(48)
    ]
    cold, half, warm = (
        simulate_kernel(programs, B1, core_type="AI_VECTOR_CORE", warm=buffers)
        for buffers in (frozenset[int](), {0}, {0, 1})
    )
    assert (half.gm_bytes, warm.gm_bytes) == (cold.gm_bytes // 2, 0)
    assert cold.core_us > 1.4 * half.core_us > 2 * warm.core_us
