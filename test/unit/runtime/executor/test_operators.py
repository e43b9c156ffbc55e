"""OM operators as nodes and operands: ports, open inputs, attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.dtypes import BY_NAME
from compiler.om.ge_ir_pb2 import OpDef
from runtime.errors import AclError
from runtime.executor.operators import attribute, edges, node_of, operands


def describe(op: OpDef, *dtypes: str) -> OpDef:
    """Adds input descriptions whose last dim is their place."""
    for place, name in enumerate(dtypes):
        desc = op.input_desc.add(dtype=BY_NAME[name].proto)  # pyright: ignore[reportArgumentType]
        desc.shape.dim.append(place)
    return op


def test_control_edges_are_no_inputs() -> None:
    op = OpDef(input=["a:0", "", "b:2", "c:-1"])
    assert list(edges(op)) == [("a", 0), ("", 0), ("b", 2)]


@pytest.mark.parametrize("described", ["all", "connected"])
def test_open_inputs_keep_the_ports_of_the_others(described: str) -> None:
    op = OpDef(name="n", type="BatchMatMulV2", input=["a:0", "b:0", "", "o:1"])
    kinds = ["DT_FLOAT16", "DT_FLOAT16", "DT_UNDEFINED", "DT_INT8"]
    describe(op, *(kinds if described == "all" else kinds[:2] + kinds[3:]))
    connected = operands(op)
    assert [(o.port, o.place, o.producer, o.output) for o in connected] == [
        ("x1", 0, "a", 0),
        ("x2", 1, "b", 0),
        ("offset_w", 3, "o", 1),
    ]
    assert [o.desc.dtype for o in connected] == [np.float16, np.float16, np.int8]


def test_names_in_the_file_go_before_those_of_the_prototype() -> None:
    op = describe(OpDef(name="n", type="Add", input=["a:0", "b:0"]), "DT_FLOAT", "DT_FLOAT")
    assert [operand.port for operand in operands(op)] == ["x1", "x2"]
    set_attribute(op.attr["_input_name_key"], TypedList(ListKind.NONE, ("left", "right")))
    set_attribute(op.attr["_input_name_value"], TypedList(ListKind.NONE, (1, 0)))
    assert [operand.port for operand in operands(op)] == ["right", "left"]


@pytest.mark.parametrize(
    ("op_type", "ports"),
    [
        ("ConcatD", ["x0", "x1", "x2"]),
        ("If", ["cond", "input0", "input1"]),
        ("PartitionedCall", ["args0", "args1", "args2"]),
        ("NobodyKnowsIt", ["input0", "input1", "input2"]),
    ],
)
def test_ports_without_names_are_those_of_the_prototype(op_type: str, ports: list[str]) -> None:
    op = describe(OpDef(name="n", type=op_type, input=["a:0", "b:0", "c:0"]), *["DT_FLOAT"] * 3)
    assert [operand.port for operand in operands(op)] == ports


def test_missing_description_names_the_node() -> None:
    op = OpDef(name="a/b", type="Add", input=["a:0", "b:0"])
    describe(op, "DT_FLOAT")
    with pytest.raises(AclError, match="'a/b' has 1 input descriptions, needs 2"):
        operands(op)


def test_types_nobody_computes_with_name_the_node() -> None:
    op = describe(OpDef(name="a/b", type="Relu", input=["a:0"]), "DT_QINT8")
    with pytest.raises(AclError, match="node 'a/b' has a tensor of data type 18"):
        operands(op)


ATTRIBUTES: list[tuple[Any, Any]] = [
    (True, True),
    (3, 3),
    (0.5, 0.5),
    ("NCHW", "NCHW"),
    ([1, 2], [1, 2]),
    (TypedList(ListKind.INT), []),
    ([[1, 2], [3]], [[1, 2], [3]]),
    (BY_NAME["DT_INT64"], 9),
]


@pytest.mark.parametrize(("stored", "value"), ATTRIBUTES)
def test_attributes_are_plain_values(stored: Any, value: Any) -> None:
    op = OpDef(name="n", type="Relu")
    set_attribute(op.attr["a"], stored)
    set_attribute(op.attr["_private"], 1)
    assert attribute(op, "a") == value
    assert attribute(op, "b") is None
    assert node_of(op, ()).attributes == {"a": value}
