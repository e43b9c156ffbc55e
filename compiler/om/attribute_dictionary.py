"""Attributes as indices into a dictionary of the model, as GraphEngine writes them by default.

A coded name is a zero byte and the index in base 127, least significant digit first, each digit
plus one. Where the dictionary says so, the value is coded too: an index instead of a string.
"""

from collections.abc import MutableMapping
from typing import NamedTuple

from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef

VERSION = "om_compress_version"
NAMES = "attr_name_enum"
VALUES = "attr_value_enum"
USES_STRING = "attrs_use_string_value"

BASE = 127

Attributes = MutableMapping[str, AttrDef]


class Dictionary(NamedTuple):
    """A model's tables: names, whether the values under a name are coded, and those values."""

    names: tuple[str, ...]
    uses_string: tuple[bool, ...]
    values: tuple[bytes, ...]
    source: str

    def name_index(self, key: str) -> int:
        """The index a coded key stands for."""
        index = 0
        for digit in reversed(key[1:]):
            index = index * BASE + ord(digit) - 1
            if abs(index) >= len(self.names):
                break  # it would only grow, and a key may be as long as the file
        return self._checked(index, len(self.names), "name")

    def value(self, index: int) -> bytes:
        """The string an index stands for."""
        return self.values[self._checked(index, len(self.values), "value")]

    def _checked(self, index: int, count: int, what: str) -> int:
        if not 0 <= index < count:
            raise _broken(self.source, f"attribute {what} {index} of a table of {count}")
        return index


def take_dictionary(model: ModelDef, source: str) -> Dictionary | None:
    """Removes the dictionary from the model's attributes; None when the model has none."""
    if VERSION not in model.attr:
        return None
    for key in (NAMES, VALUES, USES_STRING):
        if key not in model.attr or not model.attr[key].HasField("list"):
            raise _broken(source, f"the model has {VERSION} but no list {key}")
    names, values, uses_string = (model.attr[key].list for key in (NAMES, VALUES, USES_STRING))
    if len(names.s) != len(uses_string.b):
        raise _broken(source, f"{len(names.s)} names but {len(uses_string.b)} {USES_STRING}")
    try:
        texts = tuple(name.decode() for name in names.s)
    except UnicodeDecodeError as error:
        raise _broken(source, f"the name {error.object!r} is not UTF-8") from None
    dictionary = Dictionary(texts, tuple(uses_string.b), tuple(values.s), source)
    for key in (VERSION, NAMES, VALUES, USES_STRING):
        del model.attr[key]
    return dictionary


def expand_attributes(model: ModelDef, dictionary: Dictionary) -> None:
    """Replaces coded attributes of operators and of their tensor descriptors, in place."""
    for graph in model.graph:
        for op in graph.op:
            _expand(op.attr, dictionary)
            for desc in (*op.input_desc, *op.output_desc):
                _expand(desc.attr, dictionary)


def _expand(attributes: Attributes, dictionary: Dictionary) -> None:
    coded = {key: _copy(attributes[key]) for key in attributes if key.startswith("\0")}
    # All go first: a name may itself be a key that another dictionary coded.
    for key in coded:
        del attributes[key]
    for key, attr in coded.items():
        index = dictionary.name_index(key)
        name = dictionary.names[index]
        if dictionary.uses_string[index]:
            _expand_value(attr, name, dictionary)
        # A plain attribute of that name is newer: GraphEngine writes it when it saves again.
        if name not in attributes:
            attributes[name].CopyFrom(attr)


def _copy(attr: AttrDef) -> AttrDef:
    copy = AttrDef()
    copy.CopyFrom(attr)
    return copy


def _expand_value(attr: AttrDef, name: str, dictionary: Dictionary) -> None:
    match attr.WhichOneof("value"):
        case "i":
            attr.s = dictionary.value(attr.i)
        case "list":
            attr.list.s.extend([dictionary.value(index) for index in attr.list.i])
            attr.list.ClearField("i")
            attr.list.val_type = AttrDef.ListValue.VT_LIST_STRING
        case kind:
            raise _broken(dictionary.source, f"{name!r} stands for a string but is of kind {kind}")


def _broken(source: str, what: str) -> OMError:
    return OMError(Status.PARAM_INVALID, f"{source}: the attribute dictionary is broken: {what}")
