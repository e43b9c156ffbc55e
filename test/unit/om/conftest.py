"""A small model to write, break and read again, and the files other tools made or read."""

import importlib.util
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.buffers import Held
from compiler.om.ge_ir_pb2 import DT_FLOAT, GraphDef, ModelDef, OpDef, TensorDescriptor
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.kernels import Kernel
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.weights import Constant, place_weights, plan_weights
from compiler.om.writer import CompiledModel, pack_om

ROOT = Path(__file__).resolve().parents[3]

WEIGHT = bytes(range(48))
BIAS = bytes(range(100, 112))


@pytest.fixture
def root_model() -> Path:
    """A small OM file written by GraphEngine itself."""
    path = ROOT.parent / "shared" / "data" / "om" / "root_model.om"
    if not path.exists():
        pytest.skip("the sample file of GraphEngine is not here")
    return path


@pytest.fixture
def netron_dump() -> Callable[[Path], dict[str, Any]]:
    """Netron's reading of a file."""
    spec = importlib.util.spec_from_file_location("netron_dump", ROOT / "tools/netron_dump.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        module.find_netron()
        module.find_node()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return module.netron_dump


@pytest.fixture
def static_model() -> CompiledModel:
    """x·W + b: two constants, four other operators, one kernel."""
    constants = [Constant(len(data), sha256(data).digest()) for data in (WEIGHT, BIAS)]
    plan = plan_weights(constants)
    model = ModelDef(name="net", version=2, custom_version="1.0")
    model.graph.append(_graph(plan.offsets))
    for name, value in {"memory_size": 2560, "weight_size": plan.total}.items():
        set_attribute(model.attr[name], value)
    return CompiledModel(
        name="net",
        model_def=model,
        task_def=ModelTaskDef(memory_size=2560, weight_size=plan.total),
        weights=place_weights(plan, [Held(WEIGHT), Held(BIAS)]),
        tbe_kernels=[Kernel("matmul_kernel", b"\x7fELF" + bytes(60))],
        inout=InOutInfo(
            inputs=(TensorInfo("x", 32, 2, 0, (2, 4), (2, 4)),),
            outputs=(TensorInfo("output_0_add_0", 24, 2, 0, (2, 3), (2, 3)),),
        ),
        platform_version="1.0",
    )


@pytest.fixture
def static_om(static_model: CompiledModel) -> bytes:
    """The file of `static_model`."""
    return pack_om(static_model)


def _graph(offsets: tuple[int, ...]) -> GraphDef:
    graph = GraphDef(name="net", input=["x:0"], output=["add:0"])
    _op(graph, "x", "Data", [""], [[2, 4]], [2, 4], index=0)
    for name, data, shape, at in (("w", WEIGHT, [4, 3], 0), ("b", BIAS, [3], 1)):
        value = _op(graph, name, "Const", [], [], shape).attr["value"].t.desc
        value.CopyFrom(_desc(shape))
        value.weight_size, value.data_offset = len(data), offsets[at]
    _op(graph, "mm", "MatMulV2", ["x:0", "w:0"], [[2, 4], [4, 3]], [2, 3], transpose_x1=False)
    _op(graph, "add", "Add", ["mm:0", "b:0"], [[2, 3], [3]], [2, 3], scales=[0.5, 2.0])
    out = _op(graph, "out", "NetOutput", ["add:0"], [[2, 3]], None)
    out.src_name.append("add")
    out.src_index.append(0)
    return graph


def _op(
    graph: GraphDef,
    name: str,
    type_: str,
    inputs: list[str],
    input_shapes: list[list[int]],
    output_shape: list[int] | None,
    **attributes: Any,
) -> OpDef:
    op = graph.op.add(name=name, type=type_, id=len(graph.op), has_out_attr=True, input=inputs)
    op.input_desc.extend(map(_desc, input_shapes))
    if output_shape is not None:
        op.output_desc.append(_desc(output_shape))
    keys = tuple(f"x{i}" for i in range(len(inputs)))
    bookkeeping = {"_input_name_key": TypedList(ListKind.NONE, keys)} if keys else {}
    for key, value in (attributes | bookkeeping).items():
        set_attribute(op.attr[key], value)
    return op


def _desc(shape: list[int]) -> TensorDescriptor:
    desc = TensorDescriptor(dtype=DT_FLOAT, layout="ND", device_type="NPU")
    desc.shape.dim.extend(shape)
    attributes = {"origin_format": "ND", "origin_format_for_int": 2, "format_for_int": 2}
    for key, value in (attributes | {"origin_shape": shape}).items():
        set_attribute(desc.attr[key], value)
    return desc
