"""Feature memory: tensors alive together never overlap, others share."""

from hypothesis import given
from hypothesis import strategies as st

from compiler.planning.memory import ALIGNMENT, Tensor, aligned, plan_memory


def in_order(steps: int) -> list[int]:
    """Each step starts when all earlier ones are done."""
    return [(1 << i) - 1 for i in range(steps)]


def tensor(size: int, writer: int | None, *readers: int, is_output: bool = False) -> Tensor:
    return Tensor(size, writer, frozenset(readers), is_output)


def test_a_chain_needs_two_buffers():
    chain = [tensor(1024, None, 0), *(tensor(1024, i, i + 1) for i in range(5))]
    plan = plan_memory(chain, in_order(6))
    assert plan.size == plan.lower_bound == 2048


def test_an_output_is_never_reused():
    plan = plan_memory([tensor(512, 0, is_output=True), tensor(512, 1, 2)], in_order(3))
    assert len(set(plan.offsets)) == 2


def test_steps_without_order_do_not_share():
    plan = plan_memory([tensor(512, 0, 1), tensor(512, 2, 3)], [0, 1, 0, 4])
    assert len(set(plan.offsets)) == 2


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


@given(lifetimes())
def test_what_is_alive_together_is_apart(example: tuple[list[Tensor], int]):
    tensors, steps = example
    plan = plan_memory(tensors, in_order(steps))
    assert plan.size >= plan.lower_bound

    def span(t: Tensor) -> tuple[int, int]:
        first = -1 if t.writer is None else t.writer
        return first, steps if t.is_output else max((first, *t.readers))

    for i, a in enumerate(tensors):
        assert plan.offsets[i] % ALIGNMENT == 0
        for j, b in enumerate(tensors[:i]):
            (first_a, last_a), (first_b, last_b) = span(a), span(b)
            if first_a <= last_b and first_b <= last_a:
                low, high = sorted(((plan.offsets[i], a), (plan.offsets[j], b)), key=lambda p: p[0])
                assert low[0] + aligned(low[1].size) <= high[0]
