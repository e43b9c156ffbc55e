"""In which fields one message differs from another, as a patch that makes the other of it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from compiler.om.encode import unknown_fields

M = TypeVar("M", bound=Message)

UNKNOWN = "?"
"""The path of all fields that our messages do not name."""


@dataclass(frozen=True, slots=True)
class Patch(Generic[M]):
    """`paths` name what is replaced: `field`, `map/key` or `repeated/index`; the new values are
    in `payload`, where those of a repeated field follow one another. What is not there is removed.
    """

    paths: tuple[str, ...]
    payload: M


def difference(written: M, derived: M, leave_out: Container[str] = ()) -> Patch[M] | None:
    """What makes `written` of `derived`, paths to leave out aside; None where nothing has to."""
    if _same(written, derived):
        return None
    payload = type(written)()
    paths = [
        path
        for field in _fields(written).values()
        if field.name not in leave_out
        for path in _differing(field, written, derived)
        if path not in leave_out
    ]
    for path in paths:
        _copy(path, written, payload)
    if unknown := unknown_fields(written):
        paths.append(UNKNOWN)
        payload.MergeFromString(unknown)
    return Patch(tuple(paths), payload) if paths else None


def apply_patch(message: Message, patch: Patch[Any]) -> None:
    """Make of a message what the patch was made from."""
    taken: dict[str, int] = {}
    for path in patch.paths:
        if path == UNKNOWN:
            message.MergeFromString(unknown_fields(patch.payload))
            continue
        name, slash, key = path.partition("/")
        field = _fields(message)[name]
        new, old = getattr(patch.payload, name), getattr(message, name)
        if not slash:
            message.ClearField(name)
            _copy(path, patch.payload, message)
        elif _is_map(field):
            old.pop(key, None)
            if key in new:
                _put(old, key, new[key])
        else:
            old[int(key)].CopyFrom(new[taken.setdefault(name, 0)])
            taken[name] += 1


def _fields(message: Message) -> dict[str, FieldDescriptor]:
    return {field.name: cast(FieldDescriptor, field) for field in message.DESCRIPTOR.fields}


def _same(one: Message, other: Message) -> bool:
    forms = (message.SerializeToString(deterministic=True) for message in (one, other))
    return next(forms) == next(forms)


def _differing(field: FieldDescriptor, written: Message, derived: Message) -> Iterator[str]:
    new, old = getattr(written, field.name), getattr(derived, field.name)
    if _is_map(field):
        for key in sorted({*new, *old}):
            if (key in new) != (key in old) or not _equal(new[key], old[key]):
                yield f"{field.name}/{key}"
    elif field.is_repeated and field.message_type is not None and len(new) == len(old):
        for place, pair in enumerate(zip(new, old, strict=True)):
            if not _same(*pair):
                yield f"{field.name}/{place}"
    elif not _equal(new, old) or _present(field, written) != _present(field, derived):
        yield field.name


def _equal(new: Any, old: Any) -> bool:
    return _same(new, old) if isinstance(new, Message) else new == old


def _present(field: FieldDescriptor, message: Message) -> bool:
    return field.has_presence and message.HasField(field.name)


def _copy(path: str, source: Message, target: Message) -> None:
    name, slash, key = path.partition("/")
    field = _fields(source)[name]
    new, old = getattr(source, name), getattr(target, name)
    if slash and _is_map(field):
        if key in new:
            _put(old, key, new[key])
    elif slash:
        old.add().CopyFrom(new[int(key)])
    elif field.is_repeated:
        old.MergeFrom(new)
    elif field.message_type is None:
        setattr(target, name, new)
    elif _present(field, source):
        old.CopyFrom(new)
        old.SetInParent()


def _put(entries: Any, key: str, value: Any) -> None:
    if isinstance(value, Message):
        entries[key].CopyFrom(value)
    else:
        entries[key] = value


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
