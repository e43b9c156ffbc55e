"""Runs work that releases Python's lock (hashing, copying, waiting for a disk) in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import BoundedSemaphore
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CORES = min(8, os.cpu_count() or 1)
"""How many threads work at a time; GraphEngine's writers are eight at most."""
WAITING = 8
"""How many threads there are, those that wait for a disk included."""

_working = BoundedSemaphore(CORES)


def working() -> BoundedSemaphore:
    """What a thread holds while it works, and not while it waits for a disk."""
    return _working


def in_threads(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`function` of every item, in the order of the items whatever thread was first.

    After the first exception no further item is begun, and it is raised.
    """
    items = list(items)
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(WAITING, len(items))) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        if any(future.exception() for future in done):
            pool.shutdown(wait=False, cancel_futures=True)
    for future in futures:
        if not future.cancelled() and (error := future.exception()):
            raise error
    return [future.result() for future in futures]
