"""The base class of our operations: errors name one operation, never print the whole module."""

from __future__ import annotations

from functools import lru_cache
from typing import NoReturn

from xdsl.dialects.builtin import ArrayAttr, FileLineColLoc, IntegerAttr, NameLoc, StringAttr, i64
from xdsl.ir import Operation
from xdsl.irdl import IRDLOperation
from xdsl.utils.exceptions import VerifyException


def origin(op: Operation) -> str | None:
    """The name of the ONNX node an operation came from, where its location tells."""
    location = op.location
    return location.desc.data if isinstance(location, NameLoc) else None


def describe(op: Operation) -> str:
    """How an error message calls an operation: its kind, its name, where it came from."""
    text = op.name
    name = op.properties.get("node_name") or op.properties.get("sym_name")
    if isinstance(name, StringAttr):
        text += f" '{name.data}'"
    if (node := origin(op)) and not (isinstance(name, StringAttr) and name.data == node):
        text += f" (ONNX node '{node}')"
    if isinstance(op.location, FileLineColLoc):
        text += f" at {op.location.filename.data}:{op.location.line.data}"
    return text


@lru_cache(maxsize=4096)
def names_attr(names: tuple[str, ...]) -> ArrayAttr[StringAttr]:
    """An array of names: one shared attribute for each."""
    return ArrayAttr([StringAttr(name) for name in names])


@lru_cache(maxsize=4096)
def name_attr(name: str) -> StringAttr:
    """A name that many operations say: one shared attribute for each."""
    return StringAttr(name)


@lru_cache(maxsize=4096)
def i64_attr(value: int) -> IntegerAttr:
    """A number of 64 bits: one shared attribute for each."""
    return IntegerAttr(value, i64)


class AscendOp(IRDLOperation):
    """An operation whose verification errors are one line."""

    def emit_error(self, message: str, underlying_error: Exception) -> NoReturn:
        raise VerifyException(f"{describe(self)}: {underlying_error}") from None
