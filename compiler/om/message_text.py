"""Messages as one line of text that says all of them: protobuf's text format, or hexadecimal."""

from __future__ import annotations

import re
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from compiler.om.encode import encode_message

M = TypeVar("M", bound=Message)

HEX = "0x"
"""How a text in hexadecimal begins; no field of a message is called so."""

INEXACT = re.compile(r"(?:^|[ {])\d+(?::| \{)|nan")
"""What the text format does not keep: fields that no schema names, the bits of a NaN."""


QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
"""A string of the text format; either kind of quotes is escaped in it."""


def message_text(message: Message) -> str:
    """A text from which the very message can be made again.

    Strings in it are in single quotes, which MLIR's text need not escape.
    """
    text = text_format.MessageToString(message, as_one_line=True, print_unknown_fields=True)
    if INEXACT.search(text):
        return f"{HEX}{encode_message(message).hex()}"
    return QUOTED.sub(r"'\1'", text)


def parse_message(text: str, kind: type[M]) -> M:
    """The message of a text; ValueError when it is none."""
    try:
        if text.startswith(HEX):
            return kind.FromString(bytes.fromhex(text.removeprefix(HEX)))
        return text_format.Parse(text, kind())
    except (DecodeError, text_format.ParseError) as error:
        raise ValueError(" ".join(str(error).split())) from None
