"""Print how two offline models differ: operators, attributes, weights, kernels, tasks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from compiler.diagnostics import one_line
from compiler.errors import UserError, printable
from compiler.inspection.differences import Difference, changed, matched
from compiler.inspection.graph_differences import graph_differences
from compiler.inspection.opened import OpenedFile, Table, add_weight_dir, open_om
from compiler.inspection.partition_differences import partition_differences
from compiler.inspection.weight_differences import weight_differences
from compiler.om.header import unpack_header

SAME, DIFFERENT, TROUBLE = 0, 1, 2
"""Exit codes, as those of diff."""

COMPARED = ("version", "modeltype", "name", "om_ir_version", "platform_version", "platform_type")
"""Fields of a header that say something of the model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two files, and how to print."""
    parser.add_argument("old", help="an offline model, bundle or flow model")
    parser.add_argument("new", help="what to compare it with")
    add_weight_dir(parser)
    parser.add_argument(
        "--new-weight-dir",
        metavar="FOLDER",
        help="where those of the second file are, if elsewhere",
    )
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a line for each difference; 0 when there is none, 1 when there are, 2 on an error."""
    try:
        elsewhere = args.new_weight_dir or args.weight_dir
        found = list(differences(open_om(args.old, args.weight_dir), open_om(args.new, elsewhere)))
    except (UserError, OSError) as error:
        print(f"ascend-opt: error: {one_line(error)}", file=sys.stderr)
        return TROUBLE
    if args.json:
        print(json.dumps([asdict(difference) for difference in found], indent=2, default=str))
    elif found:
        print("\n".join(printable(str(difference)) for difference in found))
    return DIFFERENT if found else SAME


def differences(*files: OpenedFile) -> Iterator[Difference]:
    """What is not the same in two files, external weights included. OMError where one is broken."""
    yield from changed("kind", *(file.kind for file in files))
    yield from changed("var_size", *(f.bundle.var_size if f.bundle else 0 for f in files))
    tables = [dict(_tables(file)) for file in files]
    yield from matched("", *tables, shown=_name, compare=_compare)


def _tables(file: OpenedFile) -> Iterator[tuple[str, Table]]:
    """Every model of a file by what tells it from the others."""
    for part in file.parts:
        tables = file.tables(part)
        for number, table in enumerate(tables):
            place = [part.label, f"model {number}" if len(tables) > 1 else ""]
            yield ": ".join(filter(None, place)), table


def _name(table: Table) -> str:
    return table.model.model_def.name


def _compare(old: Table, new: Table) -> Iterator[Difference]:
    headers = [unpack_header(table.part.data) for table in (old, new)]
    for field in COMPARED:
        yield from changed(f"header: {field}", *(getattr(header, field) for header in headers))
    yield from graph_differences(old.model.model_def, new.model.model_def)
    yield from weight_differences(old, new)
    yield from partition_differences(old.model, new.model)
