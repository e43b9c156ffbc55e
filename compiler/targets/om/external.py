"""Weight files: the bytes of FileConstant nodes, in files beside the offline model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.buffers import Blob, Joined, Zeros
from compiler.om.contract import WEIGHT_PADDING
from compiler.om.files import write_file
from compiler.planning.placement import align
from dialects.ge import FileConstantOp


def write_weight_files(module: ModuleOp, folder: Path) -> list[tuple[Path, int]]:
    """Write every file that a FileConstant of the module names; the paths and their sizes."""
    files: dict[str, dict[int, Blob]] = {}
    for node in module.walk():
        if isinstance(node, FileConstantOp):
            location, offset = _place(node)
            files.setdefault(location, {})[offset] = weight_of(node.value)
    if files:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written: list[tuple[Path, int]] = []
    for location, parts in sorted(files.items()):
        blob = _joined(sorted(parts.items()))
        write_file(folder / location, blob)
        written.append((folder / location, blob.length))
    return written


def _place(node: FileConstantOp) -> tuple[str, int]:
    location, offset = node.attributes.get("location"), node.attributes.get("offset")
    if not isinstance(location, StringAttr) or "/" in location.data or not location.data:
        raise UserError(f"FileConstant '{node.label}': location must be a plain file name")
    return location.data, offset.value.data if isinstance(offset, IntegerAttr) else 0


def _joined(parts: Iterable[tuple[int, Blob]]) -> Blob:
    """Parts at their offsets with zeros between; several are padded at the end."""
    parts = list(parts)
    if len(parts) == 1 and parts[0][0] == 0:
        return parts[0][1]
    pieces: list[Blob] = []
    end = 0
    for offset, blob in parts:
        pieces += [Zeros(offset - end), blob]
        end = offset + blob.length
    return Joined([*pieces, Zeros(align(end, WEIGHT_PADDING) - end)])
