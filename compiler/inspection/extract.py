"""Write the parts of an offline model to files: models, messages, kernels, weights."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.message import Message

from compiler.errors import UserError
from compiler.inspection.constants import Constant, constants
from compiler.inspection.opened import OpenedFile, Table, add_weight_dir, open_om
from compiler.inspection.weight_faults import byte_faults, place_fault
from compiler.om.buffers import Blob, Held
from compiler.om.files import new_folders, write_files
from compiler.om.partitions import PartitionType, partition_name

DECODED = frozenset(
    {
        PartitionType.MODEL_DEF,
        PartitionType.TASK_INFO,
        PartitionType.TBE_KERNELS,
        PartitionType.CUST_AICPU_KERNELS,
        PartitionType.WEIGHTS_DATA,
    }
)
"""The partitions whose content goes into files of its own kind; others are written as they are."""
ODD = re.compile(r"[^A-Za-z0-9._+-]")
LONGEST = 120
"""Characters of a file's name that come from the model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and where its parts go."""
    parser.add_argument("model", help="an offline model, bundle or flow model")
    add_weight_dir(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="a new folder")


def run(args: argparse.Namespace) -> int:
    """Write the parts and print their names and sizes; 0."""
    folder = Path(args.output)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there and not empty: name a new folder")
    files = list(parts_of(open_om(args.model, args.weight_dir), folder))
    folders = sorted({path.parent for path, _ in files})
    with new_folders(*((inner, 0o777) for inner in folders)):
        write_files(files, overwrite=False)
    for path, blob in files:
        print(path, blob.length)
    return 0


@dataclass
class Names:
    """File names for names that anybody has given, no two the same."""

    folder: Path
    taken: set[str] = field(default_factory=set[str])

    def path(self, name: str, suffix: str) -> Path:
        """A path in the folder for a name."""
        plain = ODD.sub("_", name)[:LONGEST].lstrip(".") or "_"
        found, number = plain, 1
        while found.lower() in self.taken:
            number += 1
            found = f"{plain}~{number}"
        self.taken.add(found.lower())
        return self.folder / f"{found}{suffix}"


def parts_of(file: OpenedFile, folder: Path) -> Iterator[tuple[Path, Blob]]:
    """Every file that an offline model becomes.

    OMError where a part of it cannot be read, UserError for weights in files that have not the hash
    that the model says.
    """
    for part in file.parts:
        name = ODD.sub("_", part.label)
        if part.label:
            yield folder / f"{name}.om", file.mapped.range(part.data)
        tables = file.tables(part)
        for number, table in enumerate(tables):
            below = f"model_{number}" if len(tables) > 1 else ""
            yield from _table(table, folder / name / below)


def _table(table: Table, folder: Path) -> Iterator[tuple[Path, Blob]]:
    model = table.model
    names = Names(folder)
    yield from _message(model.model_def, folder / "model_def")
    yield from _message(model.task_def, folder / "task_info")
    for place, entry in enumerate(model.table):
        if entry.type not in DECODED:
            name = partition_name(entry.type).lower()
            yield names.path(name, ".bin"), table.file_bytes(place)
    stores = {"kernels": model.tbe_kernels, "cust_aicpu_kernels": model.cust_aicpu_kernels}
    for store, kernels in stores.items():
        inside = Names(folder / store)
        yield from ((inside.path(k.name, ".o"), Held(k.binary)) for k in kernels)
    found = list(constants(table))
    for fault in _faults([constant for constant in found if constant.place == "external"]):
        raise UserError(f"{table.file.path}: {fault}")
    yield from _weights(found, folder)


def _faults(external: Sequence[Constant]) -> Iterator[str]:
    """What keeps weights in files from being copied."""
    for constant in external:
        if fault := place_fault(constant, 0):
            yield f"constant {constant.name!r}: {fault}"
    yield from byte_faults(external)


def _message(message: Message, path: Path) -> Iterator[tuple[Path, Blob]]:
    text = text_format.MessageToString(message, as_utf8=True)
    yield path.with_suffix(".txt"), Held(text.encode())


def _weights(found: list[Constant], folder: Path) -> Iterator[tuple[Path, Blob]]:
    """The bytes of each constant, and an index that says which tensor is in which file."""
    names = Names(folder / "weights")
    index: dict[str, object] = {}
    for constant in found:
        path = names.path(constant.base_name, ".bin")
        index[path.name] = {
            "name": constant.name,
            "graph": constant.graph,
            "dtype": constant.dtype,
            "shape": constant.shape,
        }
        yield path, constant.weight
    if index:
        yield folder / "weights.json", Held(json.dumps(index, indent=2).encode())
