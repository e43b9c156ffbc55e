"""Every reader finds the bytes of an external constant at one place: the table of those places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compiler.frontends.om.source import Source
from compiler.inspection.constants import constants
from compiler.inspection.opened import open_om
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Held
from compiler.om.contract import weight_folder
from compiler.om.encode import encode_message
from compiler.om.errors import OMError
from compiler.om.external import Place, place_of
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.header import ModelFileHeader
from compiler.om.partitions import PartitionType
from compiler.om.source import map_file
from compiler.om.weight_files import needed_files
from compiler.om.writer import Partition, lay_out_file
from runtime.errors import AclError
from runtime.executor.weight_places import WeightPlaces

PART = {"offset": 4, "length": 8}
REFERENCE = {"_ascend_opt_sample_sha256": "0" * 64, "_ascend_opt_reference": "{0}/there.bin"}
WITHIN = "weight/w.bin"

PLACES: dict[str, tuple[dict[str, Any], tuple[str, int, int] | None]] = {
    "location": ({"location": "w.bin", **PART}, (WITHIN, 4, 8)),
    "its last component": ({"location": "../up/w.bin", **PART}, (WITHIN, 4, 8)),
    "no length": ({"location": "w.bin"}, (WITHIN, 0, 0)),
    "file_path, from its beginning": ({"file_path": "{0}/w.bin", **PART}, ("w.bin", 0, 0)),
    "file_path in the folder": ({"file_path": "{0}/weight/w.bin"}, (WITHIN, 0, 0)),
    "location before file_path": ({"location": "w.bin", "file_path": "/x"}, (WITHIN, 0, 0)),
    "empty location": ({"location": "", "file_path": "{0}/w.bin", **PART}, ("w.bin", 0, 0)),
    "reference": ({"location": "w.bin", **PART, **REFERENCE}, ("there.bin", 4, 8)),
    "no reference without a location": ({**PART, **REFERENCE}, None),
    "an id": ({"file_id": "1", **PART}, None),
}
"""The attributes of a node, {0} being the folder of the model, and the file, offset and length."""

Case = tuple[Path, OpDef, Place | None]


@pytest.fixture(params=PLACES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """A model with one external constant of 8 bytes, the constant, and the place of its bytes."""
    given, expected = PLACES[request.param]
    definition = ModelDef(name="m")
    op = definition.graph.add(name="g").op.add(name="w", type="FileConstant", output_i=[0])
    op.output_desc.add(dtype=1).shape.dim.append(2)
    for name, value in given.items():
        set_attribute(op.attr[name], value.format(tmp_path) if isinstance(value, str) else value)
    partition = Partition(PartitionType.MODEL_DEF, Held(encode_message(definition)))
    write_file(tmp_path / "m.om", lay_out_file(ModelFileHeader(), [[partition]]))
    (tmp_path / "there.bin").write_bytes(bytes(16))
    if expected is None:
        return tmp_path / "m.om", op, None
    file, offset, length = expected
    return tmp_path / "m.om", op, Place(tmp_path / file, offset, length)


def test_the_rule(case: Case) -> None:
    path, op, expected = case
    assert place_of(op, weight_folder(path)) == expected


def test_the_device(case: Case) -> None:
    path, op, expected = case
    bins = '{"value_bins": [{"value_bin_id": "1", "value_bin_file": "of an id"}]}'
    set_attribute(op.attr["file_id"], "1")
    found = WeightPlaces(weight_folder(path), value_bins=bins).find(op)
    assert found == (expected or Place(Path("of an id")))


def test_inspection(case: Case) -> None:
    path, _, expected = case
    file = open_om(str(path))
    [found] = constants(file.tables(file.parts[0])[0])
    assert (found.place == "external") == (expected is not None)
    if expected is not None:
        assert (found.file, found.offset, found.length) == (expected.path, expected.offset, 8)


def test_the_compiler(case: Case) -> None:
    path, op, expected = case
    found = Source(map_file(str(path))).weight_file(op)
    told = found and Place(Path(found.path.data), found.offset.data, found.length.data)
    assert told == expected


@pytest.mark.parametrize("name", ["location", "file_path", "_ascend_opt_reference"])
def test_no_path_has_a_nul(name: str) -> None:
    op = OpDef(name="w")
    given = {**REFERENCE, "location": "w"} if name == "_ascend_opt_reference" else {}
    for attribute, value in {**given, name: "a\0b"}.items():
        set_attribute(op.attr[attribute], value)
    expected = f"constant 'w': {name} has a NUL in it"
    with pytest.raises(OMError, match=expected):
        place_of(op, Path())
    with pytest.raises(AclError, match=expected):
        WeightPlaces().find(op)


def test_files_that_are_needed(case: Case) -> None:
    path, _, expected = case
    is_within = expected is not None and expected.path.parent == weight_folder(path)
    assert needed_files(path) == ({"w.bin"} if is_within else set())
