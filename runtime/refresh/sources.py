"""Where new weights come from: arrays, or the tensors of a safetensors file, checked and copied."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.errors import UserError
from compiler.refresh.pack import Pack, is_pack, read_pack
from compiler.safetensors import TensorRef, read_safetensors
from compiler.threads import CORES, in_threads
from compiler.weights import FileBytes, numpy_dtype
from runtime.device import Bytes
from runtime.errors import AclError, Code, invalid
from runtime.executor.session import Content, Session, keep_alive
from runtime.packing import packed
from runtime.refresh.recipes import Derived, affected, cooked
from runtime.refresh.weights import Weight

Array = npt.NDArray[Any]

CHUNK = 1 << 23
"""Bytes of a weight that one thread copies at a time."""
ALONE = 1 << 24
"""Bytes that are sooner copied than other threads are asked."""


@dataclass(frozen=True, slots=True)
class Given:
    """New bytes for a weight: `fill` copies a range of them from `start` on into memory."""

    weight: Weight
    fill: Callable[[int, Bytes], None]
    data: Bytes | None = None
    """The bytes themselves, where they are at hand; when `is_lent` they may stay in use."""
    is_lent: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """What shall change. `pack` says from which version to which; another file need not."""

    given: tuple[Given, ...]
    pack: Pack | None = None


def from_arrays(arrays: Mapping[str, Any], weights: Mapping[str, Weight], *, copy: bool) -> Update:
    """New weights by name. AclError for names, types and shapes that are not the bundle's."""
    return Update(tuple(_array(name, value, weights, copy) for name, value in arrays.items()))


def from_file(path: str | os.PathLike[str], weights: Mapping[str, Weight]) -> Update:
    """The tensors of a safetensors file, likewise. UserError for a file that is damaged."""
    if os.path.isdir(path):
        hint = "`ascend-opt refresh make` makes a pack of a LoRA adapter's"
        raise invalid(
            f"{os.fspath(path)} is a folder, weights come from a safetensors file: {hint}"
        )
    file = read_safetensors(path)
    pack = read_pack(path) if is_pack(file) else None
    tensors = (pack or file).tensors.values()
    return Update(tuple(_tensor(tensor, weights) for tensor in tensors), pack)


def _array(name: str, value: Any, weights: Mapping[str, Weight], copy: bool) -> Given:
    weight = named(name, weights)
    array = np.asarray(value)
    _check(weight, array.dtype, array.shape)
    flat = packed(array) if weight.desc.is_packed else np.ascontiguousarray(array)
    data = flat.reshape(-1).view(np.uint8)

    def fill(start: int, target: Bytes) -> None:
        np.copyto(target, data[start : start + len(target)])

    return Given(weight, fill, data, is_lent=not copy)


def _tensor(tensor: TensorRef[FileBytes], weights: Mapping[str, Weight]) -> Given:
    weight = named(tensor.name, weights)
    _check(weight, numpy_dtype(tensor.dtype), tensor.shape)

    def fill(start: int, target: Bytes) -> None:
        with tensor.data.opened() as descriptor:
            done = 0
            while done < len(target):
                at = tensor.data.offset + start + done
                count = os.preadv(descriptor, [target[done:].data], at)
                if not count:
                    raise UserError(f"{tensor.data.path} ends while it is read")
                done += count

    return Given(weight, fill)


def named(name: str, weights: Mapping[str, Weight]) -> Weight:
    """The weight of a name; AclError 100000 when there is none."""
    if name not in weights:
        near = get_close_matches(name, weights, 3) or sorted(weights)[:3]
        such = f" (there are {len(weights)}, such as {', '.join(near)})" if near else ""
        raise invalid(f"no refreshable weight is called '{name}'{such}; no weight has been changed")
    return weights[name]


def _check(weight: Weight, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    desc = weight.desc
    if dtype != desc.dtype or tuple(shape) != desc.shape:
        raise AclError(
            Code.GE_FAILURE,
            f"weight '{weight.name}' is {weight.type}, {dtype}{list(shape)} was given; no weight "
            "has been changed",
        )


@dataclass(frozen=True, slots=True)
class Made:
    """New contents by variable, and the bytes of the tensors that variables were made of."""

    contents: dict[int, Content]
    tensors: dict[str, Bytes]


def made_of(update: Update, session: Session, variables: Sequence[Derived]) -> Made:
    """What is lent, copies of all else, and what recipes make.

    AclError for tensors that others are needed with, before anything is copied.
    """
    tensors = {given.weight.name for given in update.given if given.weight.place is None}
    changed = affected(tensors, variables)
    made = Made({}, {})
    chunks: list[Chunk] = []
    for given in update.given:
        chunks += _begun(given, session, made)
    size = sum(len(memory) for _, _, memory in chunks)
    count = CORES if size > ALONE else 1
    in_threads(_fill, [chunks[start::count] for start in range(count)])
    made.contents.update(cooked(changed, made.tensors, session))
    return made


def _begun(given: Given, session: Session, made: Made) -> list[Chunk]:
    """Puts the memory for what is given in its place; what has to be copied into it yet."""
    weight, data = given.weight, given.data
    if weight.place is None:
        held = np.empty(weight.desc.size, np.uint8) if data is None else data
        made.tensors[weight.name] = held
        return _chunks(given, held) if data is None else []
    if data is not None and given.is_lent:
        made.contents[weight.place.variable] = Content(data, keep_alive)
        return []
    made.contents[weight.place.variable] = content = session.fresh(weight.place.variable)
    return _chunks(given, content.memory)


Chunk = tuple[Given, int, Bytes]


def _chunks(given: Given, memory: Bytes) -> list[Chunk]:
    starts = range(0, len(memory), CHUNK)
    return [(given, start, memory[start : start + CHUNK]) for start in starts]


def _fill(chunks: list[Chunk]) -> None:
    for given, start, memory in chunks:
        given.fill(start, memory)
