"""Small offline models, built with the container's own writer, for the tests of the device."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compiler.om.attributes import set_attribute
from compiler.om.buffers import Held
from compiler.om.dtypes import BY_NAME
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef, TensorDescriptor
from compiler.om.inout import InOutInfo
from compiler.om.kernels import Kernel
from compiler.om.task_pb2 import ModelTaskDef, TaskDef
from compiler.om.writer import CompiledModel, pack_bundle, pack_om

Array = npt.NDArray[Any]

BASE, MEMORY, VARIABLES = 2147483648, 1 << 16, 137438953472
WEIGHTS = BASE + MEMORY
NAMES = {
    "float32": "DT_FLOAT",
    "float16": "DT_FLOAT16",
    "int32": "DT_INT32",
    "int64": "DT_INT64",
}


def _fill_desc(desc: TensorDescriptor, dtype: Any, shape: Sequence[int]) -> None:
    desc.dtype = BY_NAME[NAMES[np.dtype(dtype).name]].proto  # pyright: ignore[reportAttributeAccessIssue]
    desc.shape.dim.extend(shape)
    desc.layout = "ND"


def _add_op(
    graph: GraphDef,
    name: str,
    op_type: str,
    inputs: Sequence[str],
    output: tuple[Any, Sequence[int]] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> OpDef:
    """Appends an operator; its input descriptions repeat those of the producers' first outputs."""
    made = {op.name: op for op in graph.op}
    op = graph.op.add(name=name, type=op_type, input=inputs, has_out_attr=True)
    for edge in inputs:
        producer = made.get(edge.rpartition(":")[0])
        if producer is not None:
            op.input_desc.add().CopyFrom(producer.output_desc[0])
    if output is not None:
        _fill_desc(op.output_desc.add(), *output)
    for key, value in (attributes or {}).items():
        set_attribute(op.attr[key], value)
    return op


