"""Compiler and device agree on what the models of a bundle are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.om.attributes import set_attribute
from compiler.om.buffers import Blob, Held
from compiler.om.bundle import read_bundle
from compiler.om.bundle_roles import Roles, roles
from compiler.om.contract import MANIFEST_NAME
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_bundle, lay_out_file
from compiler.refresh.bundle_weights import read_bundle_file
from runtime.refresh.weights import parts

INFER = ("manifest", "Data", "Variable")
KEEPS_STATE = ("manifest", "Data", "Variable", "Const", "Assign")
INIT = ("Variable", "Const", "Assign")
UPDATE = ("Data", "Variable", "If")
COMPUTED = ("Variable", "Const", "Add", "Assign")

BUNDLES = {
    "as we write them": ((INFER, INIT, UPDATE), Roles(0, 1)),
    "in another order": ((INIT, UPDATE, INFER), Roles(2, 0)),
    "one that assigns a constant in every run": ((KEEPS_STATE, INIT), Roles(0, 1)),
    "another that does": ((INFER, KEEPS_STATE[1:], INIT), Roles(0, 2)),
    "no initialisation": ((INFER, UPDATE), Roles(0, None)),
    "values that are computed": ((INFER, COMPUTED), Roles(0, 1)),
}


def model(kinds: tuple[str, ...]) -> Blob:
    """A file of operators of these types; an Assign gives a Variable what is before it."""
    definition = ModelDef(name="m")
    if "manifest" in kinds:
        set_attribute(definition.attr[MANIFEST_NAME], '{"format":1,"weights":[]}')
    types = [kind for kind in kinds if kind != "manifest"]
    graph = definition.graph.add(name="g")
    for place, kind in enumerate(types):
        op = graph.op.add(name=kind, type=kind)
        op.output_desc.add()
        if kind == "Assign":
            op.input.extend(["Variable:0", f"{types[place - 1]}:0"])
            op.input_desc.extend([op.output_desc[0]] * 2)
    partition = Partition(PartitionType.MODEL_DEF, Held(encode_message(definition)))
    return lay_out_file(ModelFileHeader(), [[partition]])


@pytest.mark.parametrize("name", BUNDLES)
def test_roles(name: str, tmp_path: Path) -> None:
    kinds, expected = BUNDLES[name]
    path = tmp_path / "m.om"
    write_file(path, lay_out_bundle(0, [model(each) for each in kinds]))
    models = read_bundle(path).models
    assert roles(models) == expected
    found = parts(models)
    assert (found.infer, found.init) == (expected.infer, expected.init)
    assert read_bundle_file(str(path)).init == expected.init
