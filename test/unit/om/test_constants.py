"""Every reader refuses a constant whose bytes are not all in the weight partition."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.errors import UserError
from compiler.frontends.om.models import import_om
from compiler.inspection.constants import constants
from compiler.inspection.opened import open_om
from compiler.om.buffers import Held
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import DT_UINT8, ModelDef, OpDef
from compiler.om.header import ModelFileHeader
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_file
from compiler.refresh.bundle_weights import value_of
from compiler.weights import FileBytes

WEIGHTS = bytes(range(16))
EXTENTS = {
    "whole": (0, 16, True),
    "at the end": (12, 4, True),
    "before": (-8, 8, False),
    "negative length": (8, -8, False),
    "over the end": (12, 8, False),
    "behind": (1 << 40, 4, False),
}
"""Offset, length, and whether a partition of 16 bytes has them."""


@pytest.fixture(params=EXTENTS)
def extent(request: pytest.FixtureRequest) -> tuple[int, int, bool]:
    return EXTENTS[request.param]


@pytest.fixture
def definition(extent: tuple[int, int, bool]) -> ModelDef:
    """A model of one constant."""
    offset, length, _ = extent
    model = ModelDef(name="m")
    op = model.graph.add(name="g").op.add(name="w", type="Const", output_i=[0])
    desc = op.attr["value"].t.desc
    desc.dtype = DT_UINT8
    desc.data_offset, desc.weight_size = offset, length
    desc.shape.dim.append(max(length, 0))
    op.output_desc.add().CopyFrom(desc)
    return model


@pytest.fixture
def path(tmp_path: Path, definition: ModelDef) -> Path:
    bodies = {PartitionType.MODEL_DEF: encode_message(definition)}
    bodies[PartitionType.WEIGHTS_DATA] = WEIGHTS
    partitions = [Partition(kind, Held(body)) for kind, body in bodies.items()]
    write_file(tmp_path / "m.om", lay_out_file(ModelFileHeader(), [partitions]))
    return tmp_path / "m.om"


def test_inspection(path: Path, extent: tuple[int, int, bool]) -> None:
    offset, length, is_inside = extent
    file = open_om(str(path))
    [found] = constants(file.tables(file.parts[0])[0])
    assert (found.offset, found.length) == (offset, length)
    if is_inside:
        assert b"".join(found.weight.chunks()) == WEIGHTS[offset : offset + length]
        return
    with pytest.raises(UserError, match=r"m\.om: constant 'w' needs bytes .* partition of 16$"):
        list(found.weight.chunks())


def test_the_compiler(path: Path, extent: tuple[int, int, bool]) -> None:
    if extent[2]:
        import_om(str(path)).verify()
        return
    with pytest.raises(UserError, match=r"m\.om: constant 'w' needs bytes .* partition of 16$"):
        import_om(str(path))


def test_packs(path: Path, definition: ModelDef, extent: tuple[int, int, bool]) -> None:
    op: OpDef = definition.graph[0].op[0]
    offset, length, is_inside = extent
    start = path.stat().st_size - len(WEIGHTS)
    partition = FileBytes(str(path), start, len(WEIGHTS))
    if is_inside:
        found = b"".join(value_of(op, partition).chunks())
        assert found == WEIGHTS[offset : offset + length]
        return
    with pytest.raises(UserError, match=r"m\.om: constant 'w' needs bytes .* partition of 16$"):
        value_of(op, partition)
