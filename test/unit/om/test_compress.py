"""Attributes are coded as GraphEngine codes them, and read back to what they were."""

from __future__ import annotations

from compiler.om.attribute_dictionary import expand_attributes, take_dictionary
from compiler.om.attributes import ListKind, TypedList, get_attribute, set_attribute
from compiler.om.compress import coded_index, compress_attributes
from compiler.om.ge_ir_pb2 import ModelDef, OpDef


def model_of(**attributes: object) -> ModelDef:
    """A model of one operator."""
    model = ModelDef(name="m")
    op = model.graph.add(name="g").op.add(name="op", type="Relu")
    for key, value in attributes.items():
        set_attribute(op.attr[key], value)  # pyright: ignore[reportArgumentType]
    return model


def op_of(model: ModelDef) -> OpDef:
    return model.graph[0].op[0]


def values(op: OpDef) -> dict[str, object]:
    return {key: get_attribute(op.attr[key]) for key in op.attr}


def expanded(model: ModelDef) -> ModelDef:
    copy = ModelDef()
    copy.CopyFrom(model)
    dictionary = take_dictionary(copy, "x.om")
    assert dictionary is not None
    expand_attributes(copy, dictionary)
    return copy


def test_names_and_texts_become_places_in_tables():
    # The names of GraphEngine's own unit test, and the values it expects.
    model = model_of(_op_no_tiling=True, tvm_magic="RT_DEV_BINARY_MAGIC_ELF")
    set_attribute(op_of(model).attr["_l2fusion_ToOpStruct"], "dropped")
    compress_attributes(model)
    assert get_attribute(model.attr["om_compress_version"]) == 1
    assert get_attribute(model.attr["attr_name_enum"]) == ["_op_no_tiling", "tvm_magic"]
    assert get_attribute(model.attr["attr_value_enum"]) == ["RT_DEV_BINARY_MAGIC_ELF"]
    assert get_attribute(model.attr["attrs_use_string_value"]) == [False, True]
    assert values(op_of(model)) == {"\0\1": True, "\0\2": 0}


def test_operators_come_before_their_tensors_and_share_the_tables():
    model = model_of(b="two", a=["one", "two"])
    for desc in (op_of(model).input_desc.add(), op_of(model).output_desc.add()):
        set_attribute(desc.attr["a"], ["one"])
        set_attribute(desc.attr["c"], 1)
        set_attribute(desc.attr["origin_format"], "ND")
    plain = ModelDef()
    plain.CopyFrom(model)
    compress_attributes(model)
    assert get_attribute(model.attr["attr_name_enum"]) == ["a", "b", "c"]
    assert get_attribute(model.attr["attr_value_enum"]) == ["one", "two"]
    desc = op_of(model).input_desc[0]
    assert {key: get_attribute(desc.attr[key]) for key in desc.attr} == {
        "\0\1": [0],
        "\0\3": 1,
        "origin_format": "ND",
    }
    assert expanded(model) == plain


def test_a_kernel_has_one_name():
    model = model_of(op_kernelname="k", op_atomic_kernelname="ak")
    compress_attributes(model)
    assert values(op_of(expanded(model))) == {"_kernelname": "k", "_atomic_kernelname": "ak"}
    model = model_of(_kernelname="k", op_kernelname="other", _tbe_kernel_name_for_load="third")
    compress_attributes(model)
    assert values(op_of(expanded(model))) == {"_kernelname": "k"}


def test_a_name_of_texts_and_numbers_stays_plain():
    model = model_of(mixed="text", empty=TypedList(ListKind.STRING))
    set_attribute(model.graph[0].op.add(name="other").attr["mixed"], 3)
    plain = ModelDef()
    plain.CopyFrom(model)
    compress_attributes(model)
    assert get_attribute(op_of(model).attr["mixed"]) == "text"
    assert expanded(model) == plain


def test_what_is_coded_is_not_coded_again_and_nothing_needs_no_dictionary():
    model = model_of(a="x")
    compress_attributes(model)
    once = ModelDef()
    once.CopyFrom(model)
    compress_attributes(model)
    assert model == once
    bare = model_of()
    compress_attributes(bare)
    assert not bare.attr


def test_places_are_numbers_in_base_127():
    assert [coded_index(i) for i in (0, 126, 127, 127 * 127)] == [
        "\0\1",
        "\0\x7f",
        "\0\1\2",
        "\0\1\1\2",
    ]
