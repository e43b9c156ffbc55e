"""Feature memory: tensors alive together never overlap, others share."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.planning.lifetimes import ALIGNMENT, Tensor, aligned, conflicts
from compiler.planning.memory import plan_memory
from compiler.planning.streams import Launch, Step, certain_before, plan_streams


def in_order(steps: int) -> list[int]:
    """Each step starts when all earlier ones are done."""
    return [(1 << i) - 1 for i in range(steps)]


def tensor(
    size: int,
    writer: int | None,
    *readers: int,
    is_output: bool = False,
    over: tuple[int, ...] = (),
) -> Tensor:
    return Tensor(size, writer, frozenset(readers), is_output, over)


def test_a_chain_needs_two_buffers():
    plan = plan_memory([tensor(1024, i, i + 1) for i in range(5)], in_order(6))
    assert plan.size == plan.live == 2048


def test_elementwise_a_chain_needs_one_buffer():
    chain = [tensor(1024, i, i + 1, over=(i - 1,) if i else ()) for i in range(5)]
    plan = plan_memory(chain, in_order(6))
    assert plan.size == plan.live == 1024


def test_what_is_read_again_is_not_written_over():
    plan = plan_memory([tensor(512, 0, 1, 2), tensor(512, 1, 2, over=(0,))], in_order(3))
    assert len(set(plan.offsets)) == 2


def test_a_smaller_tensor_takes_no_larger_place():
    plan = plan_memory([tensor(1024, 0, 1), tensor(512, 1, 2, over=(0,))], in_order(3))
    assert plan.offsets == (0, 1024)


def test_another_stream_may_still_read():
    """Step 1 reads tensor 0 too, and nothing orders it against step 2."""
    tensors = [tensor(512, 0, 1, 2), tensor(512, 2, over=(0,))]
    assert len(set(plan_memory(tensors, [0, 1, 1]).offsets)) == 2


def test_inputs_and_outputs_have_places_of_their_own_behind_the_rest():
    tensors = [
        tensor(700, None, 0),
        tensor(512, 0, 1, over=(0,)),
        tensor(512, 1, is_output=True, over=(1,)),
    ]
    plan = plan_memory(tensors, in_order(2))
    assert plan.offsets == (512, 0, 512 + 1024)
    assert (plan.size, plan.interface, plan.live) == (512 + 1024 + 512, 1024 + 512, 512)


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


def alive(t: Tensor, steps: int) -> range:
    """The steps of a tensor's life when they run in list order; always, for a caller's buffer."""
    if t.is_interface:
        return range(-1, steps + 1)
    return range(t.first, max((t.first, *t.readers)) + 1)


def summed(tensors: list[Tensor], steps: int) -> int:
    """The bytes alive at one time at most, counted step by step."""
    return max(
        sum(aligned(t.size) for t in tensors if step in alive(t, steps))
        for step in range(-1, steps + 1)
    )


@given(lifetimes())
def test_what_is_alive_together_is_apart(example: tuple[list[Tensor], int]):
    tensors, steps = example
    plan = plan_memory(tensors, in_order(steps))
    assert plan.size >= summed(tensors, steps) == plan.live + plan.interface
    for i, a in enumerate(tensors):
        assert plan.offsets[i] % ALIGNMENT == 0
        for j, b in enumerate(tensors[:i]):
            if set(alive(a, steps)) & set(alive(b, steps)):
                low, high = sorted(((plan.offsets[i], a), (plan.offsets[j], b)), key=lambda p: p[0])
                assert low[0] + aligned(low[1].size) <= high[0]


def all_pairs(tensors: list[Tensor], before: list[int]) -> list[set[int]]:
    """The conflicts by their definition: neither is done with before the other is written."""

    def ends_before(a: Tensor, b: Tensor) -> bool:
        return all(before[b.first] >> step & 1 for step in (a.first, *a.readers))

    def conflict(i: int, j: int) -> bool:
        a, b = tensors[i], tensors[j]
        return i != j and not ends_before(a, b) and not ends_before(b, a)

    places = range(len(tensors))
    return [{j for j in places if conflict(i, j)} for i in places]


@st.composite
def streams(draw: st.DrawFn) -> list[int]:
    """What is certain before each step of a model on one to three engines."""
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 12))):
        depends = draw(st.frozensets(st.integers(0, i - 1), max_size=1)) if i else frozenset[int]()
        steps.append(Step(draw(st.sampled_from("ABC")), depends))
    plan = plan_streams(steps)
    return certain_before(
        (plan.streams[task.step] if isinstance(task, Launch) else task.stream, task)
        for task in plan.tasks
    )


@st.composite
def scheduled(draw: st.DrawFn) -> tuple[list[Tensor], list[int]]:
    """A tensor of each step, of the first one several, read by steps after it or not at all."""
    before = draw(streams())
    writers = [*range(len(before)), *draw(st.lists(st.just(0), max_size=4))]
    tensors: list[Tensor] = []
    for writer in draw(st.permutations(writers)):
        readers = draw(st.frozensets(st.integers(0, 11), max_size=3))
        tensors.append(Tensor(512, writer, readers & set(range(writer + 1, len(before)))))
    return tensors, before


@settings(max_examples=300)
@given(scheduled())
def test_conflicts_are_those_of_all_pairs(example: tuple[list[Tensor], list[int]]):
    tensors, before = example
    assert conflicts(tensors, before) == all_pairs(tensors, before)


def test_a_long_chain_is_planned_at_once():
    """Comparing all pairs takes seconds here."""
    steps = 4000
    chain = [tensor(512, i, i + 1) for i in range(steps - 1)]
    start = time.process_time()
    assert plan_memory(chain, in_order(steps)).size == 1024
    assert time.process_time() - start < 1
