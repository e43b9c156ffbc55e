"""Windows that slide over one, two or three axes: their geometry in GraphEngine's attributes.

GraphEngine slides over two or three axes only: with one, a node stands between an Unsqueeze and a
Squeeze of a unit axis, which convolutions have before the axis and pools behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import window_fits
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import integers, rank_of, string
from dialects.types import DYNAMIC, RankedTensor, shape_of, tensor_type

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Slide:
    """The window of a node over x; `unit` is the dimension of the unit axis where there is one."""

    emit: Emitter
    x: SSAValue
    kernel: Sequence[int]
    unit: int

    @property
    def axes(self) -> int:
        """How many axes the window slides over. NoForm where GraphEngine's does not."""
        axes = rank_of(self.x) - 2
        if axes < 1:
            raise self.emit.fail(f"x [N, C, …] has no spatial axes, its rank is {axes + 2}")
        if axes > 3:
            raise self.emit.no_form(f"slides over {axes} axes")
        return axes

    @property
    def format(self) -> Attribute:
        """GraphEngine's name of the layout."""
        return string("NCDHW" if self.axes == 3 else "NCHW")

    def attribute(self, name: str, absent: int = 1) -> Attribute:
        """An attribute with a value for each axis, after the same of N and C."""
        values = self.given(name, absent)
        return integers((absent, absent, *self._with_unit(values, absent)))

    def pads(self) -> Attribute:
        """What is added before and behind each axis, axis by axis.

        With auto_pad and sizes that are not known, nothing: the device reads auto_pad.
        """
        return self._paired(self._pads())

    def explicit_pads(self) -> Attribute:
        """The attribute itself, axis by axis."""
        return self._paired(self._explicit_pads())

    def _paired(self, pads: Sequence[tuple[int, int]]) -> Attribute:
        pairs = self._with_unit(pads, (0, 0))
        return integers([amount for pair in pairs for amount in pair])

    def given(self, name: str, absent: int = 1) -> Sequence[int]:
        """An attribute of the operator's own axes; an error where it is not one value for each."""
        values = self.emit.node.integers(name) if self.emit.has(name) else None
        return self._each(name, values or (absent,) * self.axes, self.axes)

    def _each(self, name: str, values: Sequence[int], count: int) -> Sequence[int]:
        if len(values) != count:
            raise self.emit.fail(f"{name} is {list(values)}, there are {self.axes} spatial axes")
        return values

    def _explicit_pads(self) -> list[tuple[int, int]]:
        given = self.emit.node.integers("pads") or (0,) * (2 * self.axes)
        amounts = self._each("pads", given, 2 * self.axes)
        return list(zip(amounts[: self.axes], amounts[self.axes :], strict=True))

    def _with_unit(self, values: Sequence[_T], unit: _T) -> list[_T]:
        filled = list(values)
        if self.axes == 1:
            filled.insert(self.unit - 2, unit)
        return filled

    def _pads(self) -> list[tuple[int, int]]:
        """The padding of the operator's own axes, also that of auto_pad."""
        dilations = self.given("dilations")
        spans = [d * (k - 1) + 1 for k, d in zip(self.kernel, dilations, strict=True)]
        sizes = shape_of(self.x)[2:]
        auto_pad = self.auto_pad
        if auto_pad not in ("NOTSET", "VALID"):
            return self._same_pads(sizes, spans, auto_pad)
        pads = self._explicit_pads() if auto_pad == "NOTSET" else [(0, 0)] * self.axes
        slack = [stride - 1 for stride in self.given("strides")] if self.ceils else None
        window_fits(self.emit, sizes, spans, pads, slack or [0] * self.axes)
        return pads

    def _same_pads(
        self, sizes: Sequence[int], spans: Sequence[int], auto_pad: str
    ) -> list[tuple[int, int]]:
        if DYNAMIC in sizes:
            return [(0, 0)] * self.axes
        pads: list[tuple[int, int]] = []
        for size, span, stride in zip(sizes, spans, self.given("strides"), strict=True):
            total = max((-(-size // stride) - 1) * stride + span - size, 0)
            smaller, larger = total // 2, total - total // 2
            pads.append((smaller, larger) if auto_pad == "SAME_UPPER" else (larger, smaller))
        return pads

    @property
    def auto_pad(self) -> str:
        """How padding is told; DeformConv knows numbers only."""
        given = self.emit.node.text("auto_pad") if self.emit.has("auto_pad") else None
        return given or "NOTSET"

    @property
    def is_open(self) -> bool:
        """Whether the size of an axis is not known."""
        return DYNAMIC in shape_of(self.x)[2:]

    @property
    def ceils(self) -> bool:
        """Whether a window that is only partly inside counts."""
        return bool(self.emit.has("ceil_mode") and self.emit.node.integer("ceil_mode"))

    def unsqueezed(self, inner: str, value: SSAValue) -> SSAValue:
        """A value with the unit axis."""
        attributes = {"axes": integers([self.unit])}
        results = [self._unsqueezed_type(value.type)]
        return self.emit.op("Unsqueeze", {"x": value}, attributes, inner=inner, results=results)

    def squeezed(
        self,
        type: str,
        inputs: Mapping[str, SSAValue | None],
        attributes: Mapping[str, Attribute],
        inner: str,
    ) -> SSAValue:
        """A node of that type on values with the unit axis, and a Squeeze named `inner`."""
        results = [self._unsqueezed_type(self.emit.result_types[0])]
        y = self.emit.op(type, inputs, attributes, inner=type, results=results)
        return self.emit.op("Squeeze", {"x": y}, {"axis": integers([self.unit])}, inner=inner)

    def _unsqueezed_type(self, type: Attribute) -> Attribute:
        if not isinstance(type, TensorType):
            return type
        tensor = cast(RankedTensor, type)
        shape = list(tensor.get_shape())
        shape.insert(self.unit, 1)
        return tensor_type(tuple(shape), tensor.element_type)
