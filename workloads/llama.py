"""A Llama of a deployed width, written node by node: grouped heads, rotations, gated layers."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]

BASE = 10000.0
"""The slowest rotation turns once in about so many tokens."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a configuration of Llama says; by default a half of TinyLlama's, and two layers."""

    width: int = 1024
    inner: int = 2816
    heads: int = 16
    shared: int = 4
    """Heads of keys and values."""
    layers: int = 2
    vocabulary: int = 4096
    tokens: int = 32

    @property
    def head(self) -> int:
        """The width of a head."""
        return self.width // self.heads


@dataclass
class _Graph:
    """Nodes and weights so far."""

    draw: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    weights: dict[str, Array] = field(default_factory=dict[str, Array])

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node; the name of its output."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def weight(self, name: str, value: Array) -> str:
        """Adds an initializer."""
        self.weights[name] = value
        return name

    def constant(self, value: Array) -> str:
        """Adds a constant that no checkpoint has."""
        return self.node("Constant", value=numpy_helper.from_array(value))

    def numbers(self, *values: int) -> str:
        """A constant of integers."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """A constant of one float."""
        return self.constant(np.array(value, np.float32))

    def linear(self, x: str, name: str, outputs: int, inputs: int) -> str:
        """A product with a matrix that lies as PyTorch's Linear keeps it."""
        values = self.draw.standard_normal((outputs, inputs), np.float32) / np.sqrt(inputs)
        matrix = self.weight(f"{name}.weight", values.astype(np.float32))
        return self.node("MatMul", x, self.node("Transpose", matrix, perm=[1, 0]))

    def norm(self, x: str, name: str, width: int) -> str:
        """Divides by the root of the mean square, and scales."""
        scale = 1 + 0.1 * self.draw.standard_normal(width, np.float32)
        mean = self.node("ReduceMean", self.node("Mul", x, x), axes=[-1])
        root = self.node("Sqrt", self.node("Add", mean, self.scalar(1e-5)))
        normal = self.node("Div", x, root)
        return self.node("Mul", normal, self.weight(f"{name}.weight", scale.astype(np.float32)))


def save_llama(path: Path, sizes: Sizes | None = None, seed: int = 0) -> Path:
    """Writes the model: tokens[1, n] → logits[1, n, vocabulary]; weights by PyTorch's names."""
    sizes = sizes or Sizes()
    graph = _Graph(np.random.default_rng(seed))
    shape = (sizes.vocabulary, sizes.width)
    table = graph.draw.standard_normal(shape, np.float32)
    x = graph.node("Gather", graph.weight("model.embed_tokens.weight", table), "tokens")
    turns = _rotations(graph, sizes)
    for number in range(sizes.layers):
        name = f"model.layers.{number}"
        attended = _attention(graph, sizes, x, f"{name}.", turns)
        x = graph.node("Add", x, attended)
        x = graph.node("Add", x, _gated(graph, sizes, x, f"{name}."))
    x = graph.norm(x, "model.norm", sizes.width)
    logits = graph.linear(x, "lm_head", sizes.vocabulary, sizes.width)
    _save(graph, logits, sizes, path)
    return path


def _rotations(graph: _Graph, sizes: Sizes) -> tuple[str, str]:
    """Cosines and sines of each position's angles, [tokens, head]."""
    exponents = np.arange(0, sizes.head, 2, dtype=np.float32) / sizes.head
    inverse = graph.weight("model.rotary.inv_freq", BASE**-exponents)
    places = np.arange(sizes.tokens, dtype=np.float32)[:, None]
    angles = graph.node("Mul", graph.constant(places), inverse)
    both = graph.node("Concat", angles, angles, axis=-1)
    return graph.node("Cos", both), graph.node("Sin", both)


def _rotated(graph: _Graph, sizes: Sizes, x: str, turns: tuple[str, str]) -> str:
    half, whole = sizes.head // 2, sizes.head
    axis = graph.numbers(-1)
    low = graph.node("Slice", x, graph.numbers(0), graph.numbers(half), axis)
    high = graph.node("Slice", x, graph.numbers(half), graph.numbers(whole), axis)
    turned = graph.node("Concat", graph.node("Neg", high), low, axis=-1)
    return graph.node("Add", graph.node("Mul", x, turns[0]), graph.node("Mul", turned, turns[1]))


def _attention(graph: _Graph, sizes: Sizes, x: str, name: str, turns: tuple[str, str]) -> str:
    normal = graph.norm(x, f"{name}input_layernorm", sizes.width)

    def heads(kind: str, count: int) -> str:
        flat = graph.linear(normal, f"{name}self_attn.{kind}_proj", count * sizes.head, sizes.width)
        split = graph.numbers(1, sizes.tokens, count, sizes.head)
        return graph.node("Transpose", graph.node("Reshape", flat, split), perm=[0, 2, 1, 3])

    query = _rotated(graph, sizes, heads("q", sizes.heads), turns)
    key = _rotated(graph, sizes, heads("k", sizes.shared), turns)
    key, value = (_repeated(graph, sizes, each) for each in (key, heads("v", sizes.shared)))
    scores = graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 1, 3, 2]))
    scores = graph.node("Mul", scores, graph.scalar(sizes.head**-0.5))
    hidden = np.triu(np.full((sizes.tokens, sizes.tokens), -1e4, np.float32), 1)
    scores = graph.node("Add", scores, graph.constant(hidden))
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
    rows = graph.node("Transpose", mixed, perm=[0, 2, 1, 3])
    flat = graph.node("Reshape", rows, graph.numbers(1, sizes.tokens, sizes.width))
    return graph.linear(flat, f"{name}self_attn.o_proj", sizes.width, sizes.width)


def _repeated(graph: _Graph, sizes: Sizes, x: str) -> str:
    """Each head of keys or values as often as heads of queries share it."""
    times = sizes.heads // sizes.shared
    apart = graph.node("Unsqueeze", x, graph.numbers(2))
    spread = graph.numbers(1, sizes.shared, times, sizes.tokens, sizes.head)
    merged = graph.numbers(1, sizes.heads, sizes.tokens, sizes.head)
    return graph.node("Reshape", graph.node("Expand", apart, spread), merged)


def _gated(graph: _Graph, sizes: Sizes, x: str, name: str) -> str:
    normal = graph.norm(x, f"{name}post_attention_layernorm", sizes.width)
    gate = graph.linear(normal, f"{name}mlp.gate_proj", sizes.inner, sizes.width)
    up = graph.linear(normal, f"{name}mlp.up_proj", sizes.inner, sizes.width)
    open_ = graph.node("Mul", gate, graph.node("Sigmoid", gate))
    wide = graph.node("Mul", open_, up)
    return graph.linear(wide, f"{name}mlp.down_proj", sizes.width, sizes.inner)


def _save(graph: _Graph, logits: str, sizes: Sizes, path: Path) -> None:
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, sizes.tokens])
    shape = [1, sizes.tokens, sizes.vocabulary]
    output = helper.make_tensor_value_info(logits, TensorProto.FLOAT, shape)
    kept = [numpy_helper.from_array(value, name) for name, value in graph.weights.items()]
    made = helper.make_graph(graph.nodes, "llama", [tokens], [output], kept)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(made, opset_imports=[opset], ir_version=8), path)
