"""Apply weight packs to a model: a bundle, an ONNX model or a safetensors file of the same weights.

The model must be in the version that the first pack starts from, and each further pack starts where
the one before ends. The result is a new file; what a bundle begins with is then what a compilation
of the new weights would give.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from compiler.errors import UserError
from compiler.om.files import write_file
from compiler.om.manifest import version_digest
from compiler.refresh.checkpoint import Checkpoint, add_root, check_output, kind_of, read_checkpoint
from compiler.refresh.pack import SHOWN, Pack, check_fits, read_pack
from compiler.safetensors import TensorRef, write_safetensors
from compiler.weights import FileBytes
from compiler.weights.digests import all_sha256

EXAMPLES = """examples:
  ascend-opt refresh apply bundle.om pack.safetensors -o new.om
  ascend-opt refresh apply base.onnx a.safetensors a_to_b.safetensors -o with_b.onnx

a bundle that serves takes a pack without a file: Bundle.update of runtime.refresh
"""

Tensors = Mapping[str, TensorRef[FileBytes]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the packs and the file to write."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", help="what is changed: bundle .om, .onnx or .safetensors")
    parser.add_argument("pack", nargs="+", help="packs, in their order")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the file to write, of the same kind"
    )
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Write the changed model and say its version."""
    kind, suffix = kind_of(args.model), Path(args.model).suffix
    if kind not in _WRITERS:
        raise UserError(f"{args.model}: packs are applied to files {', '.join(_WRITERS)}")
    if Path(args.output).suffix not in (kind, suffix):
        raise UserError(f"{args.output}: what becomes of {args.model} is written to a {kind} file")
    model = read_checkpoint(args.model, args.allow_root)
    check_output(args.output, args.pack, model)
    state = model.state(all_sha256(model.unhashed))
    tensors: dict[str, TensorRef[FileBytes]] = {}
    for pack in map(read_pack, args.pack):
        state = checked_application(pack, model, state)
        tensors |= pack.tensors
    _WRITERS[kind](model, tensors, state, args.output)
    size = os.stat(args.output).st_size
    print(f"{args.output} {size}")
    print(f"version {version_digest(state)[:SHOWN]}, {len(tensors)} weights changed")
    return 0


def checked_application(pack: Pack, model: Checkpoint, state: Mapping[str, str]) -> dict[str, str]:
    """The state after a pack. UserError where it is damaged, or does not fit model and state."""
    after = pack.applied_to(state, model.path)
    for tensor in pack.tensors.values():
        check_fits(tensor, model.weights, model.path)
    pack.check_contents()
    return after


def _write_onnx(model: Checkpoint, tensors: Tensors, state: object, path: str) -> None:
    from compiler.frontends.onnx.save import save_model

    named = model.model
    assert named is not None, "an ONNX model was read"
    outside = bool(named.files() - {os.path.abspath(model.path)})
    for name, tensor in tensors.items():
        named.put(name, tensor.data)
    save_model(named.model, path, save_as_external_data=outside, overwrite=True)


def _write_safetensors(model: Checkpoint, tensors: Tensors, state: object, path: str) -> None:
    write_safetensors(path, {**model.weights, **tensors}.values(), model.metadata)


def _write_bundle(model: Checkpoint, tensors: Tensors, state: Mapping[str, str], path: str) -> None:
    from compiler.refresh.bundle_update import updated_bundle
    from compiler.refresh.bundle_weights import read_bundle_file

    digests = {name: state[name] for name in tensors}
    write_file(path, updated_bundle(read_bundle_file(model.path), tensors, digests))


_WRITERS = {".onnx": _write_onnx, ".safetensors": _write_safetensors, ".om": _write_bundle}
