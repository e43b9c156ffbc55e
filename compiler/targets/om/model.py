"""One om.model as the container library writes it: messages, kernels, weights, summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.kernels.symbols import launched_kernels
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Blob, Held, joined_bytes
from compiler.om.compress import compress_attributes
from compiler.om.contract import LISTED_NAME, LISTED_SIZES
from compiler.om.encode import encode_message
from compiler.om.formats import format_number
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.inout import InOutInfo, TensorInfo, encode_inout
from compiler.om.kernels import Kernel, encode_kernels
from compiler.om.partitions import PartitionType, partition_number
from compiler.om.weights import WeightPlan, place_weights
from compiler.om.writer import Partition, check_size, lay_out_file, model_header
from compiler.sizes import dtype_of
from compiler.targets.om.descriptors import dims_of, stated_size
from compiler.targets.om.fields import restore_fields
from compiler.targets.om.gears import shape_range, with_gears
from compiler.targets.om.kept import (
    TRAILING,
    check_kept,
    constants_inside,
    header_fields,
    partition_order,
    sort_graphs,
)
from compiler.targets.om.operators import add_graph, weight_offset
from compiler.targets.om.tasks import task_list
from compiler.targets.om.values import set_all
from compiler.targets.text import text_of
from dialects.ge import GraphOp
from dialects.om import BinaryOp, KernelTaskOp, ModelOp
from dialects.types import AnyTensor


def lay_out(model: ModelOp, kernels: Mapping[str, Operation], *, compress: bool = False) -> Blob:
    """The file of a model; its weights are read when it is written.

    With `compress`, attributes are coded by a dictionary, as GraphEngine does by default.
    UserError for a model that was read from a file with more in it than we can write.
    """
    models = [model, *model.submodels]
    for each in models:
        if each.omits:
            more = ", ".join(name.data for name in each.omits)
            raise UserError(
                f"om.model '{each.label}' comes from a file that also has {more}: it can be read "
                "and simulated, not written again"
            )
    tables = [Partitions(each, kernels, compress=compress).in_order() for each in models]
    trailing = [op.value for op in model.kept if op.kind.data == TRAILING]
    return lay_out_file(header_of(model), tables, weight_of(trailing[0]) if trailing else None)


def header_of(model: ModelOp) -> ModelFileHeader:
    """The header of a model's file, without its length. OMError for a platform too long for it."""
    told = header_fields(model.header)
    platform = "" if "platform_version" in told else model.platform.data
    return replace(usual_header(model, platform), **told)


def usual_header(model: ModelOp, platform: str) -> ModelFileHeader:
    """The header of a model that was read from no file, or from one of ours."""
    return model_header(
        model.label,
        model.ir_version.value.data,
        platform,
        is_unknown=model.dynamic is not None,
        model_num=1 + len(model.submodels),
    )


class Partitions:
    """The partitions of a model: made from the IR, or kept as they were in the file it is from."""

    def __init__(self, model: ModelOp, kernels: Mapping[str, Operation], *, compress: bool = False):
        self.model = model
        self.compress = compress
        self.kernels = {**kernels, **{op.sym_name.data: op for op in _binaries(model)}}
        self.tasks = task_list(model)
        self.bodies: dict[str, list[Blob]] = {}
        for op in model.kept:
            if op.kind.data != TRAILING:
                self.bodies.setdefault(op.kind.data, []).append(weight_of(op.value))

    def in_order(self) -> list[Partition]:
        """The partitions as the file has them. UserError for one that cannot be made."""
        check_kept(self.model)
        model_def = self.model_def()
        self.bodies[PartitionType.MODEL_DEF.name] = [Held(encode_message(model_def))]
        for kind, bodies in self.bodies.items():
            check_size(self.model.label, partition_number(kind), bodies[0].length)
        rest = {kind: iter(bodies) for kind, bodies in self.bodies.items()}
        order = partition_order(self.model, self._filled())
        found = [(kind, next(rest.get(kind, iter(())), None)) for kind in order]
        return [Partition(partition_number(kind), body) for kind, body in found if body]

    def _filled(self) -> list[str]:
        return [kind for kind, bodies in self.bodies.items() for body in bodies if body.length]

    def _make_others(self) -> None:
        for kind, make in (
            (PartitionType.MODEL_INOUT_INFO, self.summary),
            (PartitionType.WEIGHTS_DATA, self.weights),
            (PartitionType.TBE_KERNELS, self.tbe_kernels),
            (PartitionType.TASK_INFO, lambda: Held(encode_message(self.tasks))),
        ):
            if kind.name not in self.bodies:
                self.bodies[kind.name] = [make()]

    def summary(self) -> Blob:
        """MODEL_INOUT_INFO."""
        return Held(encode_inout(_interface(self.model)))

    def weights(self) -> Blob:
        """WEIGHTS_DATA."""
        return _weights(self.model)

    def tbe_kernels(self) -> Blob:
        """TBE_KERNELS: the kernels the model came with, then those its tasks launch."""
        own = (op.sym_name.data for op in _binaries(self.model))
        names = dict.fromkeys((*own, *launched_kernels(self.model)))
        return Held(encode_kernels([Kernel(name, self._binary(name)) for name in names]))

    def _binary(self, name: str) -> bytes:
        """A kernel's binary: for the simulated device that is its text."""
        op = self.kernels.get(name)
        if op is None:
            raise UserError(f"kernel '{name}' is launched, but the module does not have it")
        if isinstance(op, BinaryOp):
            return joined_bytes(weight_of(op.value).chunks())
        return text_of(op).encode()

    def model_def(self) -> ModelDef:
        """MODEL_DEF, which repeats the sizes of the other partitions."""
        self._make_others()
        model = self.model
        message = ModelDef(
            name=model.label,
            version=model.ir_version.value.data,
            custom_version=model.platform.data,
        )
        set_all(message.attr, model.attributes)
        names = [t.node.data for t in model.tasks if isinstance(t, KernelTaskOp)]
        if names:
            set_attribute(message.attr["task_index_op_name"], names)
        bodies = (self.bodies.get(kind.name) for kind in LISTED_SIZES)
        set_attribute(message.attr[LISTED_NAME], [b[0].length if b else 0 for b in bodies])
        for graph in model.graphs:
            add_graph(message, graph)
        sort_graphs(message, model)
        restore_fields(message, model.fields)
        if self.compress:
            compress_attributes(message)
        return message


def _binaries(model: ModelOp) -> list[BinaryOp]:
    return [op for op in model.body.block.ops if isinstance(op, BinaryOp)]


def _weights(model: ModelOp) -> Blob:
    nodes = constants_inside(model)
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
    return TensorInfo(name, stated_size(value), layout, dtype.cpp, dims, dims)
