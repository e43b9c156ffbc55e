"""Offline models that are copied and then edited: bytes, weight files, messages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compiler.om.buffers import Held
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.model_reader import read_model
from compiler.om.writer import Partition, lay_out_file


def copied(path: Path, folder: Path) -> Path:
    """A model with its weight files in a folder of its own."""
    shutil.copytree(path.parent, folder / "copy")
    return folder / "copy" / path.name


def changed(path: Path, edit: Callable[[bytearray], object]) -> Path:
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)
    return path


def with_model(path: Path, edit: Callable[[ModelDef], object]) -> Path:
    """The file again after a change to its MODEL_DEF."""
    model = read_model(path)
    message = model.root.model_def
    edit(message)
    bodies = [
        Partition(e.type, Held(encode_message(message) if e.type == 0 else bytes(body)))
        for e, body in zip(model.root.table, model.root.bodies, strict=True)
    ]
    write_file(path, lay_out_file(model.header, [bodies]))
    return path


def flip_weight(path: Path) -> None:
    (file, *_) = sorted(path.parent.glob("weight/*"))
    changed(file, lambda data: data.__setitem__(0, data[0] ^ 1))


def constants_of(model: ModelDef) -> list[Any]:
    return [op for op in model.graph[0].op if op.type in ("Const", "FileConstant")]


def rename(model: ModelDef, old: str, new: str) -> None:
    """Call an operator otherwise, where it stands and where it is read."""
    for op in model.graph[0].op:
        op.name = new if op.name == old else op.name
        for place, edge in enumerate(op.input):
            producer, colon, index = edge.rpartition(":")
            op.input[place] = f"{new}{colon}{index}" if producer == old else edge
