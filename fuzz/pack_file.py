"""Safetensors files and weight packs: their header, which is JSON, and what packs say in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import cast

from compiler.errors import UserError
from compiler.om.buffers import Joined, joined_bytes
from compiler.refresh.lora import find_adapter, read_adapters
from compiler.refresh.pack import lay_out_pack, read_pack
from compiler.safetensors import (
    Safetensors,
    TensorRef,
    lay_out_safetensors,
    read_safetensors,
)
from compiler.weights import Inline, Weight
from fuzz.noise import TEXTS, damaged, integer
from fuzz.pack_parts import Json, rearranged
from fuzz.reader import Reader

TYPES = (
    *("BOOL", "F4", "F6_E2M3", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "I16", "F16", "BF16"),
    *("I32", "F32", "C64", "F64", "I64", "U64", "f32", "F128", ""),
)
NUMBERS = (0, 1, -1, 2, 8, 0.5, 1e400, -0.0, True, None, 2**63 - 1, 2**63, 10**30)
NESTED = ("[" * 20_000, '{"a":' * 5_000, "[" * 200 + "]" * 200)


class PackFormat:
    """Mutates the tensors, the length, the JSON, the names and numbers in it, or the bytes."""

    file = "input.safetensors"

    def __init__(self, folder: Path) -> None:
        self.seeds = [joined_bytes(file.chunks()) for file in _seeds()] + [b""]
        self.readers = (
            Reader("safetensors", tensors, (UserError,)),
            Reader("pack", pack, (UserError,)),
            Reader("adapter", adapter, (UserError,)),
        )

    def tolerates(self, data: bytes, touched: str) -> bool:
        """The configuration beside an adapter."""
        return False

    def mutate(self, random: Random, data: bytes) -> bytes:
        """Other tensors, one to three changes of the header, or damage to all."""
        if random.random() < 0.15:
            return damaged(random, data)
        end = 8 + int.from_bytes(data[:8], "little")
        try:
            header = json.loads(data[8:end])
        except (ValueError, RecursionError):
            return damaged(random, data)
        if random.random() < 0.6:
            with suppress(ValueError):
                return rearranged(random, header, data[end:])
        for _ in range(random.choice((1, 1, 2, 3))):
            header = _changed(random, header)
        return _joined(random, header, data[end:])


def _joined(random: Random, header: Json, body: bytes) -> bytes:
    """The file of a header, mostly with the length that it has."""
    text = json.dumps(header, ensure_ascii=random.random() < 0.5)
    kind = random.randrange(40)
    if kind == 0:
        text = text.replace("null", random.choice(NESTED))
    elif kind == 1:
        text = text.replace('"F32"', random.choice(('"F32","dtype":"F32"', "NaN", '"\\ud800"')))
    elif kind == 2:
        text = text[: random.randrange(len(text) + 1)]
    data = text.encode("utf-8", "surrogatepass")
    length = len(data)
    if kind == 3:
        length = max(0, length + random.choice((-1, 1, 8, integer(random, 64, signed=False))))
    elif kind == 4:
        body = damaged(random, body)
    return length.to_bytes(16, "little")[:8] + data + body


def _changed(random: Random, value: Json) -> Json:
    """The value with one change somewhere in it."""
    if isinstance(value, str) and value.startswith("{") and random.random() < 0.7:
        return _changed_text(random, value)
    if isinstance(value, dict) and value and random.random() < 0.85:
        return _changed_map(random, cast("dict[str, Json]", value))
    if isinstance(value, list) and value and random.random() < 0.7:
        items = cast("list[Json]", value)
        place = random.randrange(len(items))
        changed = [*items[:place], _changed(random, items[place]), *items[place + 1 :]]
        return random.choice((changed, changed, items + items, items[:place]))
    return _made_up(random, value)


def _changed_map(random: Random, entries: dict[str, Json]) -> dict[str, Json]:
    key = random.choice(list(entries))
    kind = random.randrange(8)
    if kind == 0:
        return {name: value for name, value in entries.items() if name != key}
    if kind == 1:
        return {**entries, random.choice((*TEXTS, *entries, "__metadata__")): entries[key]}
    if kind == 2:
        other = random.choice(list(entries))
        return {**entries, key: entries[other]}
    return {**entries, key: _changed(random, entries[key])}


def _changed_text(random: Random, text: str) -> str:
    """JSON that is in a text: the digests of a pack."""
    try:
        return json.dumps(_changed(random, json.loads(text)))
    except (ValueError, RecursionError):
        return random.choice(TEXTS)


def _made_up(random: Random, value: Json) -> Json:
    if isinstance(value, int) and random.random() < 0.4:
        return value + random.choice((-1, 1, 4, 8))
    if isinstance(value, str) and value in TYPES and random.random() < 0.8:
        return random.choice(TYPES)
    if random.random() < 0.4:
        return random.choice(NUMBERS) if random.random() < 0.6 else integer(random)
    return random.choice((random.choice(TEXTS), [], {}, [0, 4], [2], {"a": 1}, "0" * 64, "{}"))


def _tensor(name: str, dtype: str, shape: tuple[int, ...], size: int) -> TensorRef[Weight]:
    return TensorRef(name, dtype, shape, Inline(bytes(range(size % 256)).ljust(size, b"\1")))


def _seeds() -> Iterator[Joined]:
    """Plain files, a pack with its base and one without, and adapters."""
    w, b = _tensor("fc.weight", "f32", (2, 3), 24), _tensor("fc.bias", "f16", (3,), 6)
    small = _tensor("quant", "f4E2M1FN", (4,), 2)
    empty = _tensor("none", "f32", (0, 2), 0)
    yield lay_out_safetensors([w])
    yield lay_out_safetensors([w, b, small, empty], {"format": "pt", "é": ""})
    digests = {t.name: sha256(b"".join(t.data.chunks())).hexdigest() for t in (w, b)}
    base = {name: sha256(name.encode()).hexdigest() for name in digests}
    yield lay_out_pack([w, b], digests, base)
    yield lay_out_pack([b], digests, {**base, "other": "0" * 64})
    a = _tensor("base_model.model.fc.lora_A.weight", "f32", (1, 3), 12)
    up = _tensor("base_model.model.fc.lora_B.weight", "f32", (2, 1), 8)
    yield lay_out_safetensors([a, up, b])
    yield lay_out_safetensors([a, up, _tensor("fc.alpha", "f32", (), 4)])


def tensors(path: Path) -> Safetensors:
    """A file, and the first bytes of each of its tensors."""
    file = read_safetensors(path)
    for tensor in file.tensors.values():
        next(tensor.data.chunks(), None)
    return file


def pack(path: Path) -> None:
    """A pack and the digests of what is in it; whatever is none is refused as well."""
    found = read_pack(path)
    found.check_contents()


def adapter(path: Path) -> None:
    """An adapter as `refresh make` reads it, where a file is one."""
    if find_adapter(str(path)) is not None:
        read_adapters(str(path))


def make(folder: Path) -> PackFormat:
    """The format with its files in a folder."""
    return PackFormat(folder)
