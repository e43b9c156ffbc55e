"""Weight files: the bytes of FileConstant nodes, in files beside the offline model."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.attributes import get_attribute
from compiler.om.buffers import Blob, Joined, Zeros
from compiler.om.constants import FILE_CONSTANT
from compiler.om.contract import (
    COMBINED,
    LOCATION_NAME,
    OFFSET_NAME,
    REFERENCE_NAME,
    WEIGHT_PADDING,
)
from compiler.om.drafts import WriteError
from compiler.om.errors import Status
from compiler.om.ge_ir_pb2 import AttrDef
from compiler.planning.placement import align
from compiler.weights import Weight
from compiler.weights.digests import sha256
from dialects.ge import AttrDefAttr, FileConstantOp, Op

LONGEST_NAME = 255
"""Bytes that the name of a file may have on Linux."""


def weight_files(module: ModuleOp, folder: Path) -> list[tuple[Path, Blob]]:
    """Every file that a FileConstant of the module names, and what shall be in it.

    Files that are referred to where they lie are not among them. WriteError for a name that no file
    can have for its length, UserError for one that the IR has no text for.
    """
    files: dict[str, dict[int, Weight]] = {}
    for node in module.walk():
        if isinstance(node, Op):
            _check_readable(node)
        if isinstance(node, FileConstantOp) and REFERENCE_NAME not in node.attributes:
            location, offset = _place(node)
            weight = weight_of(node.value)
            known = files.setdefault(location, {}).setdefault(offset, weight)
            if known != weight and sha256(known) != sha256(weight):
                raise _collision(location, offset)
    return [
        (folder / location, _joined(location, sorted(parts.items(), key=lambda part: part[0])))
        for location, parts in sorted(files.items())
    ]


def _check_readable(node: Op) -> None:
    """The file of such a node would be missing beside what is written."""
    location = node.attributes.get(LOCATION_NAME)
    if node.type_name == FILE_CONSTANT and isinstance(location, AttrDefAttr):
        name = get_attribute(AttrDef.FromString(bytes.fromhex(location.payload.data)))
        raise UserError(
            f"FileConstant '{node.label}': the weight file {name!r:.200} would be left behind: its "
            "name cannot be printed, so rename it, in the model too"
        )


def _place(node: FileConstantOp) -> tuple[str, int]:
    location, offset = node.attributes.get(LOCATION_NAME), node.attributes.get(OFFSET_NAME)
    if not isinstance(location, StringAttr) or not _is_file_name(location.data):
        raise UserError(f"FileConstant '{node.label}': location must be a plain file name")
    if (size := len(os.fsencode(location.data))) > LONGEST_NAME:
        reason = f"the weight file {location.data[:40]}… would have a name of {size} bytes"
        raise WriteError(Status.FAILED, f"{reason}, {LONGEST_NAME} at most: call the model shorter")
    return location.data, offset.value.data if isinstance(offset, IntegerAttr) else 0


def _is_file_name(text: str) -> bool:
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text


def _joined(location: str, parts: Iterable[tuple[int, Weight]]) -> Blob:
    """Parts at their offsets with zeros between, padded at the end in a file for several."""
    parts = list(parts)
    if len(parts) == 1 and parts[0][0] == 0 and not location.endswith(COMBINED):
        return parts[0][1]
    pieces: list[Blob] = []
    end = 0
    for offset, blob in parts:
        if offset < end:
            raise _collision(location, offset)
        pieces += [Zeros(offset - end), blob]
        end = offset + blob.length
    return Joined([*pieces, Zeros(align(end, WEIGHT_PADDING) - end)])


def _collision(location: str, offset: int) -> UserError:
    return UserError(f"two weights are to be at byte {offset} of the weight file '{location}'")
