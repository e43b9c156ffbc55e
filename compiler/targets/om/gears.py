"""Ranges and gears of a model, from its nodes into the summary of its inputs and outputs."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, StringAttr
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from compiler.kernels.symbols import SHAPE_RANGE
from compiler.om.dtypes import BY_CPP
from compiler.om.gears import KINDS, SELECTOR, Dims, Gears, output_shapes
from compiler.om.inout import InOutInfo, TensorInfo
from dialects.ge import DataOp, GraphOp

MAX_GEARS = 256
"""How many gears there are at most (`atc`'s limit for the largest chip)."""


def shape_range(data: DataOp) -> tuple[tuple[int, int], ...]:
    """The bounds of an input's dimensions; none where nobody asked for them."""
    ends = _integers(data.attributes.get(SHAPE_RANGE))
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def with_gears(info: InOutInfo, graph: GraphOp) -> InOutInfo:
    """The summary with the gears of its selector; sizes and outputs are those of the largest."""
    gears = next(filter(None, map(_gears, graph.inputs)), None)
    if gears is None:
        return info
    told = _texts(graph.output.attributes.get("_dynamic_output_dims")) if graph.output else ()
    largest = output_shapes(told, gears.rows.index(gears.largest))
    dims = {tensor.name: tensor.dims for tensor in info.inputs}
    filled = gears.filled(gears.largest, dims)
    numbers = {
        "batch": {"dynamic_batch": tuple(row[0] for row in gears.rows)},
        "image": {"dynamic_hw": gears.rows},
        "dims": {"dynamic_dims": gears.rows},
    }
    return replace(
        info,
        inputs=tuple(replace(t, size=_size(t, filled[t.name])) for t in info.inputs),
        outputs=tuple(_sized(t, largest.get(i, t.dims)) for i, t in enumerate(info.outputs)),
        dynamic_output_shape=told,
        data_order=gears.order,
        **numbers[gears.kind],
    )


def _gears(data: DataOp) -> Gears | None:
    """The gears that an input chooses from; None for another one, or one that is only called so."""
    if data.label != SELECTOR:
        return None
    kind, count = (data.integer(name, 0) for name in ("mbatch_dynamic_type", "_batch_num"))
    values = [data.attributes.get(f"_pred_value_{place}") for place in range(min(count, MAX_GEARS))]
    rows = tuple(_integers(value) for value in values)
    if not 1 <= kind <= len(KINDS) or not rows or len(set(map(len, rows))) > 1:
        return None
    order = _texts(data.attributes.get("user_designate_shape_order"))
    return Gears(KINDS[kind - 1], rows, order)


def _sized(tensor: TensorInfo, dims: Dims) -> TensorInfo:
    return replace(tensor, dims=dims, dims_v2=dims, size=_size(tensor, dims))


def _size(tensor: TensorInfo, dims: Dims) -> int:
    """Bytes of a tensor of those dims; 0 when one is unknown."""
    if any(dim < 0 for dim in dims):
        return 0
    return BY_CPP[tensor.dtype].nbytes(prod(dims)) or 0


def _integers(value: Attribute | None) -> tuple[int, ...]:
    return tuple(map(int, value.get_values())) if isinstance(value, DenseArrayBase) else ()


def _texts(value: Attribute | None) -> tuple[str, ...]:
    return tuple(s.data for s in value) if isa(value, ArrayAttr[StringAttr]) else ()
