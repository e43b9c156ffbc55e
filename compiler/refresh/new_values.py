"""What the variables of a bundle begin with when other ONNX tensors are given."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.errors import UserError
from compiler.refresh.bundle_weights import BundleFile
from compiler.safetensors import TensorRef
from compiler.weights import Weight
from compiler.weights.recipes import made


def new_values(file: BundleFile, tensors: Mapping[str, TensorRef[Weight]]) -> dict[str, Weight]:
    """The new value of each variable that the tensors change, made as its recipe says.

    UserError where another tensor is needed to make one of them.
    """
    given = {name: tensor.data for name, tensor in tensors.items()}
    values: dict[str, Weight] = {}
    for weight in file.manifest.weights:
        sources = {source.onnx for source in weight.sources}
        if not sources & given.keys():
            continue
        if missing := sorted(sources - given.keys()):
            one, listed = min(sources & given.keys()), ", ".join(map(repr, missing))
            raise UserError(
                f"{file.path}: weight '{one}' is computed into one with {listed}: they have to be "
                f"in a pack together, as `refresh make --for {file.path}` has them"
            )
        values[weight.variable] = made(weight.recipe or {"source": weight.onnx}, given)
    return values
