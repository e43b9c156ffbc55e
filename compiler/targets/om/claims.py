"""Whose a weight file is: one that another offline model may need is not replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from compiler.om.buffers import Blob
from compiler.om.bundle import Bundle
from compiler.om.constants import FILE_CONSTANT
from compiler.om.contract import weight_folder
from compiler.om.errors import OMError
from compiler.om.external import place_of
from compiler.om.reader import read_om
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
    others = ", ".join(path.name for path in users if path != model)
    raise OverwritingError(
        f"{file} has other weights, which {others or 'another model'} may need: write to another "
        "folder or remove the file; ascend-opt can also give it another name "
        "(offline{model=NAME}) or replace it (om{overwrite=true})"
    )


def _claimed(model: Path) -> frozenset[str]:
    try:
        return weights_of(model)
    except OMError:
        return frozenset()


def weights_of(model: Path) -> frozenset[str]:
    """The names of the files in its weight folder that an offline model needs; OMError where it
    cannot be read.
    """
    file = read_om(model)
    models = file.models if isinstance(file, Bundle) else (file,)
    graphs = [
        graph for model in models for part in model.submodels for graph in part.model_def.graph
    ]
    nodes = (op for graph in graphs for op in graph.op if op.type == FILE_CONSTANT)
    folder = weight_folder(model)
    try:
        places = [place_of(op, folder) for op in nodes]
    except OMError as error:
        raise error.at(str(model)) from None
    return frozenset(p.path.name for p in places if p and _is_in(p.path, folder))


def _is_in(file: Path, folder: Path) -> bool:
    return file.parent == folder or file.parent.resolve() == folder.resolve()


def _has(file: Path, blob: Blob) -> bool:
    """Whether a file, not a link to one, already has these bytes."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size != blob.length:
        return False
    with working(), open(file, "rb") as stream:
        return all(stream.read(len(chunk)) == chunk for chunk in blob.chunks())
