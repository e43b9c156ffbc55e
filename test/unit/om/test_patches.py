"""A patch of a message makes one of the other, whatever they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import OpDef
from compiler.om.patches import apply_patch, difference


def derived() -> OpDef:
    op = OpDef(name="a", type="Add", has_out_attr=True, input=["x:0", "y:0"], input_i=[1, 2])
    op.attr["kept"].i = 1
    op.attr["gone"].s = b"text"
    for size in (4, 8):
        op.input_desc.add(size=size).attr["f"].i = size
    return op


def new_attribute(op: OpDef) -> None:
    op.attr["a/b"].f = 0.5
    del op.attr["gone"]


def changed_tensor(op: OpDef) -> None:
    op.input_desc[1].ClearField("attr")
    op.input_desc[1].shape.SetInParent()


EDITS: dict[str, tuple[Callable[[OpDef], object], tuple[str, ...]]] = {
    "a number": (lambda op: setattr(op, "id", 7), ("id",)),
    "a flag that is not set": (lambda op: op.ClearField("has_out_attr"), ("has_out_attr",)),
    "a list": (lambda op: op.input.pop(), ("input",)),
    "entries of a map": (new_attribute, ("attr/a/b", "attr/gone")),
    "one of several messages": (changed_tensor, ("input_desc/1",)),
    "more messages": (lambda op: op.input_desc.add(), ("input_desc",)),
    "an empty message": (lambda op: op.attr_groups.SetInParent(), ("attr_groups",)),
    "what no schema names": (lambda op: op.MergeFromString(b"\xfa\x3e\x03new"), ("?",)),
    "a zero that is set": (lambda op: setattr(op.attr["kept"], "i", 0), ("attr/kept",)),
}


@pytest.mark.parametrize("name", EDITS)
def test_makes_one_of_the_other(name: str):
    edit, paths = EDITS[name]
    written, message = derived(), derived()
    edit(written)
    found = difference(written, message)
    assert found is not None and found.paths == paths
    apply_patch(message, found)
    assert encode_message(message) == encode_message(written)


def test_nothing_to_patch():
    assert difference(derived(), derived()) is None
    other = derived()
    other.id = 3
    assert difference(derived(), other, {"id"}) is None
