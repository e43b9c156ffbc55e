"""Synthetic decoder transformers of any size, whose weights are never in memory."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

SEQUENCE, HEAD = 32, 64


class Transformer:
    """A decoder with learned weights in one side file: a hole, but for the head of each weight."""

    def __init__(self, width: int, layers: int, vocabulary: int) -> None:
        self.width, self.layers, self.vocabulary = width, layers, vocabulary
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []
        self._offsets: list[int] = [0]
        self._location = ""

    def save(self, path: Path) -> None:
        """Write the model, and beside it the weights, each with an own beginning."""
        self._location = f"{path.name}.data"
        graph = self._graph()
        *offsets, end = self._offsets
        with path.with_name(self._location).open("wb") as data:
            for number, offset in enumerate(offsets):
                data.seek(offset)
                data.write(np.float32(0.01 * (number + 1)).tobytes())
            data.truncate(end)
        imports = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)

    def _graph(self) -> onnx.GraphProto:
        ids = helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [1, SEQUENCE])
        x = self._node("Gather", self._weight("words", self.vocabulary, self.width), "ids")
        for layer in range(self.layers):
            x = self._layer(x, f"layer{layer}")
        logits = self._node("MatMul", x, self._weight("head", self.width, self.vocabulary))
        shape = [1, SEQUENCE, self.vocabulary]
        result = helper.make_tensor_value_info(logits, onnx.TensorProto.FLOAT, shape)
        return helper.make_graph(self._nodes, "transformer", [ids], [result], self._tensors)

    def _layer(self, x: str, name: str) -> str:
        x = self._node("Add", x, self._attention(self._normalized(x, f"{name}.1"), name))
        up = self._linear(self._normalized(x, f"{name}.2"), f"{name}.up", 4 * self.width)
        gate = self._node("Mul", up, self._node("Sigmoid", up))
        down = self._weight(f"{name}.down", 4 * self.width, self.width)
        return self._node("Add", x, self._node("MatMul", gate, down))

    def _attention(self, x: str, name: str) -> str:
        split = self._constant([1, SEQUENCE, self.width // HEAD, HEAD])
        q, k, v = (
            self._node(
                "Transpose",
                self._node("Reshape", self._linear(x, f"{name}.{part}", self.width), split),
                perm=[0, 2, 3, 1] if part == "k" else [0, 2, 1, 3],
            )
            for part in "qkv"
        )
        scale = onnx.numpy_helper.from_array(np.array(1 / sqrt(HEAD), np.float32), f"{name}.scale")
        self._tensors.append(scale)
        scores = self._node("Mul", self._node("MatMul", q, k), scale.name)
        mixed = self._node("MatMul", self._node("Softmax", scores, axis=-1), v)
        joined = self._node("Transpose", mixed, perm=[0, 2, 1, 3])
        flat = self._node("Reshape", joined, self._constant([1, SEQUENCE, self.width]))
        return self._linear(flat, f"{name}.out", self.width)

    def _normalized(self, x: str, name: str) -> str:
        scale, bias = (
            self._weight(f"{name}.scale", self.width),
            self._weight(f"{name}.bias", self.width),
        )
        return self._node("LayerNormalization", x, scale, bias)

    def _linear(self, x: str, name: str, size: int) -> str:
        product = self._node("MatMul", x, self._weight(name, self.width, size))
        return self._node("Add", product, self._weight(f"{name}.bias", size))

    def _node(self, operator: str, *inputs: str, **attributes: int | list[int]) -> str:
        name = f"{operator}_{len(self._nodes)}"
        node = helper.make_node(operator, inputs, [name], name)
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self._nodes.append(node)
        return name

    def _constant(self, values: list[int]) -> str:
        name = f"shape_{len(self._tensors)}"
        self._tensors.append(onnx.numpy_helper.from_array(np.array(values), name))
        return name

    def _weight(self, name: str, *shape: int) -> str:
        tensor = onnx.TensorProto(name=name, dims=shape, data_type=onnx.TensorProto.FLOAT)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        offset, size = self._offsets[-1], 4 * int(np.prod(shape))
        entries = {"location": self._location, "offset": offset, "length": size}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
        self._tensors.append(tensor)
        self._offsets.append(offset + size)
        return name
