"""Operator prototypes: what they call their ports, what they refuse."""

from __future__ import annotations

import pytest

from dialects.ge.catalogue import port_names


@pytest.mark.parametrize(
    ("op_type", "names"),
    [
        ("Add", ("x1", "x2", "input2")),
        ("AccumulateNV2", ("x0", "x1", "x2")),
        ("If", ("cond", "input0", "input1")),
        ("While", ("input0", "input1", "input2")),
        ("PartitionedCall", ("args0", "args1", "args2")),
        ("NobodyKnows", ("input0", "input1", "input2")),
    ],
)
def test_ports_have_the_names_of_the_prototype(op_type: str, names: tuple[str, ...]):
    assert port_names(op_type, 3) == names
