"""`acl.mdl`: what a model takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.om.inout import InOutInfo, TensorInfo
from runtime.acl.pointers import ptr_to_bytes
from runtime.acl.state import State
from runtime.description import describe
from runtime.errors import AclError, Code, invalid
from runtime.executor.weight_places import Source
from runtime.model_registry import read

_MAX_DIMS = 128
_MAX_NAME = 127


@dataclass(slots=True, eq=False)
class ModelDesc:
    """A description, filled from a model or a file; `names` are the real names of cut ones."""

    info: InOutInfo = field(default_factory=InOutInfo)
    model_id: int = 0
    is_dynamic: bool = False
    names: dict[str, str] = field(default_factory=dict[str, str])

    def visible_name(self, kind: str, index: int, name: str) -> str:
        """The name as given out: one that is too long is replaced."""
        if len(name) <= _MAX_NAME:
            return name
        short = f"acl_modelId_{self.model_id}_{kind}_{index}"
        self.names[short] = name
        return short


def create_desc(state: State) -> int:
    """An empty description."""
    return state.handles.add(ModelDesc())


def destroy_desc(state: State, handle: int) -> None:
    """Forgets a description."""
    state.handles.remove(handle, ModelDesc)


def get_desc(state: State, handle: int, model_id: int) -> None:
    """Fills a description from a loaded model."""
    desc, model = state.handles.get(handle, ModelDesc), state.models[model_id]
    desc.info, desc.is_dynamic, desc.model_id = model.description, model.is_dynamic, model_id


def _fill(desc: ModelDesc, source: Source) -> None:
    om = read(source)
    desc.info, desc.is_dynamic, desc.model_id = describe(om.root), om.header.is_dynamic, 0


def get_desc_from_file(state: State, handle: int, path: str) -> None:
    """Fills a description from a file that is not loaded."""
    _fill(state.handles.get(handle, ModelDesc), path)


def get_desc_from_mem(state: State, handle: int, address: int, size: int) -> None:
    """Fills a description from the bytes of a file."""
    if address == 0 or size <= 0:
        raise invalid(f"no model can be {size} bytes at {address:#x}")
    _fill(state.handles.get(handle, ModelDesc), ptr_to_bytes(state, address, size))


def _tensors(state: State, handle: int, kind: str) -> tuple[ModelDesc, Sequence[TensorInfo]]:
    desc = state.handles.get(handle, ModelDesc)
    return desc, desc.info.inputs if kind == "input" else desc.info.outputs


def _tensor(state: State, handle: int, kind: str, index: int) -> tuple[str, TensorInfo]:
    desc, tensors = _tensors(state, handle, kind)
    if not 0 <= index < len(tensors):
        raise invalid(f"{kind} {index} of a model with {len(tensors)}")
    return desc.visible_name(kind, index, tensors[index].name), tensors[index]


def get_num_inputs(state: State, handle: int) -> int:
    """How many inputs."""
    return len(_tensors(state, handle, "input")[1])


def get_num_outputs(state: State, handle: int) -> int:
    """How many outputs."""
    return len(_tensors(state, handle, "output")[1])


def get_input_size_by_index(state: State, handle: int, index: int) -> int:
    """Bytes of an input; 0 when its shape is not known."""
    return _tensor(state, handle, "input", index)[1].size


def get_output_size_by_index(state: State, handle: int, index: int) -> int:
    """Bytes of an output; 0 when its shape is not known."""
    return _tensor(state, handle, "output", index)[1].size


def get_input_name_by_index(state: State, handle: int, index: int) -> str:
    """Name of an input."""
    return _tensor(state, handle, "input", index)[0]


def get_output_name_by_index(state: State, handle: int, index: int) -> str:
    """Name of an output."""
    return _tensor(state, handle, "output", index)[0]


def _index(state: State, handle: int, kind: str, name: str) -> int:
    desc, tensors = _tensors(state, handle, kind)
    for index, tensor in enumerate(tensors):
        if name in (tensor.name, desc.visible_name(kind, index, tensor.name)):
            return index
    raise invalid(f"no {kind} is called '{name}'")


def get_input_index_by_name(state: State, handle: int, name: str) -> int:
    """Index of an input; 100000 when there is none of that name."""
    return _index(state, handle, "input", name)


def get_output_index_by_name(state: State, handle: int, name: str) -> int:
    """Index of an output; 100000 when there is none of that name."""
    return _index(state, handle, "output", name)


def get_input_format(state: State, handle: int, index: int) -> int:
    """Format of an input."""
    return _tensor(state, handle, "input", index)[1].format


def get_output_format(state: State, handle: int, index: int) -> int:
    """Format of an output."""
    return _tensor(state, handle, "output", index)[1].format


def get_input_data_type(state: State, handle: int, index: int) -> int:
    """Data type of an input."""
    return _tensor(state, handle, "input", index)[1].dtype


def get_output_data_type(state: State, handle: int, index: int) -> int:
    """Data type of an output."""
    return _tensor(state, handle, "output", index)[1].dtype


def _dims(state: State, handle: int, kind: str, index: int, *, v2: bool = False) -> dict[str, Any]:
    name, tensor = _tensor(state, handle, kind, index)
    dims = list(tensor.dims_v2 if v2 else tensor.dims)
    if len(dims) > _MAX_DIMS:
        message = f"{kind} '{name}' has {len(dims)} dims, at most {_MAX_DIMS} fit"
        raise AclError(Code.STORAGE_OVER_LIMIT, message)
    return {"name": name, "dimCount": len(dims), "dims": dims}


def get_input_dims(state: State, handle: int, index: int) -> dict[str, Any]:
    """Name and dims of an input."""
    return _dims(state, handle, "input", index)


def get_input_dims_v2(state: State, handle: int, index: int) -> dict[str, Any]:
    """Likewise; they differ where static AIPP changes the image."""
    return _dims(state, handle, "input", index, v2=True)


def get_output_dims(state: State, handle: int, index: int) -> dict[str, Any]:
    """Name and dims of an output."""
    return _dims(state, handle, "output", index)


def get_tensor_real_name(state: State, handle: int, name: str) -> str:
    """The real name of a tensor whose name was replaced."""
    return state.handles.get(handle, ModelDesc).names.get(name, name)
