"""`acl.mdl`: the sizes a model was compiled for, and the one a run is to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from compiler.om.gears import SELECTOR, Dims, Gear, Gears, gears_of, output_shapes
from runtime.acl.datasets import Dataset
from runtime.acl.descriptions import ModelDesc, get_output_dims
from runtime.acl.state import State
from runtime.acl.tensors import DataBuffer
from runtime.errors import AclError, Code, invalid
from runtime.loaded_model import Model

_ALL_INPUTS = -1


def set_dynamic_batch_size(
    state: State, model_id: int, dataset: int, index: int, batch: int
) -> None:
    """The batch size of the next run; 145013 when the model was not compiled for it."""
    _select(state, model_id, dataset, index, (batch,), kind="batch")


def set_dynamic_hw_size(  # noqa: PLR0917 -- the arguments are pyACL's
    state: State, model_id: int, dataset: int, index: int, height: int, width: int
) -> None:
    """The image size of the next run; 145013 when the model was not compiled for it."""
    _select(state, model_id, dataset, index, (height, width), kind="image")


def set_input_dynamic_dims(
    state: State, model_id: int, dataset: int, index: int, dims: object
) -> None:
    """The dims of the next run, those of all inputs one after the other."""
    if not isinstance(dims, Mapping):
        raise TypeError(f"dims must be dict, not {type(dims).__name__}")
    told = cast("Mapping[str, Any]", dims)
    given = tuple(int(dim) for dim in list(told["dims"])[: int(told["dimCount"])])
    model = state.models[model_id]
    gears = _gears_of(model)
    for gear in gears.rows:
        if _all_dims(gears, gear, _inputs(model)) == given:
            return _select(state, model_id, dataset, index, gear, kind="dims")
    raise _no_gear(model, gears, given)


def _select(
    state: State, model_id: int, dataset: int, index: int, gear: Gear, *, kind: str
) -> None:
    model = state.models[model_id]
    gears = _gears_of(model)
    slots = state.handles.get(dataset, Dataset).slots
    if index != model.shapes.selector or index >= len(slots):
        raise invalid(f"input {index} does not select a size: that is '{SELECTOR}'")
    buffer = state.handles.get(slots[index].buffer, DataBuffer)
    if buffer.address == 0 or 0 in gear:
        raise invalid(f"size {list(gear)} at address {buffer.address:#x}")
    if kind != gears.kind or gear not in gears.rows:
        raise _no_gear(model, gears, gear)
    if buffer.size < 4 * len(gear):
        message = f"the buffer of '{SELECTOR}' has {buffer.size} bytes, needs {4 * len(gear)}"
        raise AclError(Code.GE_DYNAMIC_INPUT_LENGTH, message)
    memory = state.device.memory.view(buffer.address, 4 * len(gear), SELECTOR)
    memory[:] = np.array(gear, np.int32).view(np.uint8)
    model.shapes.chosen = gear


def _gears_of(model: Model) -> Gears:
    if model.shapes.gears is None:
        raise invalid(f"{model.source} was not compiled for several sizes")
    return model.shapes.gears


def _no_gear(model: Model, gears: Gears, given: Gear) -> AclError:
    known = ", ".join(str(list(row)) for row in gears.rows)
    message = f"{model.source} was compiled for {gears.kind} sizes {known}, not for {list(given)}"
    return AclError(Code.GE_DYNAMIC_BATCH_SIZE, message)


def _inputs(model: Model) -> dict[str, Dims]:
    return {x.name: x.dims for x in model.description.inputs if x.name != SELECTOR}


def _all_dims(gears: Gears, gear: Gear, inputs: Mapping[str, Dims]) -> Dims:
    """The dims of all inputs one after the other, in the user's order."""
    filled = gears.filled(gear, inputs)
    names = [*gears.order, *(name for name in inputs if name not in gears.order)]
    return tuple(dim for name in names for dim in filled[name])


def _described(state: State, handle: int) -> tuple[ModelDesc, Gears | None]:
    desc = state.handles.get(handle, ModelDesc)
    return desc, gears_of(desc.info)


def get_dynamic_batch(state: State, handle: int) -> dict[str, Any]:
    """The batch sizes a model was compiled for."""
    batches = state.handles.get(handle, ModelDesc).info.dynamic_batch
    return {"batchCount": len(batches), "batch": list(batches)}


def get_dynamic_hw(state: State, handle: int, index: int) -> dict[str, Any]:
    """The image sizes a model was compiled for; the index is not read."""
    sizes = state.handles.get(handle, ModelDesc).info.dynamic_hw
    return {"hwCount": len(sizes), "hw": [list(size) for size in sizes]}


def get_input_dynamic_gear_count(state: State, handle: int, index: int) -> int:
    """How many sets of dims a model was compiled for; the index must be -1."""
    if index != _ALL_INPUTS:
        raise invalid(f"index {index}: the dims are those of all inputs, which is -1")
    return len(state.handles.get(handle, ModelDesc).info.dynamic_dims)


def get_input_dynamic_dims(
    state: State, handle: int, index: int, count: int
) -> list[dict[str, Any]]:
    """The sets of dims a model was compiled for, each those of all inputs in the user's order."""
    known = get_input_dynamic_gear_count(state, handle, index)
    if count < known:
        raise invalid(f"room for {count} sets of dims, the model has {known}")
    desc, gears = _described(state, handle)
    if gears is None or gears.kind != "dims":
        return []
    inputs = {x.name: x.dims for x in desc.info.inputs if x.name != SELECTOR}
    rows = [list(_all_dims(gears, row, inputs)) for row in gears.rows]
    return [{"name": "", "dimCount": len(row), "dims": row} for row in rows]


def get_cur_output_dims(state: State, handle: int, index: int) -> dict[str, Any]:
    """The dims an output has now; a dynamic model cannot say: 200001."""
    desc, gears = _described(state, handle)
    if desc.is_dynamic:
        message = "the outputs of a dynamic model are described in the dataset of each run"
        raise AclError(Code.API_NOT_SUPPORTED, message)
    dims = get_output_dims(state, handle, index)
    chosen = state.models[desc.model_id].shapes.chosen if gears and desc.model_id else None
    if gears is not None and chosen is not None:
        shape = output_shapes(desc.info.dynamic_output_shape, gears.rows.index(chosen)).get(index)
        if shape is not None:
            dims |= {"dimCount": len(shape), "dims": list(shape)}
    return dims
