"""Data types, against numpy's widths, Netron's names and GraphEngine's file."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from compiler.om.dtypes import BY_CPP, BY_MLIR, BY_NAME, BY_PROTO, DTYPES, proto_name
from compiler.om.formats import format_number
from compiler.om.ge_ir_pb2 import DataType
from compiler.om.model_reader import read_model

NETRON_NAMES = {
    "f32": "float32",
    "f16": "float16",
    "f64": "float64",
    "bf16": "bfloat16",
    "i1": "boolean",
    "complex<f32>": "complex<float32>",
    "complex<f64>": "complex<float64>",
}
NUMPY_TYPES = {
    "f32": np.float32, "f16": np.float16, "f64": np.float64, "bf16": ml_dtypes.bfloat16,
    "f8E5M2": ml_dtypes.float8_e5m2, "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E8M0FNU": ml_dtypes.float8_e8m0fnu, "f6E3M2FN": ml_dtypes.float6_e3m2fn,
    "f6E2M3FN": ml_dtypes.float6_e2m3fn, "f4E2M1FN": ml_dtypes.float4_e2m1fn,
    "i4": ml_dtypes.int4, "i2": ml_dtypes.int2, "ui2": ml_dtypes.uint2,
    "i8": np.int8, "ui8": np.uint8, "i16": np.int16, "ui16": np.uint16,
    "i32": np.int32, "ui32": np.uint32, "i64": np.int64, "ui64": np.uint64,
}  # fmt: skip


def test_the_tables_lose_nothing() -> None:
    for table in (BY_NAME, BY_PROTO, BY_CPP):
        assert len(table) == len(DTYPES)
    assert len(BY_MLIR) == sum(dtype.mlir is not None for dtype in DTYPES)


def test_proto_numbers_are_those_of_the_schema() -> None:
    assert {dtype.name: dtype.proto for dtype in DTYPES} == dict(DataType.items())


def test_a_number_that_nobody_knows_has_a_name() -> None:
    assert (proto_name(1), proto_name(99)) == ("DT_FLOAT", "dtype 99")


def test_cpp_numbers_leave_out_five() -> None:
    assert sorted(BY_CPP) == [number for number in range(43) if number != 5]


@pytest.mark.parametrize(("mlir", "type_"), NUMPY_TYPES.items())
def test_widths(mlir: str, type_: type) -> None:
    info: Any = ml_dtypes.finfo if "f" in mlir else ml_dtypes.iinfo
    assert BY_MLIR[mlir].bits == info(type_).bits


def test_widths_of_the_others() -> None:
    assert [BY_MLIR[name].bits for name in ("i1", "ui1", "complex<f16>")] == [8, 1, 32]
    assert [BY_NAME[f"DT_{name}"].bits for name in ("DUAL", "STRING")] == [40, None]


def test_bytes_of_a_tensor_are_rounded_up() -> None:
    assert BY_MLIR["i4"].nbytes(5) == 3
    assert BY_MLIR["bf16"].nbytes(5) == 10
    assert BY_NAME["DT_STRING"].nbytes(5) is None


def test_netron_names_the_proto_numbers_alike() -> None:
    spec = find_spec("netron")
    if spec is None or spec.origin is None:
        pytest.skip("netron is not installed")
    source = (Path(spec.origin).parent / "om.js").read_text(encoding="utf-8")
    table = re.search(r"Utility\._types \|\| \[(.*?)\]", source, re.DOTALL)
    assert table is not None
    for number, name in enumerate(re.findall(r"'([^']*)'", table[1])):
        mlir = BY_PROTO[number].mlir
        if mlir is not None:
            integer = mlir.replace("ui", "uint") if "u" in mlir else mlir.replace("i", "int")
            assert name == NETRON_NAMES.get(mlir, integer)


def test_graphengines_file_uses_both_numberings(root_model: Path) -> None:
    root = read_model(root_model).root
    data = next(op for op in root.model_def.graph[0].op if op.type == "Data")
    assert BY_PROTO[data.input_desc[0].dtype].cpp == root.inout.inputs[0].dtype
    assert format_number(data.input_desc[0].layout) == root.inout.inputs[0].format
