"""`ascend_opt_acl`: what ACL does with bundles in C, and pyACL does not: query, load one by one.

Names are those of C in pyACL's spelling: `aclmdlBundleLoadModel` is `bundle_load_model`.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.acl.loading import ModelConfig, configured_memory, configured_places, given_memory
from runtime.acl.pointers import ptr_to_bytes
from runtime.acl.state import State
from runtime.bundle_file import BundleFile
from runtime.errors import invalid
from runtime.executor.weight_places import Source, WeightPlaces
from runtime.load_model import weight_size, work_size


@dataclass(slots=True, eq=False)
class BundleQueryInfo:
    """What is asked about a bundle that is not loaded."""

    file: BundleFile | None = None


def bundle_create_query_info(state: State) -> int:
    """An empty query."""
    return state.handles.add(BundleQueryInfo())


def bundle_destroy_query_info(state: State, handle: int) -> None:
    """Forgets a query."""
    state.handles.remove(handle, BundleQueryInfo)


def bundle_query_info_from_file(state: State, path: str, handle: int) -> None:
    """Reads a bundle's file for a query."""
    state.handles.get(handle, BundleQueryInfo).file = BundleFile(path, WeightPlaces())


def bundle_query_info_from_mem(state: State, address: int, size: int, handle: int) -> None:
    """Likewise from the bytes of the file."""
    info = state.handles.get(handle, BundleQueryInfo)
    info.file = BundleFile(_bytes_at(state, address, size), WeightPlaces())


def _bytes_at(state: State, address: int, size: int) -> bytes:
    if address == 0 or size <= 0:
        raise invalid(f"no bundle can be {size} bytes at {address:#x}")
    return ptr_to_bytes(state, address, size)


def _queried(state: State, handle: int) -> BundleFile:
    file = state.handles.get(handle, BundleQueryInfo).file
    if file is None:
        raise invalid("no bundle has been queried: call bundle_query_info_from_file first")
    return file


def bundle_get_query_model_num(state: State, handle: int) -> int:
    """How many models the bundle has."""
    return len(_queried(state, handle))


def bundle_get_var_weight_size(state: State, handle: int) -> int:
    """Bytes of the variables its models share."""
    return _queried(state, handle).var_size


def bundle_get_size(state: State, handle: int, index: int) -> tuple[int, int]:
    """Bytes of work and weight memory of a model; a dynamic one does not say: 0 and 0."""
    file = _queried(state, handle)
    if not 0 <= index < len(file):
        raise invalid(f"model {index} of a bundle with {len(file)}")
    om = file.models[index]
    return (0, 0) if om.header.is_dynamic else (work_size(om), weight_size(om))


def bundle_init_from_file(state: State, path: str, variables: int, size: int) -> int:
    """Opens a bundle without loading a model; its id.

    The models' variables lie in `size` bytes of the program's memory, or with address 0 in the
    device's own.
    """
    return _initialised(state, path, variables, size)


def bundle_init_from_mem(state: State, address: int, length: int, variables: int, size: int) -> int:
    """Likewise from the bytes of its file."""
    return _initialised(state, _bytes_at(state, address, length), variables, size)


def _initialised(state: State, source: Source, variables: int, size: int) -> int:
    memory = state.device.memory.view(variables, size, "variables") if variables else None
    return state.models.init_bundle(source, memory)


def bundle_load_model(state: State, bundle_id: int, index: int) -> int:
    """Loads one of a bundle's models, which may be loaded already; the new id."""
    return state.models.load_submodel(bundle_id, index)


def bundle_load_model_with_mem(  # noqa: PLR0917 -- the arguments are those of C
    state: State,
    bundle_id: int,
    index: int,
    work: int,
    work_bytes: int,
    weights: int,
    weight_bytes: int,
) -> int:
    """Likewise into memory of the program's."""
    given = given_memory(state, (work, work_bytes), (weights, weight_bytes))
    return state.models.load_submodel(bundle_id, index, given)


def bundle_load_model_with_config(state: State, bundle_id: int, index: int, handle: int) -> int:
    """Likewise with the memories and the weight folder of a configuration."""
    config = state.handles.get(handle, ModelConfig)
    given = configured_memory(state, config)
    places = configured_places(state, config, state.models.bundle(bundle_id).file.places)
    return state.models.load_submodel(bundle_id, index, given, places)


def bundle_unload_model(state: State, bundle_id: int, model_id: int) -> None:
    """Unloads one of a bundle's models; the variables stay."""
    state.models.unload_submodel(bundle_id, model_id)
