"""Digests by several threads are those of the bytes, and know when bytes may be others."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from compiler.errors import UserError
from compiler.transforms.ge.externalize_weights import Combined
from compiler.weights import (
    CHUNK,
    Cast,
    FileBytes,
    Inline,
    Splat,
    Transposed,
    Version,
    Weight,
    digests,
)
from compiler.weights.digests import all_sha256, ge_text, sha256

VECTORS = {
    np.array(
        [0], np.float32
    ).tobytes(): "df3f61984a92fdb4057192dc43dd748ea778adc52bc498ce8524c014b81119",
    np.array(
        [1], np.float32
    ).tobytes(): "e0e5eb9444182f352323374ef4e8ebcb784725fdd4fd612d773054b3ec8c",
    np.array([1, 2, 3, 4], np.float32).tobytes(): (
        "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd4a1867646ab3b973fb6632b1"
    ),
    np.int64(1).tobytes(): "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8",
}
"""GraphEngine's text of a hash, by the bytes."""


def test_text_of_a_hash() -> None:
    assert {data: ge_text(sha256(Inline(data))) for data in VECTORS} == VECTORS


@pytest.mark.parametrize(
    ("size", "padded"), [(1, 512), (511, 512), (512, 512), (513, 1024), (1024, 1024)]
)
def test_places_in_a_combined_file(size: int, padded: int) -> None:
    place = Combined("file")
    found = [place(digest, length) for digest, length in (("a", size), ("b", 3), ("a", size))]
    assert found == [("file", 0), ("file", padded), ("file", 0)]
    assert place.end == padded + 512


def test_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    data = np.random.default_rng(0).bytes(1 << 22)
    path.write_bytes(data)
    # Signalling NaNs among them: NumPy warns of those.
    files = [FileBytes(str(path), start * 1000, 100_000 + start) for start in range(40)]
    values = np.frombuffer(data[: 1 << 20], "<f4").reshape(512, 512)
    with np.errstate(invalid="ignore"):
        double = values.astype("<f8").tobytes()
    file = FileBytes(str(path), 0, 1 << 20)
    others: dict[Weight, bytes] = {
        Splat(b"ab", 1 << 20): b"ab" * (1 << 20),
        Cast(file, "f32", "f64"): double,
        Transposed(file, "f32", (512, 512), (1, 0)): values.T.tobytes(),
        Inline(b""): b"",
    }
    expected = others | {w: data[w.offset : w.offset + w.length] for w in files}
    found = all_sha256([*expected, *files])
    assert found == {w: hashlib.sha256(raw).digest() for w, raw in expected.items()}


def test_a_known_version_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_known", {})
    path = tmp_path / "bytes"
    path.write_bytes(bytes(1 << 20))
    fixed = FileBytes(str(path), 0, 1 << 20, Version.of(path.stat()))
    loose = FileBytes(str(path), 0, 1 << 20)
    before = [sha256(fixed), sha256(Cast(fixed, "f32", "f16")), sha256(loose)]
    os.truncate(path, 0)
    path.write_bytes(b"1" * (1 << 20))
    assert [sha256(fixed), sha256(Cast(fixed, "f32", "f16"))] == before[:2]
    assert sha256(loose) != before[2]


def test_the_first_error_is_raised(tmp_path: Path) -> None:
    missing: list[Weight] = [FileBytes(str(tmp_path / "none"), i, CHUNK) for i in range(20)]
    with pytest.raises((UserError, OSError), match="none"):
        all_sha256([Splat(b"x", 1 << 20), *missing])


def test_hashed_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for in the block may be done, on the way, or not begun."""
    monkeypatch.setattr(digests, "_known", {})
    path = tmp_path / "bytes"
    path.write_bytes(os.urandom(1 << 22))
    files = [FileBytes(str(path), i << 17, 1 << 17) for i in range(32)]
    missing = FileBytes(str(tmp_path / "none"), 0, 1 << 20)
    with digests.hashing_ahead([*files, missing]):
        found = all_sha256(files)
        with pytest.raises(OSError, match="none"):
            sha256(missing)
    assert found == {file: hashlib.sha256(file.view()).digest() for file in files}
    with pytest.raises(KeyError), digests.hashing_ahead(files):
        raise KeyError
    assert sha256(files[0]) == found[files[0]]