class StaticBuilder:
    """A static model: every tensor at an address of its own, one task per kernel."""

    def __init__(self, name: str = "model") -> None:
        self.name = name
        self.graph = GraphDef(name=name)
        self.tasks: list[TaskDef] = []
        self.addresses: dict[str, int] = {}
        self.weights = bytearray(512)
        self.variable_size = 0
        self.inout = InOutInfo()
        self.binaries: dict[str, bytes] = {}
        self._next = 0

    def _op(self, name: str, *args: Any, **more: Any) -> OpDef:
        op = _add_op(self.graph, name, *args, **more)
        op.id = len(self.graph.op)
        return op

    def _feature(self, shape: Sequence[int], dtype: Any) -> int:
        at, size = self._next, int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._next += -(-(size + 32) // 512) * 512
        return at

    def data(self, name: str, dtype: Any, shape: Sequence[int]) -> None:
        """An input of the model."""
        index = sum(op.type == "Data" for op in self.graph.op)
        op = self._op(name, "Data", [""], (dtype, shape), {"index": index})
        _fill_desc(op.input_desc.add(), dtype, shape)
        op.output_i.append(self._feature(shape, dtype))
        self.addresses[name] = BASE + op.output_i[0]

    def const(self, name: str, value: Array) -> None:
        """A weight inside the file."""
        op = self._op(name, "Const", [], (value.dtype, value.shape))
        _fill_desc(op.attr["value"].t.desc, value.dtype, value.shape)
        op.attr["value"].t.desc.data_offset = len(self.weights)
        op.attr["value"].t.desc.weight_size = value.nbytes
        op.output_i.append(len(self.weights))
        self.addresses[name] = WEIGHTS + len(self.weights)
        self.weights += value.tobytes()
        self.weights += bytes(-len(self.weights) % 512)

    def variable(self, name: str, dtype: Any, shape: Sequence[int], at: int, **file: Any) -> None:
        """A Variable, or a FileConstant when its file's location, offset and length are given."""
        attributes = {"dtype": BY_NAME[NAMES[np.dtype(dtype).name]], "shape": list(shape), **file}
        kind = "FileConstant" if file else "Variable"
        op = self._op(name, kind, [], (dtype, shape), attributes if file else {})
        op.output_i.append(VARIABLES + at)
        self.addresses[name] = VARIABLES + at

    def kernel(
        self,
        name: str,
        op_type: str,
        inputs: Sequence[str],
        output: tuple[Any, Sequence[int]],
        attributes: Mapping[str, Any] | None = None,
        *,
        stream: int = 0,
        at: int | None = None,
        launches: str = "",
    ) -> None:
        """A node with a task that launches a binary of the file.

        `at` is the address of its output, by default one of its own.
        """
        op = self._op(name, op_type, [f"{x}:0" for x in inputs], output, attributes)
        address = BASE + self._feature(output[1], output[0]) if at is None else at
        self.addresses[name] = address
        arguments = [*(self.addresses[x] for x in inputs), address]
        task = TaskDef(type=0, stream_id=stream)
        task.kernel.context.op_index = op.id
        task.kernel.context.kernel_type = 2
        task.kernel.kernel_name = launches
        task.kernel.args = struct.pack(f"<{len(arguments)}Q", *arguments)
        self.tasks.append(task)

    def record(self, event: int, stream: int) -> None:
        """A task that records an event."""
        self.tasks.append(TaskDef(type=1, event_id=event, stream_id=stream))

    def wait(self, event: int, stream: int) -> None:
        """A task that waits for an event."""
        self.tasks.append(TaskDef(type=2, event_id=event, stream_id=stream))

    def output(self, *names: str) -> None:
        """The NetOutput."""
        op = self._op("Node_Output", "NetOutput", [f"{name}:0" for name in names])
        op.src_name.extend(names)
        op.src_index.extend([0] * len(names))
        for name in names:
            constant = any(made.name == name and made.type == "Const" for made in self.graph.op)
            op.is_input_const.append(constant)
            op.input_i.append(self._offset(name, constant))

    def _offset(self, name: str, constant: bool) -> int:
        """GraphEngine's: from the start of the weights or of feature memory, else an address."""
        address = self.addresses[name]
        if address >= VARIABLES:
            return address
        return address - (WEIGHTS if constant else BASE)

    def pack(self, soc: str = "") -> bytes:
        """The OM file, of a model for a chip where one is named."""
        model = ModelDef(name=self.name, graph=[self.graph])
        set_attribute(model.attr["soc_version"], soc)
        for key, value in {
            "memory_size": MEMORY,
            "task_gen_base_addr": BASE,
            "task_gen_weight_addr": WEIGHTS,
            "task_gen_variable_addr": VARIABLES,
            "variable_size": self.variable_size,
            "weight_size": len(self.weights),
        }.items():
            set_attribute(model.attr[key], value)
        tasks = ModelTaskDef(memory_size=MEMORY, weight_size=len(self.weights), task=self.tasks)
        return pack_om(
            CompiledModel(
                name=self.name,
                model_def=model,
                task_def=tasks,
                weights=Held(bytes(self.weights)),
                tbe_kernels=[Kernel(name, data) for name, data in self.binaries.items()],
                inout=self.inout,
            )
        )


class DynamicBuilder:
    """A dynamic model: graphs without addresses; the first one made is the main graph."""

    def __init__(self, name: str = "model") -> None:
        self.model = ModelDef(name=name)
        self.weights = b""

    def graph(self, name: str) -> GraphDef:
        """Another graph."""
        return self.model.graph.add(name=name)

    def op(self, graph: GraphDef, *args: Any, **more: Any) -> OpDef:
        """A node: name, type, inputs as "producer:output", output (dtype, shape), attributes."""
        return _add_op(graph, *args, **more)

    def pack(self) -> bytes:
        """The OM file."""
        return pack_om(
            CompiledModel(
                name=self.model.name,
                model_def=self.model,
                task_def=ModelTaskDef(version="1"),
                weights=Held(self.weights),
                is_unknown=True,
            )
        )


def update_model(weights: Mapping[str, tuple[Any, Sequence[int], int]]) -> bytes:
    """GraphEngine's update graph: one Data of unknown rank and one If per weight."""
    builder = DynamicBuilder("update")
    root, parent = builder.graph("update"), {"_parent_node_index": 1}
    for index, (const, (dtype, shape, offset)) in enumerate(weights.items()):
        name, unknown = f"{const}_var", (dtype, [-2])
        builder.op(root, f"{name}_data", "Data", [""], unknown, {"index": index})
        owner = builder.op(root, f"{name}_if", "If", [f"{name}_data:0"] * 2)
        owner.subgraph_name.extend([f"{name}_then_graph", f"{name}_else_graph"])
        then = builder.graph(f"{name}_then_graph")
        variable = builder.op(then, name, "Variable", [], (dtype, shape))
        variable.output_i.append(VARIABLES + offset)
        builder.op(then, f"{name}_then_data", "Data", [""], unknown, parent)
        edges = [f"{name}:0", f"{name}_then_data:0"]
        builder.op(then, f"{name}_then_assign", "Assign", edges, unknown)
        otherwise = builder.graph(f"{name}_else_graph")
        builder.op(otherwise, f"{name}_else_data", "Data", [""], unknown, parent)
    builder.op(root, "Node_Output", "NetOutput", [])
    return builder.pack()


@pytest.fixture
def dynamic_builder() -> Callable[..., DynamicBuilder]:
    """Makes builders of dynamic models."""
    return DynamicBuilder


@pytest.fixture
def static_builder() -> Callable[..., StaticBuilder]:
    """Makes builders of static models."""
    return StaticBuilder


@pytest.fixture
def large_update_bundle() -> bytes:
    """A bundle of an update of 1000 weights of one element."""
    count = 1000
    update = update_model({f"w{i}": (np.float32, [1], 512 * i) for i in range(count)})
    return pack_bundle(512 * count, [Held(update)])


@pytest.fixture
def add_om() -> bytes:
    """y = relu(a + b) over [2, 3] float32."""
    builder = StaticBuilder("add")
    builder.data("a", np.float32, [2, 3])
    builder.data("b", np.float32, [2, 3])
    builder.kernel("sum", "Add", ["a", "b"], (np.float32, [2, 3]))
    builder.kernel("relu", "Relu", ["sum"], (np.float32, [2, 3]))
    builder.output("relu")
    return builder.pack()


def _refreshable(kind: str, values: Mapping[str, Array]) -> bytes:
    """y = x · w0 + w1, with w0 and w1 in variables; kind `infer`, or `init` that sets them."""
    builder = StaticBuilder(kind)
    offsets = {"w0": 0, "w1": 1536}
    if kind == "infer":
        builder.data("x", np.float32, [2, 3])
    for name, value in values.items():
        builder.variable(f"{name}_var", value.dtype, value.shape, offsets[name])
        if kind == "init":
            builder.const(name, value)
            builder.kernel(
                f"{name}_assign", "Assign", [f"{name}_var", name],
                (value.dtype, value.shape), at=builder.addresses[f"{name}_var"],
            )  # fmt: skip
    if kind == "infer":
        builder.kernel("product", "MatMulV2", ["x", "w0_var"], (np.float32, [2, 4]))
        builder.kernel("y", "Add", ["product", "w1_var"], (np.float32, [2, 4]))
        builder.output("y")
    return builder.pack()


@pytest.fixture
def refresh_weights() -> dict[str, Array]:
    """The compile-time weights of `refresh_bundle`."""
    w0 = np.arange(12, dtype=np.float32).reshape(3, 4)
    return {"w0": w0, "w1": np.array([1, 2, 3, 4], np.float32)}


@pytest.fixture
def refresh_bundle(refresh_weights: dict[str, Array]) -> bytes:
    """A bundle of infer (y = x · w0 + w1), init and update."""
    update = update_model({"w0": (np.float32, [3, 4], 0), "w1": (np.float32, [4], 1536)})
    infer, init = (_refreshable(kind, refresh_weights) for kind in ("infer", "init"))
    return pack_bundle(1536 * 2, [Held(infer), Held(init), Held(update)])


@pytest.fixture
def scalar_bundle() -> bytes:
    """A bundle of infer (y = x + s, s a scalar variable) and update."""
    builder = StaticBuilder("infer")
    builder.data("x", np.float32, [2])
    builder.variable("s_var", np.float32, [], 0)
    builder.kernel("y", "Add", ["x", "s_var"], (np.float32, [2]))
    builder.output("y")
    update = update_model({"s": (np.float32, [], 0)})
    return pack_bundle(1536, [Held(builder.pack()), Held(update)])
