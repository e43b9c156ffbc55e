"""SHA-256 of weights: of many at once by several threads, and of each version of a file once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from compiler.threads import CORES, in_threads, working
from compiler.weights import (
    Cast,
    Computed,
    FileBytes,
    Inline,
    Joined,
    Part,
    Scatter,
    Splat,
    Transposed,
    Weight,
)

SMALL = 1 << 16
"""Bytes that are hashed sooner than a thread has been asked to."""
AT_ONCE = 1 << 25
"""Bytes of a file that are hashed before the thread needs Python's lock again."""

BLOCK, BLOCKS = 4096, 16
"""Bytes of a block of a sample, and how many there are."""

_known: dict[Weight, bytes] = {}
_begun: dict[Weight, Future[bytes]] = {}


def sha256(weight: Weight) -> bytes:
    """The SHA-256 digest of a weight's bytes.

    It is remembered for bytes of a file whose version is known: another version is another weight.
    """
    begun = _begun.pop(weight, None)
    if begun is not None and not begun.cancel():
        return begun.result()
    return _digest(weight)


def _digest(weight: Weight) -> bytes:
    if weight in _known:
        return _known[weight]
    digest = hashlib.sha256()
    for chunk in weight.chunks(AT_ONCE) if isinstance(weight, FileBytes) else weight.chunks():
        digest.update(chunk)
    if weight.length > SMALL and _stays(weight):
        _known[weight] = digest.digest()
    return digest.digest()


def ge_text(digest: bytes) -> str:
    """GraphEngine's text of a digest: hexadecimal without the leading zero of each byte."""
    return "".join(f"{byte:x}" for byte in digest)


def all_sha256(weights: Iterable[Weight]) -> Mapping[Weight, bytes]:
    """The digest of each weight; the largest are begun first, equal references hashed once."""
    distinct = set(weights)
    small = {weight: sha256(weight) for weight in distinct if weight.length <= SMALL}
    large = _largest_first(distinct - small.keys())
    return small | dict(zip(large, in_threads(_by_turns, large), strict=True))


@contextmanager
def hashing_ahead(weights: Iterable[Weight]) -> Generator[None]:
    """Hash weights while the block runs: their digests may be asked for in it."""
    large = _largest_first({weight for weight in weights if weight.length > SMALL})
    with ThreadPoolExecutor(max(1, CORES - 1)) as pool:
        _begun.update((weight, pool.submit(_digest, weight)) for weight in large)
        try:
            yield
        finally:
            _begun.clear()
            pool.shutdown(wait=False, cancel_futures=True)


def sample_sha256(view: memoryview) -> str:
    """The digest, in hexadecimal, of blocks all over the bytes; of all where they are few."""
    digest = hashlib.sha256(len(view).to_bytes(8, "little"))
    last = max(0, len(view) - BLOCK)
    for start in sorted({last * k // (BLOCKS - 1) for k in range(BLOCKS)}):
        digest.update(view[start : start + BLOCK])
    return digest.hexdigest()


def _largest_first(weights: Collection[Weight]) -> list[Weight]:
    return sorted(weights, key=lambda weight: weight.length, reverse=True)


def _by_turns(weight: Weight) -> bytes:
    with working():
        return sha256(weight)


def _stays(weight: Weight) -> bool:
    """Whether a weight can never be other bytes."""
    match weight:
        case FileBytes():
            return weight.version is not None
        case Cast() | Transposed() | Part():
            return _stays(weight.source)
        case Computed() | Joined():
            return all(_stays(operand.weight) for operand in weight.operands)
        case Scatter():
            return _stays(weight.values) and _stays(weight.indices)
        case _:
            return isinstance(weight, Inline | Splat)
