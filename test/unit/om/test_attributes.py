"""Python values in `AttrDef` and back, and what stays a message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.om.attributes import Attribute, ListKind, TypedList, get_attribute, set_attribute
from compiler.om.dtypes import BY_MLIR, DTYPES
from compiler.om.ge_ir_pb2 import AttrDef, GraphDef, NamedAttrs, TensorDef, TensorDescriptor

int64 = st.integers(-(1 << 63), (1 << 63) - 1)
texts = st.text(st.characters(codec="utf-8")) | st.just("\udcff")
scalar_kinds = [
    st.booleans(), int64, st.floats(width=32, allow_nan=False), texts, st.binary(),
    st.sampled_from(DTYPES),
]  # fmt: skip
scalars = st.one_of(scalar_kinds)
lists = st.one_of([st.lists(kind, min_size=1) for kind in scalar_kinds])
rows = st.lists(st.lists(int64), min_size=1)


def attribute(value: Any) -> AttrDef:
    attr = AttrDef()
    set_attribute(attr, value)
    return attr


@given(scalars | lists | rows)
def test_values_come_back(value: Any) -> None:
    back = get_attribute(AttrDef.FromString(attribute(value).SerializeToString()))
    assert back == value and type(back) is type(value)


@given(st.sampled_from(ListKind), lists)
def test_lists_of_a_named_kind(kind: ListKind, items: list[Any]) -> None:
    assert get_attribute(attribute(TypedList(kind))) == TypedList(kind)
    untyped = TypedList(ListKind.NONE, tuple(items))
    assert get_attribute(attribute(untyped)) == untyped


# The oneof and list field numbers of the schema: i is 3, f 4, b 5, s 2, bt 7, dt 15 and 12.
@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (3, "1803"),
        (False, "2800"),
        (1.0, "250000803f"),
        ("ab", "12026162"),
        (b"ab", "3a026162"),
        (BY_MLIR["i32"], "7803"),
        ([1, 2], "0a07" + "1a020102" + "a00102"),
        (["a"], "0a06" + "120161" + "a00101"),
        ([True], "0a06" + "2a0101" + "a00104"),
        ([BY_MLIR["i32"]], "0a06" + "620103" + "a0010a"),
        (TypedList(ListKind.INT), "0a03" + "a00102"),
        (TypedList(ListKind.NONE, (1,)), "0a03" + "1a0101"),
        ([[1], [2, 3]], "720b" + "0a03" + "0a0101" + "0a04" + "0a020203"),
    ],
)
def test_wire_form(value: Attribute, wire: str) -> None:
    assert attribute(value).SerializeToString().hex() == wire


def test_list_kinds_are_those_of_the_schema() -> None:
    schema = dict(AttrDef.ListValue.ListValueType.items())
    assert {f"VT_LIST_{kind.name}": int(kind) for kind in ListKind}.items() <= schema.items()


def test_messages() -> None:
    tensor = TensorDef(data=b"1")
    others = (TensorDescriptor(name="d"), GraphDef(name="g"), NamedAttrs(name="f"))
    for message, field in zip((tensor, *others), ("t", "td", "g", "func"), strict=True):
        attr = attribute(message)
        assert attr.WhichOneof("value") == field
        assert get_attribute(attr) == message


def odd_attributes() -> list[AttrDef]:
    floats, tensors, mixed, lying, unknown = (AttrDef() for _ in range(5))
    floats.list_list_float.list_list_f.add().list_f.append(1)
    tensors.list.t.add(data=b"1")
    mixed.list.i.append(1)
    mixed.list.s.append(b"x")
    lying.list.i.append(1)
    lying.list.val_type = AttrDef.ListValue.VT_LIST_FLOAT
    unknown.list.dt.append(999)
    empty_rows = AttrDef(list_list_int=AttrDef.ListListInt())
    expression = AttrDef(expression=b"x+1")
    return [
        AttrDef(), AttrDef(dt=999), floats, tensors, mixed, lying, unknown, empty_rows, expression
    ]  # fmt: skip


@pytest.mark.parametrize("attr", odd_attributes(), ids=str)
def test_other_kinds_stay_messages(attr: AttrDef) -> None:
    assert get_attribute(attr) is attr
    assert attribute(attr) == attr


def test_setting_replaces() -> None:
    attr = attribute([1, 2])
    for value in ([3], ["a"], [[4]], [[5]], "text", TypedList(ListKind.INT)):
        set_attribute(attr, value)
        assert get_attribute(attr) == value


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ([], "an empty list does not show its kind"),
        ([1, 2.0], "must be of one scalar type"),
        ([1, True], "must be of one scalar type"),
        ([None], "must be of one scalar type"),
        (None, "no attribute can hold a NoneType"),
        (TypedList(ListKind.INT, ("a",)), "a list of kind INT cannot hold 'a'"),
    ],
)
def test_what_cannot_be_an_attribute(value: Any, what: str) -> None:
    with pytest.raises(TypeError, match=what):
        attribute(value)
