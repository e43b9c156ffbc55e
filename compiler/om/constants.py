"""The operators that are constants, and where a weight partition has their bytes."""

from __future__ import annotations

from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import OpDef

CONST_TYPES = ("Const", "Constant")
"""Types of the operators that have their bytes in the model."""

FILE_CONSTANT = "FileConstant"
"""Type of the operators that have them in a file."""


def extent_of(op: OpDef, available: int, source: str) -> tuple[int, int]:
    """Offset and length of a constant's bytes in a weight partition of `available` bytes.

    OMError, with `source` before it, for bytes that are not all inside.
    """
    desc = op.attr["value"].t.desc
    start, length = desc.data_offset, desc.weight_size
    if start < 0 or length < 0 or start + length > available:
        needs = f"needs bytes {start} to {start + length} of a weight partition of {available}"
        raise OMError(Status.PARAM_INVALID, f"{source}: constant '{op.name}' {needs}")
    return start, length
