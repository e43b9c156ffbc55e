"""Initialisation, finalisation, messages, data buffers and tensor descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_init_and_finalize_count(acl: Any) -> None:
    assert acl.init() == 0
    assert acl.init() == 100002
    assert acl.finalize_reference() == (1, 0)
    assert acl.finalize_reference() == (0, 0)
    assert acl.finalize_reference() == (0, 100037)
    assert acl.finalize() == 100037
    assert acl.init("") == 0
    assert acl.finalize() == 0
    assert acl.finalize() == 100037


def test_first_finalize_needs_no_init(acl: Any) -> None:
    assert acl.finalize() == 0
    assert acl.finalize() == 100037


def test_configuration_files(acl: Any, tmp_path: Path) -> None:
    good, other, bad = (tmp_path / name for name in ("good.json", "other.json", "bad.json"))
    good.write_text("{}")
    other.write_text('{"dump": {}}')
    bad.write_text("{")
    assert acl.init(str(tmp_path / "none.json")) == 100003
    assert acl.init(str(bad)) == 100006
    assert acl.init(str(good)) == 0
    assert acl.finalize() == 0
    assert acl.init(str(other)) == 100000
    assert acl.init(str(good)) == 0


def test_messages_are_read_once(acl: Any) -> None:
    assert acl.get_recent_err_msg() is None
    assert acl.rt.set_device(7) == 107001
    assert "acl.rt.set_device: there is no device 7" in acl.get_recent_err_msg()
    assert acl.get_recent_err_msg() is None


def test_data_buffers(acl: Any) -> None:
    buffer = acl.create_data_buffer(0x1000, (1 << 32) + 8)
    assert buffer
    assert acl.get_data_buffer_addr(buffer) == 0x1000
    assert acl.get_data_buffer_size(buffer) == 8
    assert acl.get_data_buffer_size_v2(buffer) == (1 << 32) + 8
    assert acl.update_data_buffer(buffer, 0x2000, 4) == 0
    assert acl.get_data_buffer_addr(buffer) == 0x2000
    assert acl.update_data_buffer(0, 0, 0) == 100000
    assert acl.get_data_buffer_addr(0) == 0
    assert acl.destroy_data_buffer(buffer) == 0
    assert acl.destroy_data_buffer(buffer) == 100000
    assert acl.destroy_data_buffer(0) == 100000
    assert acl.create_data_buffer(0, 0)


@pytest.mark.parametrize(
    ("dims", "count", "number"),
    [([], 1, 0), ([2, 3], 6, 2), ([0], 0, 1), ([-1, 3], 0, 2), ([-2], 0, 0xFFFFFFFFFFFFFFFE)],
)
def test_tensor_descriptions(acl: Any, dims: list[int], count: int, number: int) -> None:
    desc = acl.create_tensor_desc(1, dims, 2)
    assert acl.get_tensor_desc_element_count(desc) == count
    assert acl.get_tensor_desc_size(desc) == 2 * count
    assert acl.get_tensor_desc_num_dims(desc) == number
    assert (acl.get_tensor_desc_type(desc), acl.get_tensor_desc_format(desc)) == (1, 2)
    assert [acl.get_tensor_desc_dim_v2(desc, i) for i in range(len(dims))] == [
        (dim, 0) for dim in dims
    ]
    assert acl.get_tensor_desc_dim_v2(desc, len(dims)) == (0, 100000)
    assert acl.destroy_tensor_desc(desc) is None
    assert acl.get_tensor_desc_type(desc) == -1


def test_a_handle_of_another_kind_is_refused(acl: Any) -> None:
    dataset = acl.mdl.create_dataset()
    assert acl.destroy_data_buffer(dataset) == 100000
    assert "is a dataset, not a live data buffer" in acl.get_recent_err_msg()


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (0, 4),
        (1, 2),
        (9, 8),
        (12, 1),
        (27, 2),
        (29, 1),
        (30, 1),
        (38, 8),
        (16, 8),
        (13, 0),
        (-1, 0),
    ],
)
def test_data_type_sizes(acl: Any, dtype: int, size: int) -> None:
    assert acl.data_type_size(dtype) == size


def test_float16_conversions(acl: Any) -> None:
    assert acl.float_to_float16(1.5) == 0x3E00
    assert acl.float16_to_float(0x3E00) == 1.5
    assert acl.float_to_float16(1e6) == 0x7C00
