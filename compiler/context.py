"""The dialects that a module may have in it, known to its parser."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects import get_all_dialects

from compiler.string_literals import mend_lexer
from compiler.universe import UNIVERSE

UPSTREAM_DIALECTS = ("builtin", "affine", "arith", "memref", "test")


def context() -> Context:
    """A context that knows every dialect of ours: for programs that drive passes themselves."""
    ctx = Context()
    register_dialects(ctx)
    return ctx


def register_dialects(ctx: Context) -> None:
    """Make our dialects known, and those of xDSL's that we use, to a parser that is mended."""
    mend_lexer()
    upstream = get_all_dialects()
    for name in UPSTREAM_DIALECTS:
        ctx.register_dialect(name, upstream[name])
    for name, factory in UNIVERSE.all_dialects.items():
        ctx.register_dialect(name, factory)
