"""Addresses of variables: one for each name, and never two sizes behind one."""

from __future__ import annotations

import pytest

from compiler.om.errors import GraphError
from compiler.tasks.variables import GUARD, VariableMemory


def test_a_name_keeps_its_place_and_others_lie_behind_it():
    memory = VariableMemory()
    first = memory.address("w", 600, "t")
    assert memory.address("w", 600, "t") == first
    assert memory.address("b", 4, "t") >= first + 600 + GUARD


def test_another_size_under_the_same_name_is_refused():
    memory = VariableMemory()
    memory.address("w", 4, "f32")
    with pytest.raises(GraphError, match="'w' is f64 of 8 bytes here and f32 of 4 bytes elsewhere"):
        memory.address("w", 8, "f64")


def test_another_type_of_as_many_bytes_is_refused():
    memory = VariableMemory()
    memory.address("w", 4, "f32")
    with pytest.raises(GraphError, match="'w' is i32 of 4 bytes here and f32 of 4 bytes elsewhere"):
        memory.address("w", 4, "i32")
