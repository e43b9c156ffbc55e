"""ge-externalize-weights: constants become FileConstant, their bytes go to files of their own."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.contract import HASH_NAME, REFERENCE_NAME, SAMPLE_NAME
from compiler.rewrite import all_graphs, main_graphs, nested_graphs, replace_nodes
from compiler.weights import FileBytes
from compiler.weights.digests import all_sha256, ge_text, sample_sha256
from compiler.weights.names import WILDCARDS, matches
from dialects.ge import BundleOp, ConstOp, FileConstantOp, GraphOp, NodeOp
from dialects.op import i64_attr, name_attr
from dialects.types import tensor_of
from dialects.weights import DERIVED, CastAttr, StringsAttr

ALIGNMENT = 512
"""Where a weight may start in a combined file, in bytes."""


@dataclass(frozen=True)
class GEExternalizeWeightsPass(ModulePass):
    """Make every constant a FileConstant, as ATC's --external_weight does.

    `mode=1`: one file per distinct content, `weight_<hash>`. `mode=2`: one file for all,
    `<model>_weight_combined`, each weight at a multiple of 512 bytes. `mode=0` does nothing.
    `model` is the graph's name if not given; with it the file of a graph in a bundle is
    `<model>_<graph>_weight_combined`, for the graphs of all bundles are called the same.
    The node is renamed `<name>_<hash>`. Tensors with a zero dimension stay, and so do strings,
    whose bytes no loader could tell from their type and shape.

    Beyond ATC: `mode=reference` leaves the bytes where they are: the node, whose name stays, holds
    the path of the ONNX model or of its external data. Only constants that no pass has changed can
    do that, others stay inside. Our runtime finds the files there, or moved beside the offline
    model; a real device does when they are put into its weight folder. The node has the digest of a
    sample of the bytes, and with `hash` that of all of them, for which they must be read.

    A line on stderr says how many weights a pass, such as the cast to float16 that `precision` asks
    for, has kept from that.

    Constants of fewer bytes than `threshold` stay, and those whose name matches none of the
    patterns in `include`, or one in `exclude` (`*`, `?` and `[…]`); the name of an ONNX
    initializer counts as well. What chooses nothing is an error.
    """

    name = "ge-externalize-weights"

    mode: Literal[0, 1, 2, "reference"] = 1
    model: str | None = None
    threshold: int = 0
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    hash: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self.check()
        if self.mode == 0:
            return
        self._check_names(op)
        for graph in main_graphs(op):
            nodes = [node for node in eligible(graph) if self._chosen(node)]
            if self.mode == "reference":
                external = _references(nodes, hashed=self.hash)
            else:
                external = self._moved(graph, nodes)
            for inner in nested_graphs(graph):
                replace_nodes(inner, external)

    def check(self) -> None:
        """UserError for options that choose nothing, whatever the model is."""
        chosen = (self.threshold, self.include, self.exclude, self.hash)
        if self.mode == 0 and chosen != (0, ("*",), (), False):
            raise UserError(
                "constants are chosen to leave the model, and none shall: external_weight=1, 2 or "
                "reference is missing"
            )
        if self.threshold < 0:
            raise UserError(f"external_threshold is {self.threshold}: no number of bytes")
        if "" in (*self.include, *self.exclude):
            raise UserError("external_include and external_exclude: a name is empty")
        if self.hash and self.mode != "reference":
            raise UserError("external_hash is for external_weight=reference: others have it")

    def _check_names(self, module: ModuleOp) -> None:
        """UserError for an entry of `include`, or a plain name in `exclude`, that means nothing."""
        plain = [name for name in self.exclude if not WILDCARDS.intersection(name)]
        listed = {"include": [name for name in self.include if name != "*"], "exclude": plain}
        if not any(listed.values()):
            return
        constants = [n for graph in all_graphs(module) for n in graph.nodes]
        known = [node for node in constants if isinstance(node, ConstOp)]
        for option, names in listed.items():
            for name in names:
                if not any(matches(node, name) for node in known):
                    what = f"no constant of the optimised model is called '{name}'"
                    raise UserError(f"external_{option}: {what}: -t weights lists them")

    def _moved(self, graph: GraphOp, nodes: Sequence[ConstOp]) -> Mapping[NodeOp, FileConstantOp]:
        digests = all_sha256(weight_of(node.value) for node in nodes)
        place = Combined(self._combined_file(graph)) if self.mode == 2 else OneFileEach()
        external: dict[NodeOp, FileConstantOp] = {}
        for node in nodes:
            weight = weight_of(node.value)
            digest = ge_text(digests[weight])
            location, offset = place(digest, weight.length)
            own = {HASH_NAME: StringAttr(digest)}
            external[node] = _file_constant(node, f"{node.label}_{digest}", location, offset, own)
        return external

    def _chosen(self, node: ConstOp) -> bool:
        return (
            weight_of(node.value).length >= self.threshold
            and any(matches(node, pattern) for pattern in self.include)
            and not any(matches(node, pattern) for pattern in self.exclude)
        )

    def _combined_file(self, graph: GraphOp) -> str:
        name = self.model or graph.label
        if self.model and isinstance(graph.parent_op(), BundleOp):
            name = f"{self.model}_{graph.label}"
        # The name of an ONNX graph may be any text, that of a file may not.
        return f"{name.replace('/', '_').replace(chr(0), '_')}_weight_combined"


class OneFileEach:
    """Every distinct content has a file named by its hash."""

    def __call__(self, digest: str, length: int) -> tuple[str, int]:
        return f"weight_{digest}", 0


class Combined:
    """All weights follow one another in one file; equal content is stored once."""

    def __init__(self, location: str):
        self.location = location
        self.offsets: dict[str, int] = {}
        self.end = 0

    def __call__(self, digest: str, length: int) -> tuple[str, int]:
        if digest not in self.offsets:
            self.offsets[digest] = self.end
            self.end += -(-length // ALIGNMENT) * ALIGNMENT
        return self.location, self.offsets[digest]


def eligible(graph: GraphOp) -> list[ConstOp]:
    """The constants that can leave the model, in the order of their bytes in a combined file."""
    found = [
        (node.label, inner.label, place, node)
        for inner in nested_graphs(graph)
        for place, node in enumerate(inner.nodes)
        if isinstance(node, ConstOp) and _can_leave(node)
    ]
    return [node for *_, node in sorted(found, key=lambda entry: entry[:3])]


def _can_leave(node: ConstOp) -> bool:
    has_elements = 0 not in tensor_of(node.results[0]).get_shape()
    return has_elements and not isinstance(node.value, StringsAttr)


def _references(
    nodes: Iterable[ConstOp], *, hashed: bool = False
) -> Mapping[NodeOp, FileConstantOp]:
    found = {node: _reference(node) for node in nodes}
    _note_changed(found)
    _note_names(found.values())
    new: dict[NodeOp, FileConstantOp] = {n: c for n, c in found.items() if c is not None}
    digests = all_sha256(weight_of(constant.value) for constant in new.values() if hashed)
    for constant in new.values():
        if hashed:
            text = ge_text(digests[weight_of(constant.value)])
            constant.attributes[HASH_NAME] = StringAttr(text)
    return new


def _note_changed(found: Mapping[ConstOp, FileConstantOp | None]) -> None:
    """A line on stderr for weights that passes have changed: their bytes are in no file."""
    changed = Counter(_change(n) for n, new in found.items() if new is None and _is_changed(n))
    if changed:
        there = sum(new is not None for new in found.values())
        whole = there + changed.total()
        why = ", ".join(
            f"{count} {'is' if count == 1 else 'are'} {w}" for w, count in changed.items()
        )
        weights = "weight" if whole == 1 else "weights"
        what = f"{there} of {whole} {weights} could be referenced ({why})"
        print(f"note: {what}: -t weights lists them", file=sys.stderr)


def _note_names(nodes: Iterable[FileConstantOp | None]) -> None:
    """A line on stderr for files of one name: a device looks for them in one folder."""
    places = [node.attributes[REFERENCE_NAME] for node in nodes if node is not None]
    paths = {place.data for place in places if isinstance(place, StringAttr)}
    for name, count in Counter(map(os.path.basename, paths)).items():
        if count > 1:
            where = "in its weight folder a device can have one"
            print(f"note: {count} files called {name!r} are referred to: {where}", file=sys.stderr)


def _is_changed(node: ConstOp) -> bool:
    return isinstance(node.value, DERIVED)


def _change(node: ConstOp) -> str:
    return f"cast to {node.value.to_type}" if isinstance(node.value, CastAttr) else "changed"


def _reference(node: ConstOp) -> FileConstantOp | None:
    """The same constant where its bytes are; None where they are in no file."""
    weight = weight_of(node.value)
    if not isinstance(weight, FileBytes):
        return None
    path = os.path.abspath(weight.path)
    own = {
        REFERENCE_NAME: name_attr(path),
        SAMPLE_NAME: StringAttr(sample_sha256(weight.view())),
    }
    return _file_constant(node, node.label, os.path.basename(path), weight.offset, own)


def _file_constant(
    node: ConstOp, label: str, location: str, offset: int, own: Mapping[str, Attribute]
) -> FileConstantOp:
    type = tensor_of(node.results[0])
    shape = _shape_attr(type.get_shape())
    attributes: dict[str, Attribute] = {
        **node.attributes,
        **own,
        "location": name_attr(location),
        "offset": IntegerAttr(offset, i64),
        "length": i64_attr(weight_of(node.value).length),
        "dtype": type.element_type,
        "shape": shape,
        "original_shape": shape,
    }
    return FileConstantOp.make(label, results=[type], attributes=attributes, value=node.value)


@lru_cache(maxsize=1024)
def _shape_attr(shape: tuple[int, ...]) -> DenseArrayBase:
    """Weights of equal layers have equal shapes."""
    return DenseArrayBase.from_list(i64, shape)
