"""What is in an OM file, as plain data: the content of `om list --json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from compiler.inspection.constants import Constant, constants
from compiler.inspection.opened import OpenedFile, Part, Table
from compiler.om.attributes import get_attribute
from compiler.om.dtypes import BY_CPP, DType
from compiler.om.formats import format_name
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef
from compiler.om.gears import gears_of
from compiler.om.header import ModelFileHeader, unpack_header
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.kernels import Kernel
from compiler.om.offline_model import SubModel
from compiler.om.partitions import partition_name

Data = dict[str, Any]

LONGEST = 60
"""Characters of a value that are shown."""


def summary(file: OpenedFile) -> Data:
    """Everything a list shows. OMError where a message of the file does not parse."""
    head: Data = {"file": str(file.path), "bytes": len(file.data), "kind": file.kind}
    if file.bundle is not None:
        head["var_size"] = file.bundle.var_size
    return head | {"models": [_part(file, part) for part in file.parts]}


def _part(file: OpenedFile, part: Part) -> Data:
    return {
        "label": part.label,
        "start": part.start,
        "bytes": len(part.data),
        "tables": [_table(table) for table in file.tables(part)],
        "header": _header(unpack_header(part.data)),
    }


def _header(header: ModelFileHeader) -> Data:
    """The fields that are not zero."""
    values = {field.name: getattr(header, field.name) for field in fields(header)}
    return {name: _text_or_number(value) for name, value in values.items() if value}


def _text_or_number(value: bytes | int) -> str | int:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else int(value)


def _table(table: Table) -> Data:
    inside = table.model
    model = inside.model_def
    ops = [op for graph in model.graph for op in graph.op]
    return {
        "name": model.name,
        "partitions": [
            {
                "type": partition_name(entry.type),
                "start": table.file_bytes(place).offset,
                "bytes": entry.size,
            }
            for place, entry in enumerate(inside.table)
        ],
        "attributes": _attributes(model),
        **_interface(inside.inout),
        "graphs": [{"name": graph.name, "operators": len(graph.op)} for graph in model.graph],
        "operators": dict(Counter(op.type for op in ops).most_common()),
        "constants": [_constant(constant) for constant in constants(table)],
        "tasks": _tasks(inside),
        "kernels": _kernels(inside.tbe_kernels),
        "cust_aicpu_kernels": _kernels(inside.cust_aicpu_kernels),
    }


def _attributes(model: ModelDef) -> Data:
    return {name: value_of(model.attr[name]) for name in sorted(model.attr)}


def value_of(attribute: AttrDef) -> Any:
    """An attribute as JSON has it: long texts cut, what is no number, text or list described."""
    value = get_attribute(attribute)
    match value:
        case bool() | int() | float():
            return value
        case str():
            return value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)})"
        case DType():
            return value.name
        case bytes():
            return f"{len(value)} bytes"
        case list() | tuple():
            return [item.name if isinstance(item, DType) else item for item in value]
        case _:
            return f"{attribute.WhichOneof('value')} of {attribute.ByteSize()} bytes"


def _interface(info: InOutInfo) -> Data:
    gears = gears_of(info)
    found: Data = {
        "inputs": [_tensor(tensor) for tensor in info.inputs],
        "outputs": [_tensor(tensor) for tensor in info.outputs],
    }
    return found if gears is None else found | {"gears": asdict(gears)}


def _tensor(tensor: TensorInfo) -> Data:
    dtype = BY_CPP[tensor.dtype].name if tensor.dtype in BY_CPP else f"dtype {tensor.dtype}"
    found: Data = {
        "name": tensor.name,
        "dtype": dtype,
        "shape": list(tensor.dims),
        "format": format_name(tensor.format),
        "bytes": tensor.size,
    }
    return found | ({"ranges": tensor.shape_ranges} if tensor.shape_ranges else {})


def _constant(constant: Constant) -> Data:
    found: Data = {
        "name": constant.name,
        "graph": constant.graph,
        "dtype": constant.dtype,
        "shape": list(constant.shape),
        "bytes": constant.length,
        "place": constant.place,
        "offset": constant.offset,
    }
    told = {"file": constant.file and str(constant.file), "sha256": constant.digest}
    return found | {key: value for key, value in told.items() if value}


def _tasks(table: SubModel) -> Data:
    tasks = table.task_def.task
    return {
        "count": len(tasks),
        "streams": len({task.stream_id for task in tasks}),
        "types": {str(kind): n for kind, n in Counter(task.type for task in tasks).items()},
    }


def _kernels(kernels: Iterable[Kernel]) -> list[Data]:
    return [{"name": k.name, "bytes": memoryview(k.binary).nbytes} for k in kernels]
