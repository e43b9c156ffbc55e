# pyright: reportUnknownMemberType=false
"""A writer that is killed at any moment leaves nothing that looks finished and is not.

ASCEND_OPT_KILLS says how often to kill; `make test-kill` does it 200 times.
(onnx's helpers take values of any type, which strict typing does not know.)
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp

from compiler.context import context
from compiler.frontends.onnx import import_model
from compiler.om.contract import LENGTH_NAME, LOCATION_NAME, OFFSET_NAME
from compiler.om.model_reader import read_model
from compiler.pipelines import OfflinePass
from compiler.targets.om import OMTarget

KILLS = int(os.environ.get("ASCEND_OPT_KILLS", "10"))
COUNT, SIZE = 8, 1 << 18


def compiled(folder: Path, value: int, mode: int) -> ModuleOp:
    """A model of some weights that are others for each value, ready to be written."""
    shape = [SIZE // 4]
    tensors = [
        numpy_helper.from_array(np.full(shape, value + 10 * i, np.float32), f"w{i}")
        for i in range(COUNT)
    ]
    x, y = (helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in "xy")
    names = ["x", *(f"h{i}" for i in range(1, COUNT)), "y"]
    nodes = [
        helper.make_node("Add" if i % 2 else "Mul", [names[i], f"w{i}"], [names[i + 1]])
        for i in range(COUNT)
    ]
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    path = folder / f"{value}.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    module = import_model(str(path))
    ctx = context()
    OfflinePass(
        precision="must_keep_origin_dtype",
        external_weight=mode,  # pyright: ignore[reportArgumentType]
        model="m",
    ).apply(ctx, module)
    return module


def write(module: ModuleOp, out: Path) -> None:
    OMTarget(output=str(out / "m")).emit(context(), module, io.StringIO())


def killed(modules: list[ModuleOp], out: Path, moment: float) -> None:
    """Kill a process that writes one model after the other, some time after it began."""
    child = os.fork()
    if child == 0:
        try:
            while True:
                for module in modules:
                    write(module, out)
        finally:
            os._exit(1)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer has failed"


def text_of(data: bytes) -> str:
    return "".join(f"{byte:x}" for byte in hashlib.sha256(data).digest())


def check(out: Path) -> None:
    """What is visible is whole: weight files as their names say, a model with its weights."""
    for path in out.glob("weight/*"):
        if path.name.startswith("weight_"):
            assert text_of(path.read_bytes()) == path.name.removeprefix("weight_")
    for path in out.glob("*.om"):
        nodes = read_model(path).root.model_def.graph[0].op
        external = [op.attr for op in nodes if op.type == "FileConstant"]
        assert len(external) == COUNT
        for attr in external:
            data = (out / "weight" / attr[LOCATION_NAME].s.decode()).read_bytes()
            start = attr[OFFSET_NAME].i
            part = data[start : start + attr[LENGTH_NAME].i]
            assert text_of(part) == attr["_value_sha256"].s.decode()


@pytest.mark.parametrize("mode", [1, 2])
def test_killed(mode: int, tmp_path: Path) -> None:
    modules = [compiled(tmp_path, value, mode) for value in (1, 2)]
    out = tmp_path / "out"
    start = time.perf_counter()
    for module in modules:
        write(module, out)
    once = time.perf_counter() - start
    dice = random.Random(mode)
    for number in range(KILLS // 2):
        if mode == 1:  # else the second round has nothing to write
            for path in (out / "m.om", *out.glob("weight/weight_*")):
                path.unlink(missing_ok=True)
        killed(modules, out, dice.uniform(0, 2 * once))
        check(out)
        if number % 5 == 4:
            write(modules[0], out)
            check(out)
            left = [p for p in out.rglob("*") if p.name.startswith(".om-")]
            assert not left and (out / "m.om").exists()
