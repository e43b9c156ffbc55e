"""A short slice of `make soak`: threads infer while weights are swapped and some updates fail."""

from __future__ import annotations

from bench.soak import soak


def test_every_answer_is_of_one_version() -> None:
    said: list[str] = []
    assert soak(250, 4, seed=1, say=said.append), "\n".join(said)
