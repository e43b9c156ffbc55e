"""Which files in its weight folder an offline model needs."""

from __future__ import annotations

from pathlib import Path

from compiler.om.bundle import Bundle
from compiler.om.constants import FILE_CONSTANT
from compiler.om.contract import weights_beside
from compiler.om.errors import OMError
from compiler.om.external import place_of
from compiler.om.reader import read_om


def needed_files(model: Path) -> frozenset[str]:
    """Their names; OMError where the model cannot be read."""
    file = read_om(model)
    models = file.models if isinstance(file, Bundle) else (file,)
    graphs = [
        graph for model in models for part in model.submodels for graph in part.model_def.graph
    ]
    nodes = (op for graph in graphs for op in graph.op if op.type == FILE_CONSTANT)
    folder = weights_beside(model)
    try:
        places = [place_of(op, folder) for op in nodes]
    except OMError as error:
        raise error.at(str(model)) from None
    return frozenset(p.path.name for p in places if p and _is_in(p.path, folder))


def _is_in(file: Path, folder: Path) -> bool:
    return file.parent == folder or file.parent.resolve() == folder.resolve()
