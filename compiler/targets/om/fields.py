"""Fields of messages that the IR carries as they were in the file, back in their messages."""

from __future__ import annotations

from google.protobuf.message import Message
from xdsl.ir import Attribute

from compiler.errors import UserError
from compiler.om.message_text import parse_message
from compiler.om.patches import Patch, apply_patch
from dialects.om import FieldsAttr


def restore_fields(message: Message, fields: Attribute | None) -> None:
    """Let the fields of a message be what the file had; UserError where they do not fit it."""
    if not isinstance(fields, FieldsAttr):
        return
    paths = tuple(path.data for path in fields.paths)
    try:
        payload = parse_message(fields.payload.data, type(message))
        apply_patch(message, Patch(paths, payload))
    except (ValueError, LookupError, TypeError) as error:
        kind = message.DESCRIPTOR.name
        raise UserError(f"{fields} does not fit the {kind} it belongs to: {error}") from None
