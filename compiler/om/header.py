"""The 256-byte header every OM file begins with (GraphEngine's `ModelFileHeader`)."""

import struct
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from compiler.om.buffers import Buffer

MAGIC = 0x444F4D49  # "IMOD" in the file
VERSION = 0x20000000
LAYOUT = struct.Struct("<III64sI4B32sI32sII20sB3sQBB62s")
HEADER_SIZE = LAYOUT.size

NAME_BYTES = 31  # the field has 32; the last stays zero
PLATFORM_VERSION_BYTES = 19  # likewise of 20


class ModelType(IntEnum):
    """Values of `modeltype`; only flow models and bundles are parsed differently."""

    IR = 0
    STANDARD = 1
    TINY = 2
    FLOW = 3
    LITE = 4
    BUNDLE = 5


@dataclass(frozen=True, slots=True)
class ModelFileHeader:
    """The fields in file order, named as GraphEngine names them.

    Byte fields are held without their trailing zeros. The defaults are what GraphEngine writes
    for a compiled model; a bundle's header is all zero but for three fields (`bundle_header`).
    """

    magic: int = MAGIC
    headsize: int = HEADER_SIZE
    version: int = VERSION
    checksum: bytes = b""  # never computed, never checked
    length: int = 0  # payload bytes when `model_length` is 0
    is_encrypt: int = 0
    is_checksum: int = 0
    modeltype: int = ModelType.IR
    genmode: int = 0
    name: bytes = b""
    ops: int = 0
    userdefineinfo: bytes = b""
    om_ir_version: int = 0
    model_num: int = 0
    platform_version: bytes = b""
    platform_type: int = 0
    padd: bytes = b""
    model_length: int = 0  # payload bytes: all but the header; in a bundle the header counts too
    need_check_os_cpu_info: int = 0
    is_unknow_model: int = 0  # 1: shapes are dynamic
    reserved: bytes = b""

    @property
    def payload_length(self) -> int:
        """Bytes behind the header; the 32-bit field counts when the 64-bit one is unset."""
        return self.model_length or self.length

    @property
    def has_tiny_tables(self) -> bool:
        """Whether partition tables have 32-bit entries."""
        return not self.model_length and self.modeltype != ModelType.FLOW

    @property
    def is_dynamic(self) -> bool:
        """Whether GraphEngine reads `model_num` partition tables instead of one."""
        return self.version >= VERSION and (self.model_num > 1 or self.is_unknow_model == 1)

    @property
    def model_name(self) -> str:
        """The name as text, up to the first zero byte."""
        return self.name.split(b"\0", 1)[0].decode("utf-8", "replace")

    def pack(self) -> bytes:
        """The 256 bytes of the header."""
        return LAYOUT.pack(*astuple(self))


def unpack_header(data: Buffer) -> ModelFileHeader:
    """Reads the first 256 bytes of `data`, whatever they mean; loses nothing."""
    fields: tuple[Any, ...] = LAYOUT.unpack_from(data)
    return ModelFileHeader(*map(_trimmed, fields))


def _trimmed(field: Any) -> Any:
    return field.rstrip(b"\0") if isinstance(field, bytes) else field


def bundle_header(model_num: int, file_size: int) -> ModelFileHeader:
    """A bundle's header: zero throughout, magic included, but for type, count and file size."""
    return ModelFileHeader(
        magic=0,
        headsize=0,
        version=0,
        modeltype=ModelType.BUNDLE,
        model_num=model_num,
        model_length=file_size,
    )
