"""The block that `atc --mode=6` and `--display_model_info=1` print (GraphEngine's `omg.cc`)."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.offline_model import NOTHING, SubModel
from compiler.om.partitions import PartitionType

START = "============ Display Model Info start ============"
END = "============ Display Model Info end   ============"
STORES = ("weight_data", "tbe_kernels", "cust_aicpu_kernel_store", "task_info", "so_store")
"""What the sizes in the attribute `om_info_list` are of, in its order."""


def model_info(table: SubModel) -> Iterator[str]:
    """The lines about a model. OMError where its MODEL_DEF does not parse."""
    model = table.model_def
    yield START
    yield f"Original Atc command line: {_text(model, 'atc_cmdline')}"
    system = ("atc_version", "soc_version", "framework_type")
    told = ", ".join(f"{name}[{_text(model, name)}]" for name in system)
    yield f"system   info: {told}."
    sizes = (f"{name}[{_integer(model, name)} B]" for name in ("memory_size", "weight_size"))
    counts = (f"{name}[{_integer(model, name)}]" for name in ("stream_num", "event_num"))
    yield f"resource info: {', '.join((*sizes, *counts))}."
    yield _partitions(model, len(table.partition(PartitionType.MODEL_DEF) or NOTHING))
    yield END


def _partitions(model: ModelDef, modeldef_size: int) -> str:
    if "om_info_list" not in model.attr:
        missing = 'attr "om_info_list" is not found in om, check the version is matched.'
        return f"Display Model Info failed, {missing}"
    sizes = model.attr["om_info_list"].list.i
    if len(sizes) != len(STORES):
        return "Display Model Info error, please check!"
    told = (f"{name}_size[{size} B]" for name, size in zip(STORES, sizes, strict=True))
    return f"om       info: modeldef_size[{modeldef_size} B], {', '.join(told)}."


def _text(model: ModelDef, name: str) -> str:
    return model.attr[name].s.decode("utf-8", "replace") if name in model.attr else ""


def _integer(model: ModelDef, name: str) -> int:
    return model.attr[name].i if name in model.attr else -1
