"""Which file a constant of a model names, and where in it the bytes begin."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from compiler.om.contract import (
    FILE_PATH_NAME,
    HASH_NAME,
    LENGTH_NAME,
    LOCATION_NAME,
    OFFSET_NAME,
    REFERENCE_NAME,
    WEIGHT_PADDING,
    referenced_file,
)
from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import AttrDef, OpDef

NAMED_BY_HASH = re.compile("weight_([0-9a-f]{32,64})")
"""How a file of one weight is called."""


class Place(NamedTuple):
    """Where the bytes of a node begin in a file; `length` is 0 where the node does not say."""

    path: Path
    offset: int = 0
    length: int = 0


def place_of(op: OpDef, folder: Path) -> Place | None:
    """The place of a constant, by `location`, else by `file_path`; None where it has neither.

    Of a `location` only the last component counts, in `folder`: it cannot lead out of it. Beside
    one, our own reference comes first. `offset` and `length` are of a `location`
    (`file_constant_utils.cc`). OMError for a text that no path can be.
    """
    if location := _path_of(op, LOCATION_NAME):
        offset, length = (integer_of(op.attr, name) for name in (OFFSET_NAME, LENGTH_NAME))
        if reference := _path_of(op, REFERENCE_NAME):
            return Place(referenced_file(reference, folder), offset, length)
        return Place(folder / os.path.basename(location), offset, length)
    path = _path_of(op, FILE_PATH_NAME)
    return Place(Path(path)) if path else None


def _path_of(op: OpDef, name: str) -> str:
    text = text_of(op.attr, name)
    if "\0" in text:
        raise OMError(Status.PARAM_INVALID, f"constant '{op.name}': {name} has a NUL in it")
    return text


def digest_of(op: OpDef) -> str:
    """The hash that a constant has of its bytes, "" without one; a file is called by it as well."""
    return text_of(op.attr, HASH_NAME) or named_digest(text_of(op.attr, LOCATION_NAME))


def named_digest(location: str) -> str:
    """The hash that a weight file is called by; "" where it is called otherwise."""
    named = NAMED_BY_HASH.fullmatch(os.path.basename(location))
    return named[1] if named else ""


def without_digest(name: str, digest: str) -> str:
    """A constant's name without the hash that an external one has behind it."""
    return name.removesuffix(f"_{digest}") if digest else name


def end_fault(descriptor: int, end: int) -> str | None:
    """Why a weight file must not go on as it does behind its last weight; None where it may."""
    size = os.fstat(descriptor).st_size
    behind = os.pread(descriptor, WEIGHT_PADDING, end)
    is_padding = len(behind) < WEIGHT_PADDING and size % WEIGHT_PADDING == 0 and not any(behind)
    if not behind or is_padding:
        return None
    return (
        f"must end with its last weight, at byte {end}, or be padded with zeros to a multiple of "
        f"{WEIGHT_PADDING} bytes; it has {size}"
    )


def text_of(attributes: Mapping[str, AttrDef], name: str) -> str:
    """An attribute's text, as a path may have it; empty where there is none."""
    return os.fsdecode(attributes[name].s) if name in attributes else ""


def integer_of(attributes: Mapping[str, AttrDef], name: str) -> int:
    """An attribute's number; 0 where there is none."""
    return attributes[name].i if name in attributes else 0
