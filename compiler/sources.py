"""The files that a module takes its weights from, and the promise not to write over them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import product

from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.ir import Attribute, ParametrizedAttribute

from compiler.errors import UserError
from dialects.weights import FileAttr


def source_files(module: ModuleOp) -> set[str]:
    """The files that weights of the module are in."""
    attributes = (
        attribute
        for op in module.walk()
        for attribute in (*op.properties.values(), *op.attributes.values())
    )
    return {file.path.data for attribute in attributes for file in _files(attribute)}


def _files(attribute: Attribute) -> Iterator[FileAttr]:
    inner: Iterable[Attribute] = ()
    match attribute:
        case FileAttr():
            yield attribute
        case ParametrizedAttribute():
            inner = attribute.parameters
        case ArrayAttr():
            inner = attribute.data
        case _:
            pass
    for part in inner:
        yield from _files(part)


class OverwritingError(UserError):
    """A file would be written that somebody still needs."""


def check_outputs(
    outputs: Iterable[str | os.PathLike[str]], inputs: Iterable[str | os.PathLike[str]]
) -> None:
    """OverwritingError when a file to write is one that is read, under another name perhaps."""
    for output, source in product(outputs, list(inputs)):
        with suppress(OSError):  # one that does not exist yet is no input
            if os.path.samefile(output, source):
                raise OverwritingError(
                    f"{output} belongs to the model that is read: write elsewhere"
                )
