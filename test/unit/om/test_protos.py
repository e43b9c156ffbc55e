"""The message schemas: the checked-in Python says what the `.proto` files do, as does Netron."""

import re
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from compiler.om import ffts_pb2, ffts_plus_pb2, ge_ir_pb2, task_pb2

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "compiler" / "om"

# How Netron's schema copy reads each kind of field.
READERS = {
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_ENUM: "int32",
}


def compile_proto(name: str, output: Path) -> FileDescriptorProto:
    if find_spec("grpc_tools") is None:
        pytest.skip("protoc is not installed")
    protoc: Any = import_module("grpc_tools.protoc")
    assert protoc.main(["protoc", f"-I{ROOT}", f"-o{output}", name]) == 0
    (proto,) = FileDescriptorSet.FromString(output.read_bytes()).file
    return proto


def drop_json_names(messages: Iterable[DescriptorProto]) -> None:
    for message in messages:
        for field in message.field:
            field.ClearField("json_name")
        drop_json_names(message.nested_type)


@pytest.mark.parametrize("module", [ffts_pb2, ffts_plus_pb2, ge_ir_pb2, task_pb2])
def test_generated_code_is_current(module: Any, tmp_path: Path) -> None:
    proto = compile_proto(module.DESCRIPTOR.name, tmp_path / "descriptors")
    drop_json_names(proto.message_type)
    ours = FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(ours)
    assert ours == proto


def test_every_proto_has_its_module() -> None:
    protos = {path.stem for path in FOLDER.glob("*.proto")}
    assert protos == {path.stem.removesuffix("_pb2") for path in FOLDER.glob("*_pb2.py")}
    assert protos == {path.stem.removesuffix("_pb2") for path in FOLDER.glob("*_pb2.pyi")}


def test_generated_code_takes_any_runtime() -> None:
    pinned = [path for path in FOLDER.glob("*_pb2.py") if "runtime_version" in path.read_text()]
    assert pinned == []


def netron_schema() -> str:
    spec = find_spec("netron")
    if spec is None or spec.origin is None:
        pytest.skip("netron is not installed")
    return (Path(spec.origin).parent / "om-proto.js").read_text(encoding="utf-8")


def netron_fields(schema: str, name: str) -> dict[int, tuple[str, str]]:
    """Number to name and rest of the reading statement, as Netron decodes the message."""
    body = re.search(
        rf"^ge\.proto\.{re.escape(name)} = class .*?static decode\((.*?)return message", schema,
        re.DOTALL | re.MULTILINE,
    )  # fmt: skip
    assert body is not None, name
    cases = re.findall(r"case (\d+):\s+(?:message\.|reader\.\w+\(message\.)(\w+)(.*)", body[1])
    return {int(number): (field, statement) for number, field, statement in cases}


MESSAGES = [
    "AttrDef", "AttrDef.ListValue", "AttrDef.ListListInt", "AttrDef.ListListInt.ListInt",
    "AttrDef.ListListFloat", "AttrDef.ListListFloat.ListFloat", "NamedAttrs", "ShapeDef",
    "TensorDescriptor", "TensorDef", "OpDef", "GraphDef", "ModelDef",
]  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_netron_reads_the_same_fields(name: str) -> None:
    message: Descriptor = ge_ir_pb2.DESCRIPTOR.message_types_by_name[name.split(".", maxsplit=1)[0]]
    for part in name.split(".")[1:]:
        message = message.nested_types_by_name[part]
    theirs = netron_fields(netron_schema(), name)
    assert theirs
    for number, (field_name, statement) in theirs.items():
        field = message.fields_by_number[number]
        assert field.name == field_name
        if field.message_type is None:
            assert READERS[field.type] in statement
        elif not field.message_type.GetOptions().map_entry:
            assert (
                f"ge.proto.{field.message_type.full_name.removeprefix('ge.proto.')}." in statement
            )
