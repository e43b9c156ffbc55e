"""Changes to safetensors files and packs that leave them in order: lengths, offsets, digests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any, TypeAlias, cast

from compiler.om.manifest import version_digest
from compiler.refresh.pack import BASE, DIGESTS, END, FORMAT, START
from compiler.safetensors import METADATA, NAMES, byte_count
from fuzz.noise import TEXTS, damaged

Json: TypeAlias = Any
"""What a JSON text holds."""

MLIR = {name: mlir for mlir, name in NAMES.items()}
SIZES = (0, 1, 1, 2, 3, 4, 7, 8, 16, 65)
LARGEST = 4096
"""Bytes of a tensor."""
ENDINGS = (".weight", ".bias", ".lora_A.weight", ".lora_B.weight", ".alpha", ".lora_embedding_A")


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor by its type in the format's spelling, with its bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def of(self, dtype: str, shape: tuple[int, ...]) -> Part:
        """Another tensor of that type, as many of these bytes as it takes, again and again."""
        size = byte_count(MLIR[dtype], shape)
        if size is None or size > LARGEST:
            return self
        times = size // len(self.data) + 1 if self.data else 0
        return Part(self.name, dtype, shape, (self.data * times).ljust(size, b"\1")[:size])


def rearranged(random: Random, header: Json, body: bytes) -> bytes:
    """Another file, whose tensors are changed and whose header says so; ValueError for a file that
    is not in order itself."""
    try:
        metadata = dict(header.get(METADATA, {}))
        parts = [_part(name, entry, body) for name, entry in header.items() if name != METADATA]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("no tensors") from error
    for _ in range(random.choice((1, 1, 2, 3))):
        parts = _changed(random, parts)
    parts = list({part.name: part for part in parts}.values())
    if FORMAT in metadata:
        metadata |= _pack_metadata(random, metadata, parts)
    return _laid_out(random, parts, metadata)


def _part(name: str, entry: Json, body: bytes) -> Part:
    begin, end = entry["data_offsets"]
    if entry["dtype"] not in MLIR or not all(type(size) is int for size in entry["shape"]):
        raise ValueError("no type")
    return Part(name, entry["dtype"], tuple(entry["shape"]), body[begin:end])


def _changed(random: Random, parts: list[Part]) -> list[Part]:
    """The tensors with one of them lost, twice, elsewhere, or another."""
    kind = random.randrange(10)
    if not parts:
        return [Part("made", "F32", (2,), bytes(8))]
    place = random.randrange(len(parts))
    part, others = parts[place], parts[:place] + parts[place + 1 :]
    if kind == 0:
        return others
    if kind == 1:
        return [*others, part]
    if kind == 2:
        return [*parts, replace(part, name=_name(random, part.name))]
    return [*parts[:place], _other(random, part), *parts[place + 1 :]]


def _other(random: Random, part: Part) -> Part:
    kind = random.randrange(5)
    if kind == 0:
        return replace(part, name=_name(random, part.name))
    if kind == 1:
        size = len(part.data)
        return replace(part, data=damaged(random, part.data).ljust(size)[:size])
    if kind == 2:
        return part.of(random.choice(list(MLIR)), part.shape)
    dims = list(part.shape)
    at = random.randrange(len(dims) + 1)
    if kind == 3:
        dims.insert(at, random.choice(SIZES))
    else:
        dims[at : at + 1] = random.choice(([], [random.choice(SIZES)], [1]))
    return part.of(part.dtype, tuple(dims))


def _name(random: Random, name: str) -> str:
    stem = name.rpartition(".")[0] or name
    return random.choice((random.choice(TEXTS), stem + random.choice(ENDINGS), f"{name}.x"))


def _pack_metadata(random: Random, metadata: dict[str, str], parts: list[Part]) -> dict[str, str]:
    """What a pack says of itself, all of it true, or all but one thing."""
    digests = {part.name: sha256(part.data).hexdigest() for part in parts}
    try:
        told = json.loads(metadata.get(BASE, "{}"))
    except (TypeError, RecursionError) as error:
        raise ValueError("no base") from error
    if not isinstance(told, dict):
        raise ValueError("no base")
    base = {name: str(digest) for name, digest in cast("dict[str, Json]", told).items()}
    if digests and random.random() < 0.4:
        base[random.choice(list(digests))] = sha256(random.randbytes(4)).hexdigest()
    true = {
        START: version_digest(base),
        END: version_digest({**base, **digests}),
        DIGESTS: json.dumps(digests),
        BASE: json.dumps(base),
    }
    if random.random() < 0.2:
        del true[random.choice(list(true))]
    return true


def _laid_out(random: Random, parts: list[Part], metadata: dict[str, str]) -> bytes:
    """The file of the tensors, in which the header need not name them in order."""
    header: dict[str, Json] = {}
    end = 0
    for part in parts:
        begin, end = end, end + len(part.data)
        entry = {"dtype": part.dtype, "shape": part.shape, "data_offsets": [begin, end]}
        header[part.name] = entry
    names = list(header)
    random.shuffle(names)
    listed = {METADATA: metadata, **{name: header[name] for name in names}}
    text = json.dumps(listed, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    text += b" " * random.choice((0, 0, 1, 8))
    return len(text).to_bytes(8, "little") + text + b"".join(part.data for part in parts)
