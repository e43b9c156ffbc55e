"""Operators that draw random numbers: GraphEngine draws standard ones, which are then scaled.

A seed that is left out is 0, with which GraphEngine draws other numbers each time. One that is
given and is not a whole number above that is `onnx_seed`, an attribute of ours.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from xdsl.dialects.builtin import f32, i32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.casts import number_of
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import data_type, element_of, integer, real
from dialects.types import tensor_of, tensor_type

LARGEST_SEED = 2**31
"""Of a seed that the plugins' C++ can convert."""


class Distribution(NamedTuple):
    """A distribution of ONNX's: GraphEngine's type, and the names its plugins use inside."""

    type: str
    inner: str
    like: str
    scaled: str
    shifted: str
    shape: str

    def scale(self, emit: Emitter) -> tuple[float, float]:
        """What a standard number is multiplied with, and what is added."""
        first, second = ("low", "high") if self.type == "RandomUniform" else ("mean", "scale")
        start, width = emit.number(first), emit.number(second)
        return (width - start, start) if self.type == "RandomUniform" else (width, start)

    def drawn(self, emit: Emitter) -> list[SSAValue]:
        """RandomNormal and RandomUniform: the shape is an attribute."""
        emit.expand(self.shape, self.inner, self.scaled, self.shifted)
        listed = emit.node.integers("shape") or ()
        shape = emit.vector(self.shape, listed, i32)
        factor, offset = self.scale(emit)
        x = self._node(emit, shape, self.inner)
        x = emit.op("Muls", {"x": x}, {"value": real(factor)}, inner=self.scaled)
        return [emit.op("Adds", {"x": x}, {"value": real(offset)}, inner=self.shifted)]

    def drawn_like(self, emit: Emitter) -> list[SSAValue]:
        """RandomNormalLike and RandomUniformLike: the shape is another tensor's."""
        names = ("mul", "add", "cast_scale", "cast_mean", "const_scale", "const_mean")
        emit.expand("data0", "shape", self.like, *names)
        x = emit.needed("input")
        dims = [tensor_type((len(tensor_of(x).get_shape()),), i32)]
        shape = emit.op("Shape", {"x": x}, {"dtype": data_type(i32)}, inner="shape", results=dims)
        y = self._node(emit, shape, self.like)
        factor, offset = self.scale(emit)
        for type, suffix, value in (("Mul", "scale", factor), ("Add", "mean", offset)):
            y = emit.op(type, {"x1": y, "x2": _cast(emit, suffix, value)}, inner=type.lower())
        return [y]

    def _node(self, emit: Emitter, shape: SSAValue, inner: str) -> SSAValue:
        seed = integer(_whole_seed(emit))
        attributes: dict[str, Attribute] = {
            "dtype": element_of(emit.node.results[0]),
            "seed": seed,
            "seed2": seed,
            **_onnx_seed(emit),
        }
        return emit.op(self.type, {"shape": shape}, attributes, inner=inner)


def _whole_seed(emit: Emitter) -> int:
    """The seed as GraphEngine has it; UserError for one that is no number."""
    seed = emit.node.number("seed") or 0.0
    if not isfinite(seed):
        raise emit.fail(f"attribute 'seed' is {seed}, it must be a finite number")
    return int(seed) if abs(seed) < LARGEST_SEED else 0


def _onnx_seed(emit: Emitter) -> dict[str, Attribute]:
    """The seed as ONNX has it, where GraphEngine's says something else or that there is none."""
    seed = emit.node.number("seed")
    lost = seed is not None and (seed != _whole_seed(emit) or seed == 0)
    return {"onnx_seed": real(seed or 0.0)} if lost else {}


def _cast(emit: Emitter, suffix: str, value: float) -> SSAValue:
    """A number in the element type of the result."""
    held = emit.scalar(f"const_{suffix}", value, f32)
    type = tensor_type((), element_of(emit.node.results[0]))
    target = {"dst_type": integer(number_of(type))}
    return emit.op("Cast", {"x": held}, target, inner=f"cast_{suffix}", results=[type])


NORMAL = Distribution(
    "RandomStandardNormal", "randomNormal", "random_standard_normal", "mul", "add", "input_shape"
)
UNIFORM = Distribution("RandomUniform", "RandomUniform", "random_uniform", "Muls", "Adds", "data0")


def multinomial(emit: Emitter) -> list[SSAValue]:
    """Multinomial → Multinomial, the number of samples a constant."""
    emit.expand("input1", "Muti", "data1")
    inputs = {
        "logits": emit.needed("input"),
        "num_samples": emit.scalar("data1", emit.node.integer("sample_size") or 1, i32),
    }
    attributes: dict[str, Attribute] = {
        "dtype": element_of(emit.node.results[0]),
        "seed": integer(_whole_seed(emit)),
        **_onnx_seed(emit),
    }
    return [emit.op("Multinomial", inputs, attributes, inner="Muti")]


def bernoulli(emit: Emitter) -> list[SSAValue]:
    """Bernoulli → StatelessBernoulliV2, seed and offset constants."""
    inner = "+StatelessBernoulliV2"
    emit.expand("data0", inner, "+data2", "+data1")
    inputs = {
        "x": emit.needed("input"),
        "seed": emit.scalar("+data1", _whole_seed(emit), i64),
        "offset": emit.scalar("+data2", 0, i64),
    }
    attributes = {"dtype": element_of(emit.node.results[0]), **_onnx_seed(emit)}
    return [emit.op("StatelessBernoulliV2", inputs, attributes, inner=inner)]
