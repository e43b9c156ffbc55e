"""Whose a weight file is: one that another offline model may need is not replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from compiler.om.buffers import Blob
from compiler.om.errors import OMError
from compiler.om.external import named_digest
from compiler.om.weight_files import needed_files
from compiler.sources import OverwritingError
from compiler.threads import in_threads, working


def to_write(
    model: Path, weights: Iterable[tuple[Path, Blob]], *, overwrite: bool
) -> list[tuple[Path, Blob]]:
    """The weight files that are not there yet as they shall be.

    OverwritingError for one with other bytes, unless `overwrite` or only the previous version of
    `model` refers to it: GraphEngine replaces it, and the models that need it compute nonsense.
    """
    weights = list(weights)
    there = in_threads(lambda weight: _has(*weight), weights)
    changed = [weight for weight, same in zip(weights, there, strict=True) if not same]
    for file, _ in changed:
        if os.path.lexists(file) and not overwrite:
            _check_claim(file, model)
    return changed


def _check_claim(file: Path, model: Path) -> None:
    users = [path for path in sorted(model.parent.glob("*.om")) if file.name in _claimed(path)]
    if users == [model]:
        return
    others = ", ".join(path.name for path in users if path != model) or "another model"
    if named_digest(file.name):
        raise OverwritingError(
            f"{file} has not the bytes that its name says, which {others} may need: remove "
            "the file; ascend-opt can also replace it (om{overwrite=true})"
        )
    raise OverwritingError(
        f"{file} has other weights, which {others} may need: write to another "
        "folder or remove the file; ascend-opt can also give it another name "
        "(offline{model=NAME}) or replace it (om{overwrite=true})"
    )


def _claimed(model: Path) -> frozenset[str]:
    try:
        return needed_files(model)
    except OMError:
        return frozenset()


def _has(file: Path, blob: Blob) -> bool:
    """Whether a file, not a link to one, already has these bytes."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size != blob.length:
        return False
    with working(), open(file, "rb") as stream:
        return all(stream.read(len(chunk)) == chunk for chunk in blob.chunks())
