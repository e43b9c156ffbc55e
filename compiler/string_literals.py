"""Mends xDSL's lexer, which takes exponential time over a string that is not closed."""

from __future__ import annotations

import re

from xdsl.utils.mlir_lexer import MLIRLexer

_STRING = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')
"""xDSL's (0.74) expression with possessive quantifiers: what is matched once is not tried again."""


def mend_lexer() -> None:
    """Let strings be matched in linear time, in every parser of this process."""
    MLIRLexer._unescaped_characters_regex = _STRING  # pyright: ignore[reportPrivateUsage]
