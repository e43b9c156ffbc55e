"""The geometry that convolution and pooling share: layouts, padding, output sizes, window taps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from runtime.operator_engine.node import Array, Node

_CHANNELS_LAST = ("NHWC", "NDHWC")


@dataclass(frozen=True, slots=True)
class Window:
    """A window sliding over the spatial axes: each field has one entry (pads: a pair) per axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    output: tuple[int, ...]

    @property
    def is_pointwise(self) -> bool:
        """Whether each output sees just the input at its own place."""
        one = (1,) * len(self.kernel)
        return self.kernel == self.strides == one and not any(map(any, self.pads))

    def trimmed(self, sizes: Sequence[int]) -> Window:
        """The window without the positions that see nothing but padding behind the input."""
        reached = [
            min(kernel, -(-(size + before) // step))
            for kernel, size, (before, _), step in zip(
                self.kernel, sizes, self.pads, self.dilations, strict=True
            )
        ]
        return replace(self, kernel=tuple(reached))

    def padded(self, x: Array, value: float) -> Array:
        """x [N, C, *spatial] with the padding every window needs around its spatial axes."""
        lows = [low for low, _ in self.pads]
        sizes = [
            max(self.reach(axis), low + size)
            for axis, (low, size) in enumerate(zip(lows, x.shape[2:], strict=True))
        ]
        if sizes == list(x.shape[2:]):
            return x
        shape = (*x.shape[:2], *sizes)
        padded = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
        inside = [slice(low, low + size) for low, size in zip(lows, x.shape[2:], strict=True)]
        padded[:, :, *inside] = x
        return padded

    def reach(self, axis: int) -> int:
        """How far the last window goes along a spatial axis of the padded input."""
        span = (self.kernel[axis] - 1) * self.dilations[axis] + 1
        return (self.output[axis] - 1) * self.strides[axis] + span

    def taps(self, padded: Array) -> Iterator[tuple[tuple[int, ...], Array]]:
        """Every position in the kernel, with the inputs [N, C, *output] that it sees."""
        for tap in product(*map(range, self.kernel)):
            starts = [position * step for position, step in zip(tap, self.dilations, strict=True)]
            where = [
                slice(start, start + (count - 1) * stride + 1, stride)
                for start, count, stride in zip(starts, self.output, self.strides, strict=True)
            ]
            yield tap, padded[:, :, *where]

    def reduced(self, padded: Array, combine: np.ufunc) -> Array:
        """What each window sees, combined: along one spatial axis after the other."""
        for axis, count in enumerate(self.output):
            behind = (count - 1) * self.strides[axis] + 1
            starts = [tap * self.dilations[axis] for tap in range(self.kernel[axis])]
            lines = [slice(start, start + behind, self.strides[axis]) for start in starts]
            outer = (slice(None),) * (2 + axis)
            reduced = padded[*outer, lines[0]].copy()
            for line in lines[1:]:
                combine(reduced, padded[*outer, line], out=reduced)
            padded = reduced
        return padded

    def views(self, padded: Array) -> Array:
        """All that the windows see at once: a view [N, C, *kernel, *output] of the padded input."""
        shape = (*padded.shape[:2], *self.kernel, *self.output)
        steps = padded.strides[2:]
        taps = [step * dilation for step, dilation in zip(steps, self.dilations, strict=True)]
        moves = [step * stride for step, stride in zip(steps, self.strides, strict=True)]
        strides = (*padded.strides[:2], *taps, *moves)
        return as_strided(padded, shape, strides, writeable=False)


def is_channels_last(data_format: str) -> bool:
    """Whether the format has its channels behind the spatial axes."""
    return data_format in _CHANNELS_LAST


def channels_first(x: Array, data_format: str) -> Array:
    """x as [N, C, *spatial]."""
    return np.moveaxis(x, -1, 1) if is_channels_last(data_format) else x


def channels_back(y: Array, data_format: str) -> Array:
    """y [N, C, *spatial] in the given format."""
    return np.moveaxis(y, 1, -1) if is_channels_last(data_format) else y


def spatial(values: Sequence[int], data_format: str) -> tuple[int, ...]:
    """The spatial entries of an attribute with one entry per axis of the format."""
    return tuple(values[1:-1] if is_channels_last(data_format) else values[2:])


def pairs(pads: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """GraphEngine's pads, [top, bottom, left, right], one pair per spatial axis."""
    return tuple(zip(pads[0::2], pads[1::2], strict=True))


def same_pads(size: int, span: int, stride: int) -> tuple[int, int]:
    """The padding that gives ceil(size / stride) outputs; the odd one goes behind."""
    total = max(0, (-(-size // stride) - 1) * stride + span - size)
    return total // 2, total - total // 2


def same_lower_pads(size: int, span: int, stride: int) -> tuple[int, int]:
    """The same padding, the odd one before."""
    smaller, larger = same_pads(size, span, stride)
    return larger, smaller


def output_size(size: int, pads: tuple[int, int], span: int, stride: int, ceil: bool) -> int:
    """Number of window positions; a last partial one counts only if it starts before the end."""
    free = size + sum(pads) - span
    if not ceil:
        return free // stride + 1
    count = -(-free // stride) + 1
    return count - 1 if (count - 1) * stride >= size + pads[0] else count


def window(
    node: Node,
    sizes: Sequence[int],
    kernel: Sequence[int],
    *,
    data_format: str,
    mode: str = "CALCULATED",
    ceil: bool = False,
) -> Window:
    """The window of a node over spatial sizes, from its strides, pads and dilations."""
    ones = [1] * (len(sizes) + 2)
    strides = spatial(node.integers("strides", ones), data_format)
    # MaxPool3D spells the attribute in the singular.
    dilations = spatial(node.integers("dilations", node.integers("dilation", ones)), data_format)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = _pads(node, mode, sizes, spans, strides)
    output = tuple(map(output_size, sizes, pads, spans, strides, [ceil] * len(sizes)))
    if min(output, default=1) < 1:
        raise node.error(f"a window of {spans} does not fit an input of {list(sizes)}")
    return Window(tuple(kernel), strides, dilations, pads, output)


def with_window(node: Node, rank: int) -> Node:
    """A node in ONNX's own form with GraphEngine's attributes of a window, and none of its own."""
    axes = rank - 2
    pads = node.integers("pads", [0] * (2 * axes))
    attributes: dict[str, object] = {
        "strides": [1, 1, *node.integers("strides", [1] * axes)],
        "dilations": [1, 1, *node.integers("dilations", [1] * axes)],
        "pads": [pads[i] for axis in range(axes) for i in (axis, axis + axes)],
        "auto_pad": node.text("auto_pad", "NOTSET"),
    }
    return replace(node, attributes=attributes)


def _pads(
    node: Node, mode: str, sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    match mode:
        case "VALID":
            return ((0, 0),) * len(sizes)
        case "SAME" | "SAME_UPPER":
            return tuple(map(same_pads, sizes, spans, strides))
        case "SAME_LOWER":
            return tuple(map(same_lower_pads, sizes, spans, strides))
        case "CALCULATED" | "NOTSET":
            return pairs(node.integers("pads", [0] * (2 * len(sizes))))
        case _:
            raise node.error(f"padding mode '{mode}' must be CALCULATED, VALID or SAME")
