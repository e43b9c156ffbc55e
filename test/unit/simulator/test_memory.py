"""Feature memory over time: what is written lives to its last reader, in place counts once."""

from compiler.simulator.kernel_timing import CoreType
from compiler.simulator.memory import Accesses, Range, lives, memory_over_time
from compiler.simulator.model import TaskSpan, TaskTiming

A, B = Range(0, 512), Range(512, 1024)


def span(name: str, start: float, end: float) -> TaskSpan:
    task = TaskTiming(name, "Add", CoreType.AI_VECTOR_CORE, 0, end - start)
    return TaskSpan(task, start, start, end)


SPANS = [span("a", 0, 10), span("b", 10, 30), span("c", 30, 35)]


def test_a_tensor_lives_from_its_writer_to_its_last_reader():
    tensors = lives(
        [Accesses("a", [], [A]), Accesses("b", [A], [B]), Accesses("c", [A, B], [])], SPANS
    )
    assert tensors == [(0, 35, A), (10, 35, B)]
    assert memory_over_time(tensors, 100) == [(0, 612), (10, 1636), (35, 100)]


def test_a_result_in_the_place_of_an_operand_counts_once():
    tensors = lives([Accesses("a", [], [A]), Accesses("b", [A], [A])], SPANS)
    assert memory_over_time(tensors, 0) == [(0, 512), (10, 512), (30, 0)]


def test_what_nobody_reads_is_gone_with_its_writer():
    tensors = lives([Accesses("a", [], [A]), Accesses("b", [], [B])], SPANS)
    assert memory_over_time(tensors, 0) == [(0, 512), (10, 1024), (30, 0)]


def test_what_no_task_writes_is_the_callers():
    assert lives([Accesses("a", [A], [])], SPANS) == []
