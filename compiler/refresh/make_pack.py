"""Make a weight pack: the weights that differ between two versions of a model, and only those.

OLD is an ONNX model, a safetensors checkpoint or a bundle; the pack starts from its version. NEW
is another of them, or a LoRA adapter, which is merged with the weights of OLD. Weights are compared
by content and copied from file to file, never loaded.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from math import isfinite

from compiler.errors import UserError
from compiler.om.files import write_file
from compiler.om.manifest import read_manifest, version_digest
from compiler.refresh.adapter_match import match
from compiler.refresh.checkpoint import Checkpoint, add_root, check_output, read_checkpoint
from compiler.refresh.lora import find_adapter, read_adapters
from compiler.refresh.merging import FLOATS
from compiler.refresh.pack import SHOWN, check_fits, lay_out_pack, near, read_pack
from compiler.safetensors import IN_OUT, OUT_IN, TensorRef
from compiler.weights import Cast, Weight
from compiler.weights.digests import all_sha256

EXAMPLES = """examples:
  ascend-opt refresh make old.onnx new.onnx -o pack.safetensors
      what training changed; apply it to a bundle file or to a bundle that serves
  ascend-opt refresh make bundle.om new.safetensors --cast -o pack.safetensors
      from what the bundle holds to a checkpoint, rounded to the bundle's types
  ascend-opt refresh make old.onnx new.onnx --for bundle.om -o pack.safetensors
      for a bundle compiled with refresh_form=compiled: a changed filter goes with its batch norm
  ascend-opt refresh make base.onnx adapter_a/ -o a.safetensors
      a LoRA adapter as PEFT saves it, merged: W + alpha/r · B·A, rounded once
  ascend-opt refresh make base.onnx adapter_b/ --after a.safetensors -o a_to_b.safetensors
      exchange it: the pack starts where a.safetensors ends, B is merged with the base weights
  ascend-opt refresh make base.onnx base.onnx --after a.safetensors -o remove_a.safetensors
      remove it: the base weights, bit for bit
