"""Streams and events: every dependence is kept, by an event only where it has to be."""

from hypothesis import given
from hypothesis import strategies as st

from compiler.planning.streams import (
    Launch,
    Record,
    Step,
    StreamPlan,
    Task,
    Wait,
    certain_before,
    plan_streams,
)


def step(engine: str, *depends: int) -> Step:
    return Step(engine, frozenset(depends))


def test_one_engine_needs_no_event():
    plan = plan_streams([step("cube"), step("cube", 0), step("cube", 0)])
    assert plan.events == 0
    assert plan.stream_count == 1
    assert plan.tasks == (Launch(0), Launch(1), Launch(2))


def test_an_event_orders_two_streams():
    plan = plan_streams([step("cube"), step("cpu", 0), step("cube", 1)])
    assert plan.streams == (0, 1, 0)
    assert plan.tasks == (
        Launch(0),
        Record(0, 0),
        Wait(1, 0),
        Launch(1),
        Record(1, 1),
        Wait(0, 1),
        Launch(2),
    )


def test_a_later_event_settles_an_earlier_dependence():
    plan = plan_streams([step("cube"), step("cube", 0), step("cpu", 0, 1)])
    assert plan.events == 1


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    size = draw(st.integers(1, 12))
    engines = st.sampled_from(["cube", "cpu", "vector"])
    return [
        Step(draw(engines), frozenset(draw(st.sets(st.integers(0, i - 1)))) if i else frozenset())
        for i in range(size)
    ]


def stream_of(plan: StreamPlan, task: Task) -> int:
    return plan.streams[task.step] if isinstance(task, Launch) else task.stream


def finished_when_starting(plan: StreamPlan, favourite: int) -> list[set[int]]:
    """Replay with one stream running ahead as far as it can: what was done when each started."""
    queues: dict[int, list[Task]] = {s: [] for s in range(plan.stream_count)}
    for task in plan.tasks:
        queues[stream_of(plan, task)].append(task)
    order = sorted(queues, key=lambda stream: (stream != favourite, stream))
    raised: set[int] = set()
    done: set[int] = set()
    seen: list[set[int]] = [set() for _ in plan.streams]
    while any(queues.values()):
        for stream in order:
            queue = queues[stream]
            if queue and not (isinstance(queue[0], Wait) and queue[0].event not in raised):
                task = queue.pop(0)
                if isinstance(task, Launch):
                    seen[task.step] = set(done)
                    done.add(task.step)
                elif isinstance(task, Record):
                    raised.add(task.event)
                break
        else:
            raise AssertionError("the streams wait for each other")
    return seen


@given(programs(), st.integers(0, 2))
def test_dependences_hold_in_any_order_of_streams(steps: list[Step], favourite: int):
    plan = plan_streams(steps)
    before = certain_before((stream_of(plan, task), task) for task in plan.tasks)
    for i, done in enumerate(finished_when_starting(plan, favourite)):
        certain = {j for j in range(len(steps)) if before[i] >> j & 1}
        assert steps[i].depends <= certain <= done
