"""The error a user sees: one line that says what was wrong, where, and what would be right."""

from __future__ import annotations

from typing import Self


class UserError(Exception):
    """A mistake of the user's, told in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(_line(message))

    def at(self, place: str) -> Self:
        """The same error with the file it is in before it."""
        self.args = (_line(f"{place}: {self}"),)
        return self


def printable(text: str) -> str:
    """The text without what a terminal would obey: names in a model are anybody's."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _line(text: str) -> str:
    return text if text.isprintable() else printable(" ".join(text.split()))


class NoGraphError(UserError):
    """A file that parses as an ONNX model and holds no graph."""


class InputShapeError(UserError):
    """A shape that is asked for an input and cannot be given to it.

    `name` is no input of the model, or the input has `counts[1]` dimensions in place of
    `counts[0]`.
    """

    def __init__(self, message: str, name: str, counts: tuple[int, int] | None = None):
        super().__init__(message)
        self.name = name
        self.counts = counts


class UnsupportedOperator(UserError):
    """An ONNX node whose operator cannot be compiled.

    `op_type` is written as ATC writes it, `<domain>::<opset>::<operator>`.
    """

    def __init__(self, node: str, op_type: str, message: str):
        super().__init__(message)
        self.node = node
        self.op_type = op_type


class UnknownNode(UserError):
    """A name the user gave that is no node of the model."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name = name
