"""One om.model as the container library writes it: messages, kernels, weights, summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.kernels.symbols import launched_kernels
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Blob, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.formats import format_number
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.kernels import Kernel, encode_kernels
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.weights import WeightPlan, place_weights
from compiler.om.writer import CompiledModel
from compiler.sizes import byte_size, dtype_of
from compiler.targets.om.descriptors import dims_of
from compiler.targets.om.gears import shape_range, with_gears
from compiler.targets.om.operators import add_graph, weight_offset
from compiler.targets.om.tasks import task_list
from compiler.targets.om.values import set_all
from compiler.targets.text import text_of
from dialects.ge import ConstOp, GraphOp
from dialects.om import BinaryOp, KernelTaskOp, ModelOp
from dialects.types import AnyTensor


def compiled_model(model: ModelOp, kernels: Mapping[str, Operation]) -> CompiledModel:
    """Everything that goes into the file of a model; its weights are read when it is written.

    UserError for a model that was read from a file with more in it than we write.
    """
    if model.omits:
        more = ", ".join(name.data for name in model.omits)
        raise UserError(
            f"om.model '{model.label}' comes from a file that also has {more}: it can be read and "
            "simulated, not written again"
        )
    binaries = [Kernel(name, _binary(name, kernels)) for name in _kernel_names(model)]
    tasks = task_list(model)
    weights = _weights(model)
    return CompiledModel(
        name=model.label,
        model_def=_model_def(model, tasks, weights, binaries),
        task_def=tasks,
        weights=weights,
        tbe_kernels=binaries,
        inout=_interface(model),
        om_ir_version=model.ir_version.value.data,
        platform_version=model.platform.data,
        is_unknown=model.dynamic is not None,
    )


def _kernel_names(model: ModelOp) -> list[str]:
    """The kernels the model came with, then those its tasks launch, each once."""
    own = (op.sym_name.data for op in model.body.block.ops if isinstance(op, BinaryOp))
    return list(dict.fromkeys((*own, *launched_kernels(model))))


def _binary(name: str, kernels: Mapping[str, Operation]) -> bytes:
    """A kernel's binary: for the simulated device that is its text."""
    op = kernels.get(name)
    if op is None:
        raise UserError(f"kernel '{name}' is launched, but the module does not have it")
    if isinstance(op, BinaryOp):
        return joined_bytes(weight_of(op.value).chunks())
    return text_of(op).encode()


def _model_def(
    model: ModelOp, tasks: ModelTaskDef, weights: Blob, kernels: Sequence[Kernel]
) -> ModelDef:
    message = ModelDef(
        name=model.label,
        version=model.ir_version.value.data,
        custom_version=model.platform.data,
    )
    set_all(message.attr, model.attributes)
    names = [t.node.data for t in model.tasks if isinstance(t, KernelTaskOp)]
    if names:
        set_attribute(message.attr["task_index_op_name"], names)
    sizes = [weights.length, len(encode_kernels(kernels)), 0, len(encode_message(tasks)), 0]
    set_attribute(message.attr["om_info_list"], sizes)
    for graph in model.graphs:
        add_graph(message, graph)
    return message


def _weights(model: ModelOp) -> Blob:
    nodes = [n for g in model.graphs for n in g.all_nodes if isinstance(n, ConstOp)]
    offsets = tuple(weight_offset(node) for node in nodes)
    plan = WeightPlan(offsets, model.integer("weight_size"))
    return place_weights(plan, [weight_of(node.value) for node in nodes])


def _interface(model: ModelOp) -> InOutInfo:
    """The summary of inputs and outputs that is read without parsing the graph."""
    graph = model.graphs[0]
    inputs = (
        replace(_tensor(data.label, data.results[0]), shape_ranges=shape_range(data))
        for data in graph.inputs
    )
    outputs = graph.output.operands if graph.output else ()
    names = _output_names(model, graph)
    info = InOutInfo(
        tuple(inputs), tuple(_tensor(n, v) for n, v in zip(names, outputs, strict=False))
    )
    return with_gears(info, graph)


def _output_names(model: ModelOp, graph: GraphOp) -> list[str]:
    names = model.attributes.get("attr_model_out_nodes_name")
    count = len(graph.output.operands) if graph.output else 0
    if isa(names, ArrayAttr[StringAttr]) and len(names) == count:
        return [name.data for name in names]
    return [f"output_{i}" for i in range(count)]


def _tensor(name: str, value: SSAValue) -> TensorInfo:
    dims = dims_of(value.type)
    dtype = dtype_of(cast(AnyTensor, value.type).element_type)
    layout = format_number("NCHW" if len(dims) == 4 else "ND")
    return TensorInfo(name, byte_size(value), layout, dtype.cpp, dims, dims)
