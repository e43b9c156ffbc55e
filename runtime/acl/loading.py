"""`acl.mdl`: loading and unloading models and bundles."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

from compiler.om.errors import OMError, Status
from compiler.om.header import HEADER_SIZE, unpack_header
from runtime.acl.pointers import ptr_to_bytes
from runtime.acl.state import State
from runtime.errors import AclError, Code, from_om, invalid
from runtime.executor.weight_places import Source, WeightPlaces, beside
from runtime.load_model import GivenMemory, weight_size, work_size
from runtime.model_registry import check_complete, read

_WEIGHT_ALIGNMENT = 32


class Option(IntEnum):
    """`aclmdlConfigAttr`; the others are not acted on."""

    LOAD_TYPE = 1
    PATH = 2
    MEM_ADDR = 3
    MEM_SIZE = 4
    WEIGHT_ADDR = 5
    WEIGHT_SIZE = 6
    WORKSPACE_ADDR = 7
    WORKSPACE_SIZE = 8
    WEIGHT_PATH = 14


_OPTIONS = range(29)
_WITHOUT_GRAPH = 28
_FROM_FILE, _FILE_WITH_MEM, _FROM_MEM, _MEM_WITH_MEM = range(1, 5)
_POINTERS = (Option.MEM_ADDR, Option.WEIGHT_ADDR, Option.WORKSPACE_ADDR, Option.WEIGHT_PATH)
_FILE_TYPES = (_FROM_FILE, _FILE_WITH_MEM)
_WITH_MEM = (_FILE_WITH_MEM, _MEM_WITH_MEM)
_QUEUE_TYPES = (5, 6)


@dataclass(slots=True, eq=False)
class ModelConfig:
    """What `load_with_config` shall do. `weights`: addresses and sizes by names of weight files."""

    values: dict[int, object] = field(default_factory=dict[int, object])
    weights: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def number(self, option: Option) -> int:
        """A number or address; 0 when it is not set."""
        value = self.values.get(option, 0)
        return value if isinstance(value, int) else 0


def _bytes_at(state: State, address: int, size: int) -> bytes:
    if address == 0 or size < HEADER_SIZE:
        raise invalid(f"no model can be {size} bytes at {address:#x}")
    return ptr_to_bytes(state, address, size)


def given_memory(state: State, work: tuple[int, int], weights: tuple[int, int]) -> GivenMemory:
    """Memory of the program's by address and size; address 0 for none."""
    views = [
        state.device.memory.view(address, size, what) if address else None
        for what, (address, size) in (("work memory", work), ("weight memory", weights))
    ]
    return GivenMemory(*views)


def load_from_file(state: State, path: str) -> int:
    """Loads a model; its id."""
    return state.models.load(path)


def load_from_mem(state: State, address: int, size: int) -> int:
    """Loads a model from the bytes of its file; its id."""
    return state.models.load(_bytes_at(state, address, size))


def load_from_file_with_mem(  # noqa: PLR0917 -- the arguments are pyACL's
    state: State, path: str, work: int, work_bytes: int, weights: int, weight_bytes: int
) -> int:
    """Loads a model into memory of the program's; its id."""
    return state.models.load(path, given_memory(state, (work, work_bytes), (weights, weight_bytes)))


def load_from_mem_with_mem(  # noqa: PLR0917 -- the arguments are pyACL's
    state: State,
    address: int,
    size: int,
    work: int,
    work_bytes: int,
    weights: int,
    weight_bytes: int,
) -> int:
    """Likewise from the bytes of its file."""
    given = given_memory(state, (work, work_bytes), (weights, weight_bytes))
    return state.models.load(_bytes_at(state, address, size), given)


def create_config_handle(state: State) -> int:
    """An empty configuration."""
    return state.handles.add(ModelConfig())


def destroy_config_handle(state: State, handle: int) -> None:
    """Forgets a configuration."""
    state.handles.remove(handle, ModelConfig)


def set_config_opt(state: State, handle: int, option: int, value: object) -> None:
    """Sets one option: a string for PATH, numbers and addresses otherwise."""
    config = state.handles.get(handle, ModelConfig)
    if option not in _OPTIONS or option == _WITHOUT_GRAPH:
        raise invalid(f"option {option} cannot be set from Python")
    if not isinstance(value, str if option == Option.PATH else int):
        wanted = "str" if option == Option.PATH else "int"
        raise TypeError(f"option {option} must be {wanted}, not {type(value).__name__}")
    if option in _POINTERS and not value:
        raise invalid(f"option {option} ({Option(option).name}) is a null pointer")
    config.values[option] = value


