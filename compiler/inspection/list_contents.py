"""Print what is in an offline model: partitions, inputs, outputs, constants, kernels."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from compiler.errors import printable
from compiler.inspection.opened import add_weight_dir, open_om
from compiler.inspection.summary import Data, summary

SECTIONS = {
    "weights": "every constant: type, shape, bytes, and where they lie",
    "operators": "how many operators of each type there are",
    "kernels": "every kernel",
    "attributes": "the attributes of the model",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what to print of it."""
    parser.add_argument("model", help="an offline model, bundle or flow model")
    add_weight_dir(parser)
    for name, what in SECTIONS.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"also print {what}")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the contents; 0."""
    found = summary(open_om(args.model, args.weight_dir))
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    shown = {name for name in SECTIONS if getattr(args, name)}
    print("\n".join(printable(line) for line in _lines(found, shown)))
    return 0


def _lines(found: Data, shown: set[str]) -> Iterator[str]:
    variables = f", {found['var_size']} bytes of variables" if "var_size" in found else ""
    yield f"{found['file']}: {found['kind']}, {found['bytes']} bytes{variables}"
    for part in found["models"]:
        for number, table in enumerate(part["tables"]):
            place = [part["label"], f"model {number}" if len(part["tables"]) > 1 else ""]
            yield ""
            yield " ".join(filter(None, (*place, f"'{table['name']}'", _versions(part["header"]))))
            yield from _table(table, shown)


def _versions(header: Data) -> str:
    platform = header.get("platform_version")
    told = f"IR version {header.get('om_ir_version', 0)}"
    return f"({told}, platform {platform})" if platform else f"({told})"


def _table(table: Data, shown: set[str]) -> Iterator[str]:
    yield from aligned(
        ("  partition", p["type"], f"{p['bytes']} bytes", f"at {p['start']}")
        for p in table["partitions"]
    )
    for side in ("inputs", "outputs"):
        rows = enumerate(table[side])
        yield from aligned((f"  {side[:-1]} {i}", *_tensor(tensor)) for i, tensor in rows)
    if "gears" in table:
        gears = table["gears"]
        rows = "; ".join(",".join(map(str, row)) for row in gears["rows"])
        yield f"  {len(gears['rows'])} gears of {gears['kind']}: {rows}"
    yield from _totals(table)
    for name in sorted(shown):
        yield from _SECTIONS[name](table)


def _totals(table: Data) -> Iterator[str]:
    count = sum(graph["operators"] for graph in table["graphs"])
    yield f"  {count} operators in {plural(len(table['graphs']), 'graph')}"
    constants = table["constants"]
    for place, number in Counter(constant["place"] for constant in constants).items():
        size = sum(c["bytes"] for c in constants if c["place"] == place)
        yield f"  {plural(number, 'constant')} {place}, {size} bytes"
    tasks = table["tasks"]
    yield f"  {plural(tasks['count'], 'task')} on {plural(tasks['streams'], 'stream')}"
    for store in ("kernels", "cust_aicpu_kernels"):
        if kernels := table[store]:
            size = sum(kernel["bytes"] for kernel in kernels)
            what = "AI CPU kernel" if store.startswith("cust") else "kernel"
            yield f"  {plural(len(kernels), what)}, {size} bytes"


def _weights(table: Data) -> Iterator[str]:
    return aligned(
        (f"  weight {c['name']}", _type(c), f"{c['bytes']} bytes", _where(c))
        for c in table["constants"]
    )


def _where(constant: Data) -> str:
    file = f"{constant['file']}:" if "file" in constant else ""
    return f"{constant['place']} {file}{constant['offset']}"


def _operators(table: Data) -> Iterator[str]:
    return aligned((f"  operator {kind}", str(n)) for kind, n in table["operators"].items())


def _kernels(table: Data) -> Iterator[str]:
    rows = (*table["kernels"], *table["cust_aicpu_kernels"])
    return aligned((f"  kernel {kernel['name']}", f"{kernel['bytes']} bytes") for kernel in rows)


def _attributes(table: Data) -> Iterator[str]:
    return aligned(
        (f"  attribute {name}", json.dumps(value, ensure_ascii=False))
        for name, value in table["attributes"].items()
    )


_SECTIONS = {
    "weights": _weights,
    "operators": _operators,
    "kernels": _kernels,
    "attributes": _attributes,
}


def _tensor(tensor: Data) -> Sequence[str]:
    ranges = " ".join(f"{low}~{high}" for low, high in tensor.get("ranges", ()))
    size = f"{tensor['bytes']} bytes" if tensor["bytes"] else "size open"
    return (tensor["name"], _type(tensor), tensor["format"], size, ranges)


def _type(tensor: Data) -> str:
    return f"{tensor['dtype'].removeprefix('DT_')} {list(tensor['shape'])}"


def plural(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def aligned(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows of text in columns."""
    table = [tuple(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
