"""Mends xDSL's lexer: strings that are not closed cost it exponential time, others than ASCII it
takes for bytes.
"""

from __future__ import annotations

import re

from xdsl.utils.mlir_lexer import MLIRLexer, MLIRToken, MLIRTokenKind, StringLiteral

_STRING = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')
"""xDSL's (0.74) expression with possessive quantifiers: what is matched once is not tried again."""

_lex_string = MLIRLexer._lex_string_literal  # pyright: ignore[reportPrivateUsage]


def mend_lexer() -> None:
    """Let strings be matched in linear time, and UTF-8 be text, in every parser of this process."""
    MLIRLexer._unescaped_characters_regex = _STRING  # pyright: ignore[reportPrivateUsage]
    MLIRLexer._lex_string_literal = _lex_text  # pyright: ignore[reportPrivateUsage]


def _lex_text(self: MLIRLexer, start_pos: int) -> MLIRToken:
    """xDSL prints every other character than ASCII as the bytes of its UTF-8 form."""
    token = _lex_string(self, start_pos)
    if token.kind is MLIRTokenKind.BYTES_LIT and isinstance(token.span, StringLiteral):
        try:
            token.span.bytes_contents.decode()
        except UnicodeDecodeError:
            return token
        return MLIRToken(MLIRTokenKind.STRING_LIT, token.span)
    return token
