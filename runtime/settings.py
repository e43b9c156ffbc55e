"""What the environment says about how the device shall run models."""

from __future__ import annotations

import os
from enum import StrEnum

from runtime.errors import AclError, Code

ENGINE_VARIABLE = "ASCEND_OPT_ENGINE"


class Engine(StrEnum):
    """What computes the AI-Core tasks of a static model.

    OPERATOR: NumPy, by the operator type of the node. KERNEL: the instructions of the kernel that
    is in the file, on simulated buffers; slow, and the proof that the kernel computes the node.
    """

    OPERATOR = "operator"
    KERNEL = "kernel"


def is_faithful() -> bool:
    """Whether to do what the real runtime does even where it loses data without a word."""
    return os.environ.get("ASCEND_OPT_FAITHFUL") == "1"


def default_engine() -> Engine:
    """The engine the environment names; AclError 500002 when there is none of that name."""
    name = os.environ.get(ENGINE_VARIABLE) or Engine.OPERATOR
    try:
        return Engine(name)
    except ValueError:
        message = f"{ENGINE_VARIABLE}={name}: the engines are {' and '.join(Engine)}"
        raise AclError(Code.GE_FAILURE, message) from None
