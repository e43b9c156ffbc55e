"""Streams that go on after a task has failed."""

from __future__ import annotations

import pytest

from runtime.device import Event, Stream
from runtime.errors import AclError, Code

LONG_MS = 5000


def fail_with(error: Exception) -> None:
    raise error


def test_any_exception_is_reported() -> None:
    stream = Stream()
    stream.submit(lambda: fail_with(ZeroDivisionError("by nothing")))
    with pytest.raises(AclError, match="ZeroDivisionError: by nothing") as caught:
        stream.synchronize(LONG_MS)
    assert caught.value.code == Code.RT_INTERNAL


def test_the_first_error_counts_and_once() -> None:
    stream, done = Stream(), list[str]()
    stream.submit(lambda: fail_with(AclError(Code.GE_FAILURE, "first")))
    stream.submit(lambda: fail_with(ValueError("second")))
    stream.submit(lambda: done.append("skipped"))
    with pytest.raises(AclError, match="first"):
        stream.synchronize(LONG_MS)
    stream.submit(lambda: done.append("after"))
    stream.synchronize(LONG_MS)
    assert done == ["after"]


@pytest.mark.parametrize("error", [AclError(Code.GE_FAILURE, "no"), RuntimeError("no")])
def test_nobody_waits_for_ever_for_an_event_behind_an_error(error: Exception) -> None:
    failing, waiting, event = Stream(), Stream(), Event()
    failing.submit(lambda: fail_with(error))
    event.record(failing)
    waiting.submit(event.wait)
    waiting.synchronize(LONG_MS)
    assert event.is_complete
    with pytest.raises(AclError, match="no"):
        failing.synchronize(LONG_MS)
