"""Offline models that the container lets through: the IR holds them, or one line says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from compiler.errors import UserError
from compiler.frontends.om import import_om
from compiler.om.attributes import set_attribute
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import DT_FLOAT, ModelDef, OpDef
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.kernels import Kernel
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.tasks import KernelLaunch
from compiler.om.writer import CompiledModel, lay_out_model
from compiler.targets.text import text_of


def model() -> ModelDef:
    """x → If, which calls the graph `then`, beside a constant of eight bytes in the graph."""
    made = ModelDef(name="net")
    graph = made.graph.add(name="main")
    graph.op.add(name="x", type="Data").output_desc.add(dtype=DT_FLOAT)
    graph.op.add(name="if", type="If", input=["x:0"], subgraph_name=["then"])
    graph.op[1].input_desc.add(dtype=DT_FLOAT)
    constant = graph.op.add(name="c", type="Const")
    constant.output_desc.add(dtype=DT_FLOAT).shape.dim.append(2)
    constant.attr["value"].t.desc.CopyFrom(constant.output_desc[0])
    constant.attr["value"].t.data = bytes(8)
    made.graph.add(name="then").op.add(name="y", type="Data").output_desc.add(dtype=DT_FLOAT)
    return made


def compiled(definition: ModelDef, *kernels: Kernel) -> CompiledModel:
    tasks = ModelTaskDef(version="v")
    return CompiledModel(name="net", model_def=definition, task_def=tasks, tbe_kernels=kernels)


def refusal(path: Path, definition: ModelDef) -> str:
    write_file(path, lay_out_model(compiled(definition)))
    with pytest.raises(UserError) as refused:
        import_om(str(path))
    return str(refused.value)


def constant(definition: ModelDef) -> OpDef:
    return definition.graph[0].op[2]


def call_again(definition: ModelDef) -> None:
    definition.graph[0].op.add(name="other", type="If", subgraph_name=["then"])


def call_themselves(definition: ModelDef) -> None:
    for name, called in (("a", "b"), ("b", "a")):
        graph = definition.graph.add(name=name)
        graph.op.add(name=f"calls {called}", type="If", subgraph_name=[called])


def nest(definition: ModelDef) -> None:
    for level in range(100):
        graph = definition.graph.add(name=f"g{level}")
        graph.op.add(name="if", type="If", subgraph_name=[f"g{level + 1}"])
    definition.graph.add(name="g100")


def be_elsewhere(definition: ModelDef) -> None:
    constant(definition).type = "FileConstant"
    constant(definition).attr["location"].s = b"\xff"


def be_negative(definition: ModelDef) -> None:
    set_attribute(definition.attr["memory_size"], -5)


def lose_a_graph(definition: ModelDef) -> None:
    definition.graph.pop()


def repeat_a_graph(definition: ModelDef) -> None:
    definition.graph.add(name="then")


def hold_too_many_bytes(definition: ModelDef) -> None:
    constant(definition).attr["value"].t.data = bytes(9)


def be_of_no_type(definition: ModelDef) -> None:
    definition.graph[0].op[0].output_desc[0].dtype = 99  # pyright: ignore[reportAttributeAccessIssue]


READ = [
    be_negative,
    lose_a_graph,
    repeat_a_graph,
    call_again,
    call_themselves,
    hold_too_many_bytes,
    be_elsewhere,
    be_of_no_type,
]


@pytest.mark.parametrize("change", READ)
def test_what_is_odd_is_read_and_printed(change: Callable[[ModelDef], object], tmp_path: Path):
    definition = model()
    change(definition)
    write_file(tmp_path / "m.om", lay_out_model(compiled(definition)))
    module = import_om(str(tmp_path / "m.om"))
    module.verify()
    assert 'ge.graph "main"' in text_of(module)


def test_graphs_that_are_nested_too_deep(tmp_path: Path):
    definition = model()
    nest(definition)
    said = refusal(tmp_path / "m.om", definition)
    assert said.startswith(f"{tmp_path}/m.om: ")
    assert "nested more than 64 deep" in said


def test_addresses_in_the_upper_half(tmp_path: Path):
    launch = KernelLaunch(0, "k", "TE", 0, 1, (2**64 - 8, 2**63))
    tasks = ModelTaskDef(version="v", task=[launch.encode(0)])
    made = replace(compiled(model(), Kernel("k", b"code")), task_def=tasks)
    write_file(tmp_path / "m.om", lay_out_model(made))
    import_om(str(tmp_path / "m.om")).verify()


@pytest.mark.parametrize("kind", ["_input_name_key", "_input_name_value"])
def test_bookkeeping_that_is_no_list(kind: str, tmp_path: Path):
    definition = model()
    set_attribute(definition.graph[0].op[1].attr[kind], 5)
    write_file(tmp_path / "m.om", lay_out_model(compiled(definition)))
    import_om(str(tmp_path / "m.om")).verify()


def test_a_name_is_not_obeyed_by_the_terminal(tmp_path: Path):
    definition = model()
    definition.graph[0].op[1].input[0] = "\x1b[2J:0"
    assert "\\x1b[2J:0" in refusal(tmp_path / "m.om", definition)


def test_a_tensor_that_no_summary_can_hold(tmp_path: Path):
    definition = model()
    definition.graph[0].op[0].output_desc[0].shape.dim.extend([1 << 40, 1 << 40])
    summary = InOutInfo(inputs=(TensorInfo("x", 4, 2, 0, (1,), (1,)),))
    write_file(tmp_path / "m.om", lay_out_model(replace(compiled(definition), inout=summary)))
    import_om(str(tmp_path / "m.om")).verify()
