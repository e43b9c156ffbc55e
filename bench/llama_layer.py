"""A decoder layer of Llama 7B in float16 as an ONNX model; its weights are a hole in a file."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HIDDEN, HEADS, MLP = 4096, 32, 11008
HEAD = HIDDEN // HEADS
F16 = TensorProto.FLOAT16


class LlamaLayer:
    """Attention with rotary embeddings and a causal mask, then SwiGLU, each after an RMSNorm."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._size = 0
        self._location = ""

    def save(self, path: Path) -> None:
        """Write the model and, beside it, its weights: as long as they are, but without data."""
        self._location = f"{path.name}.data"
        shape = [1, self._tokens, HIDDEN]
        self._layer("x")
        graph = helper.make_graph(
            self._nodes,
            "llama_layer",
            [helper.make_tensor_value_info("x", F16, shape)],
            [helper.make_tensor_value_info(self._nodes[-1].output[0], F16, shape)],
            self._constants,
        )
        with path.with_name(self._location).open("wb") as data:
            data.truncate(self._size)
        imports = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)

    def _layer(self, x: str) -> str:
        x = self._node("Add", x, self._attention(self._normalized(x)))
        return self._node("Add", x, self._mlp(self._normalized(x)))

    def _attention(self, x: str) -> str:
        q, k, v = (self._heads(self._linear(x, HIDDEN, HIDDEN)) for _ in range(3))
        q, k = self._rotated(q), self._rotated(k)
        scores = self._node("MatMul", q, self._node("Transpose", k, perm=[0, 1, 3, 2]))
        scaled = self._node("Mul", scores, self._constant(np.float16(HEAD**-0.5)))
        mask = np.triu(np.full((self._tokens, self._tokens), -np.inf, np.float16), 1)
        shares = self._node("Softmax", self._node("Add", scaled, self._constant(mask)), axis=-1)
        mixed = self._node("Transpose", self._node("MatMul", shares, v), perm=[0, 2, 1, 3])
        shape = self._constant(np.array([1, self._tokens, HIDDEN]))
        return self._linear(self._node("Reshape", mixed, shape), HIDDEN, HIDDEN)

    def _mlp(self, x: str) -> str:
        gate, up = (self._linear(x, HIDDEN, MLP) for _ in range(2))
        silu = self._node("Mul", gate, self._node("Sigmoid", gate))
        return self._linear(self._node("Mul", silu, up), MLP, HIDDEN)

    def _normalized(self, x: str) -> str:
        wide = self._node("Cast", x, to=TensorProto.FLOAT)
        square = self._node("Pow", wide, self._constant(np.float32(2)))
        mean = self._node("ReduceMean", square, axes=[-1], keepdims=1)
        root = self._node("Sqrt", self._node("Add", mean, self._constant(np.float32(1e-5))))
        unit = self._node("Cast", self._node("Div", wide, root), to=F16)
        return self._node("Mul", unit, self._weight(HIDDEN))

    def _heads(self, x: str) -> str:
        split = self._constant(np.array([1, self._tokens, HEADS, HEAD]))
        return self._node("Transpose", self._node("Reshape", x, split), perm=[0, 2, 1, 3])

    def _rotated(self, x: str) -> str:
        """x · cos + (−x's second half, x's first half) · sin."""
        angles = np.outer(np.arange(self._tokens), 1e4 ** -(np.arange(0, HEAD, 2) / HEAD))
        cos, sin = (
            self._constant(np.tile(turn(angles), 2).astype(np.float16)) for turn in (np.cos, np.sin)
        )
        middle = [self._constant(np.array([place])) for place in (0, HEAD // 2, HEAD)]
        axis = self._constant(np.array([3]))
        first = self._node("Slice", x, *middle[:2], axis)
        second = self._node("Neg", self._node("Slice", x, *middle[1:], axis))
        turned = self._node("Concat", second, first, axis=-1)
        return self._node("Add", self._node("Mul", x, cos), self._node("Mul", turned, sin))

    def _linear(self, x: str, inner: int, outer: int) -> str:
        return self._node("MatMul", x, self._weight(inner, outer))

    def _node(self, op_type: str, *inputs: str, **attributes: int | list[int]) -> str:
        name = f"{op_type}_{len(self._nodes)}"
        node = helper.make_node(op_type, inputs, [name], name)
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self._nodes.append(node)
        return name

    def _constant(self, value: Any) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _weight(self, *shape: int) -> str:
        name = f"weight_{len(self._constants)}"
        size = 2 * int(np.prod(shape))
        tensor = TensorProto(name=name, data_type=F16, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": self._location, "offset": str(self._size), "length": str(size)}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=value)
        self._constants.append(tensor)
        self._size += size
        return name
