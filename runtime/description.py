"""What a model takes and gives: names, dims, sizes, formats and data types of its tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from compiler.om.attributes import TypedList, get_attribute
from compiler.om.dtypes import BY_CPP, BY_PROTO
from compiler.om.formats import NUMBERS, format_number
from compiler.om.ge_ir_pb2 import ModelDef, OpDef, TensorDescriptor
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.offline_model import SubModel


def describe(model: SubModel) -> InOutInfo:
    """The summary in the file, or one made from the graph where the file has none."""
    info = model.inout
    if not info.inputs and not info.outputs:
        info = _from_graph(model.model_def)
    return replace(info, inputs=_exact(info.inputs), outputs=_exact(info.outputs))


def _exact(tensors: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Sizes without padding where the dims are known: programs copy and reshape whole buffers."""
    return tuple(
        replace(tensor, size=tensor_bytes(tensor.dtype, tensor.dims) or 0)
        if all(dim >= 0 for dim in tensor.dims)
        else tensor
        for tensor in tensors
    )


def tensor_bytes(dtype: int, dims: Sequence[int]) -> int | None:
    """Bytes of a tensor of a C++ data type; None when the type has no fixed width."""
    known = BY_CPP.get(dtype)
    return known.nbytes(prod(dims)) if known else None


def _from_graph(model: ModelDef) -> InOutInfo:
    ops = model.graph[0].op
    data = sorted((op for op in ops if op.type == "Data"), key=lambda op: op.attr["index"].i)
    outputs = [op for op in ops if op.type == "NetOutput"]
    return InOutInfo(
        inputs=tuple(_tensor(op.name, op.output_desc[0]) for op in data),
        outputs=tuple(
            _tensor(name, desc)
            for op in outputs
            for name, desc in zip(_output_names(model, op), op.input_desc, strict=False)
        ),
    )


def _output_names(model: ModelDef, output: OpDef) -> list[str]:
    """GraphEngine's names: the user's with the output's index, or ones made from the producer."""
    count = len(output.input_desc)
    chosen = _texts(model, "attr_model_out_nodes_name")
    sources = list(zip(output.src_name, output.src_index, strict=False))
    sources += [(f"{output.name}", i) for i in range(len(sources), count)]
    if len(chosen) == count:
        pairs = zip(chosen, sources, strict=False)
        return [name if ":" in name else f"{name}:{index}" for name, (_, index) in pairs]
    return [f"output_{i}_{name}_{index}" for i, (name, index) in enumerate(sources[:count])]


def _texts(model: ModelDef, name: str) -> list[str]:
    if name not in model.attr:
        return []
    value = get_attribute(model.attr[name])
    items = value.items if isinstance(value, TypedList) else value
    return [str(item) for item in items] if isinstance(items, list | tuple) else []


def _tensor(name: str, desc: TensorDescriptor) -> TensorInfo:
    dims = tuple(desc.shape.dim)
    dtype = BY_PROTO[int(desc.dtype)].cpp if int(desc.dtype) in BY_PROTO else -1
    # A layout nobody knows is as good as none.
    known = desc.layout.partition(":")[0] in NUMBERS
    return TensorInfo(name, 0, format_number(desc.layout) if known else -1, dtype, dims, dims)
