"""What a module must hold for a conversion: on any other it would silently do nothing."""

from __future__ import annotations

from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp

from compiler.errors import UserError


class Source(NamedTuple):
    """What a conversion starts from, where that comes from, and what has it behind it already."""

    names: tuple[str, ...]
    origin: str
    done: tuple[str, ...]


GE = ("ge.graph", "ge.bundle")
FROM_ONNX = Source(("onnx.graph",), "an ONNX model is read as one", GE)
FROM_GE = "pass convert-onnx-to-ge makes one"

SOURCES = {
    "convert-onnx-to-ge": FROM_ONNX,
    "offline": FROM_ONNX,
    "convert-ge-to-davinci": Source(GE, FROM_GE, ("davinci.kernel",)),
    "convert-ge-to-om": Source(GE, FROM_GE, ("om.model", "om.bundle")),
}


def check_source(name: str, module: ModuleOp) -> None:
    """UserError when a module has something, but nothing that the pass of that name converts."""
    source = SOURCES.get(name)
    found = {op.name for op in module.body.block.ops}
    if source is not None and found and found.isdisjoint((*source.names, *source.done)):
        raise UserError(f"{name}: the module has no {source.names[0]} ({source.origin})")
