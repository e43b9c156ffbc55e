"""Replay of streams: order, events, cores, deadlocks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from compiler.simulator.core import ScheduleError
from compiler.simulator.kernel_timing import CoreType
from compiler.simulator.model import (
    EventRecord,
    EventWait,
    Step,
    TaskTiming,
    ai_cpu_task,
    replay,
)
from compiler.soc import soc

B1 = soc("Ascend910B1")
P3 = soc("Ascend310P3")


def task(name: str, stream: int, us: float, blocks: int = 1, kind: str = "AI_CORE") -> TaskTiming:
    return TaskTiming(name, "Op", CoreType(kind), stream, us, blocks)


def spans(steps: Sequence[Step], target: str = "Ascend910B1") -> dict[str, tuple[float, float]]:
    model = replay(steps, soc(target))
    return {span.task.name: (span.start_us, span.end_us) for span in model.tasks}


def test_a_stream_runs_in_order() -> None:
    model = replay([task("a", 0, 5), task("b", 0, 7)], B1)
    assert [(s.task.name, s.start_us, s.end_us) for s in model.tasks] == [("a", 0, 5), ("b", 5, 12)]
    assert model.total_us == 12


def test_streams_overlap() -> None:
    assert spans([task("a", 0, 5), task("b", 1, 7)]) == {"a": (0, 5), "b": (0, 7)}


def test_an_event_orders_two_streams() -> None:
    steps = [EventWait(1, 3), task("b", 1, 1), task("a", 0, 5), EventRecord(0, 3), task("c", 0, 2)]
    assert spans(steps) == {"a": (0, 5), "b": (5, 6), "c": (5, 7)}


def test_an_event_can_be_used_again() -> None:
    steps: list[Step] = [task("a", 0, 5), EventRecord(0, 0), task("b", 0, 5), EventRecord(0, 0)]
    steps += [EventWait(1, 0), task("x", 1, 1), EventWait(1, 0), task("y", 1, 1)]
    assert spans(steps) == {"a": (0, 5), "b": (5, 10), "x": (5, 6), "y": (10, 11)}


def test_two_streams_can_await_one_record() -> None:
    steps: list[Step] = [task("a", 0, 5), EventRecord(0, 0)]
    steps += [EventWait(1, 0), task("x", 1, 1), EventWait(2, 0), task("y", 2, 1)]
    assert spans(steps) == {"a": (0, 5), "x": (5, 6), "y": (5, 6)}


def test_kernels_on_all_cores_run_one_after_the_other() -> None:
    assert spans([task("a", 0, 5, 24), task("b", 1, 7, 24)]) == {"a": (0, 5), "b": (5, 12)}
    assert spans([task("a", 0, 5, 12), task("b", 1, 7, 12)]) == {"a": (0, 5), "b": (0, 7)}


def test_cube_and_vector_kernels_overlap_on_split_cores_only() -> None:
    steps = [task("a", 0, 5, 8), task("b", 1, 7, 15, "AI_VECTOR_CORE")]
    assert spans(steps)["b"] == (0, 7)
    assert spans(steps, "Ascend310P3")["b"] == (5, 12)


def test_waiting_for_cores_is_told_from_waiting_for_data() -> None:
    second = replay([task("a", 0, 5, 24), task("b", 1, 7, 24)], B1).tasks[1]
    assert (second.ready_us, second.start_us) == (0, 5)


def test_the_task_that_can_start_first_does() -> None:
    steps = [task("a", 0, 5), task("b", 0, 5, 24), task("c", 1, 1), task("d", 1, 1)]
    assert spans(steps) == {"a": (0, 5), "c": (0, 1), "d": (1, 2), "b": (5, 10)}


def test_an_ai_cpu_task_takes_the_assumed_time() -> None:
    unique = ai_cpu_task("unique", "Unique", 0, B1)
    assert unique.core_type is CoreType.AI_CPU
    assert replay([unique], B1).total_us == B1.costs.launch.ai_cpu_us


def test_streams_that_wait_for_each_other_are_named() -> None:
    steps = [EventWait(0, 1), EventRecord(0, 2), EventWait(4, 2), EventRecord(4, 1)]
    with pytest.raises(ScheduleError, match="stream 0 for event 1, stream 4 for event 2"):
        replay(steps, B1)


def test_an_empty_model_takes_no_time() -> None:
    assert replay([], P3).total_us == 0.0
