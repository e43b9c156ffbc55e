"""LoRA adapters: files of factors A and B, and what they say of their scale."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, prod, sqrt
from pathlib import Path
from typing import Any, TypeAlias, cast

from compiler.errors import UserError
from compiler.refresh.merging import FLOATS, Factor, Merged
from compiler.safetensors import Safetensors, TensorRef, is_safetensors, read_safetensors
from compiler.weights import FileBytes, Weight, numpy_dtype

CONFIG, FACTORS = "adapter_config.json", "adapter_model.safetensors"
"""What PEFT calls the files of an adapter, in a folder of its own."""

PREFIX = "base_model.model."
"""What PEFT puts before the name of a module."""
_FACTOR = re.compile(
    r"(?P<target>.+)\.lora_(?P<embedding>embedding_)?(?P<side>A|B|down|up)(\.default)?(\.weight)?"
)
_ALPHA = re.compile(r"(?P<target>.+?)\.(lora_)?alpha")
_SIDES = {"A": "a", "down": "a", "B": "b", "up": "b"}

Config: TypeAlias = Mapping[str, Any]
Stored: TypeAlias = TensorRef[FileBytes]
Sides: TypeAlias = dict[str, Stored]


@dataclass(frozen=True, slots=True)
class Adapter:
    """The change of one weight: scale · B·A, with A [r, in …] and B [out, r, 1 …].

    `target` is the module's name, or the weight's. An embedding is [in, out] always.
    """

    target: str
    a: Stored
    b: Stored
    scale: float
    embedding: bool = False

    @property
    def rank(self) -> int:
        return self.a.shape[0]

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """The inputs (of a convolution: channels and window) and the outputs of the layer."""
        return self.a.shape[1:], self.b.shape[0]

    def merged(self, weight: TensorRef[Weight], *, transposed: bool) -> TensorRef[Weight]:
        """The weight with the change in it."""
        inputs, outputs = self.sizes
        a = Factor(self.a.data, self.a.dtype, self.rank, prod(inputs))
        b = Factor(self.b.data, self.b.dtype, outputs, self.rank)
        data = Merged(weight.name, weight.data, weight.dtype, a, b, self.scale, transposed)
        return TensorRef(weight.name, weight.dtype, weight.shape, data)


@dataclass(frozen=True)
class AdapterFile:
    """All that a file changes: by adapters, and whole (what PEFT calls `modules_to_save`)."""

    path: str
    adapters: list[Adapter]
    whole: list[Stored]
    fan_in_fan_out: bool = False


def find_adapter(path: str) -> str | None:
    """The file of factors at a path, or in the folder there; None where there is none."""
    if os.path.isdir(path):
        inside = os.path.join(path, FACTORS)
        if not os.path.isfile(inside):
            raise UserError(f"{path}: the folder of an adapter has a file {FACTORS}, this has none")
        return inside
    if not path.endswith(".safetensors") and not is_safetensors(path):
        return None
    return path if any(map(_FACTOR.fullmatch, read_safetensors(path).tensors)) else None


def read_adapters(path: str, alpha: float | None = None) -> AdapterFile:
    """The adapters in a file, with the `adapter_config.json` beside it if there is one.

    The scale is alpha/r (with `use_rslora` alpha/√r). `alpha` is taken where the adapter says
    none: neither a tensor `<target>.alpha` nor the configuration. UserError for factors that do
    not fit each other, and for kinds of adapters that are more than a product.
    """
    file = read_safetensors(path)
    config = _read_config(Path(path).with_name(CONFIG))
    return _Sorter(file, config, alpha).sorted()


def _read_config(path: Path) -> Config | None:
    if not path.exists():
        return None
    try:
        config: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: an adapter's configuration is a JSON object")
    told = cast("dict[str, Any]", config)
    if (kind := told.get("peft_type", "LORA")) != "LORA":
        raise UserError(f"{path}: adapters of kind {kind} cannot be merged, only LORA")
    for wrong in ("use_dora", "lora_bias", "use_qalora"):
        if told.get(wrong):
            raise UserError(f"{path}: '{wrong}' is more than a product of two matrices")
    return told


@dataclass
class _Sorter:
    file: Safetensors
    config: Config | None
    alpha: float | None
    factors: dict[str, Sides] = field(default_factory=dict[str, Sides])
    alphas: dict[str, float] = field(default_factory=dict[str, float])
    whole: list[Stored] = field(default_factory=list[Stored])
    embeddings: set[str] = field(default_factory=set[str])

    def sorted(self) -> AdapterFile:
        for name, tensor in self.file.tensors.items():
            self._sort(name.removeprefix(PREFIX), tensor)
        if unused := self.alphas.keys() - self.factors.keys():
            raise self._wrong(f"'{min(unused)}' has an alpha and no factors")
        adapters = list(self._adapters())
        swapped = bool((self.config or {}).get("fan_in_fan_out"))
        return AdapterFile(self.file.path, adapters, self.whole, swapped)

    def _sort(self, name: str, tensor: Stored) -> None:
        if found := _FACTOR.fullmatch(name):
            target = found["target"].removeprefix(PREFIX)
            self.factors.setdefault(target, {})[_SIDES[found["side"]]] = tensor
            if found["embedding"]:
                self.embeddings.add(target)
        elif (found := _ALPHA.fullmatch(name)) and prod(tensor.shape) == 1:
            self.alphas[found["target"]] = self._number(tensor)
        elif ".lora_" in name:
            raise self._wrong(f"'{name}' is no factor A or B: only their product can be merged")
        else:
            self.whole.append(TensorRef(name, tensor.dtype, tensor.shape, tensor.data))

    def _adapters(self) -> Iterator[Adapter]:
        for target, sides in self.factors.items():
            if sides.keys() != {"a", "b"}:
                [missing] = {"a", "b"} - sides.keys()
                raise self._wrong(f"'{target}' has no lora_{missing.upper()}")
            a, b = sides["a"], sides["b"]
            self._check(target, a, b)
            yield Adapter(target, a, b, self._scale(target, a.shape[0]), target in self.embeddings)

    def _check(self, target: str, a: Stored, b: Stored) -> None:
        if min(len(a.shape), len(b.shape)) < 2 or a.shape[0] != b.shape[1] or prod(b.shape[2:]) > 1:
            raise self._wrong(
                f"the factors of '{target}' do not fit: A {a.type} is [r, in], B {b.type} [out, r]"
            )
        if not a.shape[0] or {a.dtype, b.dtype} - set(FLOATS):
            raise self._wrong(f"the factors of '{target}' are {a.type} and {b.type}: no floats")
        config = self.config or {}
        if not config.get("rank_pattern") and config.get("r", a.shape[0]) != a.shape[0]:
            raise self._wrong(f"'{target}' has rank {a.shape[0]}, {CONFIG} says r={config['r']}")

    def _scale(self, target: str, rank: int) -> float:
        config = self.config or {}
        alpha = self.alphas.get(target)
        for value in (self._pattern_alpha(target), config.get("lora_alpha"), self.alpha):
            alpha = value if alpha is None else alpha
        if not isinstance(alpha, int | float) or not isfinite(alpha):
            raise self._wrong(
                f"nobody says the alpha of '{target}': {CONFIG} beside it, or --alpha NUMBER"
            )
        return alpha / (sqrt(rank) if config.get("use_rslora") else rank)

    def _pattern_alpha(self, target: str) -> Any:
        """What `alpha_pattern` says: its keys are regular expressions of the end of a name."""
        patterns: Any = (self.config or {}).get("alpha_pattern") or {}
        try:
            for pattern, alpha in patterns.items():
                if re.fullmatch(rf"(.*\.)?({pattern})", target):
                    return alpha
        except (AttributeError, re.error) as error:
            raise self._wrong(f"alpha_pattern in {CONFIG}: {error}") from None
        return None

    def _number(self, tensor: Stored) -> float:
        import numpy as np

        if tensor.dtype not in FLOATS:
            raise self._wrong(f"'{tensor.name}' is {tensor.type}, an alpha is a float")
        return float(np.frombuffer(b"".join(tensor.data.chunks()), numpy_dtype(tensor.dtype))[0])

    def _wrong(self, reason: str) -> UserError:
        return UserError(f"{self.file.path}: {reason}")
