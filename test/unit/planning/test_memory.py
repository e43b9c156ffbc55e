"""Feature memory: tensors alive together never overlap, others share."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.planning.memory import ALIGNMENT, Tensor, aligned, conflicts, plan_memory
from compiler.planning.streams import Step, plan_streams


def in_order(steps: int) -> list[int]:
    """Each step starts when all earlier ones are done."""
    return [(1 << i) - 1 for i in range(steps)]


def tensor(size: int, writer: int | None, *readers: int, is_output: bool = False) -> Tensor:
    return Tensor(size, writer, frozenset(readers), is_output)


def test_a_chain_needs_two_buffers():
    chain = [tensor(1024, None, 0), *(tensor(1024, i, i + 1) for i in range(5))]
    plan = plan_memory(chain, in_order(6))
    assert plan.size == 2048


def test_an_output_is_never_reused():
    plan = plan_memory([tensor(512, 0, is_output=True), tensor(512, 1, 2)], in_order(3))
    assert len(set(plan.offsets)) == 2


def test_steps_without_order_do_not_share():
    plan = plan_memory([tensor(512, 0, 1), tensor(512, 2, 3)], [0, 1, 0, 4])
    assert len(set(plan.offsets)) == 2


def test_what_one_stream_is_done_with_may_be_alive_for_another():
    """Step 2 comes after 0 and 1, step 3 after nothing."""
    tensors = [tensor(512, 0, 1), tensor(512, 2), tensor(512, 3)]
    assert conflicts(tensors, [0, 1, 3, 0]) == [{2}, {2}, {0, 1}]


@st.composite
def lifetimes(draw: st.DrawFn) -> tuple[list[Tensor], int]:
    steps = draw(st.integers(1, 8))
    place = st.integers(0, steps - 1)
    tensors: list[Tensor] = []
    for _ in range(draw(st.integers(0, 10))):
        writer = draw(st.none() | place)
        readers = {r for r in draw(st.sets(place)) if writer is None or r > writer}
        tensors.append(
            tensor(draw(st.integers(1, 3000)), writer, *readers, is_output=draw(st.booleans()))
        )
    return tensors, steps


def span(t: Tensor, steps: int) -> tuple[int, int]:
    """The first and last step of a tensor's life when steps run in list order."""
    first = -1 if t.writer is None else t.writer
    return first, steps if t.is_output else max((first, *t.readers))


def most_alive(tensors: list[Tensor], steps: int) -> int:
    """The bytes alive at one time: no plan can do with less."""
    spans = [(span(t, steps), aligned(t.size)) for t in tensors]
    return max(
        sum(size for (first, last), size in spans if first <= step <= last)
        for step in range(-1, steps + 1)
    )


@given(lifetimes())
def test_what_is_alive_together_is_apart(example: tuple[list[Tensor], int]):
    tensors, steps = example
    plan = plan_memory(tensors, in_order(steps))
    assert plan.size >= most_alive(tensors, steps)
    for i, a in enumerate(tensors):
        assert plan.offsets[i] % ALIGNMENT == 0
        for j, b in enumerate(tensors[:i]):
            (first_a, last_a), (first_b, last_b) = span(a, steps), span(b, steps)
            if first_a <= last_b and first_b <= last_a:
                low, high = sorted(((plan.offsets[i], a), (plan.offsets[j], b)), key=lambda p: p[0])
                assert low[0] + aligned(low[1].size) <= high[0]


def all_pairs(tensors: list[Tensor], before: tuple[int, ...]) -> list[set[int]]:
    """The conflicts by their definition: neither is done with before the other is written."""

    def ends_before(a: Tensor, b: Tensor) -> bool:
        users = a.readers if a.writer is None else a.readers | {a.writer}
        done = b.writer is not None and all(before[b.writer] >> step & 1 for step in users)
        return done and not a.is_output

    def conflict(i: int, j: int) -> bool:
        a, b = tensors[i], tensors[j]
        return i != j and not ends_before(a, b) and not ends_before(b, a)

    places = range(len(tensors))
    return [{j for j in places if conflict(i, j)} for i in places]


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, ...]:
    """What is certain before each step of a model on one to three engines."""
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 12))):
        depends = draw(st.frozensets(st.integers(0, i - 1), max_size=1)) if i else frozenset[int]()
        steps.append(Step(draw(st.sampled_from("ABC")), depends))
    return plan_streams(steps).before


@st.composite
def scheduled(draw: st.DrawFn) -> tuple[list[Tensor], tuple[int, ...]]:
    """A tensor of each step or of none, read by steps after it or not at all; some outputs."""
    before = draw(streams())
    writers = [*range(len(before)), *draw(st.lists(st.none() | st.just(0), max_size=4))]
    tensors: list[Tensor] = []
    for writer in draw(st.permutations(writers)):
        later = range(0 if writer is None else writer + 1, len(before))
        readers = draw(st.frozensets(st.integers(0, 11), max_size=3)) & set(later)
        tensors.append(Tensor(512, writer, readers, draw(st.sampled_from([False] * 4 + [True]))))
    return tensors, before


@settings(max_examples=300)
@given(scheduled())
def test_conflicts_are_those_of_all_pairs(example: tuple[list[Tensor], tuple[int, ...]]):
    tensors, before = example
    assert conflicts(tensors, before) == all_pairs(tensors, before)


def test_a_long_chain_is_planned_at_once():
    """Comparing all pairs takes seconds here."""
    steps = 4000
    chain = [tensor(512, i, i + 1) for i in range(steps - 1)]
    start = time.process_time()
    assert plan_memory(chain, in_order(steps)).size == 1024
    assert time.process_time() - start < 1
