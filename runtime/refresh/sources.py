"""Where new weights come from: arrays, or the tensors of a safetensors file, checked and copied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from compiler.errors import UserError
from compiler.refresh.pack import Pack, is_pack, read_pack
from compiler.safetensors import TensorRef, read_safetensors
from compiler.threads import CORES, in_threads
from compiler.weights import FileBytes, numpy_dtype
from runtime.device import Bytes
from runtime.errors import AclError, Code, invalid
from runtime.executor.contents import Content, Lent
from runtime.executor.session import Session
from runtime.packing import packed
from runtime.refresh.recipes import Derived, affected, cooked
from runtime.refresh.weights import Weight

Array = npt.NDArray[Any]

CHUNK = 1 << 23
"""Bytes of a weight that one thread copies at a time."""
ALONE = 1 << 26
"""Bytes that are sooner copied than other threads are asked."""


@dataclass(slots=True)
class Given:
    """A new value for a weight; what is `lent` is contiguous, and may stay in use."""

    weight: Weight
    source: Array | FileBytes
    lent: Array | None = None


@dataclass(slots=True)
class Update:
    """What shall change. `pack` says from which version to which; another file need not."""

    given: list[Given]
    pack: Pack | None = None


def from_arrays(arrays: Mapping[str, Any], weights: Mapping[str, Weight], *, copy: bool) -> Update:
    """New weights by name. AclError for names, types and shapes that are not the bundle's."""
    return Update([_array(name, value, weights, copy) for name, value in arrays.items()])


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
    return Update([_tensor(tensor, weights) for tensor in tensors], pack)


def _array(name: str, value: Any, weights: Mapping[str, Weight], copy: bool) -> Given:
    weight = named(name, weights)
    array = np.asarray(value)
    _check(weight, array.dtype, array.shape)
    if array.itemsize == 1 and weight.desc.is_packed:
        array = packed(array)
    if copy:
        return Given(weight, array)
    return Given(weight, array, array if array.flags.c_contiguous else array.copy())


def _tensor(tensor: TensorRef[FileBytes], weights: Mapping[str, Weight]) -> Given:
    weight = named(tensor.name, weights)
    _check(weight, numpy_dtype(tensor.dtype), tensor.shape)
    return Given(weight, tensor.data)


def named(name: str, weights: Mapping[str, Weight]) -> Weight:
    """The weight of a name; AclError 100000 when there is none."""
    if name not in weights:
        near = get_close_matches(name, weights, 3) or sorted(weights)[:3]
        such = f" (there are {len(weights)}, such as {', '.join(near)})" if near else ""
        raise invalid(f"no refreshable weight is called '{name}'{such}; no weight has been changed")
    return weights[name]


def _check(weight: Weight, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    desc = weight.desc
    same = dtype is desc.dtype or dtype == desc.dtype  # most often the former, which is quick
    if not same or shape != desc.shape:
        raise AclError(
            Code.GE_FAILURE,
            f"weight '{weight.name}' is {weight.type}, {dtype}{list(shape)} was given; no weight "
            "has been changed",
        )


@dataclass(slots=True)
class Made:
    """New contents by variable, and the bytes of the tensors that variables were made of."""

    contents: dict[int, Content]
    tensors: dict[str, Bytes]


def made_of(update: Update, session: Session, variables: Sequence[Derived]) -> Made:
    """What is lent, copies of all else, and what recipes make.

    AclError for tensors that others are needed with, before anything is copied.
    """
    tensors = {given.weight.name for given in update.given if given.weight.place is None}
    changed = affected(tensors, variables) if tensors else []
    made = Made({}, {})
    copies = [copy for given in update.given if (copy := _begun(given, session, made)) is not None]
    if sum([target.nbytes for target, _ in copies]) > ALONE:
        _copy_in_threads(copies)
    else:
        for target, source in copies:
            _copy(target, source)
    if changed:
        made.contents.update(cooked(changed, made.tensors, session))
    return made


Copy: TypeAlias = tuple[Array, Array | FileBytes]


def _begun(given: Given, session: Session, made: Made) -> Copy | None:
    """Puts the memory for what is given in its place; what has to be copied into it yet."""
    weight, place = given.weight, given.weight.place
    if place is not None and given.lent is None:
        content = made.contents[place.variable] = session.fresh(place.variable)
        return content.writable(place), given.source
    if given.lent is None:
        made.tensors[weight.name] = target = np.empty(weight.desc.size, np.uint8)
        return target, given.source if isinstance(given.source, FileBytes) else _bytes(given.source)
    if place is None:
        made.tensors[weight.name] = _bytes(given.lent)
    else:
        made.contents[place.variable] = Content(Lent(given.lent, place))
    return None


def _bytes(array: Array) -> Bytes:
    """The elements in row-major order; they are copied where they lie otherwise."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _copy_in_threads(copies: Sequence[Copy]) -> None:
    rest = iter([piece for copy in copies for piece in _pieces(*copy)])

    def work(_: int) -> None:  # whoever is ready takes the next one
        for piece in rest:
            _copy(*piece)

    in_threads(work, range(CORES))


def _pieces(target: Array, source: Array | FileBytes) -> Iterator[Copy]:
    flat = _bytes(target)
    data = source if isinstance(source, FileBytes) else _bytes(source)
    for start in range(0, len(flat), CHUNK):
        part = flat[start : start + CHUNK]
        if isinstance(data, FileBytes):
            yield part, replace(data, offset=data.offset + start, length=len(part))
        else:
            yield part, data[start : start + CHUNK]


def _copy(target: Array, source: Array | FileBytes) -> None:
    if isinstance(source, FileBytes):
        _read(source, _bytes(target))
    else:
        np.copyto(target, source)


def _read(source: FileBytes, target: Bytes) -> None:
    with source.opened() as descriptor:
        done = 0
        while done < len(target):
            count = os.preadv(descriptor, [target[done:].data], source.offset + done)
            if not count:
                raise UserError(f"{source.path} ends while it is read")
            done += count
