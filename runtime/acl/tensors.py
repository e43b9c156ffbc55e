"""`acl`: data buffers and tensor descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from runtime.acl.state import State, integers
from runtime.acl.system import data_type_size
from runtime.errors import invalid

_UNKNOWN_RANK = (-2,)


@dataclass(slots=True, eq=False)
class DataBuffer:
    """A record of memory: it owns nothing."""

    address: int
    size: int


@dataclass(slots=True, eq=False)
class TensorDesc:
    """Data type (C++ number), dims, format and name of a tensor."""

    dtype: int
    dims: tuple[int, ...]
    format: int
    name: str = ""


def create_data_buffer(state: State, address: int, size: int) -> int:
    """A record of an address and a size; (0, 0) is legal."""
    return state.handles.add(DataBuffer(address, size))


def destroy_data_buffer(state: State, handle: int) -> None:
    """Forgets the record; the memory stays."""
    state.handles.remove(handle, DataBuffer)


def update_data_buffer(state: State, handle: int, address: int, size: int) -> None:
    """Points a record elsewhere."""
    buffer = state.handles.get(handle, DataBuffer)
    buffer.address, buffer.size = address, size


def get_data_buffer_addr(state: State, handle: int) -> int:
    """The address; 0 for a null handle."""
    return state.handles.get(handle, DataBuffer).address


def get_data_buffer_size(state: State, handle: int) -> int:
    """The size, of which C keeps 32 bits."""
    return get_data_buffer_size_v2(state, handle) & 0xFFFFFFFF


def get_data_buffer_size_v2(state: State, handle: int) -> int:
    """The size."""
    return state.handles.get(handle, DataBuffer).size


def create_tensor_desc(state: State, dtype: int, dims: list[Any], format_: int) -> int:
    """A description; no dims make a scalar."""
    return state.handles.add(TensorDesc(dtype, integers(dims, "dims"), format_))


def destroy_tensor_desc(state: State, handle: int) -> None:
    """Forgets a description."""
    state.handles.remove(handle, TensorDesc)


def get_tensor_desc_type(state: State, handle: int) -> int:
    """The data type."""
    return state.handles.get(handle, TensorDesc).dtype


def get_tensor_desc_format(state: State, handle: int) -> int:
    """The format."""
    return state.handles.get(handle, TensorDesc).format


def get_tensor_desc_num_dims(state: State, handle: int) -> int:
    """How many dims; for an unknown rank ACL gives -2 as an unsigned 64-bit number."""
    dims = state.handles.get(handle, TensorDesc).dims
    return 0xFFFF_FFFF_FFFF_FFFE if dims == _UNKNOWN_RANK else len(dims)


def get_tensor_desc_element_count(state: State, handle: int) -> int:
    """How many elements; 0 when a dim is unknown."""
    dims = state.handles.get(handle, TensorDesc).dims
    return prod(dims) if all(dim >= 0 for dim in dims) else 0


def get_tensor_desc_size(state: State, handle: int) -> int:
    """How many bytes."""
    dtype = state.handles.get(handle, TensorDesc).dtype
    return get_tensor_desc_element_count(state, handle) * data_type_size(state, dtype)


def get_tensor_desc_dim(state: State, handle: int, index: int) -> int:
    """One dim; -1 when there is none of that index."""
    return get_tensor_desc_dim_v2(state, handle, index)


def get_tensor_desc_dim_v2(state: State, handle: int, index: int) -> int:
    """One dim; 100000 when there is none of that index."""
    dims = state.handles.get(handle, TensorDesc).dims
    if not 0 <= index < len(dims):
        raise invalid(f"dim {index} of a tensor with {len(dims)} dims")
    return dims[index]


def get_tensor_desc_name(state: State, handle: int) -> str:
    """The name."""
    return state.handles.get(handle, TensorDesc).name


def set_tensor_desc_name(state: State, handle: int, name: str) -> None:
    """Names a tensor."""
    state.handles.get(handle, TensorDesc).name = name


def set_tensor_shape(state: State, handle: int, dims: list[Any]) -> None:
    """Replaces the dims."""
    state.handles.get(handle, TensorDesc).dims = integers(dims, "dims")


def set_tensor_format(state: State, handle: int, format_: int) -> None:
    """Replaces the format."""
    state.handles.get(handle, TensorDesc).format = format_
