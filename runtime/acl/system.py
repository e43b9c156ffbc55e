"""`acl`: initialisation, finalisation, version, error messages, small conversions."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

from compiler.om.dtypes import BY_CPP
from runtime.acl.state import State
from runtime.errors import AclError, Code, invalid

_VERSION = (1, 0, 0)
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# What `data_buffer.cpp` reports where it is not the width of the type in whole bytes.
_ODD_SIZES = {
    "DT_UNDEFINED": 0,
    "DT_STRING": 0,
    "DT_FLOAT6_E3M2": 8,
    "DT_FLOAT6_E2M3": 8,
    "DT_FLOAT4_E2M1": 8,
    "DT_FLOAT4_E1M2": 8,
}
_UNDEFINED = -1


def init(state: State, path: str = "") -> None:
    """Starts using ACL; again while in use: 100002, and it must be finalised once more."""
    if state.initialized:
        state.initialized += 1
        message = "acl.init was called before; finalize first"
        raise AclError(Code.REPEAT_INITIALIZE, message)
    config = _config(path) if path else ""
    if state.first_config is None:
        state.first_config = config
    elif state.first_config != config:
        raise invalid("this process was initialised with another configuration before")
    state.initialized, state.is_finalized = 1, False


def _config(path: str) -> str:
    try:
        text = Path(path).read_text()
        json.loads(text)
    except OSError as error:
        raise AclError(Code.INVALID_FILE, f"configuration {path}: {error.strerror}") from None
    except ValueError as error:
        raise AclError(Code.PARSE_FILE, f"configuration {path} is not JSON: {error}") from None
    return text


def finalize(state: State) -> None:
    """Drops everything, however often ACL was initialised; twice in a row: 100037."""
    if state.is_finalized:
        raise AclError(Code.REPEAT_FINALIZE, "acl.finalize was called before; init first")
    state.initialized, state.is_finalized = 0, True
    state.dispose()


def finalize_reference(state: State) -> int:
    """Undoes one init; the last one drops everything. The count left."""
    if not state.initialized:
        raise AclError(Code.REPEAT_FINALIZE, "acl is not initialised")
    if state.initialized == 1:
        finalize(state)
    else:
        state.initialized -= 1
    return state.initialized


def get_version(state: State) -> tuple[int, int, int]:
    """Major, minor and patch version of the interface."""
    return _VERSION


def get_soc_name(state: State) -> str:
    """The name of the simulated chip."""
    return state.soc


def get_recent_err_msg(state: State) -> str | None:
    """What went wrong in this thread since the last call; None when nothing did."""
    messages = state.thread.messages
    text = "\n".join(messages) or None
    messages.clear()
    return text


def app_log(state: State, level: int, text: str) -> None:
    """Logs a line; it is shown when ASCEND_SLOG_PRINT_TO_STDOUT is 1."""
    if os.environ.get("ASCEND_SLOG_PRINT_TO_STDOUT") == "1":
        name = _LOG_LEVELS[level] if 0 <= level < len(_LOG_LEVELS) else str(level)
        print(f"[{name}] APP: {text}", flush=True)


def float16_to_float(state: State, bits: int) -> float:
    """The value of a float16 given as its 16 bits."""
    return struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0]


def float_to_float16(state: State, value: float) -> int:
    """The 16 bits of the float16 nearest to a value."""
    import numpy as np

    with np.errstate(over="ignore"):
        return int(np.float16(value).view(np.uint16))


def data_type_size(state: State, dtype: int) -> int:
    """Bytes of one element, as ACL reports them."""
    known = BY_CPP.get(dtype)
    if dtype == _UNDEFINED:
        return 0
    if known is None or known.bits is None:
        return _ODD_SIZES.get(known.name, 8) if known else 8
    return _ODD_SIZES.get(known.name, max(1, known.bits // 8))
