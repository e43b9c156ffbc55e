"""`acl.mdl`: loading, describing and running models and bundles, with their return codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]

A = np.array([[1, -2, 3], [4, 5, -6]], np.float32)
B = np.ones((2, 3), np.float32)


@pytest.fixture
def om(tmp_path: Path, add_om: bytes) -> str:
    """The file of y = relu(a + b)."""
    path = tmp_path / "add.om"
    path.write_bytes(add_om)
    return str(path)


@pytest.fixture
def bundle(tmp_path: Path, refresh_bundle: bytes) -> str:
    """The file of the refreshable y = x · w0 + w1."""
    path = tmp_path / "bundle.om"
    path.write_bytes(refresh_bundle)
    return str(path)


def test_load_describe_execute_unload(program: Any, om: str) -> None:
    acl = program.acl
    model = program.ok(*acl.mdl.load_from_file(om))
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model) == 0
    assert (acl.mdl.get_num_inputs(desc), acl.mdl.get_num_outputs(desc)) == (2, 1)
    assert acl.mdl.get_input_size_by_index(desc, 1) == 24
    assert acl.mdl.get_input_size_by_index(desc, 2) == 0
    assert acl.mdl.get_input_name_by_index(desc, 0) == "a"
    assert acl.mdl.get_input_index_by_name(desc, "b") == (1, 0)
    assert acl.mdl.get_input_index_by_name(desc, "ascend_mbatch_shape_data") == (0, 100000)
    assert acl.mdl.get_output_dims(desc, 0) == (
        {"name": "output_0_relu_0", "dimCount": 2, "dims": [2, 3]}, 0
    )  # fmt: skip
    assert acl.mdl.get_cur_output_dims(desc, 0) == acl.mdl.get_output_dims(desc, 0)
    assert acl.mdl.get_output_dims(desc, 1) == ({}, 100000)
    assert acl.mdl.get_output_data_type(desc, 0) == 0
    target = program.ok(*acl.rt.malloc(24, 2))
    assert acl.mdl.execute(model, program.arrays(A, B), program.dataset((target, 24))) == 0
    assert program.from_device(target, 24).tolist() == np.maximum(A + B, 0).reshape(-1).tolist()
    assert acl.mdl.unload(model) == 0
    assert acl.mdl.unload(model) == 145003
    assert acl.mdl.get_desc(desc, model) == 145003
    assert acl.mdl.destroy_desc(desc) == 0


def test_loading_from_memory(program: Any, add_om: bytes) -> None:
    acl = program.acl
    pointer = acl.util.bytes_to_ptr(add_om)
    assert acl.mdl.load_from_mem(0, 1000) == (0, 100000)
    assert acl.mdl.load_from_mem(pointer, 255) == (0, 100000)
    assert acl.mdl.load_from_mem(pointer, len(add_om)) == (1, 0)
    work, weights = program.ok(*acl.mdl.query_size_from_mem(pointer, len(add_om)))
    assert (work, weights) == (65536, 512)
    memory = program.ok(*acl.rt.malloc(work, 0))
    small = acl.mdl.load_from_mem_with_mem(pointer, len(add_om), memory, work - 1, 0, 0)
    assert small == (0, 145000)
    model = program.ok(*acl.mdl.load_from_mem_with_mem(
        pointer, len(add_om), memory, work, 0, 0
    ))  # fmt: skip
    target = program.ok(*acl.rt.malloc(24, 2))
    assert acl.mdl.execute(model, program.arrays(A, B), program.dataset((target, 24))) == 0
    assert program.from_device(target, 24)[0] == 2


def test_loading_with_a_configuration(program: Any, om: str) -> None:
    acl = program.acl
    config = acl.mdl.create_config_handle()
    assert acl.mdl.load_with_config(config) == (0, 100000)
    assert acl.mdl.set_config_opt(config, 1, 1) == 0
    assert acl.mdl.load_with_config(config) == (0, 100000)
    assert acl.mdl.set_config_opt(config, 2, om) == 0
    assert acl.mdl.load_with_config(config) == (1, 0)
    assert acl.mdl.set_config_opt(config, 14, acl.util.bytes_to_ptr(b"weight\0")) == 0
    assert acl.mdl.load_with_config(config) == (0, 100000)
    assert acl.mdl.set_config_opt(config, 28, 1) == 100000
    with pytest.raises(TypeError):
        acl.mdl.set_config_opt(config, 2, 7)
    assert acl.mdl.destroy_config_handle(config) == 0


def test_weight_folder_of_a_model_from_memory(
    program: Any, tmp_path: Path, static_builder: Callable[..., Any]
) -> None:
    acl, builder = program.acl, static_builder()
    builder.variable_size = 1536
    builder.data("x", np.float32, [4])
    builder.variable("w", np.float32, [4], 0, location="weight_w", offset=0, length=16)
    builder.kernel("y", "Add", ["x", "w"], (np.float32, [4]))
    builder.output("y")
    data, folder = builder.pack(), str(tmp_path).encode() + b"\0"
    (tmp_path / "weight_w").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    config = acl.mdl.create_config_handle()
    pointer = acl.util.bytes_to_ptr(data)
    for option, value in ((1, 3), (3, pointer), (4, len(data))):
        assert acl.mdl.set_config_opt(config, option, value) == 0
    assert acl.mdl.load_with_config(config) == (0, 500002)
    assert "weight_w" in acl.get_recent_err_msg()
    assert acl.mdl.set_config_opt(config, 14, acl.util.bytes_to_ptr(folder)) == 0
    assert acl.mdl.load_with_config(config) == (1, 0)


def test_files_that_do_not_load(
    program: Any, tmp_path: Path, om: str, bundle: str, add_om: bytes
) -> None:
    acl = program.acl
    cut, noise = tmp_path / "cut.om", tmp_path / "noise.om"
    cut.write_bytes(add_om[:-1])
    noise.write_bytes(b"\x55" * 4096)
    assert acl.mdl.load_from_file(str(tmp_path / "none.om")) == (0, 145002)
    assert acl.mdl.load_from_file(str(cut)) == (0, 145000)
    assert str(cut) in acl.get_recent_err_msg()
    assert acl.mdl.load_from_file(str(noise)) == (0, 145000)
    assert acl.mdl.load_from_file(bundle) == (0, 500002)
    assert acl.mdl.bundle_load_from_file(om) == (0, 100000)
    assert acl.mdl.bundle_load_from_file(str(tmp_path / "none.om")) == (0, 145002)


def test_datasets(program: Any) -> None:
    acl = program.acl
    dataset, buffer = acl.mdl.create_dataset(), acl.create_data_buffer(0, 0)
    assert acl.mdl.add_dataset_buffer(dataset, 0) == (0, 100000)
    assert acl.mdl.add_dataset_buffer(dataset, buffer) == (dataset, 0)
    assert acl.mdl.get_dataset_num_buffers(dataset) == 1
    assert acl.mdl.get_dataset_num_buffers(0) == 0
    assert acl.mdl.get_dataset_buffer(dataset, 0) == buffer
    assert acl.mdl.get_dataset_buffer(dataset, 1) == 0
    desc = acl.create_tensor_desc(0, [4], 2)
    assert acl.mdl.set_dataset_tensor_desc(dataset, desc, 1) == (0, 100000)
    assert acl.mdl.set_dataset_tensor_desc(dataset, desc, 0) == (dataset, 0)
    acl.destroy_tensor_desc(desc)
    copy = acl.mdl.get_dataset_tensor_desc(dataset, 0)
    assert acl.get_tensor_desc_dim_v2(copy, 0) == (4, 0)
    assert acl.mdl.set_dataset_tensor_desc(dataset, 0, 0) == (dataset, 0)
    assert acl.mdl.get_dataset_tensor_desc(dataset, 0) == 0
    assert acl.mdl.destroy_dataset(dataset) == 0
    assert acl.mdl.destroy_dataset(dataset) == 100000
    assert acl.destroy_data_buffer(buffer) == 0


def test_what_execute_refuses(program: Any, om: str) -> None:
    acl = program.acl
    model = program.ok(*acl.mdl.load_from_file(om))
    target = program.ok(*acl.rt.malloc(24, 2))
    a, b = program.to_device(A), program.to_device(B)
    good, out = program.dataset((a, 24), (b, 24)), program.dataset((target, 24))
    assert acl.mdl.execute(model, 0, out) == 100000
    assert acl.mdl.execute(model, good, 0) == 100000
    assert acl.mdl.execute(99, good, out) == 145003
    assert acl.mdl.execute(model, program.dataset((a, 24)), out) == 500002
    assert acl.mdl.execute(model, good, program.dataset()) == 500002
    assert acl.mdl.execute(model, program.dataset((a, 24), (0, 0)), out) == 100000
    # Buffers may be declared smaller than they are, within the padding of an allocation.
    assert acl.mdl.execute(model, program.dataset((a, 1), (b, 24)), out) == 0
    assert acl.mdl.execute(model, program.dataset((a, 240), (b, 24)), out) == 0
    assert acl.rt.free(b) == 0
    assert acl.mdl.execute(model, good, out) == 107000


def test_buffers_smaller_than_the_tensor(
    program: Any, tmp_path: Path, static_builder: Callable[..., Any]
) -> None:
    acl, builder = program.acl, static_builder()
    builder.data("x", np.float32, [32])
    builder.kernel("y", "Relu", ["x"], (np.float32, [32]))
    builder.output("y")
    (tmp_path / "relu.om").write_bytes(builder.pack())
    model = program.ok(*acl.mdl.load_from_file(str(tmp_path / "relu.om")))
    x, y = (program.to_device(np.zeros(32, np.float32)) for _ in range(2))
    full, within, short = ((128, 0), (64, 0), (63, 145000))
    for size, code in (full, within, short):
        assert acl.mdl.execute(model, program.dataset((x, size)), program.dataset((y, 128))) == code
        assert acl.mdl.execute(model, program.dataset((x, 128)), program.dataset((y, size))) == code


def test_asynchronous_execution_follows_its_stream(program: Any, om: str) -> None:
    acl = program.acl
    model = program.ok(*acl.mdl.load_from_file(om))
    stream = program.ok(*acl.rt.create_stream())
    a, b, target = (program.to_device(np.zeros((2, 3), np.float32)) for _ in range(3))
    ones = np.ones((2, 3), np.float32).tobytes()
    inputs, outputs = program.dataset((a, 24), (b, 24)), program.dataset((target, 24))
    assert acl.rt.memcpy_async(a, 24, acl.util.bytes_to_ptr(ones), 24, 1, stream) == 0
    assert acl.mdl.execute_async(model, inputs, outputs, stream) == 0
    assert acl.rt.memcpy_async(a, 24, target, 24, 3, stream) == 0
    assert acl.mdl.execute_async(model, inputs, outputs, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert program.from_device(target, 24).tolist() == [1] * 6


def test_errors_of_asynchronous_execution_come_with_the_synchronisation(
    program: Any, bundle: str
) -> None:
    acl = program.acl
    infer = program.ok(*acl.mdl.bundle_get_model_id(
        program.ok(*acl.mdl.bundle_load_from_file(bundle)), 0
    ))  # fmt: skip
    target = program.ok(*acl.rt.malloc(32, 2))
    inputs, outputs = program.arrays(A), program.dataset((target, 32))
    assert acl.mdl.execute_async(infer, inputs, outputs, 0) == 0
    assert acl.rt.synchronize_stream(0) == 500002
    assert "w0_var, w1_var were never written" in acl.get_recent_err_msg()
    assert acl.rt.synchronize_stream(0) == 0


def test_weight_update_program(
    program: Any, bundle: str, refresh_weights: dict[str, Array]
) -> None:
    acl, w0, w1 = program.acl, refresh_weights["w0"], refresh_weights["w1"]
    bundle_id = program.ok(*acl.mdl.bundle_load_from_file(bundle))
    assert acl.mdl.bundle_get_model_num(bundle_id) == (3, 0)
    infer, init, update = (program.ok(*acl.mdl.bundle_get_model_id(bundle_id, i)) for i in range(3))
    target = program.ok(*acl.rt.malloc(32, 2))
    inputs, outputs = program.arrays(A), program.dataset((target, 32))
    assert acl.mdl.execute(infer, inputs, outputs) == 500002
    assert acl.mdl.execute(init, program.dataset(), program.dataset()) == 0
    assert acl.mdl.execute(infer, inputs, outputs) == 0
    np.testing.assert_array_equal(program.from_device(target, 32).reshape(2, 4), A @ w0 + w1)
    weights = program.arrays(w0, w1 * 2)
    program.describe(weights, 0, [0])
    program.describe(weights, 1, [4])
    assert acl.mdl.execute(update, weights, program.dataset()) == 0
    assert acl.mdl.execute(infer, inputs, outputs) == 0
    np.testing.assert_array_equal(program.from_device(target, 32).reshape(2, 4), A @ w0 + w1 * 2)
    # The published sample ends with the wrong call.
    assert acl.mdl.unload(bundle_id) == 145003
    assert acl.mdl.unload(infer) == 100000
    assert acl.mdl.execute(infer, inputs, outputs) == 0
    assert acl.mdl.bundle_unload(bundle_id) == 0
    assert acl.mdl.bundle_unload(bundle_id) == 148053
    assert acl.mdl.bundle_get_model_num(bundle_id) == (0, 148053)
    assert acl.mdl.execute(infer, inputs, outputs) == 145003


def test_outputs_of_a_dynamic_model_are_described(
    program: Any, dynamic_builder: Callable[..., Any]
) -> None:
    acl, builder = program.acl, dynamic_builder()
    root = builder.graph("main")
    builder.op(root, "x", "Data", [""], (np.float32, [-1, 3]), {"index": 0})
    builder.op(root, "y", "Relu", ["x:0"], (np.float32, [-1, 3]))
    builder.op(root, "out", "NetOutput", ["y:0"])
    data = builder.pack()
    model = program.ok(*acl.mdl.load_from_mem(acl.util.bytes_to_ptr(data), len(data)))
    assert model >= 0x80000000
    inputs, outputs = program.arrays(A), program.dataset((0, 0))
    assert acl.mdl.execute(model, inputs, outputs) == 500002
    assert "input 0 'x' has no tensor description" in acl.get_recent_err_msg()
    program.describe(inputs, 0, [2, 3])
    assert acl.mdl.execute(model, inputs, outputs) == 0
    desc = acl.mdl.get_dataset_tensor_desc(outputs, 0)
    assert acl.get_tensor_desc_num_dims(desc) == 2
    assert acl.get_tensor_desc_size(desc) == 24
    buffer = acl.mdl.get_dataset_buffer(outputs, 0)
    address = acl.get_data_buffer_addr(buffer)
    assert acl.get_data_buffer_size(buffer) == 24
    assert program.from_device(address, 24).tolist() == np.maximum(A, 0).reshape(-1).tolist()
    assert acl.rt.free(address) == 0
    assert acl.update_data_buffer(buffer, 0, 0) == 0
    program.describe(inputs, 0, [1, 3])
    assert acl.mdl.execute(model, inputs, outputs) == 0
    assert acl.get_tensor_desc_size(acl.mdl.get_dataset_tensor_desc(outputs, 0)) == 12


def test_what_the_update_model_says_of_itself(program: Any, bundle: str) -> None:
    acl = program.acl
    bundle_id = program.ok(*acl.mdl.bundle_load_from_file(bundle))
    assert acl.mdl.bundle_get_model_id(bundle_id, 3) == (0, 100000)
    assert acl.mdl.bundle_get_model_id(bundle_id + 1, 0) == (0, 148053)
    update = program.ok(*acl.mdl.bundle_get_model_id(bundle_id, 2))
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, update) == 0
    assert (acl.mdl.get_num_inputs(desc), acl.mdl.get_num_outputs(desc)) == (2, 0)
    assert acl.mdl.get_input_dims(desc, 1) == (
        {"name": "w1_var_data", "dimCount": 1, "dims": [-2]}, 0
    )  # fmt: skip
    assert acl.mdl.get_input_size_by_index(desc, 1) == 0
    assert acl.mdl.get_cur_output_dims(desc, 0) == ({}, 200001)


def test_what_the_update_model_refuses(
    program: Any, bundle: str, refresh_weights: dict[str, Array]
) -> None:
    acl, w0, w1 = program.acl, refresh_weights["w0"], refresh_weights["w1"]
    bundle_id = program.ok(*acl.mdl.bundle_load_from_file(bundle))
    update = program.ok(*acl.mdl.bundle_get_model_id(bundle_id, 2))
    weights, none = program.arrays(w0, w1), program.dataset()
    assert acl.mdl.execute(update, program.arrays(w0), none) == 100000
    assert acl.mdl.execute(update, weights, program.arrays(w0)) == 100000
    assert acl.mdl.execute(update, weights, none) == 500002
    assert "update of w0_var (input 0): no tensor description" in acl.get_recent_err_msg()
    program.describe(weights, 0, [3, 4], dtype=1)
    program.describe(weights, 1, [4])
    assert acl.mdl.execute(update, weights, none) == 500002
    assert "update of w0_var (input 0): data type 1" in acl.get_recent_err_msg()
    program.describe(weights, 0, [3, 4])
    assert acl.mdl.execute(update, weights, none) == 0
