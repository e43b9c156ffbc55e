"""Python values to and from `AttrDef`, the attribute message of operators, graphs and models.

    bool b · int i · float f · str s · bytes bt · DType dt · lists of these list, with `val_type`
    list of int lists list_list_int · TensorDef t · TensorDescriptor td · GraphDef g ·
    NamedAttrs func

What has no Python value of its own (a list of tensors, an expression, an attribute of a kind
not known yet, a list whose `val_type` contradicts it) stays the `AttrDef` it is, both ways.
Text that is not UTF-8 comes as `surrogateescape` makes it, so that it goes back unchanged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias, cast

from compiler.om.dtypes import BY_CPP, DType
from compiler.om.ge_ir_pb2 import AttrDef, GraphDef, NamedAttrs, TensorDef, TensorDescriptor

Scalar: TypeAlias = bool | int | float | str | bytes | DType
Scalars: TypeAlias = Sequence[Scalar]


class ListKind(IntEnum):
    """`ListValueType`, as far as lists of scalars go."""

    NONE = 0
    STRING = 1
    INT = 2
    FLOAT = 3
    BOOL = 4
    BYTES = 5
    DATA_TYPE = 10


@dataclass(frozen=True, slots=True)
class TypedList:
    """A list that does not show its own kind: an empty one, or one without a `val_type`.

    Only GraphEngine's own bookkeeping (`_input_name_key` and the like) is of kind NONE; any
    other list of that kind is lost when GraphEngine loads the file.
    """

    kind: ListKind
    items: tuple[Scalar, ...] = ()


Attribute: TypeAlias = (
    Scalar
    | Scalars
    | Sequence[Sequence[int]]
    | TypedList
    | TensorDef
    | TensorDescriptor
    | GraphDef
    | NamedAttrs
    | AttrDef
)


@dataclass(frozen=True, slots=True)
class Kind:
    """How one Python type of scalar is held: its field, in `AttrDef` and in `ListValue` alike."""

    python: type
    field: str
    list_kind: ListKind
    store: Callable[[Any], Any] = lambda value: value
    load: Callable[[Any], Any] = lambda value: value


def _encode_text(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


KINDS = (
    Kind(bool, "b", ListKind.BOOL),
    Kind(int, "i", ListKind.INT),
    Kind(float, "f", ListKind.FLOAT),
    Kind(str, "s", ListKind.STRING, _encode_text, _decode_text),
    Kind(bytes, "bt", ListKind.BYTES),
    Kind(DType, "dt", ListKind.DATA_TYPE, lambda dtype: dtype.cpp, BY_CPP.__getitem__),
)
BY_TYPE: dict[type[Any], Kind] = {kind.python: kind for kind in KINDS}
BY_FIELD = {kind.field: kind for kind in KINDS}

MESSAGES: dict[type[Any], str] = {
    TensorDef: "t",
    TensorDescriptor: "td",
    GraphDef: "g",
    NamedAttrs: "func",
}


def set_attribute(attr: AttrDef, value: Attribute) -> None:
    """Makes `attr` hold `value`; TypeError when no kind of attribute can."""
    if isinstance(value, AttrDef):
        attr.CopyFrom(value)
    elif type(value) in BY_TYPE:
        kind = BY_TYPE[type(value)]
        setattr(attr, kind.field, kind.store(value))
    elif type(value) in MESSAGES:
        getattr(attr, MESSAGES[type(value)]).CopyFrom(value)
    elif isinstance(value, TypedList):
        _set_list(attr, value.kind, value.items)
    elif isinstance(value, list | tuple):
        _set_sequence(attr, cast("Sequence[Any]", value))
    else:
        raise TypeError(f"no attribute can hold a {type(value).__name__}: {value!r}")


def get_attribute(attr: AttrDef) -> Attribute:
    """The value `attr` holds, or `attr` itself when no Python value says the same."""
    field = attr.WhichOneof("value")
    if field in ("t", "td", "g", "func"):
        return getattr(attr, field)
    if field == "list":
        return _get_list(attr)
    if field == "list_list_int":
        return [list(row.list_i) for row in attr.list_list_int.list_list_i] or attr
    if field in BY_FIELD and not (field == "dt" and attr.dt not in BY_CPP):
        return BY_FIELD[field].load(getattr(attr, field))
    return attr


def _set_sequence(attr: AttrDef, items: Sequence[Any]) -> None:
    if not items:
        raise TypeError("an empty list does not show its kind: use TypedList(kind)")
    if isinstance(items[0], list | tuple):
        attr.ClearField("list_list_int")
        rows = attr.list_list_int
        for row in cast("Sequence[Sequence[int]]", items):
            rows.list_list_i.add().list_i.extend(row)
    else:
        _set_list(attr, _kind_of(items).list_kind, items)


def _set_list(attr: AttrDef, list_kind: ListKind, items: Sequence[Any]) -> None:
    attr.ClearField("list")
    values = attr.list
    values.SetInParent()
    values.val_type = cast("Any", int(list_kind))
    if items:
        kind = _kind_of(items)
        if list_kind not in (ListKind.NONE, kind.list_kind):
            raise TypeError(f"a list of kind {list_kind.name} cannot hold {items[0]!r}")
        getattr(values, kind.field).extend(map(kind.store, items))


def _kind_of(items: Sequence[Any]) -> Kind:
    types: set[type[Any]] = {type(item) for item in items}
    kind = BY_TYPE.get(types.pop()) if len(types) == 1 else None
    if kind is None:
        raise TypeError(f"a list attribute's elements must be of one scalar type: {items!r}")
    return kind


def _get_list(attr: AttrDef) -> Attribute:
    filled = [field.name for field, _ in attr.list.ListFields() if field.name != "val_type"]
    val_type = int(attr.list.val_type)
    if val_type not in set(ListKind) or len(filled) > 1 or any(f not in BY_FIELD for f in filled):
        return attr
    list_kind = ListKind(val_type)
    if not filled:
        return TypedList(list_kind)
    kind = BY_FIELD[filled[0]]
    if list_kind not in (ListKind.NONE, kind.list_kind) or not _is_known(attr):
        return attr
    items = [kind.load(item) for item in getattr(attr.list, kind.field)]
    return TypedList(list_kind, tuple(items)) if list_kind is ListKind.NONE else items


def _is_known(attr: AttrDef) -> bool:
    return all(number in BY_CPP for number in attr.list.dt)
