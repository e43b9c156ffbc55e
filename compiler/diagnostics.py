"""What bad input raises, the compiler's own errors and xDSL's, as one line for the user."""

from __future__ import annotations

from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError

from compiler.errors import UserError

USER_ERRORS = (
    UserError,
    ParseError,
    DiagnosticException,
    ArgSpecParseError,
    OSError,
)
"""What bad input may raise anywhere between the readers and the writers."""


def one_line(error: BaseException) -> str:
    """An error of the user's as one line."""
    if isinstance(error, ParseError):
        where = error.span.get_location()
        return f"{where}: {error.msg}"
    if isinstance(error, ArgSpecParseError):
        reason = str(error).splitlines()[-1].strip(" ^")
        hint = 'names with dots or slashes need quotes, as in refresh="fc1.weight"'
        if "pass name" in reason:
            reason, hint = "a name is expected", "it comes first, without a space before it"
        return f"pass or target options do not parse: {reason} ({hint})"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
