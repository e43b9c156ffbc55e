"""A slice of `make verify-schedules`: a few shapes of each family, one model, some mutants."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.kernel_check import Case
from conformance.kernel_families import FAMILIES
from conformance.kernel_samples import SAMPLES
from conformance.mutants import CAUGHT, ESCAPED
from conformance.schedules import GOOD, LLAMA, WRONG, family, model, mutated
from examples.models.weights import fill


@pytest.mark.parametrize("name", FAMILIES)
def test_random_shapes(name: str) -> None:
    tally = family(name, 20)
    assert not tally.reasons
    assert tally.counts[GOOD] >= 5


def test_every_kernel_of_a_model(tmp_path: Path) -> None:
    tally = model("llama", fill(LLAMA, tmp_path), set())
    assert not tally.reasons
    assert tally.counts[GOOD] >= 70
    assert not tally.counts[WRONG]


QUICK = [case for case in SAMPLES if case.type in ("ConcatD", "Slice", "Transpose")]


@pytest.mark.parametrize("case", QUICK, ids=repr)
def test_mutants_are_caught(case: Case) -> None:
    tally = mutated(case)
    assert not tally.reasons
    assert tally.counts[CAUGHT] >= 20
    assert not tally.counts[ESCAPED]
