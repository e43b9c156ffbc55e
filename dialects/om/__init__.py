"""The om dialect: what is in an offline model file."""

from xdsl.ir import Dialect

from dialects.om.attributes import (
    DATA_OFFSET_NAME,
    FIELDS_NAME,
    INLINE_NAME,
    ORDER_NAME,
    RESERVED,
    VALUE_FIELDS_NAME,
    FieldsAttr,
    PlacementAttr,
    values_of,
)
from dialects.om.ops import (
    BinaryOp,
    BundleOp,
    EventRecordOp,
    EventWaitOp,
    KernelTaskOp,
    ModelOp,
    PartitionOp,
    RawTaskOp,
)

OM = Dialect(
    "om",
    [
        BinaryOp,
        BundleOp,
        EventRecordOp,
        EventWaitOp,
        KernelTaskOp,
        ModelOp,
        PartitionOp,
        RawTaskOp,
    ],
    [FieldsAttr, PlacementAttr],
)

__all__ = [
    "DATA_OFFSET_NAME",
    "FIELDS_NAME",
    "INLINE_NAME",
    "OM",
    "ORDER_NAME",
    "RESERVED",
    "VALUE_FIELDS_NAME",
    "BinaryOp",
    "BundleOp",
    "EventRecordOp",
    "EventWaitOp",
    "FieldsAttr",
    "KernelTaskOp",
    "ModelOp",
    "PartitionOp",
    "PlacementAttr",
    "RawTaskOp",
    "values_of",
]
