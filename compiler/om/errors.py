"""GraphEngine's status numbers for OM files, and the error that carries one."""

from enum import IntEnum

from compiler.errors import UserError


class Status(IntEnum):
    """What GraphEngine and ACL return. Source: `ge_error_codes.h`, `ge_api_error_codes.h`."""

    INVALID_PARAM = 100000  # ACL's own: the bundle calls
    GE_PARAM_INVALID = 145000
    MODEL_PATH_INVALID = 145002
    MODEL_DATA_SIZE_INVALID = 145006
    MEMORY_ALLOCATION = 245000
    PARAM_INVALID = 0x50100001  # every failed assertion of the loader
    FAILED = 0xFFFFFFFF


class OMError(UserError):
    """An OM file that cannot be read or written: GraphEngine's status and one line of text."""

    def __init__(self, code: Status, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
