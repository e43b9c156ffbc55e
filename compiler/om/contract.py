"""What the compiler writes and the device reads alike: addresses, tasks, folders, names.

File names in parentheses are where GraphEngine states the fact.
"""

import os
import struct
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from compiler.om.partitions import PartitionType

FEATURE_BASE = 1 << 31
"""Logical address of feature memory where a model does not say (`task_generator.cc`)."""

VARIABLE_BASE = 1 << 37
"""Logical address of the first variable in offline compilation (`graph_var_manager.cc`)."""

# Attributes of a model (`model_builder.cc`): where its memories begin, and their bytes.
FEATURE_BASE_NAME = "task_gen_base_addr"
WEIGHT_BASE_NAME = "task_gen_weight_addr"
VARIABLE_BASE_NAME = "task_gen_variable_addr"
FEATURE_SIZE_NAME = "memory_size"
INTERFACE_SIZE_NAME = "zero_copy_memory_size"
VARIABLE_SIZE_NAME = "variable_size"

LISTED_NAME = "om_info_list"
"""Of a model: the bytes of the partitions `LISTED_SIZES`, in that order."""
LISTED_SIZES = (
    PartitionType.WEIGHTS_DATA,
    PartitionType.TBE_KERNELS,
    PartitionType.CUST_AICPU_KERNELS,
    PartitionType.TASK_INFO,
    PartitionType.SO_BINS,
)

# Attributes of a node: of a Data or a NetOutput's input, its place at the owner of the graph
# (`auto_mapping_subgraph_io_index_func.cc`); of any node, its input ports (`model_serialize.cc`).
PARENT_INDEX_NAME = "_parent_node_index"
INPUT_PORTS_NAME = "_input_name_key"
INPUT_PLACES_NAME = "_input_name_value"

DIM_PARAMS_NAME = "_ascend_opt_dim_params"
"""Of a Data node: ONNX's names of its open dimensions in order, "" for one that nothing shares."""
ELEMENT_TYPE_NAME = "_ascend_opt_element_type"
"""Of a tensor descriptor: the element type, in MLIR's spelling, that its data type stands for."""

MANIFEST_NAME = "_ascend_opt_refresh_manifest"
"""Of the inference model of a bundle: its refreshable weights, as `compiler/om/manifest.py` has."""

FUSION_GRAPH_NAME = "_original_fusion_graph"
"""Of a node that several were fused into: the graph they were (`node_item.cc`)."""

# Attributes of a FileConstant (`file_constant_utils.cc`).
LOCATION_NAME = "location"
OFFSET_NAME = "offset"
LENGTH_NAME = "length"
FILE_PATH_NAME = "file_path"
FILE_ID_NAME = "file_id"
HASH_NAME = "_value_sha256"

# … and our own ones, of one that refers to the bytes where they lay when the model was compiled:
# the path, and the digest of a sample of the bytes.
REFERENCE_NAME = "_ascend_opt_reference"
SAMPLE_NAME = "_ascend_opt_sample_sha256"

# Attributes of a node that the engines leave on it: who runs it, that nobody has to, its kernel, on
# how many cores and of which kind (`ge_attr_define.cc`).
ENGINE_NAME = "_ge_attr_op_kernel_lib_name"
NO_TASK_NAME = "_no_task"
KERNEL_NAME = "_kernelname"
BLOCK_DIM_NAME = "tvm_blockdim"
CORE_TYPE_NAME = "_cube_vector_core_type"

MIXED = "MIX_AIC"
"""The core type of kernels for cube cores that have vector cores beside them."""

AI_CORE_ENGINE = "AIcoreEngine"
AI_CPU_ENGINE = "aicpu_ascend_kernel"
LOCAL_ENGINE = "DNN_VM_GE_LOCAL_OP_STORE"
"""The engine of nodes that GraphEngine itself handles: views, and owners of graphs."""

WEIGHT_FOLDER = "weight"
"""The folder beside an offline model that holds its external weights."""

COMBINED = "weight_combined"
"""How the name of a file of several weights ends; GraphEngine's other ones are for their owner."""

WEIGHT_PADDING = 512
"""A file of several weights is padded to a multiple of this many bytes."""

KERNEL_PREFIX = b"davinci.kernel"
"""How an AI-Core binary of this project begins: the text of a kernel; real ones are ELF files."""


class TaskType(IntEnum):
    """`TaskDef.type`: the kinds that are written and replayed (`ops_kernel_info_types.h`)."""

    KERNEL = 0
    EVENT_RECORD = 1
    EVENT_WAIT = 2


class KernelType(IntEnum):
    """`KernelContext.kernel_type` (`ccKernelType`): who runs a kernel."""

    TE = 2
    AI_CPU = 6
    MIX_AICORE = 11


AI_CORE_KERNELS = frozenset({KernelType.TE, KernelType.MIX_AICORE})
"""The types of kernels of the AI Core."""

AI_CORE_NAMES = frozenset(type.name for type in AI_CORE_KERNELS)


def pack_addresses(addresses: Sequence[int]) -> bytes:
    """`KernelDef.args`: an address is 64 bits, little-endian; MLIR's integers have a sign."""
    unsigned = (address & 0xFFFFFFFFFFFFFFFF for address in addresses)
    return struct.pack(f"<{len(addresses)}Q", *unsigned)


def unpack_addresses(data: bytes) -> tuple[int, ...]:
    """The addresses of `KernelDef.args`, bytes behind the last whole one aside."""
    return struct.unpack_from(f"<{len(data) // 8}Q", data)


class Arguments(NamedTuple):
    """The logical addresses a kernel is launched with, in this order."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    workspaces: tuple[int, ...] = ()

    @classmethod
    def unpack(cls, data: bytes, inputs: int, outputs: int) -> "Arguments | None":
        """The arguments of a node with so many inputs and outputs; None when there are fewer."""
        addresses = unpack_addresses(data)
        end = inputs + outputs
        if len(addresses) < end:
            return None
        return cls(addresses[:inputs], addresses[inputs:end], addresses[end:])


def logical_address(offset: int, *, feature_base: int, variable_base: int) -> int:
    """What an `input_i` or `output_i` stands for: variables have their address there, all else
    its offset in feature memory (`model_utils.cc`).
    """
    return offset if offset >= variable_base else feature_base + offset


def weight_folder(model: Path) -> Path:
    """Where the external weights of an offline model lie."""
    return model.parent / WEIGHT_FOLDER


def weights_beside(model: Path) -> Path:
    """The same for one that is read: of a link it is the folder beside what the link leads to."""
    return weight_folder(model.resolve() if model.is_symlink() else model)


def referenced_file(reference: str, folder: Path) -> Path:
    """The file of a reference: at its path, or moved along, to the weight folder or the model's."""
    path = Path(reference)
    places = (path, folder / path.name, folder.parent / path.name)
    # Path.is_file raises where a name is too long to be that of any file.
    return next((place for place in places if os.path.isfile(place)), path)
