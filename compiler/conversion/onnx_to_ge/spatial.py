"""Convolution and pooling: the rules for windows that slide over an image."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import convolution, window_fits
from compiler.conversion.onnx_to_ge.emitter import (
    Emitter,
    boolean,
    integer,
    integers,
    rank_of,
    string,
)
from dialects.types import shape_of

NCHW = string("NCHW")
PADDING_MODES = {"NOTSET": "CALCULATED", "VALID": "VALID", "SAME_UPPER": "SAME"}


def conv(emit: Emitter) -> list[SSAValue]:
    """Conv on images → Conv2D."""
    x, weight, bias = emit.needed("X"), emit.needed("W"), emit.input("B")
    _need_images(emit, x)
    _need_images(emit, weight, "weight [M, C, H, W]")
    convolution(emit, x, weight, bias)
    kernel = shape_of(weight)[2:]
    attributes: dict[str, Attribute] = {
        "strides": _with_unit(emit.node.integers("strides")),
        "pads": integers(_pads(emit, x, kernel)),
        "dilations": _with_unit(emit.node.integers("dilations")),
        "groups": integer(emit.node.integer("group") or 1),
        "data_format": NCHW,
        "auto_pad": string(emit.node.text("auto_pad") or "NOTSET"),
        "fixed_shift_value": integer(0),
    }
    return [emit.op("Conv2D", {"x": x, "filter": weight, "bias": bias}, attributes)]


def max_pool(emit: Emitter) -> list[SSAValue]:
    """MaxPool on images → MaxPoolV3, which has neither dilations nor an Indices output."""
    if emit.has("dilations") and set(emit.node.integers("dilations") or (1,)) != {1}:
        raise emit.fail("GraphEngine's MaxPoolV3 has no dilations")
    if len(emit.node.results) > 1 and emit.node.results[1].uses:
        raise emit.fail("GraphEngine's MaxPoolV3 has no Indices output")
    return [emit.op("MaxPoolV3", {"x": emit.needed("X")}, _window(emit))]


def average_pool(emit: Emitter) -> list[SSAValue]:
    """AveragePool on images → AvgPoolV2."""
    if emit.has("dilations") and set(emit.node.integers("dilations") or (1,)) != {1}:
        raise emit.fail("GraphEngine's AvgPoolV2 has no dilations")
    counts_padding = emit.has("count_include_pad") and emit.node.integer("count_include_pad") == 1
    attributes = {**_window(emit), "exclusive": boolean(not counts_padding)}
    return [emit.op("AvgPoolV2", {"x": emit.needed("X")}, attributes)]


def _window(emit: Emitter) -> dict[str, Attribute]:
    x = emit.needed("X")
    _need_images(emit, x)
    auto_pad = emit.node.text("auto_pad") or "NOTSET"
    mode = PADDING_MODES.get(auto_pad, "CALCULATED")  # SAME_LOWER: explicit pads say the same
    kernel = emit.node.integers("kernel_shape") or ()
    return {
        "ksize": _with_unit(kernel),
        "strides": _with_unit(emit.node.integers("strides")),
        "padding_mode": string(mode),
        "pads": integers(_pads(emit, x, kernel)),
        "ceil_mode": boolean(emit.has("ceil_mode") and emit.node.integer("ceil_mode")),
        "data_format": NCHW,
    }


def _need_images(emit: Emitter, x: SSAValue, what: str = "input [N, C, H, W]") -> None:
    if rank_of(x) != 4:
        raise emit.fail(f"a rank-4 {what} is needed, this has rank {rank_of(x)}")


def _with_unit(values: Sequence[int] | None) -> Attribute:
    """Values for H and W, with those of N and C before them."""
    return integers((1, 1, *(values or (1, 1))))


def _pads(emit: Emitter, x: SSAValue, kernel: Sequence[int]) -> list[int]:
    """[top, bottom, left, right] of ONNX's begins and ends, or of auto_pad."""
    strides = emit.node.integers("strides") or (1, 1)
    dilations = (emit.node.integers("dilations") if emit.has("dilations") else None) or (1, 1)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    sizes = shape_of(x)[2:]
    auto_pad = emit.node.text("auto_pad") or "NOTSET"
    if auto_pad not in ("NOTSET", "VALID"):
        return _same_pads(sizes, spans, strides, auto_pad)
    begins_ends = emit.node.integers("pads") if auto_pad == "NOTSET" else None
    pads = [(begins_ends or (0, 0, 0, 0))[i] for i in (0, 2, 1, 3)]
    window_fits(emit, sizes, spans, pads)
    return pads


def _same_pads(
    sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int], auto_pad: str
) -> list[int]:
    pads: list[int] = []
    for size, span, stride in zip(sizes, spans, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        smaller, larger = total // 2, total - total // 2
        pads += [smaller, larger] if auto_pad == "SAME_UPPER" else [larger, smaller]
    return pads
