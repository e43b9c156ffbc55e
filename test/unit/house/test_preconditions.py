"""What conversions need: each rule is about a pass and operations that exist."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import ModuleOp

from compiler.context import context
from compiler.errors import UserError
from compiler.preconditions import SOURCES, check_source
from compiler.universe import PASSES
from dialects.ge import GraphOp


def test_rules_name_passes_and_operations():
    ctx = context()
    assert set(SOURCES) <= set(PASSES)
    for source in SOURCES.values():
        for name in (*source.names, *source.done):
            assert ctx.get_optional_op(name) is not None, name


def test_a_module_with_nothing_to_convert_is_refused():
    with pytest.raises(UserError, match=r"convert-onnx-to-ge: .*has no onnx.graph"):
        check_source("convert-onnx-to-ge", ModuleOp([ModuleOp([])]))


def test_what_is_converted_already_or_empty_passes():
    check_source("convert-onnx-to-ge", ModuleOp([GraphOp("g")]))
    check_source("convert-ge-to-om", ModuleOp([]))
