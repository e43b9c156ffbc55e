"""Flow models: what of FLOW_MODEL and FLOW_SUBMODEL is needed to find the models inside.

The messages are scanned where they lie, so that the models in them are views of the file.
Source: `flow_model.proto` (SubmodelDef: 1 model_name, 2 model_type, 3 om_data).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from compiler.om.errors import OMError, Status

NAME, KIND, OM_DATA = 1, 2, 3


class Wire(IntEnum):
    """protobuf's wire types."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    FIXED32 = 5


@dataclass(frozen=True, slots=True)
class FlowSubmodel:
    """One model of a flow: `om` is a complete OM file, at byte `start` of the partition."""

    name: str
    kind: str
    om: memoryview
    start: int


def read_flow_submodel(data: memoryview, source: str) -> FlowSubmodel:
    """The model of a FLOW_SUBMODEL partition; OMError when it is no SubmodelDef."""
    found: dict[int, tuple[int, int]] = {}
    try:
        for number, start, end in _fields(data):
            found[number] = (start, end)
    except ValueError as error:
        what = f"{source}: FLOW_SUBMODEL ({len(data)} bytes) is not a SubmodelDef: {error}"
        raise OMError(Status.PARAM_INVALID, what) from None
    name, kind = (_text(data, found.get(number, (0, 0))) for number in (NAME, KIND))
    start, end = found.get(OM_DATA, (0, 0))
    return FlowSubmodel(name, kind, data[start:end], start)


def _text(data: memoryview, span: tuple[int, int]) -> str:
    return bytes(data[slice(*span)]).decode("utf-8", "replace")


def _fields(data: memoryview) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field that has a length."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        match tag & 7:
            case Wire.VARINT:
                _, place = _varint(data, place)
            case Wire.LENGTH:
                size, place = _varint(data, place)
                if size > len(data) - place:
                    raise ValueError(f"field {tag >> 3} ends behind the message")
                yield tag >> 3, place, place + size
                place += size
            case Wire.FIXED64:
                place += 8
            case Wire.FIXED32:
                place += 4
            case wire:
                raise ValueError(f"wire type {wire} at byte {place}")


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("it ends inside a number")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError(f"a number of more than ten bytes at byte {place}")
