"""Facts that compiler and device share, where they are more than a name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from compiler.om.contract import (
    FEATURE_BASE,
    VARIABLE_BASE,
    Arguments,
    logical_address,
    pack_addresses,
    weight_folder,
)


def test_arguments_are_inputs_outputs_workspaces() -> None:
    data = pack_addresses((1, 2, 3, 4))
    assert data == struct.pack("<4Q", 1, 2, 3, 4)
    assert Arguments.unpack(data, 2, 1) == ((1, 2), (3,), (4,))
    assert Arguments.unpack(data, 4, 0) == ((1, 2, 3, 4), (), ())


@pytest.mark.parametrize("data", [b"", bytes(16), bytes(23)])
def test_arguments_that_are_too_few(data: bytes) -> None:
    assert Arguments.unpack(data, 2, 1) is None


def test_bytes_that_are_no_address_are_left_out() -> None:
    assert Arguments.unpack(bytes(23), 1, 1) == ((0,), (0,), ())


def test_variables_have_their_address_in_the_graph() -> None:
    bases = {"feature_base": FEATURE_BASE, "variable_base": VARIABLE_BASE}
    assert logical_address(512, **bases) == FEATURE_BASE + 512
    assert logical_address(VARIABLE_BASE, **bases) == VARIABLE_BASE
    assert logical_address(VARIABLE_BASE - 1, **bases) == FEATURE_BASE + VARIABLE_BASE - 1


def test_weights_lie_beside_the_model() -> None:
    assert weight_folder(Path("out/m.om")) == Path("out/weight")
