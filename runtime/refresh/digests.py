"""SHA-256 of tensors that are not kept: known, or computed in what time others leave."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeAlias

from runtime.device import Bytes

Digest: TypeAlias = Future[str]
"""A digest in hexadecimal, now or later."""

IDLE = 19
"""The niceness of a thread that shall have what time inferences leave."""


def known(text: str) -> Digest:
    """A digest that is known."""
    digest = Digest()
    digest.set_result(text)
    return digest


def later(tensors: Mapping[str, Bytes]) -> dict[str, Digest]:
    """The digests of tensors that nobody writes to any more; each goes when it has been hashed."""
    if not tensors:
        return {}
    pool = ThreadPoolExecutor(1, initializer=_yield_to_others)
    found = {name: pool.submit(sha256_of, memory) for name, memory in tensors.items()}
    pool.shutdown(wait=False)
    return found


def sha256_of(memory: Bytes) -> str:
    """The digest of bytes, in hexadecimal."""
    return hashlib.sha256(memory.data).hexdigest()


def _yield_to_others() -> None:
    """Where a thread has a niceness of its own, which is Linux alone."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), IDLE)
