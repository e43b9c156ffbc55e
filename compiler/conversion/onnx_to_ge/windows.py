"""Windows that slide over one, two or three axes: their geometry in GraphEngine's attributes.

GraphEngine slides over two or three axes only: with one, a node stands between an Unsqueeze and a
Squeeze of a unit axis, which convolutions have before the axis and pools behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import window_fits
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import integers, rank_of, string
from dialects.types import DYNAMIC, RankedTensor, shape_of, tensor_of, tensor_type

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
        if not 3 <= rank_of(self.x) <= 5:
            raise self.emit.no_form("slides over an image of neither one, two nor three axes")
        return rank_of(self.x) - 2

    @property
    def format(self) -> Attribute:
        """GraphEngine's name of the layout."""
        return string("NCDHW" if self.axes == 3 else "NCHW")

    def attribute(self, name: str) -> Attribute:
        """An attribute with a value for each axis, 1 where it is absent, after those of N and C."""
        values = self._given(name)
        return integers((1, 1, *self._with_unit(values, 1)))

    def pads(self) -> Attribute:
        """What is added before and behind each axis, axis by axis."""
        pairs = self._with_unit(self._pads(), (0, 0))
        return integers([amount for pair in pairs for amount in pair])

    def _given(self, name: str) -> Sequence[int]:
        values = self.emit.node.integers(name) if self.emit.has(name) else None
        return values or (1,) * self.axes

    def _with_unit(self, values: Sequence[_T], unit: _T) -> list[_T]:
        filled = list(values)
        if self.axes == 1:
            filled.insert(self.unit - 2, unit)
        return filled

    def _pads(self) -> list[tuple[int, int]]:
        """The padding of the operator's own axes, also that of auto_pad."""
        spans = [
            d * (k - 1) + 1 for k, d in zip(self.kernel, self._given("dilations"), strict=True)
        ]
        sizes = shape_of(self.x)[2:]
        auto_pad = self.emit.node.text("auto_pad") or "NOTSET"
        if auto_pad not in ("NOTSET", "VALID"):
            return self._same_pads(sizes, spans, auto_pad)
        given = self.emit.node.integers("pads") if auto_pad == "NOTSET" else None
        amounts = given or (0,) * (2 * self.axes)
        pads = list(zip(amounts[: self.axes], amounts[self.axes :], strict=True))
        slack = [stride - 1 for stride in self._given("strides")] if self.ceils else None
        window_fits(self.emit, sizes, spans, pads, slack or [0] * self.axes)
        return pads

    def _same_pads(
        self, sizes: Sequence[int], spans: Sequence[int], auto_pad: str
    ) -> list[tuple[int, int]]:
        if DYNAMIC in sizes:
            raise self.emit.no_form(f"has auto_pad {auto_pad} for an image of open size")
        pads: list[tuple[int, int]] = []
        for size, span, stride in zip(sizes, spans, self._given("strides"), strict=True):
            total = max((-(-size // stride) - 1) * stride + span - size, 0)
            smaller, larger = total // 2, total - total // 2
            pads.append((smaller, larger) if auto_pad == "SAME_UPPER" else (larger, smaller))
        return pads

    @property
    def ceils(self) -> bool:
        """Whether a window that is only partly inside counts."""
        return bool(self.emit.has("ceil_mode") and self.emit.node.integer("ceil_mode"))

    def unsqueezed(self, inner: str, value: SSAValue) -> SSAValue:
        """A value with the unit axis."""
        attributes = {"axes": integers([self.unit])}
        results = [self._unsqueezed_type(value)]
        return self.emit.op("Unsqueeze", {"x": value}, attributes, inner=inner, results=results)

    def squeezed(
        self,
        type: str,
        inputs: Mapping[str, SSAValue | None],
        attributes: Mapping[str, Attribute],
        inner: str,
    ) -> SSAValue:
        """A node of that type on values with the unit axis, and a Squeeze named `inner`."""
        results = [self._unsqueezed_type(self.emit.node.results[0])]
        y = self.emit.op(type, inputs, attributes, inner=type, results=results)
        return self.emit.op("Squeeze", {"x": y}, {"axis": integers([self.unit])}, inner=inner)

    def _unsqueezed_type(self, value: SSAValue) -> RankedTensor:
        shape = list(shape_of(value))
        shape.insert(self.unit, 1)
        return tensor_type(tuple(shape), tensor_of(value).element_type)
