"""FlexAttention: products and softmax, and between them the graphs that the user wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from xdsl.dialects.builtin import bf16, f16, f32, f64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.subgraphs import captured, graph_in
from compiler.conversion.onnx_to_ge.values import boolean, data_type, integers, real
from dialects.types import DYNAMIC, shape_of, tensor_of, tensor_type

PRECISIONS: dict[int | None, Attribute] = {1: f32, 10: f16, 11: f64, 16: bf16}
"""The types that softmax may compute in, as ONNX numbers them."""


def flex_attention(emit: Emitter) -> list[SSAValue]:
    """FlexAttention → BatchMatMulV2, Muls, SoftmaxV2, BatchMatMulV2 and the graphs between them.

    Where several query heads share one of keys and values, they form an axis of their own.
    """
    attention = _Attention(emit, *_sizes(emit))
    score = attention.product("score", attention.queries(), attention.shared("K"), transposed=True)
    score = attention.merged("score", attention.cast(score, attention.precision))
    score = attention.modified("score_mod", attention.scaled(score))
    axes = {"axes": integers([-1])}
    probability = emit.nodes.op("SoftmaxV2", "softmax", {"x": score}, score.type, axes)
    probability = attention.grouped("probability", attention.modified("prob_mod", probability))
    values = attention.cast(attention.shared("V"), attention.precision)
    y = attention.merged("y", attention.product("weighted", probability, values))
    return [attention.cast(y, tensor_of(emit.node.results[0]).element_type)]


def _sizes(emit: Emitter) -> tuple[int, int]:
    """The heads of keys and values, and the query heads that share each of them."""
    heads, shared = shape_of(emit.needed("Q"))[1], shape_of(emit.needed("K"))[1]
    if DYNAMIC in (heads, shared) or heads % shared:
        raise emit.fail(f"{heads} query heads do not share {shared} heads of keys and values")
    return shared, heads // shared


@dataclass
class _Attention:
    """The nodes of one attention on `heads` heads of keys and values for `group` queries each."""

    emit: Emitter
    heads: int
    group: int

    @property
    def precision(self) -> Attribute:
        """The element type of scores and probabilities."""
        number = self.emit.node.integer("softmax_precision")
        is_double = tensor_of(self.emit.needed("Q")).element_type == f64
        return PRECISIONS.get(number, f64 if is_double else f32)

    def queries(self) -> SSAValue:
        return self.grouped("query", self.emit.needed("Q"))

    def shared(self, name: str) -> SSAValue:
        """Keys or values, with the group as an axis of size 1."""
        x = self.emit.needed(name)
        if self.group == 1:
            return x
        batch, heads, *rest = shape_of(x)
        result = tensor_type((batch, heads, 1, *rest), tensor_of(x).element_type)
        axes = {"axes": integers([2])}
        return self.emit.nodes.op("Unsqueeze", f"shared_{name}", {"x": x}, result, axes)

    def product(self, name: str, a: SSAValue, b: SSAValue, *, transposed: bool = False) -> SSAValue:
        shape = (*shape_of(a)[:-1], shape_of(b)[-2 if transposed else -1])
        result = tensor_type(shape, tensor_of(a).element_type)
        flags = {"adj_x1": boolean(False), "adj_x2": boolean(transposed)}
        return self.emit.nodes.op("BatchMatMulV2", name, {"x1": a, "x2": b}, result, flags)

    def scaled(self, score: SSAValue) -> SSAValue:
        size = shape_of(self.emit.needed("Q"))[-1]
        scale = self.emit.node.number("scale")
        if scale is None and size == DYNAMIC:
            raise self.emit.fail("the head size is not known, so that scale must be given")
        value = {"value": real(1 / sqrt(size) if scale is None else scale)}
        return self.emit.nodes.op("Muls", "scaled", {"x": score}, score.type, value)

    def modified(self, attribute: str, x: SSAValue) -> SSAValue:
        """What the user's graph makes of scores or probabilities; they stay without one."""
        if (region := self.emit.node.graph(attribute)) is None:
            return x
        graph = graph_in(region)
        [argument] = graph.inputs.values()
        known = {value: self.emit.values[value] for value in captured(graph)}
        [made] = self.emit.body(graph, self.emit.nodes, known | {argument: x})
        return made

    def cast(self, x: SSAValue, element: Attribute) -> SSAValue:
        if tensor_of(x).element_type == element:
            return x
        result = tensor_type(shape_of(x), element)
        target = {"dst_type": data_type(element)}
        name = self.emit.nodes.name_of_next("cast")
        return self.emit.nodes.op("Cast", name, {"x": x}, result, target)

    def grouped(self, name: str, x: SSAValue) -> SSAValue:
        """[batch, all heads, …] as [batch, heads, group, …]."""
        batch, _, *rest = shape_of(x)
        return self._reshaped(f"{name}_groups", x, (batch, self.heads, self.group, *rest))

    def merged(self, name: str, x: SSAValue) -> SSAValue:
        """[batch, heads, group, …] as [batch, all heads, …]."""
        batch, rest = shape_of(x)[0], shape_of(x)[-2:]
        return self._reshaped(f"{name}_heads", x, (batch, self.heads * self.group, *rest))

    def _reshaped(self, name: str, x: SSAValue, shape: Sequence[int]) -> SSAValue:
        if self.group == 1:
            return x
        if sum(size == DYNAMIC for size in shape[1:]) > 1:
            raise self.emit.fail("the lengths of queries and keys are both unknown")
        batch = 0 if shape[0] == DYNAMIC else shape[0]  # 0 keeps what the input has there
        wanted = (batch, *(-1 if size == DYNAMIC else size for size in shape[1:]))
        target = self.emit.nodes.vector(f"{name}_shape", wanted)
        result = tensor_type(tuple(shape), tensor_of(x).element_type)
        inputs = {"x": x, "shape": target}
        return self.emit.nodes.op("Reshape", name, inputs, result)
