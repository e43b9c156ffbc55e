"""`acl.mdl`: running models, at once or in the order of a stream."""

from __future__ import annotations

from runtime.acl.datasets import Dataset, Slot
from runtime.acl.state import State
from runtime.acl.tensors import DataBuffer, TensorDesc
from runtime.loaded_model import Buffer

_FORMAT_ND = 2


def execute(state: State, model_id: int, inputs: int, outputs: int) -> None:
    """Runs a model and waits for it."""
    model = state.models[model_id]
    given, taken = _buffers(state, inputs), _buffers(state, outputs)
    model.execute(given, taken)
    _write_back(state, outputs, taken)


def execute_async(state: State, model_id: int, inputs: int, outputs: int, stream: int) -> None:
    """Runs a model in the order of a stream; the datasets count as they are now."""
    model = state.models[model_id]
    given, taken = _buffers(state, inputs), _buffers(state, outputs)

    def task() -> None:
        model.execute(given, taken)
        _write_back(state, outputs, taken)

    state.stream(stream).submit(task)


def _buffers(state: State, dataset: int) -> list[Buffer]:
    return [_buffer(state, slot) for slot in state.handles.get(dataset, Dataset).slots]


def _buffer(state: State, slot: Slot) -> Buffer:
    record = state.handles.get(slot.buffer, DataBuffer)
    if not slot.desc:
        return Buffer(record.address, record.size)
    desc = state.handles.get(slot.desc, TensorDesc)
    return Buffer(record.address, record.size, desc.dims, desc.dtype)


def _write_back(state: State, dataset: int, buffers: list[Buffer]) -> None:
    """Tells the program the shapes of a dynamic model's outputs, and memory it now owns."""
    for slot, buffer in zip(state.handles.get(dataset, Dataset).slots, buffers, strict=True):
        record = state.handles.get(slot.buffer, DataBuffer)
        record.address, record.size = buffer.address, buffer.size
        if buffer.dims is None or buffer.dtype is None:
            continue
        if not slot.desc:
            slot.desc = state.handles.add(TensorDesc(0, (), _FORMAT_ND))
        desc = state.handles.get(slot.desc, TensorDesc)
        desc.dtype, desc.dims = buffer.dtype, buffer.dims
