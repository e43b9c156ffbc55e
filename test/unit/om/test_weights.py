"""Where constants lie, and the bytes that come of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.om.buffers import Held, joined_bytes
from compiler.om.weights import Constant, WeightPlan, place_weights, plan_weights


def constant(data: bytes) -> Constant:
    return Constant(len(data), data)


def test_no_constants_still_take_two_blocks() -> None:
    plan = plan_weights([])
    assert plan == WeightPlan((), 1024)
    assert joined_bytes(place_weights(plan, []).chunks()) == bytes(1024)


def test_each_starts_at_a_block() -> None:
    plan = plan_weights([constant(bytes(48)), constant(bytes(12))])
    assert plan == WeightPlan((512, 1024), 2048)
    assert plan_weights([constant(bytes(512))]) == WeightPlan((512,), 1536)
    assert plan_weights([constant(bytes(513))]) == WeightPlan((512,), 2048)


def test_equal_ones_share_their_place() -> None:
    constants = [constant(b"a" * 600), constant(b"b"), constant(b"a" * 600), constant(b"b")]
    assert plan_weights(constants) == WeightPlan((512, 1536, 512, 1536), 2560)


def test_equal_digests_of_other_lengths_do_not() -> None:
    constants = [Constant(1, b"same"), Constant(2, b"same")]
    assert plan_weights(constants).offsets == (512, 1024)


def test_bytes_at_their_offsets() -> None:
    data = [b"a" * 600, b"b", b"a" * 600]
    plan = plan_weights(map(constant, data))
    placed = joined_bytes(place_weights(plan, list(map(Held, data))).chunks())
    assert placed == bytes(512) + (b"a" * 600).ljust(1024, b"\0") + b"b".ljust(1024, b"\0")


def test_a_constant_for_each_offset() -> None:
    with pytest.raises(ValueError, match="shorter"):
        place_weights(plan_weights([constant(b"a")]), [])


@given(st.lists(st.binary(max_size=2000), max_size=8))
def test_any_constants(data: list[bytes]) -> None:
    plan = plan_weights(map(constant, data))
    blob = place_weights(plan, list(map(Held, data)))
    placed = joined_bytes(blob.chunks())
    assert len(placed) == plan.total == blob.length
    assert not any(placed[:512]) and plan.total % 512 == 0
    for offset, content in zip(plan.offsets, data, strict=True):
        assert offset % 512 == 0 and placed[offset : offset + len(content)] == content
        assert offset + len(content) + 32 <= plan.total
