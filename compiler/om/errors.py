"""GraphEngine's status numbers for graphs and OM files, and the errors that carry one."""

from enum import IntEnum

from compiler.errors import UserError


class Status(IntEnum):
    """What GraphEngine and ACL return.

    Sources: `ge_error_codes.h`, `ge_api_error_codes.h`, `graph/error_codes.h`.
    """

    SUCCESS = 0
    INVALID_PARAM = 100000  # ACL's own: the bundle calls
    GE_PARAM_INVALID = 145000
    MODEL_PATH_INVALID = 145002
    MODEL_DATA_SIZE_INVALID = 145006
    MEMORY_ALLOCATION = 245000
    GRAPH_PARAM_INVALID = 0x03000001  # what the graph-build calls refuse themselves
    PARAM_INVALID = 0x50100001  # every failed assertion, of the loader as well
    UNSUPPORTED = 0x50100064
    FAILED = 0xFFFFFFFF


class StatusError(UserError):
    """GraphEngine's status and one line of text."""

    def __init__(self, code: Status, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = str(self)


class OMError(StatusError):
    """An OM file that cannot be read or written."""


class GraphError(StatusError):
    """Graphs that cannot be split, built or bundled."""
