# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
"""Loading and saving models costs no memory for their weights, and has protobuf's limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.errors import UserError
from compiler.frontends.onnx.models import load_model, save_model


def test_more_than_two_gigabytes(out: Path):
    """The weights are holes in a file: nobody reads them, or this would take minutes."""
    sizes = {"a": 1 << 30, "b": (1 << 30) + 512}
    proto = helper.make_model(helper.make_graph([], "g", [], []))
    for name, size in sizes.items():
        tensor = proto.graph.initializer.add(name=name, dims=[size], data_type=TensorProto.UINT8)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=name)
        with open(out / name, "wb") as file:
            file.truncate(size)
    (out / "m.onnx").write_bytes(proto.SerializeToString())
    model = load_model(out / "m.onnx")
    with pytest.raises(UserError, match=r"w\.onnx would have 21474\d+ bytes, protobuf reads"):
        save_model(model, out / "w.onnx")
    assert {path.name for path in out.iterdir()} == {"a", "b", "m.onnx"}


def test_memory_does_not_grow_with_the_weights(out: Path):
    """Peak resident memory of a process of its own, in kibibytes."""
    code = (
        "import re, sys\n"
        "from compiler.frontends.onnx.models import load_model, save_model\n"
        "save_model(load_model(sys.argv[1]), sys.argv[2], save_as_external_data=True)\n"
        "save_model(load_model(sys.argv[2]), sys.argv[3])\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    peaks: list[int] = []
    for megabytes in (1, 96):
        tensors = [numpy_helper.from_array(np.zeros(megabytes << 18, np.float32), "w")]
        folder = out / str(megabytes)
        folder.mkdir()
        onnx.save(helper.make_model(helper.make_graph([], "g", [], [], tensors)), folder / "m.onnx")
        paths = [str(folder / name) for name in ("m.onnx", "outside.onnx", "inside.onnx")]
        run = subprocess.run(
            [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True
        )
        peaks.append(int(run.stdout))
        assert (folder / "inside.onnx").stat().st_size == (folder / "m.onnx").stat().st_size
    assert peaks[1] - peaks[0] < 32 * 1024
