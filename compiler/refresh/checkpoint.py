"""Versions of a model's weights: an ONNX model, a safetensors file or several, or a bundle."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.errors import UserError
from compiler.safetensors import TensorRef, is_safetensors, read_safetensors
from compiler.weights import FileBytes, Weight

if TYPE_CHECKING:
    from compiler.frontends.onnx.named_weights import NamedWeights

INDEX = ".safetensors.index.json"
"""How the name of a file ends that lists the safetensors files of one checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights by name. `digests` is what is known without reading them: a bundle's manifest.

    `layouts` and `modules` are those of `compiler.frontends.onnx.matrices`; `metadata` are those of
    safetensors files; `model` is the ONNX model, where it is one.
    """

    path: str
    weights: Mapping[str, TensorRef[Weight]]
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    layouts: Mapping[str, str] = field(default_factory=dict[str, str])
    modules: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    model: NamedWeights | None = None

    @property
    def as_in_pytorch(self) -> bool:
        """Whether matrices lie as PyTorch keeps them."""
        return kind_of(self.path) in (".safetensors", INDEX)

    @property
    def unhashed(self) -> list[Weight]:
        """The weights whose digests nobody knows yet."""
        return [w.data for name, w in self.weights.items() if name not in self.digests]

    def state(self, hashed: Mapping[Weight, bytes]) -> dict[str, str]:
        """The SHA-256 of every weight by name, with what has been hashed."""
        return {
            name: self.digests.get(name) or hashed[weight.data].hex()
            for name, weight in self.weights.items()
        }


def read_checkpoint(path: str, allow_roots: Sequence[str] = ()) -> Checkpoint:
    """The checkpoint at a path. UserError for what is none.

    External data of an ONNX model may also lie in `allow_roots`, as in `load_model`.
    """
    kind = kind_of(path)
    if kind == ".onnx":
        return _read_onnx(path, allow_roots)
    return _read_bundle(path) if kind == ".om" else _read_safetensors(path)


def kind_of(path: str) -> str:
    """What a file is, as the end of a name: of its own, but safetensors files may have any name.

    UserError for any other file.
    """
    for kind in (".onnx", ".safetensors", INDEX, ".om"):
        if path.endswith(kind):
            return kind
    if is_safetensors(path):
        return ".safetensors"
    raise UserError(f"{path}: weights are read from .onnx, .safetensors, *{INDEX} or a bundle .om")


def add_root(parser: argparse.ArgumentParser) -> None:
    """The option of commands that read ONNX models."""
    parser.add_argument(
        "--allow-root",
        metavar="FOLDER",
        action="append",
        default=[],
        help="external data of an ONNX model may also lie in FOLDER, behind links",
    )


def check_output(path: str, inputs: Iterable[str], *checkpoints: Checkpoint) -> None:
    """OverwritingError where a file to write is one that is read."""
    from compiler.sources import check_outputs

    weights = (weight.data for each in checkpoints for weight in each.weights.values())
    data = {weight.path for weight in weights if isinstance(weight, FileBytes)}
    check_outputs([path], {*inputs, *(each.path for each in checkpoints), *data})


def _read_onnx(path: str, allow_roots: Sequence[str]) -> Checkpoint:
    from compiler.frontends.onnx.matrices import matrices_of
    from compiler.frontends.onnx.named_weights import NamedWeights

    named = NamedWeights.read(path, allow_roots)
    try:
        weights = named.refs()
    except UserError as error:
        raise error.at(path) from None
    matrices = matrices_of(named.model.proto.graph, weights)
    return Checkpoint(
        path, weights, layouts=matrices.layouts, modules=matrices.modules, model=named
    )


def _read_safetensors(path: str) -> Checkpoint:
    weights: dict[str, TensorRef[Weight]] = {}
    metadata: dict[str, str] = {}
    for file in map(read_safetensors, _parts(path)):
        if twice := weights.keys() & file.tensors.keys():
            raise UserError(f"{path}: two of its files have a tensor '{min(twice)}'")
        weights |= file.tensors
        metadata |= file.metadata
    return Checkpoint(path, weights, metadata=metadata)


def _parts(path: str) -> list[str]:
    """The files of a checkpoint: itself, or those its index lists."""
    if not path.endswith(INDEX):
        return [path]
    try:
        index: Any = json.loads(Path(path).read_bytes())
        names: set[Any] = set(index["weight_map"].values())
        if not all(isinstance(n, str) and os.path.basename(n) == n for n in names):
            raise ValueError("it names files in other folders")
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is no index of safetensors files: {error}") from None
    return [os.path.join(os.path.dirname(path), name) for name in sorted(names)]


def _read_bundle(path: str) -> Checkpoint:
    from compiler.refresh.bundle_weights import read_bundle_file

    file = read_bundle_file(path)
    digests = {name: source.sha256 for name, source in file.manifest.sources.items()}
    return Checkpoint(path, file.weights(), digests, file.layouts())
