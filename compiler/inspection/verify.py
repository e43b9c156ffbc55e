"""Check offline models: every size and offset, every reference, the hash of every weight file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import suppress

from compiler.errors import printable
from compiler.inspection.bundle_faults import bundle_faults
from compiler.inspection.constants import constants
from compiler.inspection.container_faults import container_faults
from compiler.inspection.content_faults import content_faults
from compiler.inspection.opened import OpenedFile, add_weight_dir, open_om
from compiler.inspection.weight_faults import weight_faults
from compiler.om.errors import OMError

KEEPING = "external_hash=true keeps their SHA-256 in the model"
"""What a user can do about weights that the model has only a sample of."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files, and how to print."""
    parser.add_argument("models", nargs="+", help="offline models, bundles or flow models")
    add_weight_dir(parser)
    parser.add_argument("--json", action="store_true", help="print the faults as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a line for each fault; 1 when there is any."""
    found = {path: _examine(path, args.weight_dir) for path in args.models}
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for path, lines in found.items():
            print("\n".join(f"{path}: {line}" for line in lines) or f"{path}: ok")
    return 1 if any(found.values()) else 0


def _examine(path: str, weights: str | None) -> list[str]:
    """The faults of a file; a note on stderr where not all bytes could be compared."""
    try:
        file = open_om(path, weights)
    except OMError as error:
        return [printable(str(error).removeprefix(f"{path}: "))]
    found = [printable(fault) for fault in faults(file, path)]
    if by_sample := _by_sample(file):
        what = "external weights are compared by a sample of their bytes only"
        print(f"note: {path}: {by_sample} {what}: {KEEPING}", file=sys.stderr)
    return found


def _by_sample(file: OpenedFile) -> int:
    """How many weights the model has no digest of all bytes of."""
    sound = (part for part in file.parts if not isinstance(part.model, OMError))
    with suppress(OMError):  # MODEL_DEF does not parse, which is a fault
        tables = (table for part in sound for table in file.tables(part))
        return sum(c.sample != "" and not c.digest for t in tables for c in constants(t))
    return 0


def faults(file: OpenedFile, path: str) -> Iterator[str]:
    """Everything that is wrong with a file that the user calls `path`."""
    yield from container_faults(file)
    for part in file.parts:
        above = f"{part.label}: " if part.label else ""
        if isinstance(part.model, OMError):
            yield f"{above}{str(part.model).removeprefix(f'{path}: {part.label}: ')}"
            continue
        tables = file.tables(part)
        for number, table in enumerate(tables):
            place = f"{above}model {number}: " if len(tables) > 1 else above
            for check in (content_faults, weight_faults):
                yield from (f"{place}{fault}" for fault in check(table))
    yield from bundle_faults(file)
