"""The om dialect: what is in an offline model file."""

from xdsl.ir import Dialect

from dialects.om.attributes import PlacementAttr, values_of
from dialects.om.ops import (
    BinaryOp,
    BundleOp,
    EventRecordOp,
    EventWaitOp,
    KernelTaskOp,
    ModelOp,
    RawTaskOp,
)

OM = Dialect(
    "om",
    [BinaryOp, BundleOp, EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp, RawTaskOp],
    [PlacementAttr],
)

__all__ = [
    "OM",
    "BinaryOp",
    "BundleOp",
    "EventRecordOp",
    "EventWaitOp",
    "KernelTaskOp",
    "ModelOp",
    "PlacementAttr",
    "RawTaskOp",
    "values_of",
]
