"""The return codes of ACL and the error that carries one, with a line of text for people."""

from __future__ import annotations

from enum import IntEnum

from compiler.om.errors import OMError


class Code(IntEnum):
    """Codes we return. Source: `acl_base_rt.h`, `ge_error_codes.h`, `rt_error_codes.h`."""

    SUCCESS = 0
    INVALID_PARAM = 100000
    REPEAT_INITIALIZE = 100002
    INVALID_FILE = 100003
    PARSE_FILE = 100006
    REPEAT_FINALIZE = 100037
    RT_PARAM_INVALID = 107000
    RT_INVALID_DEVICE = 107001
    RT_NO_CONTEXT = 107002
    RT_EVENT_TIMESTAMP = 107006
    RT_THREAD_NOT_SUBSCRIBED = 107012
    RT_NO_CALLBACK_REGISTERED = 107015
    RT_POINTER_INVALID = 107017
    INVALID_BUNDLE_MODEL_ID = 148053
    GE_PARAM_INVALID = 145000
    GE_MODEL_PATH_INVALID = 145002
    GE_MODEL_ID_INVALID = 145003
    GE_DYNAMIC_INPUT_LENGTH = 145012
    GE_DYNAMIC_BATCH_SIZE = 145013
    API_NOT_SUPPORTED = 200001
    RT_FEATURE_NOT_SUPPORTED = 207000
    RT_MEMORY_ALLOCATION = 207001
    GE_MEMORY_ALLOCATION = 245000
    STORAGE_OVER_LIMIT = 300000
    GE_FAILURE = 500002
    RT_INTERNAL = 507000
    RT_EVENT_NOT_COMPLETE = 507006
    RT_MODEL_EXECUTE = 507011
    RT_REPORT_TIMEOUT = 507012
    RT_STREAM_SYNC_TIMEOUT = 507046
    GE_LOAD_TASK_PARTITION = 545004


class AclError(Exception):
    """A call that fails: the code it returns, and what went wrong in one line.

    The names in a broken file may be anything: what would break the line is spelled out.
    """

    def __init__(self, code: int, message: str) -> None:
        if not message.isprintable():
            message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
        super().__init__(message)
        self.code = int(code)
        self.message = message


def invalid(message: str) -> AclError:
    """An argument that cannot be right: 100000."""
    return AclError(Code.INVALID_PARAM, message)


def failure(message: str) -> AclError:
    """What GraphEngine cannot do, or finds wrong in a model: 500002."""
    return AclError(Code.GE_FAILURE, message)


def from_om(error: OMError) -> AclError:
    """A file that does not load, as ACL reports it.

    ACL hands on GraphEngine's codes of three ranges and its own; every other status becomes
    500002 (`error_codes_inner.h`).
    """
    code = int(error.code)
    known = code == Code.INVALID_PARAM or 107000 <= code <= 507999 or 145000 <= code <= 545999
    return AclError(code if known else Code.GE_FAILURE, error.message)
