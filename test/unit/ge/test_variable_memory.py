"""Addresses of variables: one for each name, and never two sizes behind one."""

from __future__ import annotations

import pytest

from compiler.conversion.ge_to_om.variables import GUARD, VariableMemory
from compiler.errors import UserError


def test_a_name_keeps_its_place_and_others_lie_behind_it():
    memory = VariableMemory()
    first = memory.address("w", 600)
    assert memory.address("w", 600) == first
    assert memory.address("b", 4) >= first + 600 + GUARD


def test_another_size_under_the_same_name_is_refused():
    memory = VariableMemory()
    memory.address("w", 4)
    with pytest.raises(UserError, match="variable 'w' has 4096 bytes here and 4 elsewhere"):
        memory.address("w", 4096)
