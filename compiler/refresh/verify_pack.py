"""Verify a weight pack: its tensors are what it says and, with a model, it can be applied.

The exit code is 0 when all is well.
"""

from __future__ import annotations

import argparse

from compiler.refresh.apply_pack import checked_application
from compiler.refresh.checkpoint import add_root, kind_of, read_checkpoint
from compiler.refresh.new_values import new_values
from compiler.refresh.pack import SHOWN, read_pack
from compiler.weights.digests import all_sha256

EXAMPLES = """examples:
  ascend-opt refresh verify pack.safetensors              the bytes are those that were written
  ascend-opt refresh verify pack.safetensors bundle.om    … and change this very version
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pack, and what it shall be applied to."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("pack", help="a pack that `ascend-opt refresh make` wrote")
    parser.add_argument("model", nargs="?", help="bundle .om, .onnx or .safetensors")
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Hash the pack and what it would change."""
    pack = read_pack(args.pack)
    if args.model is None:
        pack.check_contents()
    else:
        model = read_checkpoint(args.model, args.allow_root)
        checked_application(pack, model, model.state(all_sha256(model.unhashed)))
        if kind_of(args.model) == ".om":
            from compiler.refresh.bundle_weights import read_bundle_file

            new_values(read_bundle_file(args.model), pack.tensors)
    fits = f", fits {args.model}" if args.model else ""
    print(f"{args.pack}: {len(pack.tensors)} weights as they should be{fits}")
    print(f"from version {pack.start[:SHOWN]} to {pack.end[:SHOWN]}")
    return 0
