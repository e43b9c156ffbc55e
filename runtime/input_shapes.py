"""The shapes of a run's inputs: from its descriptions or its gear, and whether they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler.om.attributes import TypedList, get_attribute
from compiler.om.contract import DIM_PARAMS_NAME
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.gears import SELECTOR, Dims, Gear, Gears, gears_of
from compiler.om.inout import InOutInfo
from runtime.device import Memory
from runtime.errors import AclError, Code, invalid


@dataclass(slots=True)
class InputShapes:
    """What a model demands of the shapes of its inputs.

    `symbols` has for each name of ONNX's the inputs and axes that it is the size of. `chosen` is
    the gear that the program has set.
    """

    info: InOutInfo
    gears: Gears | None = None
    symbols: Mapping[str, Sequence[tuple[int, int]]] = field(
        default_factory=dict[str, list[tuple[int, int]]]
    )
    chosen: Gear | None = None

    @classmethod
    def of(cls, info: InOutInfo, model: ModelDef) -> InputShapes:
        """What the file says."""
        return cls(info, gears_of(info), _symbols(model, info))

    def in_gear(self, address: int, memory: Memory) -> list[Dims]:
        """The dims of all inputs in the gear that the selector names, else in the largest."""
        assert self.gears is not None
        size = 4 * len(self.gears.rows[0])
        told = tuple(memory.view(address, size, SELECTOR).view(np.int32).tolist())
        gear = told if told in self.gears.rows else self.gears.largest
        filled = self.gears.filled(gear, {x.name: x.dims for x in self.info.inputs})
        return [filled[x.name] for x in self.info.inputs]

    @property
    def selector(self) -> int:
        """The index of the input that selects a gear."""
        return next(i for i, x in enumerate(self.info.inputs) if x.name == SELECTOR)

    def check(self, dims: Sequence[Dims]) -> None:
        """AclError for a size outside its bounds, or for two that must be the same and are not."""
        for tensor, given in zip(self.info.inputs, dims, strict=True):
            for dim, (low, high) in zip(given, tensor.shape_ranges, strict=False):
                if not low <= dim or (high != -1 and dim > high):
                    bounds = f"{low} to {high}" if high != -1 else f"{low} or more"
                    raise invalid(
                        f"input '{tensor.name}' is {list(given)}: size {dim} is not {bounds}"
                    )
        for name, places in self.symbols.items():
            sizes = {dims[i][axis]: i for i, axis in places if axis < len(dims[i])}
            if len(sizes) > 1:
                told = [f"{size} in '{self.info.inputs[i].name}'" for size, i in sizes.items()]
                message = f"the dimension '{name}' is {' and '.join(told)}: it must be one size"
                raise AclError(Code.INVALID_PARAM, message)


def _symbols(model: ModelDef, info: InOutInfo) -> dict[str, list[tuple[int, int]]]:
    """The inputs and axes of each name, from the Data nodes of the main graph."""
    found: dict[str, list[tuple[int, int]]] = {}
    data = {op.name: op for op in model.graph[0].op if op.type == "Data"}
    for index, tensor in enumerate(info.inputs):
        op = data.get(tensor.name)
        if op is None or DIM_PARAMS_NAME not in op.attr:
            continue
        value = get_attribute(op.attr[DIM_PARAMS_NAME])
        names = value.items if isinstance(value, TypedList) else value
        axes = [axis for axis, dim in enumerate(op.output_desc[0].shape.dim) if dim < 0]
        for name, axis in zip(names if isinstance(names, list | tuple) else (), axes, strict=False):
            if name:
                found.setdefault(str(name), []).append((index, axis))
    return found
