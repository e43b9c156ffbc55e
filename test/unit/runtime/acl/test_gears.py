# pyright: reportUnknownMemberType=false
"""Models compiled for several sizes, for ranges, and with dimensions that share a name.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from compiler.atc import main as atc

Array = npt.NDArray[Any]
Shape = Sequence[int | str | None]

SELECTOR = "ascend_mbatch_shape_data"
X = np.random.default_rng(0).normal(size=(1, 2, 4, 6)).astype(np.float32)


def info(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model(path: Path, *inputs: Shape) -> onnx.ModelProto:
    """y = MaxPool(Relu(x)) of one image, or y = a + b of two inputs."""
    if len(inputs) == 1:
        nodes = [
            helper.make_node("Relu", ["a"], ["r"], "relu"),
            helper.make_node("MaxPool", ["r"], ["y"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        ]
    else:
        nodes = [helper.make_node("Add", ["a", "b"], ["y"], "sum")]
    given = [info(name, shape) for name, shape in zip("ab", inputs, strict=False)]
    graph = helper.make_graph(nodes, "g", given, [info("y", [None] * len(inputs[0]))])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return made


def expected(reference: ReferenceEvaluator, x: Array) -> list[Any]:
    """What onnx's reference makes of an image."""
    return cast("list[Array]", reference.run(None, {"a": x}))[0].tolist()


def compile_(folder: Path, *options: str) -> str:
    arguments = ["--framework=5", "--soc_version=Ascend910B4", f"--model={folder}/m.onnx"]
    precision = "--precision_mode=must_keep_origin_dtype"
    assert atc([*arguments, precision, f"--output={folder}/m", *options]) == 0
    return f"{folder}/m.om"


def loaded(program: Any, path: str) -> tuple[int, int]:
    """The ids of a model and of its description."""
    mdl = program.acl.mdl
    model_id = program.ok(*mdl.load_from_file(path))
    desc = mdl.create_desc()
    assert mdl.get_desc(desc, model_id) == 0
    return model_id, desc


def run(program: Any, model_id: int, given: int, shape: Sequence[int]) -> Array:
    """The output of a run in a buffer that would hold more."""
    target = program.ok(*program.acl.rt.malloc(4096, 2))
    code = program.acl.mdl.execute(model_id, given, program.dataset((target, 4096)))
    assert code == 0, program.acl.get_recent_err_msg()
    size = int(np.prod(shape))
    return program.from_device(target, 4 * size).reshape(shape)


def test_batch_sizes(program: Any, tmp_path: Path) -> None:
    reference = ReferenceEvaluator(model(tmp_path / "m.onnx", ["n", 2, 4, 6]))
    path = compile_(tmp_path, "--input_shape=a:-1,2,4,6", "--dynamic_batch_size=1,4,2")
    mdl = program.acl.mdl
    model_id, desc = loaded(program, path)
    assert model_id < 2**31  # a model of gears is none of the dynamic ones
    assert mdl.get_dynamic_batch(desc) == ({"batchCount": 3, "batch": [1, 4, 2]}, 0)
    assert mdl.get_dynamic_hw(desc, -1) == ({"hwCount": 0, "hw": []}, 0)
    index = program.ok(*mdl.get_input_index_by_name(desc, SELECTOR))
    assert (index, mdl.get_input_size_by_index(desc, index)) == (1, 4)
    assert mdl.get_input_dims(desc, 0)[0]["dims"] == [-1, 2, 4, 6]
    assert mdl.get_input_size_by_index(desc, 0) == 4 * 48 * 4
    assert mdl.get_output_dims(desc, 0)[0]["dims"] == [4, 2, 2, 3]
    assert mdl.get_output_size_by_index(desc, 0) == 4 * 12 * 4
    x = np.concatenate([X, -X, 2 * X, X])
    given = program.arrays(x, np.zeros(1, np.int32))
    assert run(program, model_id, given, (4, 2, 2, 3)).tolist() == expected(reference, x)
    for batch in (2, 1):
        assert mdl.set_dynamic_batch_size(model_id, given, index, batch) == 0
        dims = program.ok(*mdl.get_cur_output_dims(desc, 0))["dims"]
        assert dims == [batch, 2, 2, 3]
        assert run(program, model_id, given, dims).tolist() == expected(reference, x[:batch])
    assert mdl.set_dynamic_batch_size(model_id, given, index, 3) == 145013
    assert "sizes [1], [4], [2], not for [3]" in program.acl.get_recent_err_msg()
    assert mdl.set_dynamic_batch_size(model_id, given, index, 0) == 100000
    assert mdl.set_dynamic_batch_size(model_id, given, 0, 1) == 100000
    assert mdl.set_dynamic_hw_size(model_id, given, index, 1, 1) == 145013


def test_image_sizes(program: Any, tmp_path: Path) -> None:
    reference = ReferenceEvaluator(model(tmp_path / "m.onnx", [1, 2, "h", "w"]))
    path = compile_(tmp_path, "--input_shape=a:1,2,-1,-1", "--dynamic_image_size=4,6;2,4")
    mdl = program.acl.mdl
    model_id, desc = loaded(program, path)
    assert mdl.get_dynamic_hw(desc, -1) == ({"hwCount": 2, "hw": [[4, 6], [2, 4]]}, 0)
    given = program.arrays(X, np.zeros(2, np.int32))
    assert mdl.set_dynamic_hw_size(model_id, given, 1, 2, 4) == 0
    small = X.reshape(-1)[:16].reshape(1, 2, 2, 4)
    assert run(program, model_id, given, (1, 2, 1, 2)).tolist() == expected(reference, small)
    assert mdl.set_dynamic_hw_size(model_id, given, 1, 4, 4) == 145013
    short = program.dataset((program.to_device(X), X.nbytes), (program.to_device(X), 4))
    assert mdl.set_dynamic_hw_size(model_id, short, 1, 2, 4) == 145012


