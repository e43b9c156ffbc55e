"""Versions: their names, how far back one can roll, and digests for those who ask."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.device import Bytes
from runtime.errors import AclError
from runtime.refresh import Bundle, versions
from runtime.refresh.digests import sha256_of

Array = npt.NDArray[Any]

W1 = np.array([1, 2, 3, 4], np.float32)


@pytest.fixture
def bundle(refresh_bundle: bytes) -> Bundle:
    return Bundle.load(refresh_bundle)


def hash_of(array: Array) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def test_names_are_not_those_that_users_gave(bundle: Bundle) -> None:
    assert bundle.update({"w1": W1}) == "v1"
    bundle.update({"w1": W1 * 2}, "v2")
    third = bundle.update({"w1": W1 * 3})
    assert third == "v3" and bundle.rollback() == "v2"
    assert bundle.digests()["w1"] == hash_of(W1 * 2)


def test_a_name_that_is_given_again_is_another_version(bundle: Bundle) -> None:
    for scale in (2, 3):
        bundle.update({"w1": W1 * scale}, "mine")
        bundle.activate("compiled")
        if scale == 2:
            bundle.forget("mine")
    assert [bundle.rollback() for _ in range(2)] == ["mine", "compiled"]
    with pytest.raises(AclError, match=r"to roll back to: activate one of mine$"):
        bundle.rollback()


def test_what_was_dropped_takes_no_place_among_what_one_can_roll_back_to(bundle: Bundle) -> None:
    last = [bundle.update({"w1": W1 * n}) for n in range(3 * versions.PAST)][-2:]
    assert bundle.versions == ("compiled", *last)
    assert [bundle.rollback(), bundle.rollback()] == [last[0], "compiled"]


def test_digests_are_computed_when_somebody_asks(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []

    def counted(memory: Bytes) -> str:
        hashed.append(len(memory))
        return sha256_of(memory)

    monkeypatch.setattr(versions, "sha256_of", counted)
    before = bundle.digests()
    hashed.clear()
    bundle.update({"w1": W1 * 2})
    assert not hashed
    for _ in range(2):
        assert bundle.digests() == before | {"w1": hash_of(W1 * 2)}
    bundle.rollback()
    assert bundle.digests() == before
    assert hashed == [W1.nbytes]
