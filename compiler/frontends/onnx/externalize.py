"""Decides which tensors of a model will lie outside its file, and in which files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from onnx import TensorProto, numpy_helper

from compiler.errors import UserError
from compiler.frontends.onnx.external_data import checked_location
from compiler.frontends.onnx.payloads import TYPED_FIELDS, Payloads, has_values
from compiler.frontends.onnx.slim import SlimModel, unresolved
from compiler.frontends.onnx.walk import attribute_tensors_of, initializers_of, tensors_of
from compiler.weights import Inline

BESIDE = "."
"""The location that stands for `<file name of the model>.data` until the model has a name."""

MAX_NAME = 200
"""Bytes of a file name that is made of a tensor's; file systems take 255."""


def convert_model_to_external_data(
    model: SlimModel,
    all_tensors_to_one_file: bool = True,
    location: str | None = None,
    size_threshold: int = 1024,
    convert_attribute: bool = False,
) -> None:
    """Note which tensors `save_model` shall write to files of their own; nothing is written yet.

    It chooses among the tensors that onnx's own loader looks for: initializers, with
    `convert_attribute` also attributes of nodes (of constants, of functions). All go to the file
    `location`, which is relative to the model and by default the model's name and `.data`, or
    each to a file that is named after the tensor. UserError for a location outside the folder.

    Unlike onnx, which compares what the Python object takes (33 bytes more), `size_threshold` is
    the number of data bytes from which a tensor is external. Values in typed fields (`int64_data`)
    count like raw data, where onnx leaves them in the model; empty tensors and strings stay there.
    A `location` is ignored, as by onnx, where each tensor has its own file.
    """
    names = _FileNames()
    if location is not None and all_tensors_to_one_file:
        checked_location(location)
    for tensor in _candidates(model, convert_attribute):
        if _make_payload(tensor, model.payloads, max(size_threshold, 1)):
            target = (location or BESIDE) if all_tensors_to_one_file else names.of(tensor)
            set_location(tensor, target)


def convert_model_from_external_data(model: SlimModel) -> None:
    """Let `save_model` write every tensor into the model's file.

    UserError for one whose external data nobody has looked for yet.
    """
    for tensor in unresolved(model):
        raise not_loaded(tensor)
    for tensor in tensors_of(model.proto):
        if location_of(tensor) is not None:
            _drop_location(tensor)


def location_of(tensor: TensorProto) -> str | None:
    """Where a tensor will be or, if nobody has looked for it, is said to be; None: in the model."""
    return next((entry.value for entry in tensor.external_data if entry.key == "location"), None)


def set_location(tensor: TensorProto, location: str) -> None:
    """Note the file that a tensor with a payload shall be in."""
    _drop_location(tensor)
    tensor.external_data.add(key="location", value=location)


def not_loaded(tensor: TensorProto) -> UserError:
    """The error where the bytes of an external tensor are needed."""
    return UserError(
        f"external data of tensor '{tensor.name}': nobody has looked for it: call"
        " load_external_data_for_model first"
    )


def _drop_location(tensor: TensorProto) -> None:
    kept = [entry for entry in tensor.external_data if entry.key != "location"]
    del tensor.external_data[:]
    tensor.external_data.extend(kept)


def _candidates(model: SlimModel, convert_attribute: bool) -> Iterator[TensorProto]:
    graph = model.proto.graph
    yield from initializers_of(graph)
    if convert_attribute:
        bodies = (function.node for function in model.proto.functions)
        yield from chain.from_iterable(map(attribute_tensors_of, (graph.node, *bodies)))


def _make_payload(tensor: TensorProto, payloads: Payloads, least: int) -> bool:
    """Whether a tensor has at least so many bytes; if so they are not in the message any more."""
    place = payloads.of(tensor)
    if place is not None:
        return place.length >= least
    external = tensor.data_location == TensorProto.EXTERNAL
    if external or tensor.data_type == TensorProto.STRING or not has_values(tensor):
        return False
    raw = raw_values(tensor)
    if len(raw) < least:
        return False
    for values in ("raw_data", *TYPED_FIELDS):
        tensor.ClearField(values)  # pyright: ignore[reportArgumentType]  # a field's name
    payloads.put(tensor, Inline(raw))
    return True


def raw_values(tensor: TensorProto) -> bytes:
    """The values of a tensor as raw data. UserError where they do not fit its type and shape."""
    if tensor.HasField("raw_data"):
        return tensor.raw_data
    try:
        return numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"tensor '{tensor.name}' has no proper values: {reason}") from None


class _FileNames:
    """File names for tensors: portable, and different also where upper case is lower case."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.numbers: dict[str, int] = {}

    def of(self, tensor: TensorProto) -> str:
        stem = re.sub(r"[^\w.+@=-]|\.\.+|^\.?$", "_", tensor.name, flags=re.ASCII)[:MAX_NAME]
        name = stem
        while name.casefold() in self.taken:
            number = self.numbers[stem] = self.numbers.get(stem, 1) + 1
            name = f"{stem}_{number}"
        self.taken.add(name.casefold())
        return name