def test_any_dims(program: Any, tmp_path: Path) -> None:
    model(tmp_path / "m.onnx", [2, "n"], ["k", "n"])
    gears = ["--dynamic_dims=3,1,3;4,2,4", "--input_format=ND"]
    path = compile_(tmp_path, "--input_shape=a:2,-1;b:-1,-1", *gears)
    mdl = program.acl.mdl
    model_id, desc = loaded(program, path)
    assert mdl.get_input_dynamic_gear_count(desc, -1) == (2, 0)
    assert mdl.get_input_dynamic_gear_count(desc, 0) == (0, 100000)
    told = program.ok(*mdl.get_input_dynamic_dims(desc, -1, 2))
    assert [row["dims"] for row in told] == [[2, 3, 1, 3], [2, 4, 2, 4]]
    assert mdl.get_input_dynamic_dims(desc, -1, 1) == ([], 100000)
    a, b = X.reshape(-1)[:8], X.reshape(-1)[8:16]
    given = program.arrays(a, b, np.zeros(3, np.int32))
    assert mdl.set_input_dynamic_dims(model_id, given, 2, told[0]) == 0
    total = a[:6].reshape(2, 3) + b[:3].reshape(1, 3)
    assert run(program, model_id, given, (2, 3)).tolist() == total.tolist()
    wrong = {"name": "", "dimCount": 4, "dims": [2, 3, 2, 4]}
    assert mdl.set_input_dynamic_dims(model_id, given, 2, wrong) == 145013


def test_an_input_that_the_options_leave_out_takes_part(program: Any, tmp_path: Path) -> None:
    model(tmp_path / "m.onnx", ["n", 2], ["n", 2])
    path = compile_(tmp_path, "--input_shape=a:-1,2", "--dynamic_batch_size=1,3")
    model_id, desc = loaded(program, path)
    assert program.acl.mdl.get_output_dims(desc, 0)[0]["dims"] == [3, 2]
    x = X.reshape(-1)[:6]
    given = program.arrays(x, x, np.zeros(1, np.int32))
    assert run(program, model_id, given, (6,)).tolist() == (x + x).tolist()


def test_any_dims_need_every_open_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model(tmp_path / "m.onnx", ["n", 2], ["n", 2])
    arguments = ["--framework=5", "--soc_version=Ascend910B4", f"--model={tmp_path}/m.onnx"]
    gears = ["--input_shape=a:-1,2", "--dynamic_dims=1;3"]
    assert atc([*arguments, f"--output={tmp_path}/m", *gears]) == 255
    words = "(E10001): Value b for parameter --dynamic_dims is invalid. Reason: All dynamic nodes"
    assert words in capsys.readouterr().out


def test_a_model_of_one_size_has_no_gears(program: Any, tmp_path: Path) -> None:
    model(tmp_path / "m.onnx", [1, 2, 4, 6])
    model_id, desc = loaded(program, compile_(tmp_path))
    assert program.acl.mdl.get_dynamic_batch(desc) == ({"batchCount": 0, "batch": []}, 0)
    given = program.arrays(X)
    assert program.acl.mdl.set_dynamic_batch_size(model_id, given, 0, 1) == 100000
    assert "not compiled for several sizes" in program.acl.get_recent_err_msg()


RANGES = [
    ("--input_shape=a:1~2,2,4,6", "size 3 is not 1 to 2"),
    ("--input_shape=1~2,2,4,6", "size 3 is not 1 to 2"),
    ("--input_shape_range=a:[0~2,2,-1,6]", "size 3 is not 0 to 2"),
    ("--input_shape_range=[0~2,2,-1,6]", "size 3 is not 0 to 2"),
    ("--input_shape=a:-1,2,4,6", ""),
    ("--input_shape=a:4~-1,2,4,6", "size 3 is not 4 or more"),
]


@pytest.mark.parametrize(("option", "words"), RANGES)
def test_ranges(option: str, words: str, program: Any, tmp_path: Path) -> None:
    model(tmp_path / "m.onnx", ["n", 2, "h", 6])
    model_id, desc = loaded(program, compile_(tmp_path, option))
    assert model_id >= 2**31
    assert program.acl.mdl.get_input_dims(desc, 0)[0]["dims"][0] == -1
    x = np.concatenate([X, X, X])
    given = program.arrays(x)
    program.describe(given, 0, list(x.shape))
    output = program.dataset((0, 0))
    assert program.acl.mdl.execute(model_id, given, output) == (100000 if words else 0)
    assert words in (program.acl.get_recent_err_msg() or "")


def test_a_named_dimension_has_one_size(program: Any, tmp_path: Path) -> None:
    model(tmp_path / "m.onnx", ["n", "k"], [None, "k"])
    model_id, _ = loaded(program, compile_(tmp_path))
    a, b = np.ones((2, 3), np.float32), np.ones((1, 1), np.float32)
    given = program.arrays(a, b)
    program.describe(given, 0, [2, 3])
    program.describe(given, 1, [1, 1])
    assert program.acl.mdl.execute(model_id, given, program.dataset((0, 0))) == 100000
    words = "the dimension 'k' is 3 in 'a' and 1 in 'b': it must be one size"
    assert words in (program.acl.get_recent_err_msg() or "")
