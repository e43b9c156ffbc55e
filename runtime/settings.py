"""What the environment says about how the device shall run models."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TypeVar

from compiler.faithfulness import is_faithful
from runtime.errors import failure

ENGINE_VARIABLE = "ASCEND_OPT_ENGINE"
VERIFY_VARIABLE = "ASCEND_OPT_VERIFY_WEIGHTS"
VALUE_BINS_VARIABLE = "ASCEND_OPT_VALUE_BINS"


Choice = TypeVar("Choice", bound=StrEnum)


class Engine(StrEnum):
    """What computes the AI-Core tasks of a static model.

    OPERATOR: NumPy, by the operator type of the node. KERNEL: the instructions of the kernel that
    is in the file, on simulated buffers; slow, and the proof that the kernel computes the node.
    """

    OPERATOR = "operator"
    KERNEL = "kernel"


class Verify(StrEnum):
    """When the SHA-256 of external weights, which a model states, is compared with their bytes.

    BACKGROUND: while the program goes on; once a weight is found damaged, execution fails. Weights
    that take no time to hash are done at load all the same. LOAD: before the load call returns.
    NEVER: their sizes must fit, their bytes may be any.
    """

    BACKGROUND = "background"
    LOAD = "load"
    NEVER = "never"


def default_engine() -> Engine:
    """The engine the environment names; AclError 500002 when there is none of that name."""
    return _chosen(ENGINE_VARIABLE, "the engines", Engine, Engine.OPERATOR)


def engine_of(name: str) -> Engine:
    """The engine of a name; AclError 500002 when there is none."""
    return _known("engine", name, "the engines", Engine)


def default_verification() -> Verify:
    """When to verify weights: as the environment says, else in the background.

    GraphEngine never does. AclError 500002 when there is no such moment.
    """
    default = Verify.NEVER if is_faithful() else Verify.BACKGROUND
    return _chosen(VERIFY_VARIABLE, "the moments to verify", Verify, default)


def value_bins() -> str:
    """GraphEngine's option `ge.exec.value_bins`, JSON: the weight files of ids; "" for none."""
    return os.environ.get(VALUE_BINS_VARIABLE, "")


def _chosen(variable: str, what: str, choices: type[Choice], default: Choice) -> Choice:
    return _known(variable, os.environ.get(variable) or default, what, choices)


def _known(told_by: str, name: str, what: str, choices: type[Choice]) -> Choice:
    try:
        return choices(name)
    except ValueError:
        message = f"{told_by}={name}: {what} are {' and '.join(choices)}"
        raise failure(message) from None
