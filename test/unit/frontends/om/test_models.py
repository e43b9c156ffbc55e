"""What an om.model keeps of a file, and what it says when it cannot keep all."""

from __future__ import annotations

import io
from pathlib import Path

from compiler.cli import main
from compiler.context import context
from compiler.frontends.om import import_om
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.kernels import Kernel
from compiler.om.model_reader import read_model
from compiler.om.offline_model import SubModel
from compiler.om.task_pb2 import ModelTaskDef, TaskDef
from compiler.om.tasks import KernelLaunch
from compiler.om.writer import CompiledModel, lay_out_model
from compiler.targets.om import OMTarget
from dialects.om import KernelTaskOp, ModelOp, RawTaskOp

PLAIN = KernelLaunch(1, "te_relu", "TE", 0, 2, (1 << 31, (1 << 31) + 512)).encode(0)


def om(path: Path, *tasks: TaskDef, tbe: list[Kernel] | None = None, cpu: bool = False) -> Path:
    model = ModelDef(name="net")
    graph = model.graph.add(name="net")
    graph.op.add(name="x", type="Data", id=0).output_desc.add(dtype=1)
    relu = graph.op.add(name="r", type="Relu", id=1, input=["x:0"])
    relu.input_desc.add(dtype=1)
    relu.output_desc.add(dtype=1)
    compiled = CompiledModel(
        name="net",
        model_def=model,
        task_def=ModelTaskDef(version="v", task=tasks),
        tbe_kernels=tbe or (),
        cust_aicpu_kernels=[Kernel("mine", b"code")] if cpu else (),
    )
    write_file(path, lay_out_model(compiled))
    return path


def model_of(path: Path) -> ModelOp:
    (model,) = import_om(str(path)).body.block.ops
    assert isinstance(model, ModelOp)
    return model


def rewritten(path: Path) -> SubModel:
    target = OMTarget(str(path.with_name("again")))
    target.emit(context(), import_om(str(path)), io.StringIO())
    return read_model(path.with_name("again.om")).root


def test_a_plain_launch_is_a_kernel_task(tmp_path: Path):
    path = om(tmp_path / "m.om", PLAIN, tbe=[Kernel("te_relu", b"code")])
    (task,) = model_of(path).tasks
    assert isinstance(task, KernelTaskOp)
    assert task.kernel.data == "te_relu"
    assert rewritten(path).task_def == read_model(path).root.task_def


def test_a_launch_of_a_kernel_that_is_elsewhere_keeps_its_bytes(tmp_path: Path):
    path = om(tmp_path / "m.om", PLAIN)
    (task,) = model_of(path).tasks
    assert isinstance(task, RawTaskOp)
    assert list(rewritten(path).task_def.task) == [PLAIN]


def test_a_launch_that_says_more_keeps_all_its_bytes(tmp_path: Path):
    rich = TaskDef()
    rich.CopyFrom(PLAIN)
    rich.kernel.so_name = "libcpu_kernels.so"
    rich.kernel.kernel_ext_info = b"\x01\x02"
    path = om(tmp_path / "m.om", rich)
    (task,) = model_of(path).tasks
    assert isinstance(task, RawTaskOp)
    assert list(rewritten(path).task_def.task) == [rich]


def test_an_event_that_says_more_keeps_all_its_bytes(tmp_path: Path):
    rich = TaskDef(id=0, type=1, stream_id=0, event_id=3)
    rich.event_ex.event_type = 2
    path = om(tmp_path / "m.om", rich)
    assert list(rewritten(path).task_def.task) == [rich]


def test_kernels_that_no_plain_task_launches_are_kept(tmp_path: Path):
    path = om(tmp_path / "m.om", tbe=[Kernel("b", b"second"), Kernel("a", b"first")])
    stored = [(kernel.name, bytes(kernel.binary)) for kernel in rewritten(path).tbe_kernels]
    assert stored == [("b", b"second"), ("a", b"first")]


def test_partitions_that_we_do_not_write_are_kept(tmp_path: Path):
    path = om(tmp_path / "m.om", cpu=True)
    (kept,) = model_of(path).kept
    assert kept.kind.data == "CUST_AICPU_KERNELS"
    assert main([str(path), "-t", f'om{{output="{tmp_path / "n"}"}}']) == 0
    (kernel,) = read_model(tmp_path / "n.om").root.cust_aicpu_kernels
    assert (kernel.name, bytes(kernel.binary)) == ("mine", b"code")
