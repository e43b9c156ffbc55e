"""What a format gives to the fuzzer: seeds, a mutator, readers and the errors they may raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reader:
    """A way to read a file: returns, or raises one of `errors`. It gets one input of `every`."""

    name: str
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    every: int = 1


class Format(Protocol):
    """Files of one kind, lying in a folder of their own as `file` among what belongs to them."""

    @property
    def file(self) -> str: ...
    @property
    def seeds(self) -> Sequence[bytes]: ...
    @property
    def readers(self) -> Sequence[Reader]: ...

    def mutate(self, random: Random, data: bytes) -> bytes:
        """Another file made from one."""
        ...

    def tolerates(self, data: bytes, touched: str) -> bool:
        """Whether a file of this kind may make readers touch that."""
        ...
