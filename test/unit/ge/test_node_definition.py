"""What every node is checked for: its properties, and nothing that jumps."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import IntegerAttr, StringAttr, f32
from xdsl.ir import Attribute, Block, Region
from xdsl.utils.exceptions import VerifyException

from dialects.ge import Op
from dialects.types import tensor_type


def _node() -> Op:
    return Op.of("Relu", "a", {}, [tensor_type((2,), f32)], {"placement": StringAttr("elsewhere")})


def test_a_node_is_as_its_definition_says():
    _node().verify()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("op_type", None, "property 'op_type' expected"),
        ("op_type", IntegerAttr(1, 64), "string"),
        ("ports", StringAttr("x"), "expected ArrayAttr"),
        ("other", StringAttr("x"), "property 'other' is not defined by the operation 'ge.op'"),
    ],
)
def test_wrong_properties_are_found(name: str, value: Attribute | None, message: str):
    node = _node()
    if value is None:
        del node.properties[name]
    else:
        node.properties[name] = value
    with pytest.raises(VerifyException, match=message):
        node.verify()


def test_nodes_have_no_successors():
    block = Block([_node()])
    node = block.first_op
    assert node is not None
    Region([block, target := Block()])
    node.successors = [target]
    with pytest.raises(VerifyException, match=r"has no successors"):
        node.verify_()