def set_external_weight_address(
    state: State, handle: int, name: str, address: int, size: int
) -> None:
    """Says that a weight file's content is in device memory, which stays the program's.

    `name` is the file's without a folder. The memory must live as long as the model.
    """
    config = state.handles.get(handle, ModelConfig)
    if not name or address == 0 or size <= 0 or size % _WEIGHT_ALIGNMENT:
        wanted = f"a name, and a size that is a multiple of {_WEIGHT_ALIGNMENT}, are expected"
        raise invalid(f"weight file '{name}' of {size} bytes at {address:#x}: {wanted}")
    config.weights[name] = address, size


def load_with_config(state: State, handle: int) -> int:
    """Loads a model as a configuration says; its id."""
    config = state.handles.get(handle, ModelConfig)
    load_type = config.number(Option.LOAD_TYPE)
    if load_type in _QUEUE_TYPES:
        raise AclError(Code.API_NOT_SUPPORTED, "models with queues are not supported")
    if load_type not in (*_FILE_TYPES, *_WITH_MEM, _FROM_MEM):
        raise invalid(f"load type {load_type}; set option LOAD_TYPE to 1, 2, 3 or 4")
    given = configured_memory(state, config) if load_type in _WITH_MEM else None
    if load_type in _FILE_TYPES:
        path = _configured_path(config)
        return state.models.load(path, given, configured_places(state, config, beside(path)))
    address, size = config.number(Option.MEM_ADDR), config.number(Option.MEM_SIZE)
    data = _bytes_at(state, address, size)
    places = configured_places(state, config, _beside_path(config, data))
    return state.models.load(data, given, places)


def _configured_path(config: ModelConfig) -> str:
    if Option.WEIGHT_PATH in config.values:
        raise invalid("WEIGHT_PATH is for models from memory; a file has its weights beside it")
    path = config.values.get(Option.PATH)
    if not isinstance(path, str):
        raise invalid("option PATH is not set")
    return path


def _beside_path(config: ModelConfig, data: bytes) -> WeightPlaces:
    """Where a file at PATH would have the weights of a model in memory, if that is set.

    Of static models that lie in memory as a whole GraphEngine forgets the PATH.
    """
    path = config.values.get(Option.PATH)
    kept = config.number(Option.LOAD_TYPE) != _FROM_MEM or unpack_header(data).is_dynamic
    return beside(path if kept and isinstance(path, str) else data)


def configured_places(state: State, config: ModelConfig, places: WeightPlaces) -> WeightPlaces:
    """Where external weights are: in the program's memory, in WEIGHT_PATH, else in `places`."""
    memory = {
        name: state.device.memory.view(*place, f"weight file {name}")
        for name, place in config.weights.items()
    }
    places = replace(places, memory=memory)
    address = config.number(Option.WEIGHT_PATH)
    if not address:
        return places
    folder = Path(os.fsdecode(ctypes.string_at(address)))
    if not folder.is_dir():
        raise invalid(f"WEIGHT_PATH {folder} is no folder")
    return replace(places, folder=folder, is_chosen=True)


def configured_memory(state: State, config: ModelConfig) -> GivenMemory:
    """The work and weight memory that is set."""
    return given_memory(
        state,
        (config.number(Option.WORKSPACE_ADDR), config.number(Option.WORKSPACE_SIZE)),
        (config.number(Option.WEIGHT_ADDR), config.number(Option.WEIGHT_SIZE)),
    )


def unload(state: State, model_id: int) -> None:
    """Unloads a model."""
    state.models.unload(model_id)


def _sizes(source: Source) -> tuple[int, int]:
    om = read(source)
    check_complete(om)
    if om.trailing:
        what = f"{len(om.trailing)} bytes lie behind the last partition"
        raise from_om(OMError(Status.FAILED, f"{om.source}: {what}"))
    return work_size(om), weight_size(om)


def query_size(state: State, path: str) -> tuple[int, int]:
    """Bytes of work and weight memory a model needs."""
    return _sizes(path)


def query_size_from_mem(state: State, address: int, size: int) -> tuple[int, int]:
    """Likewise for the bytes of a file."""
    return _sizes(_bytes_at(state, address, size))


def bundle_load_from_file(state: State, path: str) -> int:
    """Loads a bundle and all its models; its id."""
    return state.models.load_bundle(path)


def bundle_load_from_mem(state: State, address: int, size: int) -> int:
    """Likewise from the bytes of its file."""
    if address == 0 or size <= 0:
        raise invalid(f"no bundle can be {size} bytes at {address:#x}")
    return state.models.load_bundle(ptr_to_bytes(state, address, size))


def bundle_get_model_num(state: State, bundle_id: int) -> int:
    """How many models a bundle has."""
    return len(state.models.bundle(bundle_id).file)


def bundle_get_model_id(state: State, bundle_id: int, index: int) -> int:
    """The id of a bundle's model."""
    return state.models.model_id(bundle_id, index)


def bundle_unload(state: State, bundle_id: int) -> None:
    """Unloads a bundle and its models."""
    state.models.unload_bundle(bundle_id)
