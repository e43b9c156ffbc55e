"""Operations as the text that parses back."""

from __future__ import annotations

from io import StringIO

from xdsl.ir import Operation
from xdsl.printer import Printer


def text_of(op: Operation) -> str:
    """The operation in its own syntax, a newline at the end."""
    stream = StringIO()
    Printer(stream).print_op(op)
    return stream.getvalue().rstrip("\n") + "\n"
