"""The block that `atc --mode=6` and `--display_model_info=1` print (GraphEngine's `omg.cc`)."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.om.contract import LISTED_NAME, LISTED_SIZES
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.offline_model import NOTHING, SubModel
from compiler.om.partitions import PartitionType

START = "============ Display Model Info start ============"
END = "============ Display Model Info end   ============"
STORES = {
    PartitionType.WEIGHTS_DATA: "weight_data",
    PartitionType.TBE_KERNELS: "tbe_kernels",
    PartitionType.CUST_AICPU_KERNELS: "cust_aicpu_kernel_store",
    PartitionType.TASK_INFO: "task_info",
    PartitionType.SO_BINS: "so_store",
}
"""What ATC calls the partitions whose sizes the model lists."""


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
    if LISTED_NAME not in model.attr:
        missing = f'attr "{LISTED_NAME}" is not found in om, check the version is matched.'
        return f"Display Model Info failed, {missing}"
    sizes = model.attr[LISTED_NAME].list.i
    if len(sizes) != len(LISTED_SIZES):
        return "Display Model Info error, please check!"
    pairs = zip(LISTED_SIZES, sizes, strict=True)
    told = (f"{STORES[type_]}_size[{size} B]" for type_, size in pairs)
    return f"om       info: modeldef_size[{modeldef_size} B], {', '.join(told)}."


def _text(model: ModelDef, name: str) -> str:
    return model.attr[name].s.decode("utf-8", "replace") if name in model.attr else ""


def _integer(model: ModelDef, name: str) -> int:
    return model.attr[name].i if name in model.attr else -1
