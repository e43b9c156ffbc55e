"""Reads an ONNX file into a ModelProto without its weights, which stay where they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap

from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto

from compiler.errors import NoGraphError, UserError
from compiler.frontends.onnx.external_data import ExternalData
from compiler.frontends.onnx.payloads import Payloads, has_values
from compiler.frontends.onnx.scan import MalformedError, Scanner
from compiler.frontends.onnx.tensors import type_of
from compiler.frontends.onnx.text import check_text
from compiler.frontends.onnx.walk import tensors_of
from compiler.weights import FileBytes, Version, pin
from dialects.onnx.attributes import byte_count


@dataclass(frozen=True)
class SlimModel:
    """A model, and where the weights lie that are not in its `proto`.

    `folder` is the one that the model was in: external data nobody has looked for is relative
    to it.
    """

    proto: ModelProto
    folder: str = ""
    payloads: Payloads = field(default_factory=Payloads)


def read_slim(path: str, *, keep_training: bool = False) -> SlimModel:
    """The model at `path`; UserError when it is not an ONNX model. External data is left alone."""
    payloads = Payloads()
    try:
        proto = ModelProto.FromString(_slim(path, payloads, keep_training))
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}") from None
    except MalformedError as error:
        raise UserError(f"is not an ONNX model, or is damaged: {error}") from None
    except DecodeError:
        raise UserError("is not an ONNX model: protobuf cannot parse it") from None
    if not proto.HasField("graph"):
        raise NoGraphError("is not an ONNX model: it holds no graph")
    if not keep_training:
        del proto.training_info[:]
    check_text(proto)
    return SlimModel(proto, os.path.dirname(path), payloads)


def _slim(path: str, payloads: Payloads, keep_training: bool) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UserError("is not a regular file, and weights are read from it in place")
        if status.st_size == 0:
            raise UserError("is empty")
        version = Version.of(status)
        pin(path, version)
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            scanner = Scanner(data, payloads.mark, keep_training=keep_training)
            slim = scanner.model()
    spans = scanner.spans
    payloads.places.extend(FileBytes(path, span.offset, span.length, version) for span in spans)
    return slim


def resolve(model: SlimModel, store: ExternalData) -> list[tuple[TensorProto, FileBytes]]:
    """Check each external tensor that nobody has looked for, then note where they lie."""
    found = [(tensor, place_of(tensor, store)) for tensor in unresolved(model)]
    for tensor, place in found:
        model.payloads.put(tensor, place)
    return found


def unresolved(model: SlimModel) -> Iterator[TensorProto]:
    """The external tensors that nobody has looked for."""
    for tensor in tensors_of(model.proto):
        if tensor.data_location == TensorProto.EXTERNAL and model.payloads.of(tensor) is None:
            yield tensor


def place_of(tensor: TensorProto, store: ExternalData) -> FileBytes:
    """Where an external tensor lies. UserError when a rule of external data forbids it."""
    if tensor.data_type == TensorProto.STRING:
        raise UserError(f"external data of tensor '{tensor.name}': strings cannot be external")
    if has_values(tensor):
        raise UserError(f"external data of tensor '{tensor.name}': it has values in it as well")
    entries = [(entry.key, entry.value) for entry in tensor.external_data]
    return store.place(tensor.name, entries, byte_count(type_of(tensor)))
