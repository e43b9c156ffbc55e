"""Changes to protobuf messages that leave them well-formed: fields, elements, map keys, names."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, MutableSequence, Sequence
from random import Random
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from fuzz.noise import TEXTS, damaged, integer

FD = FieldDescriptor
BITS = {
    FD.TYPE_INT32: (32, True),
    FD.TYPE_INT64: (64, True),
    FD.TYPE_UINT32: (32, False),
    FD.TYPE_UINT64: (64, False),
}
FLOATS = (0.0, -0.0, 0.5, 1.0, -1.0, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"))


class MessageMutator:
    """Mutates messages with material from others: their texts, and their messages of each type."""

    def __init__(self, material: Iterable[Message]) -> None:
        self.texts: list[str] = list(TEXTS)
        self.messages: dict[str, list[Message]] = {}
        for message in material:
            self._collect(message)

    def _collect(self, message: Message) -> None:
        self.messages.setdefault(message.DESCRIPTOR.full_name, []).append(message)
        for field, value in message.ListFields():
            for element in _elements(field, value):
                if isinstance(element, Message):
                    self._collect(element)
                elif isinstance(element, str) and element not in self.texts:
                    self.texts.append(element)

    def mutate(self, random: Random, message: Message) -> None:
        """Changes one thing somewhere in the message, in place."""
        while True:
            present = message.ListFields()
            if not present or random.random() < 0.06:
                self._change(
                    random,
                    message,
                    random.choice(cast("Sequence[FieldDescriptor]", message.DESCRIPTOR.fields)),
                )
                return
            field, value = random.choice(present)
            inner = [element for element in _values(field, value) if isinstance(element, Message)]
            if not inner or random.random() < 0.15:
                self._change(random, message, field)
                return
            message = random.choice(inner)

    def _change(self, random: Random, message: Message, field: FieldDescriptor) -> None:
        if random.random() < 0.15:
            message.ClearField(field.name)
        elif _is_map(field):
            self._change_map(random, field, getattr(message, field.name))
        elif field.is_repeated:
            self._change_list(random, field, getattr(message, field.name))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self._message(random, field.message_type))
        else:
            now = getattr(message, field.name)
            try:
                setattr(message, field.name, self._scalar(random, field, now))
            except ValueError:  # a closed enumeration has no such number
                message.ClearField(field.name)

    def _change_list(
        self, random: Random, field: FieldDescriptor, values: MutableSequence[Any]
    ) -> None:
        kind, at = random.randrange(6), random.randrange(len(values)) if len(values) else 0
        if not len(values) or kind == 0:
            for _ in range(random.choice((1, 1, 1, 2, 40))):
                self._append(random, field, values)
        elif kind == 1:
            del values[at]
        elif kind == 2:
            del values[random.randrange(len(values)) :]
        elif field.message_type is not None:
            twin = random.choice(values)
            if kind == 3:
                values.append(twin)
            else:
                values[at].CopyFrom(twin if kind == 4 else self._message(random, twin.DESCRIPTOR))
        elif kind == 3:
            values.append(random.choice(values))
        else:
            values[at] = self._scalar(random, field, values[at])

    def _append(self, random: Random, field: FieldDescriptor, values: MutableSequence[Any]) -> None:
        if field.message_type is not None:
            values.append(self._message(random, field.message_type))
        else:
            try:
                values.append(self._scalar(random, field, None))
            except ValueError:
                return

    def _change_map(
        self, random: Random, field: FieldDescriptor, entries: MutableMapping[str, Any]
    ) -> None:
        assert field.message_type is not None
        value = field.message_type.fields_by_name["value"]
        names = sorted(entries)
        kind = random.randrange(4) if names else 0
        if value.message_type is None:
            key = random.choice(names) if names and kind else random.choice(self.texts)
            entries[key] = self._scalar(random, value, None)
        elif kind == 0:
            name = random.choice(self.texts)
            entries[name].CopyFrom(self._message(random, value.message_type))
        elif kind == 1:
            del entries[random.choice(names)]
        elif kind == 2:
            source = entries[random.choice(names)]
            entries[random.choice(names)].CopyFrom(source)
        else:
            entries[random.choice(names)].CopyFrom(self._message(random, value.message_type))

    def _message(self, random: Random, type_: Descriptor) -> Message:
        """A message of a type: one that the material has, else an empty one."""
        known = self.messages.get(type_.full_name)
        if known and random.random() < 0.9:
            return random.choice(known)
        return _empty(type_)

    def _scalar(self, random: Random, field: FieldDescriptor, now: Any) -> Any:
        kind = field.type
        if kind in BITS:
            if isinstance(now, int) and random.random() < 0.3:
                bits, signed = BITS[kind]
                top = 1 << bits - signed
                return max(-top if signed else 0, min(now + random.choice((-1, 1, 8)), top - 1))
            return integer(random, BITS[kind][0], signed=BITS[kind][1])
        if kind == FD.TYPE_BOOL:
            return not now
        if kind == FD.TYPE_STRING:
            return random.choice(self.texts)
        if kind == FD.TYPE_BYTES:
            plain = random.choice(self.texts).encode()
            return damaged(random, now or b"") if random.random() < 0.5 else plain
        if kind == FD.TYPE_ENUM:
            assert field.enum_type is not None
            numbers = list(field.enum_type.values_by_number)
            return random.choice(numbers) if random.random() < 0.8 else integer(random, 32)
        return random.choice(FLOATS)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _values(field: FieldDescriptor, value: Any) -> list[Any]:
    """The values of a field, without the keys of a map."""
    if _is_map(field):
        return [value[key] for key in sorted(value)]
    return list(value) if field.is_repeated else [value]


def _elements(field: FieldDescriptor, value: Any) -> list[Any]:
    keys: list[Any] = sorted(value) if _is_map(field) else []
    return [*keys, *_values(field, value)]


def _empty(type_: Descriptor) -> Message:
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(type_)()
