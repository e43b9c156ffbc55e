"""Print what is in a weight pack: the versions it leads from and to, and the weights it changes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from compiler.errors import printable
from compiler.refresh.pack import Pack, read_pack

EXAMPLES = """example:
  ascend-opt refresh inspect pack.safetensors
  ascend-opt refresh inspect pack.safetensors --json | jq .to
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pack, and how to print."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("pack", help="a pack that `ascend-opt refresh make` wrote")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the pack; no tensor of it is read."""
    pack = read_pack(args.pack)
    print(_json(pack) if args.json else "\n".join(_lines(pack)))
    return 0


def _json(pack: Pack) -> str:
    weights = [
        {
            "name": name,
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "bytes": tensor.data.length,
            "sha256": pack.digests[name],
        }
        for name, tensor in pack.tensors.items()
    ]
    return json.dumps({"from": pack.start, "to": pack.end, "weights": weights}, indent=2)


def _lines(pack: Pack) -> Iterator[str]:
    yield f"from {pack.start}"
    yield f"to   {pack.end}"
    for name, tensor in pack.tensors.items():
        digest = pack.digests[name][:12]
        yield f"{tensor.data.length:>14}  {digest}  {tensor.type}  {printable(name)}"
    size = sum(tensor.data.length for tensor in pack.tensors.values())
    of = f" of {len(pack.base)}" if pack.base else ""
    yield f"{len(pack.tensors)}{of} weights, {size / 1e6:.1f} MB"
