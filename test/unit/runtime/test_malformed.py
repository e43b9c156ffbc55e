"""Files whose container is sound and whose content is not: AclError, and no memory is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.om.buffers import Held, joined_bytes
from compiler.om.header import unpack_header
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_file
from runtime.device import Memory
from runtime.errors import AclError, Code
from runtime.model_registry import Models


def refusal(om: str | bytes) -> AclError:
    memory = Memory(1 << 20)
    with pytest.raises(AclError) as refused:
        Models(memory).load(om)
    assert not memory.used
    return refused.value


def test_a_summary_that_is_cut_off(add_om: bytes):
    root = read_model(add_om).root
    parts = [
        Partition(entry.type, Held(bytes(body)))
        for entry, body in zip(root.table, root.bodies, strict=True)
        if entry.type != PartitionType.MODEL_INOUT_INFO
    ]
    parts.append(Partition(PartitionType.MODEL_INOUT_INFO, Held(b"\0\0\0\0\xff")))
    error = refusal(joined_bytes(lay_out_file(unpack_header(add_om), [parts]).chunks()))
    assert error.code == Code.GE_FAILURE
    assert "MODEL_INOUT_INFO is broken" in error.message


def test_variables_of_a_negative_size(static_builder: Callable[..., Any]):
    builder = static_builder("m")
    builder.data("x", np.float32, [2])
    builder.kernel("y", "Relu", ["x"], (np.float32, [2]))
    builder.output("y")
    builder.variable_size = -5
    assert refusal(builder.pack()).code == Code.RT_MEMORY_ALLOCATION


def test_a_reference_to_a_path_that_is_too_long(static_builder: Callable[..., Any], tmp_path: Path):
    builder = static_builder("m")
    file = {"location": "w", "_ascend_opt_reference": "a" * 5000, "_ascend_opt_sample_sha256": "0"}
    builder.variable_size = 512
    builder.variable("w", np.float32, [2], 0, **file)
    builder.output("w")
    (tmp_path / "m.om").write_bytes(builder.pack())
    assert "weight file aaa" in refusal(str(tmp_path / "m.om")).message
