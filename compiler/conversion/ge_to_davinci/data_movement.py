"""Kernels that move elements and compute nothing: joined, split, sliced, permuted, repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects.builtin import f16, i1, i8

from compiler.conversion.ge_to_davinci.copies import Copy, View, copy_all
from compiler.conversion.ge_to_davinci.elements import UI8
from compiler.conversion.ge_to_davinci.expression import Value, cast
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import broadcast_strides, pointwise
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a row-major tensor."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _axis(number: int, rank: int) -> int:
    if not rank or not -rank <= number < rank:
        raise UnsupportedError(f"axis {number} is none of {rank}")
    return number % rank


def build_concat(operator: Operator, soc: Soc) -> KernelOp:
    """ConcatD, Concat and Pack: each input is copied to its part of the output."""
    output = operator.outputs[0]
    ports = [(port, tensor) for port, tensor in operator.inputs if port != "concat_dim"]
    if operator.type == "Pack":
        axis = _axis(operator.int("axis", 0), len(output.shape))
        shapes = [(*t.shape[:axis], 1, *t.shape[axis:]) for _, t in ports]
    else:
        known = operator.input("concat_dim")
        number = operator.constant("concat_dim")[0] if known else operator.int("concat_dim", 0)
        axis = _axis(number, len(output.shape))
        shapes = [tensor.shape for _, tensor in ports]
    b = VectorBuilder(operator, "AIV", soc)
    strides, at, copies = row_major(output.shape), 0, list[Copy]()
    for (port, _), shape in zip(ports, shapes, strict=True):
        source = View(b.arguments[operator.index(port)], row_major(shape))
        target = View(b.arguments[len(operator.inputs)], strides, at * strides[axis])
        copies.append(Copy.of(shape, source, target))
        at += shape[axis]
    copy_all(b, copies)
    return b.kernel


def build_split(operator: Operator, soc: Soc) -> KernelOp:
    """Split, SplitV and Unpack, with inputs or attributes: each output is copied from its part."""
    x = operator.at("x")
    unpacks = operator.type == "Unpack"
    if unpacks:
        number = operator.int("axis", 0)
    elif operator.input("split_dim"):
        number = operator.constant("split_dim")[0]
    else:
        number = operator.int("split_dim", 0)
    axis = _axis(number, len(x.shape))
    b = VectorBuilder(operator, "AIV", soc)
    strides, at, copies = row_major(x.shape), 0, list[Copy]()
    for place, output in enumerate(operator.outputs):
        size = 1 if unpacks else output.shape[axis]
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        source = View(b.arguments[operator.index("x")], strides, at * strides[axis])
        target = View(b.arguments[len(operator.inputs) + place], row_major(shape))
        copies.append(Copy.of(shape, source, target))
        at += size
    copy_all(b, copies)
    return b.kernel


def build_slice(operator: Operator, soc: Soc) -> KernelOp:
    """Slice and StridedSlice, with constant inputs or attributes."""
    x, output = operator.at("x"), operator.outputs[0]
    own = row_major(x.shape)
    cuts = _SLICES[operator.type](operator, x)
    offset = sum(begin * stride for (begin, _, _), stride in zip(cuts, own, strict=True))
    kept = [(step * stride, size) for (_, step, size), stride in zip(cuts, own, strict=True)]
    shape = tuple(size for _, size in kept)
    if prod(shape) != output.size:
        raise UnsupportedError(f"a slice of {list(shape)} for a result of {list(output.shape)}")
    b = VectorBuilder(operator, "AIV", soc)
    source = View(b.arguments[operator.index("x")], tuple(step for step, _ in kept), offset)
    copy_all(b, [Copy.of(shape, source, View(b.arguments[-1], row_major(shape)))])
    return b.kernel


def _numbers(operator: Operator, name: str, default: Sequence[int] | None = None) -> list[int]:
    """Integers that are a constant input, or an attribute."""
    if operator.input(name) is not None:
        return list(operator.constant(name))
    if operator.attribute(name) is None and default is not None:
        return list(default)
    return list(operator.ints(name, ()))


def _slice_cuts(operator: Operator, x: Tensor) -> list[tuple[int, int, int]]:
    offsets, sizes = _numbers(operator, "offsets"), _numbers(operator, "size")
    ends = [
        extent if size < 0 else at + size
        for extent, at, size in zip(x.shape, offsets, sizes, strict=True)
    ]
    return [(at, 1, end - at) for at, end in zip(offsets, ends, strict=True)]


def _strided_cuts(operator: Operator, x: Tensor) -> list[tuple[int, int, int]]:
    """(begin, step, size) of each axis of x."""
    if operator.int("ellipsis_mask", 0) or operator.int("new_axis_mask", 0):
        raise UnsupportedError("ellipsis_mask and new_axis_mask are 0")
    begins, ends = _numbers(operator, "begin"), _numbers(operator, "end")
    axes = _numbers(operator, "axes", range(len(begins)))
    steps = _numbers(operator, "strides", [1] * len(begins))
    masks = [operator.int(f"{name}_mask", 0) for name in ("begin", "end", "shrink_axis")]
    cuts = [(0, 1, size) for size in x.shape]
    for i, (axis, begin, end, step) in enumerate(zip(axes, begins, ends, steps, strict=True)):
        no_begin, no_end, shrink = (mask >> i & 1 for mask in masks)
        size = x.shape[axis]
        if shrink:
            cuts[axis] = begin % size, 1, 1
            continue
        bounds = slice(None if no_begin else begin, None if no_end else end, step)
        places = range(*bounds.indices(size))
        cuts[axis] = places.start, step, len(places)
    return cuts


_SLICES: dict[str, Callable[[Operator, Tensor], list[tuple[int, int, int]]]] = {
    "Slice": _slice_cuts,
    "SliceD": _slice_cuts,
    "StridedSlice": _strided_cuts,
    "StridedSliceD": _strided_cuts,
    "StridedSliceV2": _strided_cuts,
    "StridedSliceV3": _strided_cuts,
}
SLICES = tuple(_SLICES)


def build_transpose(operator: Operator, soc: Soc) -> KernelOp:
    """Transpose by a constant permutation."""
    perm = _numbers(operator, "perm")
    if sorted(perm) != list(range(len(operator.at("x").shape))):
        raise UnsupportedError(f"{perm} is no permutation")
    return _permuted(operator, soc, operator.at("x").shape, perm)


def _permuted(operator: Operator, soc: Soc, shape: Sequence[int], perm: Sequence[int]) -> KernelOp:
    """x, seen as a tensor of `shape`, with its axes in another order."""
    own = row_major(shape)
    result = tuple(shape[axis] for axis in perm)
    b = VectorBuilder(operator, "AIV", soc)
    source = View(b.arguments[operator.index("x")], tuple(own[axis] for axis in perm))
    copy_all(b, [Copy.of(result, source, View(b.arguments[-1], row_major(result)))])
    return b.kernel


_TO_SPACE = {"DCR": (0, 3, 4, 1, 5, 2), "CRD": (0, 1, 4, 2, 5, 3)}
_TO_DEPTH = {"DCR": (0, 3, 5, 1, 2, 4), "CRD": (0, 1, 3, 5, 2, 4)}


def build_space(operator: Operator, soc: Soc) -> KernelOp:
    """DepthToSpace and SpaceToDepth of NCHW."""
    n, c, h, w = operator.at("x").shape
    block, mode = operator.int("block_size", 1), operator.text("mode", "DCR")
    if operator.text("data_format", "NHWC") != "NCHW":
        raise UnsupportedError("only in the order NCHW")
    if operator.type == "SpaceToDepth":
        shape = (n, c, h // block, block, w // block, block)
        return _permuted(operator, soc, shape, _TO_DEPTH[mode])
    depth = c // block**2
    split = (block, block, depth) if mode == "DCR" else (depth, block, block)
    return _permuted(operator, soc, (n, *split, h, w), _TO_SPACE[mode])


def build_broadcast(operator: Operator, soc: Soc) -> KernelOp:
    """BroadcastTo and Expand: elements are repeated in UB, what has 8 bytes by loads."""
    x, output = operator.at("x"), operator.outputs[0]
    return _repeated(operator, soc, output.shape, broadcast_strides(x.shape, output.shape))


def build_tile(operator: Operator, soc: Soc) -> KernelOp:
    """Tile: every axis as two, of which the outer one repeats."""
    x, times = operator.at("x"), _numbers(operator, "multiples")
    padded = (1,) * (len(times) - len(x.shape)) + x.shape
    if len(times) != len(padded):
        raise UnsupportedError(f"{len(times)} multiples for {len(padded)} axes")
    pairs = list(zip(times, padded, row_major(padded), strict=True))
    shape = tuple(size for many, size, _ in pairs for size in (many, size))
    strides = tuple(s for _, size, step in pairs for s in (0, step if size > 1 else 0))
    return _repeated(operator, soc, shape, strides)


def _repeated(
    operator: Operator, soc: Soc, shape: tuple[int, ...], strides: tuple[int, ...]
) -> KernelOp:
    """x along axes of `shape`, with a stride of 0 where it repeats."""
    element = operator.at("x").element
    if element_bytes(element) < 8:
        root = Value("input", element)
        if element in (i1, i8, UI8):
            root = cast(cast(root, f16), element)
        return pointwise(operator, soc, [("x", strides)], root, shape)
    b = VectorBuilder(operator, "AIV", soc)
    source = View(b.arguments[operator.index("x")], strides)
    copy_all(b, [Copy.of(shape, source, View(b.arguments[-1], row_major(shape)))])
    return b.kernel
