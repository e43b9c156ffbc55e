"""Writing models: partition order, header, limits, and what reading gives back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compiler.om.buffers import Buffer, Held, joined_bytes
from compiler.om.errors import OMError, Status
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef
from compiler.om.header import unpack_header
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.writer import CompiledModel, check_size, lay_out_model, pack_om


class Endless:
    """Announces a length no test could write."""

    length = 5 << 32

    def chunks(self) -> Iterator[Buffer]:
        raise AssertionError("nobody asked for the bytes")


def test_partitions_in_graphengines_order(static_model: CompiledModel) -> None:
    model = replace(static_model, cust_aicpu_kernels=static_model.tbe_kernels)
    root = read_model(pack_om(model)).root
    assert [entry.type for entry in root.table] == [8, 0, 1, 3, 4, 2]
    ends = [entry.offset + entry.size for entry in root.table]
    assert [entry.offset for entry in root.table] == [0, *ends[:-1]]


def test_empty_partitions_are_left_out() -> None:
    model = ModelDef(graph=[GraphDef(name="g")])
    task = ModelTaskDef(version="1")
    least = CompiledModel(name="m", model_def=model, task_def=task, weights=Held(b""))
    assert [entry.type for entry in read_model(pack_om(least)).root.table] == [0, 2]


def test_all_of_it_comes_back(static_model: CompiledModel) -> None:
    om = read_model(pack_om(static_model))
    assert om.root.model_def == static_model.model_def
    assert om.root.task_def == static_model.task_def
    assert om.root.inout == static_model.inout
    assert list(om.root.tbe_kernels) == static_model.tbe_kernels
    assert static_model.weights is not None
    assert om.root.weights == joined_bytes(static_model.weights.chunks())


def test_header(static_model: CompiledModel) -> None:
    data = pack_om(replace(static_model, name="模" * 11, is_unknown=True))
    header = unpack_header(data)
    assert header.name == ("模" * 11).encode()[:31] and header.model_num == 1
    assert (header.om_ir_version, header.platform_version) == (2, b"1.0")
    assert (header.platform_type, header.is_unknow_model) == (1, 1)
    assert (header.length, header.model_length) == (0, len(data) - 256)


def test_a_platform_version_of_full_length(static_model: CompiledModel) -> None:
    data = pack_om(replace(static_model, platform_version="x" * 19))
    assert data[160:180] == b"x" * 19 + b"\0"


def test_the_same_bytes_again(static_model: CompiledModel, tmp_path: Path) -> None:
    write_file(tmp_path / "a.om", lay_out_model(static_model))
    assert (tmp_path / "a.om").read_bytes() == pack_om(static_model) == pack_om(static_model)


def test_laying_out_reads_no_weights(static_model: CompiledModel) -> None:
    blob = lay_out_model(replace(static_model, weights=Endless()))
    assert blob.length > 5 << 32


@pytest.mark.parametrize(
    ("change", "status", "what"),
    [
        ({"platform_version": "x" * 20}, Status.MEMORY_ALLOCATION, "room for 19 bytes"),
        ({"task_def": ModelTaskDef()}, Status.FAILED, "the task list has no field set"),
    ],
)
def test_what_cannot_be_a_model(
    change: dict[str, Any], status: Status, what: str, static_model: CompiledModel
) -> None:
    with pytest.raises(OMError, match=f"^model 'net': .*{what}") as error:
        pack_om(replace(static_model, **change))
    assert error.value.code == status


@pytest.mark.parametrize("type_", PartitionType)
def test_size_limits(type_: PartitionType) -> None:
    big = {PartitionType.WEIGHTS_DATA, PartitionType.TBE_KERNELS, PartitionType.CUST_AICPU_KERNELS}
    message = {PartitionType.MODEL_DEF, PartitionType.TASK_INFO}
    limit = 1 << 63 if type_ in big else (1 << 31) - 1 if type_ in message else (1 << 32) - 1
    check_size("net", type_, limit)
    if type_ not in big:
        with pytest.raises(OMError, match=f"{type_.name} of {limit + 1} bytes") as error:
            check_size("net", type_, limit + 1)
        assert error.value.code == Status.PARAM_INVALID
