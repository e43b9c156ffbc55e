"""Where the weights lie that are not in a ModelProto, and which tensors they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex

from onnx import TensorProto

from compiler.weights import FileBytes, Inline

TYPED_FIELDS = (
    "float_data",
    "int32_data",
    "int64_data",
    "double_data",
    "uint64_data",
    "string_data",
)


@dataclass(frozen=True)
class Payloads:
    """The weights that were cut out of a model; `mark` is the key that tells their tensors.

    Nobody who writes a model can guess the mark.
    """

    places: list[FileBytes | Inline] = field(default_factory=list[FileBytes | Inline])
    mark: str = field(default_factory=lambda: token_hex(16))

    def of(self, tensor: TensorProto) -> FileBytes | Inline | None:
        """Where the bytes of a tensor lie, None when they are with it or nobody has looked."""
        for entry in tensor.external_data:
            if entry.key == self.mark:
                return self.places[int(entry.value)]
        return None

    def put(self, tensor: TensorProto, place: FileBytes | Inline) -> None:
        """Let a tensor lie at a place."""
        del tensor.external_data[:]
        tensor.external_data.add(key=self.mark, value=str(len(self.places)))
        tensor.data_location = TensorProto.EXTERNAL
        self.places.append(place)


def has_values(tensor: TensorProto) -> bool:
    """Whether a tensor has values with it."""
    return tensor.HasField("raw_data") or any(len(getattr(tensor, f)) for f in TYPED_FIELDS)
