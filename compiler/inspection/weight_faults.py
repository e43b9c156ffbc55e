"""What is wrong with the constants of a model: their sizes, their places, their files' bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from compiler.inspection.constants import Constant, constants
from compiler.inspection.opened import Table
from compiler.om.errors import OMError
from compiler.om.external import end_fault
from compiler.weights import FileBytes, Weight
from compiler.weights.digests import all_sha256, ge_text, sample_sha256


def weight_faults(table: Table) -> Iterator[str]:
    """What is wrong with the constants of one model; every external byte is hashed."""
    try:
        found = list(constants(table))
    except OMError:
        return  # MODEL_DEF does not parse, which is a fault of the content
    sound: list[Constant] = []
    for constant in found:
        fault = fault_of(constant, len(table.model.weights))
        if fault is None:
            sound.append(constant)
        else:
            yield f"constant {constant.name!r}: {fault}"
    external = [constant for constant in sound if constant.place == "external"]
    yield from _end_faults(external)
    yield from byte_faults(external)


def fault_of(constant: Constant, inside: int) -> str | None:
    """Why a constant's bytes are not there; `inside` are those of the weight partition."""
    return _size_fault(constant) or place_fault(constant, inside)


def _size_fault(constant: Constant) -> str | None:
    if constant.place == "nowhere":
        return "it names no file and no id, or one with a NUL"
    if constant.offset < 0 or constant.length < 0:
        return f"its bytes are {constant.length} at offset {constant.offset}"
    expected = constant.expected
    if expected is not None and constant.length != expected and constant.place != "by id":
        tensor = f"a {constant.dtype} tensor of shape {list(constant.shape)}"
        return f"{tensor} has {expected} bytes, it has {constant.length}"
    return None


def place_fault(constant: Constant, inside: int) -> str | None:
    """Why there are no bytes where a constant has them, whatever they should be."""
    end = constant.offset + constant.length
    if constant.place == "inside" and end > inside:
        return f"bytes {constant.offset} to {end} of a weight partition of {inside}"
    if constant.place != "external":
        return None
    try:
        with _opened(constant) as descriptor:
            status = os.fstat(descriptor)
    except OSError as error:
        return f"{constant.file}: {error.strerror}"
    if not stat.S_ISREG(status.st_mode):
        return f"{constant.file} is not a regular file"
    if end > status.st_size:
        needs = f"bytes {constant.offset} to {end}"
        return f"{constant.file} has {status.st_size} bytes, {needs} are needed"
    return None


@contextmanager
def _opened(constant: Constant) -> Generator[int]:
    descriptor = os.open(constant.file or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _end_faults(external: Sequence[Constant]) -> Iterator[str]:
    """Files that go on behind their last weight: no load accepts them."""
    last: dict[Path | None, Constant] = {}
    for constant in sorted(external, key=lambda c: c.offset + c.length):
        last[constant.file] = constant
    for constant in last.values():
        if constant.sample:  # a reference: the file is not ours
            continue
        with _opened(constant) as descriptor:
            if fault := end_fault(descriptor, constant.offset + constant.length):
                yield f"constant {constant.name!r}: {constant.file} {fault}"


def byte_faults(external: Iterable[Constant]) -> Iterator[str]:
    """Constants whose bytes are not those that the model was compiled with."""
    external = list(external)
    hashed = [constant for constant in external if constant.digest]
    digests = all_sha256(constant.weight for constant in hashed)
    for constant in hashed:
        found = ge_text(digests[constant.weight])
        if found != constant.digest:
            what = f"have hash {found}, not {constant.digest}"
            yield f"constant {constant.name!r}: its bytes in {constant.file} {what}"
    for constant in external:
        if constant.sample and _sample(constant.weight) != constant.sample:
            what = "are not those the model was compiled with"
            yield f"constant {constant.name!r}: its bytes in {constant.file} {what}"


def _sample(weight: Weight) -> str:
    assert isinstance(weight, FileBytes)
    return sample_sha256(weight.view())
