"""Check offline models: every size and offset, every reference, the hash of every weight file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from compiler.errors import printable
from compiler.inspection.bundle_faults import bundle_faults
from compiler.inspection.container_faults import container_faults
from compiler.inspection.content_faults import content_faults
from compiler.inspection.opened import add_weight_dir, open_om
from compiler.inspection.weight_faults import weight_faults
from compiler.om.errors import OMError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files, and how to print."""
    parser.add_argument("models", nargs="+", help="offline models, bundles or flow models")
    add_weight_dir(parser)
    parser.add_argument("--json", action="store_true", help="print the faults as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a line for each fault; 1 when there is any."""
    found = {
        path: [printable(fault) for fault in faults(path, args.weight_dir)] for path in args.models
    }
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for path, lines in found.items():
            print("\n".join(f"{path}: {line}" for line in lines) or f"{path}: ok")
    return 1 if any(found.values()) else 0


def faults(path: str, weights: str | None = None) -> Iterator[str]:
    """Everything that is wrong with a file, nothing when it is sound."""
    try:
        file = open_om(path, weights)
    except OMError as error:
        yield str(error).removeprefix(f"{path}: ")
        return
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