"""

Weights = Mapping[str, TensorRef[Weight]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two versions, what lies between them, and how far they may differ in form."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("old", help="the version to start from: .onnx, .safetensors, bundle .om")
    parser.add_argument("new", help="the version to end at: another of these, or a LoRA adapter")
    parser.add_argument("-o", "--output", metavar="PACK", required=True, help="the file to write")
    parser.add_argument(
        "--after",
        metavar="PACK",
        action="append",
        default=[],
        help="start from OLD with this pack applied; several in their order",
    )
    parser.add_argument(
        "--ignore",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out weights of such names, as '*.inv_freq', in OLD and NEW",
    )
    parser.add_argument(
        "--for",
        metavar="BUNDLE",
        dest="bundle",
        help="also pack the weights that this bundle computes into one with those that change "
        "(OLD, if it is a bundle): it needs them together",
    )
    parser.add_argument(
        "--cast", action="store_true", help="convert floats of NEW to the types of OLD"
    )
    parser.add_argument(
        "--alpha",
        type=_finite,
        metavar="NUMBER",
        help="the alpha of adapters that do not say theirs; scale is alpha/r",
    )
    parser.add_argument(
        "--layout",
        choices=(OUT_IN, IN_OUT),
        metavar=f"{OUT_IN}|{IN_OUT}",
        help="how square matrices lie where the graph does not tell: as PyTorch's Linear has them, "
        "or as MatMul takes them",
    )
    add_root(parser)


def _finite(text: str) -> float:
    """What an option says, as argparse calls it in its message."""
    if not isfinite(value := float(text)):
        raise argparse.ArgumentTypeError(f"{text} is no number one can multiply by")
    return value


def run(args: argparse.Namespace) -> int:
    """Write the pack and say what is in it."""
    old = _without(read_checkpoint(args.old, args.allow_root), args.ignore)
    check_output(args.output, [args.new, *args.after], old)
    found = _adapted(old, args) if find_adapter(args.new) else _Found(_replaced(old, args))
    replaced = found.tensors
    hashed = all_sha256([*old.unhashed, *(tensor.data for tensor in replaced.values())])
    base = old.state(hashed)
    target = base | {name: hashed[tensor.data].hex() for name, tensor in replaced.items()}
    for path in args.after:
        base = read_pack(path).applied_to(base, args.old)
    weights = dict(old.weights) | replaced
    packed = _with_partners({name for name in target if target[name] != base[name]}, args)
    changed = [weights[name] for name in target if name in packed]
    write_file(args.output, lay_out_pack(changed, target, base))
    print(*found.told, sep="\n", end="\n" if found.told else "")
    size = sum(tensor.data.length for tensor in changed)
    print(f"{args.output}: {len(changed)} of {len(base)} weights, {size / 1e6:.1f} MB")
    print(f"from version {version_digest(base)[:SHOWN]} to {version_digest(target)[:SHOWN]}")
    return 0


def _with_partners(changed: set[str], args: argparse.Namespace) -> set[str]:
    """What differs, and what the bundle that the pack is for needs with it."""
    bundle = args.bundle or (args.old if args.old.endswith(".om") else None)
    return read_manifest(bundle).given_with(changed) if bundle else changed


def _without(old: Checkpoint, patterns: Iterable[str]) -> Checkpoint:
    kept = {n: w for n, w in old.weights.items() if not _matches(n, patterns)}
    return dataclasses.replace(old, weights=kept)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """The weights that change, by name, and a line for people on each that is merged."""

    tensors: dict[str, TensorRef[Weight]]
    told: Sequence[str] = ()


def _adapted(old: Checkpoint, args: argparse.Namespace) -> _Found:
    """The weights that an adapter changes."""
    adapters = read_adapters(find_adapter(args.new) or "", args.alpha)
    own = IN_OUT if adapters.fan_in_fan_out else OUT_IN
    square = args.layout or (own if old.as_in_pytorch else None)
    found = match(adapters, old, square)
    merged = [each.adapter.merged(each.weight, transposed=each.transposed) for each in found]
    tensors = {tensor.name: tensor for tensor in [*merged, *adapters.whole]}
    return _Found(tensors, [each.told() for each in found])


def _replaced(old: Checkpoint, args: argparse.Namespace) -> dict[str, TensorRef[Weight]]:
    """The weights that another checkpoint has, as the old one would have them."""
    new = _without(read_checkpoint(args.new, args.allow_root), args.ignore)
    known = {name: tensor for name, tensor in new.weights.items() if name in old.weights}
    missing, more = (sorted(a.keys() - b.keys()) for a, b in _both_ways(old.weights, new.weights))
    if missing and (new.model is not None or not known):
        raise UserError(f"{new.path} has no weight '{missing[0]}'{near(missing[0], new.weights)}")
    if more and old.model is not None:
        raise UserError(f"{old.path} has no weight '{more[0]}'{near(more[0], old.weights)}")
    _note(f"{new.path} has not, and which stay as they are", missing)
    _note(f"{new.path} has and {old.path} cannot change", more)
    _note_structure(old, new)
    return {name: _fitting(tensor, old, args) for name, tensor in known.items()}


def _both_ways(one: Weights, other: Weights) -> tuple[tuple[Weights, Weights], ...]:
    return (one, other), (other, one)


def _note(what: str, names: list[str]) -> None:
    if names:
        more = ", …" if len(names) > 3 else ""
        told = ", ".join(map(repr, names[:3]))
        print(f"note: {len(names)} weights that {what}: {told}{more}", file=sys.stderr)


def _note_structure(old: Checkpoint, new: Checkpoint) -> None:
    if old.model is None or new.model is None:
        return
    from compiler.frontends.onnx.named_weights import difference

    if where := difference(old.model, new.model):
        print(f"note: the models differ in more than weights: {where}", file=sys.stderr)


def _fitting(
    tensor: TensorRef[Weight], old: Checkpoint, args: argparse.Namespace
) -> TensorRef[Weight]:
    """A new weight in the old one's type. UserError for one that does not fit."""
    target = old.weights[tensor.name]
    floats = {tensor.dtype, target.dtype} <= set(FLOATS)
    if tensor.dtype != target.dtype and floats and args.cast:
        data = Cast(tensor.data, tensor.dtype, target.dtype)
        tensor = TensorRef(tensor.name, target.dtype, tensor.shape, data)
    cast = floats and tensor.shape == target.shape
    hint = ": --cast converts it" if cast else ""
    check_fits(tensor, old.weights, old.path, hint)
    return tensor
