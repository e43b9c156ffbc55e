"""Messages become the JSON that GraphEngine's converter writes."""

from __future__ import annotations

import pytest

from compiler.atc.fusion_groups import name_fusion_groups
from compiler.atc.json_form import json_form, json_text
from compiler.errors import UserError
from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef, OpDef


def attr(value: object) -> AttrDef:
    found = AttrDef()
    set_attribute(found, value)  # pyright: ignore[reportArgumentType]
    return found


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.001, "0.001"),
        (-0.333333, "-0.333333"),
        (123456.0, "123456"),
        (1.5e-30, "1.5e-30"),
        (-1.25e-05, "-1.25e-05"),
        (2.0**-16, 1.52587890625e-05),
        (-(2.0**-23), -1.1920928955078125e-07),
        (float("inf"), "inf"),
        (0.0, "0"),
    ],
)
def test_a_float_is_text_where_it_fits_a_buffer_of_ten(number: float, shown: object):
    assert json_form(attr(number)) == {"f": shown}


def test_floats_of_a_list_are_numbers():
    found = json_form(attr([0.5, 0.1, float("nan")]))["list"]["f"]
    assert found == [0.5, 0.10000000149011612, None]


def test_what_is_set_appears_and_what_is_default_does_not():
    assert json_form(attr(False)) == {"b": False}
    assert json_form(attr(0)) == {"i": 0}
    assert json_form(attr("")) == {"s": ""}
    assert json_form(OpDef(name="a", id=0)) == {"name": "a"}


def test_bytes_are_escaped_alone_and_raw_in_lists():
    assert json_form(AttrDef(s=b'\x00"\n\xff\\a')) == {"s": r"\000\"\n\377\\a"}
    many = AttrDef()
    many.list.s.extend([b"\x01", "ü".encode(), b"a\xffb"])
    assert json_form(many) == {"list": {"s": ["\x01", "ü", "ab"]}}


def test_weights_and_sizes_are_left_out():
    op = OpDef(name="w", workspace=[1], workspace_bytes=[2])
    op.attr["value"].t.data = b"secret"
    op.attr["weight_size"].i = 4
    op.attr["raw"].bt = b"x"
    op.output_desc.add(size=4, weight_size=4, data_offset=512)
    op.output_desc.add(layout="ND")
    assert json_form(op) == {
        "name": "w",
        "attr": [
            {"key": "raw", "value": None},
            {"key": "value", "value": {"t": None}},
            {"key": "weight_size", "value": {"i": 4}},
        ],
        "output_desc": [None, {"layout": "ND"}],
    }


def test_empty_messages():
    op = OpDef()
    op.attr["list"].CopyFrom(attr(TypedList(ListKind.NONE)))
    op.attr["nothing"].SetInParent()
    op.input_desc.add().shape.SetInParent()
    op.attr_groups.SetInParent()
    assert json_form(op) == {
        "attr": [{"key": "list", "value": None}, {"key": "nothing"}],
        "input_desc": [None],
    }


def test_enumerations_are_names():
    op = OpDef()
    op.input_desc.add(dtype=1)
    op.input_desc.add().dtype = 99  # pyright: ignore[reportAttributeAccessIssue]
    types = [desc["dtype"] for desc in json_form(op)["input_desc"]]
    assert types == ["DT_FLOAT", "UNKNOWN_ENUM_VALUE_DataType_99"]
    assert json_form(attr([1])) == {"list": {"i": [1], "val_type": "VT_LIST_INT"}}


def test_the_text_has_sorted_keys_and_an_indent_of_two():
    text = json_text(ModelDef(name="m", custom_version="ü"))
    assert text == '{\n  "custom_version": "ü",\n  "name": "m"\n}'


def test_messages_too_deep():
    attribute = attr(True)
    for _ in range(8):
        outer = AttrDef()
        outer.func.attr["x"].CopyFrom(attribute)
        attribute = outer
    with pytest.raises(UserError, match="more than 20 deep"):
        json_form(attribute)


@pytest.mark.parametrize(
    ("scope", "group"),
    [(3 << 16, "group_op_l1_3_7"), (5, "group_op_ub_5_7"), (0, None), (None, None)],
)
def test_operators_of_a_fusion_scope(scope: int | None, group: str | None):
    model = ModelDef()
    op = model.graph.add().op.add(name="a", stream_id=7)
    fused = OpDef(name="a")
    if scope is not None:
        fused.attr["fusion_scope"].i = scope
    model.attr["fm"].list.bt.append(encode_message(fused))
    name_fusion_groups(model)
    assert (op.attr["group_op_name"].s.decode() if group else None) == group
    assert ("group_op_name" in op.attr) == (group is not None)
