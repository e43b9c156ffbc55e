"""Attributes coded by a model's dictionary, as GraphEngine writes them by default."""

import time
from typing import Any

import pytest

from compiler.om.attribute_dictionary import Dictionary, expand_attributes, take_dictionary
from compiler.om.attributes import get_attribute, set_attribute
from compiler.om.buffers import Held, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.model_reader import read_model
from compiler.om.writer import Partition, lay_out_file


def coded_model(
    names: list[str], uses: list[bool], values: list[str], attributes: dict[str, Any]
) -> ModelDef:
    """One operator with the same coded attributes on itself and on its tensors."""
    model = ModelDef(name="m")
    set_attribute(model.attr["om_compress_version"], 1)
    for key, table in (("name", names), ("value", values)):
        attr = model.attr[f"attr_{key}_enum"].list
        attr.s.extend(text.encode() for text in table)
        attr.val_type = AttrDef.ListValue.VT_LIST_STRING
    set_attribute(model.attr["attrs_use_string_value"], uses)
    op = model.graph.add(name="g").op.add(name="op", type="Relu")
    for holder in (op.attr, op.input_desc.add().attr, op.output_desc.add().attr):
        for key, value in attributes.items():
            set_attribute(holder[key], value)
    return model


def expanded(model: ModelDef) -> list[dict[str, Any]]:
    dictionary = take_dictionary(model, "x.om")
    assert dictionary is not None
    expand_attributes(model, dictionary)
    op = model.graph[0].op[0]
    holders = (op.attr, op.input_desc[0].attr, op.output_desc[0].attr)
    return [{key: get_attribute(attr) for key, attr in holder.items()} for holder in holders]


@pytest.mark.parametrize(
    ("key", "index"), [("\0\1", 0), ("\0\x7f", 126), ("\0\1\2", 127), ("\0\2\1\2", 127**2 + 1)]
)
def test_names_are_numbers_in_base_127(key: str, index: int) -> None:
    names = tuple(f"n{i}" for i in range(20_000))
    assert Dictionary(names, (False,) * len(names), (), "x.om").name_index(key) == index


def test_a_key_as_long_as_a_file_costs_no_more_than_its_first_digits() -> None:
    dictionary = Dictionary(("a",), (False,), (), "x.om")
    started = time.process_time()
    with pytest.raises(OMError, match="attribute name 126 of a table of 1"):
        dictionary.name_index("\0" + "\x7f" * 200_000)
    assert time.process_time() - started < 1


def test_names_and_values() -> None:
    model = coded_model(
        ["stride", "magic", "names"],
        [False, True, True],
        ["ELF", "a", ""],
        {"\0\1": [1, 2], "\0\2": 0, "\0\3": [1, 2, 1], "plain": "text"},
    )
    plain = {"stride": [1, 2], "magic": "ELF", "names": ["a", "", "a"], "plain": "text"}
    assert expanded(model) == [plain] * 3
    assert not model.attr


def test_a_plain_attribute_is_newer_than_its_coded_twin() -> None:
    model = coded_model(["origin_format"], [True], ["NCHW"], {"\0\1": 0, "origin_format": "ND"})
    assert expanded(model) == [{"origin_format": "ND"}] * 3


def test_without_a_dictionary_nothing_is_touched() -> None:
    model = ModelDef()
    model.attr["attr_name_enum"].list.SetInParent()
    before = ModelDef.FromString(model.SerializeToString())
    assert take_dictionary(model, "x.om") is None
    assert model == before


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (coded_model(["a"], [True], [], {"\0\2": 0}), "attribute name 1 of a table of 1"),
        (coded_model(["a"], [True], ["x"], {"\0\1": 1}), "attribute value 1 of a table of 1"),
        (coded_model(["a"], [True], ["x"], {"\0\1": -1}), "attribute value -1 of a table of 1"),
        (coded_model(["a"], [True], ["x"], {"\0\1": [0, 7]}), "attribute value 7"),
        (coded_model(["a"], [True], ["x"], {"\0\1": 0.5}), "'a' stands for a string but is of k"),
        (coded_model(["a"], [True, True], [], {}), "1 names but 2 attrs_use_string_value"),
        (coded_model(["a"], [True], [], {"\0\0": 0}), "attribute name -1 of a table of 1"),
    ],
)
def test_broken(model: ModelDef, what: str) -> None:
    with pytest.raises(OMError, match=what) as error:
        expanded(model)
    assert error.value.code == Status.PARAM_INVALID
    assert str(error.value).startswith("x.om: the attribute dictionary is broken: ")


def no_table(attributes: Any) -> None:
    del attributes["attr_value_enum"]


def no_list(attributes: Any) -> None:
    attributes["attr_value_enum"].i = 1


def test_a_missing_table_and_a_name_that_is_no_text() -> None:
    for spoil in (no_table, no_list):
        model = coded_model(["a"], [True], [], {})
        spoil(model.attr)
        with pytest.raises(OMError, match="no list attr_value_enum"):
            take_dictionary(model, "x.om")
    model = coded_model(["a"], [True], [], {})
    model.attr["attr_name_enum"].list.s[0] = b"\xff"
    with pytest.raises(OMError, match="is not UTF-8"):
        take_dictionary(model, "x.om")


def test_reading_a_model_expands_it() -> None:
    model = coded_model(["magic"], [True], ["ELF"], {"\0\1": 0})
    root = read_om_of(model).root
    assert get_attribute(root.model_def.graph[0].op[0].attr["magic"]) == "ELF"


def test_submodels_may_be_coded_twice() -> None:
    root = coded_model(["magic"], [True], ["ELF"], {"\0\1": 0})
    # The root's coding went first, so its key is a name in the submodel's dictionary.
    twice = coded_model(["late", "\0\1"], [False, False], [], {"\0\2": 0, "\0\1": 5})
    once = ModelDef(graph=root.graph)
    for submodel in read_om_of(root, twice, once).submodels:
        attributes = submodel.model_def.graph[0].op[0].attr
        assert get_attribute(attributes["magic"]) == "ELF"
        assert not [key for key in attributes if key.startswith("\0")]


def read_om_of(*models: ModelDef) -> Any:
    header = ModelFileHeader(model_num=len(models), is_unknow_model=int(len(models) > 1))
    bodies = [[Partition(0, Held(encode_message(model)))] for model in models]
    return read_model(joined_bytes(lay_out_file(header, bodies).chunks()))
