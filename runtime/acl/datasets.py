"""`acl.mdl`: datasets, the lists of data buffers a run takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from runtime.acl.state import State
from runtime.acl.tensors import DataBuffer, TensorDesc
from runtime.errors import invalid


@dataclass(slots=True, eq=False)
class Slot:
    """A data buffer by its handle, and the handle of its tensor description or 0."""

    buffer: int
    desc: int = 0


@dataclass(slots=True, eq=False)
class Dataset:
    """Data buffers in the order of a model's inputs or outputs."""

    slots: list[Slot] = field(default_factory=list[Slot])


def create_dataset(state: State) -> int:
    """An empty dataset."""
    return state.handles.add(Dataset())


def destroy_dataset(state: State, handle: int) -> None:
    """Forgets a dataset and its descriptions; data buffers and memory stay."""
    for slot in state.handles.remove(handle, Dataset).slots:
        _drop_desc(state, slot)


def _drop_desc(state: State, slot: Slot) -> None:
    if slot.desc:
        state.handles.remove(slot.desc, TensorDesc)
        slot.desc = 0


def add_dataset_buffer(state: State, handle: int, buffer: int) -> int:
    """Appends a data buffer; the dataset."""
    dataset = state.handles.get(handle, Dataset)
    state.handles.get(buffer, DataBuffer)
    dataset.slots.append(Slot(buffer))
    return handle


def get_dataset_num_buffers(state: State, handle: int) -> int:
    """How many data buffers; 0 for a null handle."""
    return len(state.handles.get(handle, Dataset).slots)


def get_dataset_buffer(state: State, handle: int, index: int) -> int:
    """A data buffer; 0 when there is none of that index."""
    return _slot(state, handle, index).buffer


def _slot(state: State, handle: int, index: int) -> Slot:
    slots = state.handles.get(handle, Dataset).slots
    if not 0 <= index < len(slots):
        raise invalid(f"buffer {index} of a dataset with {len(slots)}")
    return slots[index]


def set_dataset_tensor_desc(state: State, handle: int, desc: int, index: int) -> int:
    """Describes a buffer by a copy of a tensor description, or clears it with 0; the dataset."""
    slot = _slot(state, handle, index)
    described = state.handles.get(desc, TensorDesc) if desc else None
    _drop_desc(state, slot)
    if described is not None:
        slot.desc = state.handles.add(replace(described))
    return handle


def get_dataset_tensor_desc(state: State, handle: int, index: int) -> int:
    """The description of a buffer, which stays the dataset's; 0 when it has none."""
    return _slot(state, handle, index).desc
