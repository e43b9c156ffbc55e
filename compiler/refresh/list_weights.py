"""Print what of a bundle can be refreshed: ONNX names, input of the update model, type, digest."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence

from compiler.errors import printable
from compiler.om.manifest import Manifest, RefreshableWeight, read_manifest

TITLES = ("index", "made of", "input", "type", "shape", "format", "sha256")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bundle, and how to print."""
    parser.add_argument("bundle", help="an offline model of several graphs")
    parser.add_argument("--json", action="store_true", help="print the whole manifest as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the manifest."""
    manifest = read_manifest(args.bundle)
    print(_json(manifest) if args.json else "\n".join(_table(manifest)))
    return 0


def _json(manifest: Manifest) -> str:
    told = {"version": manifest.version} | json.loads(manifest.to_json())
    return json.dumps(told, indent=2)


def _table(manifest: Manifest) -> Iterator[str]:
    rows = [TITLES, *(_row(weight) for weight in manifest.weights)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
    yield f"{len(manifest.weights)} refreshable weights, version {manifest.version}"


def _row(weight: RefreshableWeight) -> Sequence[str]:
    shape = "×".join(map(str, weight.shape)) or "scalar"
    made_of = " + ".join(source.onnx for source in weight.sources)
    names = printable(made_of), printable(weight.input), weight.dtype
    return str(weight.index), *names, shape, weight.format, weight.sha256[:12]
