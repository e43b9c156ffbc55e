"""The manifest of a bundle: every refreshable weight by its ONNX name, and how to reach it.

It travels as JSON text in an attribute of the inference model, `contract.MANIFEST_NAME`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, cast

from compiler.om.bundle import Bundle, read_bundle
from compiler.om.contract import MANIFEST_NAME
from compiler.om.dtypes import BY_NAME
from compiler.om.errors import OMError, Status
from compiler.om.offline_model import OfflineModel
from compiler.om.source import Source
from compiler.weights.recipes import Recipe, names_in

FORMAT = 1
"""The number of this form of the JSON text."""

DIGEST = re.compile("[0-9a-f]{64}")
TEXTS = ("onnx", "variable", "input", "dtype", "format", "sha256")


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a user gives: an ONNX tensor. `dtype` is GraphEngine's name, as `DT_FLOAT`.

    `sha256` is that of the bytes it had when the model was compiled: little-endian, row-major.
    """

    onnx: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshableWeight:
    """One variable: its node, and the name and place of its input of the update model.

    `dtype`, `shape` and `format` are the variable's, and `sha256` that of the bytes it begins
    with. Without a recipe there is one source, and the variable holds its bytes; `recipe` says how
    it is computed from several, or from one that is cast or transposed: then `onnx` is the first
    of them, and may be that of other variables as well.
    """

    onnx: str
    variable: str
    input: str
    index: int
    dtype: str
    shape: tuple[int, ...]
    format: str
    sha256: str
    sources: tuple[Tensor, ...]
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Manifest:
    """The refreshable weights of a bundle in the order of the update model's inputs."""

    weights: tuple[RefreshableWeight, ...]

    @cached_property
    def sources(self) -> Mapping[str, Tensor]:
        """What a user can give, by ONNX name."""
        return {tensor.onnx: tensor for weight in self.weights for tensor in weight.sources}

    @cached_property
    def plain(self) -> Mapping[str, RefreshableWeight]:
        """What holds an ONNX tensor as it is, of which nothing else is made, by its name."""
        recipes = [weight for weight in self.weights if weight.recipe is not None]
        made_of = {source.onnx for weight in recipes for source in weight.sources}
        weights = (weight for weight in self.weights if weight.recipe is None)
        return {weight.onnx: weight for weight in weights if weight.onnx not in made_of}

    def given_with(self, names: Iterable[str]) -> set[str]:
        """Some tensors, and all that recipes need with them: what a user has to give together."""
        together = set(names)
        groups = [{source.onnx for source in weight.sources} for weight in self.weights]
        growing = True
        while growing:
            joined = together.union(*(group for group in groups if group & together))
            growing, together = joined != together, joined
        return together

    @property
    def version(self) -> str:
        """The digest of the state that the weights begin in."""
        return version_digest({name: tensor.sha256 for name, tensor in self.sources.items()})

    def to_json(self) -> str:
        """The manifest as text; `from_json` reads it."""
        entries = [_entry_of(weight) for weight in self.weights]
        return json.dumps(
            {"format": FORMAT, "weights": entries}, ensure_ascii=False, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str, name: str) -> Manifest:
        """The manifest that a text says; OMError, with the file's name, when it says none."""
        try:
            record = json.loads(text)
            if record["format"] != FORMAT:
                raise ValueError(f"form {record['format']}, this program reads form {FORMAT}")
            manifest = cls(tuple(_weight_of(entry) for entry in record["weights"]))
            _check(manifest)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else error
            message = f"{name}: its manifest of refreshable weights is damaged: {why}"
            raise OMError(Status.PARAM_INVALID, message) from None
        return manifest


def version_digest(digests: Mapping[str, str]) -> str:
    """The state of all refreshable weights, from ONNX name → SHA-256 in 64 hexadecimal digits.

    SHA-256 over the lines `<ONNX name> <digest>`, sorted by name bytewise, in UTF-8.
    """
    names = sorted((name.encode("utf-8", "surrogateescape"), name) for name in digests)
    lines = (raw + f" {digests[name]}\n".encode() for raw, name in names)
    return sha256(b"".join(lines)).hexdigest()


def manifest_of(bundle: Bundle) -> Manifest | None:
    """The manifest that a bundle carries; None for one of another compiler."""
    found = (manifest_in(model) for model in bundle.models)
    return next((manifest for manifest in found if manifest is not None), None)


def manifest_in(model: OfflineModel) -> Manifest | None:
    """The manifest that a model carries; OMError for a damaged one."""
    attributes = model.root.model_def.attr
    if MANIFEST_NAME not in attributes:
        return None
    text = attributes[MANIFEST_NAME].s.decode("utf-8", "surrogateescape")
    return Manifest.from_json(text, model.source)


def read_manifest(source: Source, *, name: str | None = None) -> Manifest:
    """The manifest of a bundle file; OMError for one without, and for what is no bundle."""
    bundle = read_bundle(source, name=name)
    manifest = manifest_of(bundle)
    if manifest is None:
        what = "the bundle has no manifest of refreshable weights: another compiler made it"
        raise OMError(Status.INVALID_PARAM, f"{bundle.source}: {what}")
    return manifest


def _entry_of(weight: RefreshableWeight) -> dict[str, Any]:
    entry = asdict(weight)
    if weight.recipe is None:
        del entry["recipe"]
    return entry


def _weight_of(entry: Any) -> RefreshableWeight:
    sources = tuple(_record_of(Tensor, each) for each in cast("Sequence[Any]", entry["sources"]))
    return _record_of(RefreshableWeight, entry | {"sources": sources})


def _record_of(kind: Any, entry: Mapping[str, Any]) -> Any:
    """A record of what a dictionary says; TypeError for keys that are none of its fields."""
    record = kind(**(dict(entry) | {"shape": tuple(cast("Sequence[Any]", entry["shape"]))}))
    names = [entry[name] for name in TEXTS if name in entry]
    if not all(isinstance(text, str) for text in names):
        raise ValueError("a name, a type or a digest is no text")
    if not all(isinstance(dim, int) and dim >= 0 for dim in record.shape):
        raise ValueError(f"'{record.onnx}' has the shape {list(record.shape)}")
    if record.dtype not in BY_NAME or not DIGEST.fullmatch(record.sha256):
        raise ValueError(f"'{record.onnx}' has no known type, or no digest of 64 digits")
    return record


def _check(manifest: Manifest) -> None:
    """ValueError unless inputs are numbered in order, and what is named once means one thing."""
    if [weight.index for weight in manifest.weights] != list(range(len(manifest.weights))):
        raise ValueError("the weights are not in the order of the inputs")
    unique = [[weight.onnx for weight in manifest.weights if weight.recipe is None]]
    unique += [
        [getattr(weight, key) for weight in manifest.weights] for key in ("variable", "input")
    ]
    if any(len(set(names)) != len(names) for names in unique):
        raise ValueError("two weights have one name")
    for weight in manifest.weights:
        own = Tensor(weight.onnx, weight.dtype, weight.shape, weight.sha256)
        if weight.recipe is None and weight.sources != (own,):
            raise ValueError(f"'{weight.onnx}' has other sources, and no recipe")
        if weight.recipe is not None:
            used = list(dict.fromkeys(names_in(weight.recipe)))
            if used != [source.onnx for source in weight.sources]:
                raise ValueError(f"the recipe of '{weight.variable}' has other sources")
        if any(manifest.sources[source.onnx] != source for source in weight.sources):
            raise ValueError("one source is told in two ways")
