"""Models whose weights are exchanged: layers of matrix products, as ONNX and as bundles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from compiler.cli import main

Weight = npt.NDArray[np.float32]
Weights = dict[str, Weight]


@dataclass(frozen=True, slots=True)
class Model:
    """`layers` products of x, [rows, width], with square weights, each with a bias and a Relu."""

    width: int
    layers: int
    rows: int

    def draw(self, generator: np.random.Generator) -> Weights:
        """Random weights that keep the size of what goes through them; matrices first."""
        width, bound = self.width, np.sqrt(6 / self.width)

        def uniform(*shape: int) -> Weight:
            values = generator.random(shape, np.float32)
            values *= np.float32(2 * bound)
            values -= np.float32(bound)
            return values

        matrices = {f"w{i}": uniform(width, width) for i in range(self.layers)}
        return matrices | {f"b{i}": uniform(width) for i in range(self.layers)}

    def bytes_of(self, name: str) -> int:
        """The size of one of them."""
        return self.width * 4 * (self.width if name.startswith("w") else 1)

    def onnx(
        self,
        weights: Weights,
        path: Path,
        *,
        as_inputs: tuple[str, ...] = (),
        external: bool = False,
    ) -> Path:
        """Writes the model, its weights inside or in a file, but for those that are inputs."""
        nodes: list[Any] = []
        last = "x"
        for i in range(self.layers):
            nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [f"p{i}"]))
            nodes.append(helper.make_node("Add", [f"p{i}", f"b{i}"], [f"s{i}"]))
            last = "y" if i == self.layers - 1 else f"r{i}"
            nodes.append(helper.make_node("Relu", [f"s{i}"], [last]))
        shape = [self.rows, self.width]
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        inputs += [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, weights[name].shape)
            for name in as_inputs
        ]
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
        kept = [numpy_helper.from_array(w, n) for n, w in weights.items() if n not in as_inputs]
        graph = helper.make_graph(nodes, "layers", inputs, [output], kept)
        opset = helper.make_opsetid("", 17)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
        if external:
            data = f"{path.name}.data"
            external_data_helper.convert_model_to_external_data(model, location=data)
            external_data_helper.write_external_data_tensors(model, str(path.parent))
        path.write_bytes(model.SerializeToString())
        return path


def mlp(width: int, layers: int, rows: int = 4) -> Model:
    """A model of `layers` · 4 · width · (width + 1) bytes of weights."""
    return Model(width, layers, rows)


def compiled_bundle(model: Model, weights: Weights, folder: Path) -> Path:
    """The bundle in which all weights can be refreshed, in the types of the model."""
    return bundle_of(model.onnx(weights, folder / "model.onnx"), tuple(weights))


def bundle_of(source: Path, names: tuple[str, ...]) -> Path:
    """The same of a model that is written already, beside it."""
    refresh = ",".join(f'"{name}"' for name in names)
    pipeline = f"offline{{precision=must_keep_origin_dtype refresh={refresh}}}"
    output = source.with_name("bundle")
    assert main([str(source), "-p", pipeline, "-t", f'om{{output="{output}"}}']) == 0
    return output.with_suffix(".om")
