"""ATC's options for input shapes: fixed ones, ranges, and gears (`option_utils.cc`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from compiler.atc.errors import AtcError
from compiler.om.gears import Gear, Gears, Kind

T = TypeVar("T")
Range = tuple[int, int]
"""The bounds of a dimension; a high of -1 is none."""

NO_NAME = "The shape must contain two parts: name and value"
NO_NUMBER = "The current string cannot be converted to a number"
NO_RANGE = "The format of the shape range is invalid"
NO_BRACKETS = "The value can only contains a pair of '[]'"
SAMPLE_NAMED, SAMPLE_RANGED = '"input_name1:n1,c1,h1,w1"', '"input_name1:n1~n2,c1,h1,w1"'
SAMPLE_DIGITS = '"input_name1:1,3,224,224"'
SAMPLE_BRACKETS, SAMPLE_BOUNDS = '"input_name1:[n1~n2,c1,h1,w1]"', '"[1~20,3,3~6,-1]"'

DEPRECATED = (
    "Option input_shape_range is deprecated and will be removed in future version,"
    "please use input_shape instead"
)
OVERRIDDEN = (
    "Option input_shape cannot use with option input_shape_range,"
    "it will be override by input_shape_range"
)

GEAR_OPTIONS: Mapping[str, Kind] = {
    "dynamic_batch_size": "batch",
    "dynamic_image_size": "image",
    "dynamic_dims": "dims",
}
LEAST_GEARS, MOST_GEARS = 2, 100


@dataclass(frozen=True, slots=True)
class InputShapes:
    """The bounds of each dimension by input name; without names `ranges` is by position."""

    named: Mapping[str, tuple[Range, ...]] = field(default_factory=dict[str, tuple[Range, ...]])
    unnamed: tuple[tuple[Range, ...], ...] = ()
    gears: Gears | None = None

    def by_name(self, inputs: Sequence[str]) -> Mapping[str, tuple[Range, ...]]:
        """All shapes by name; `inputs` are the model's, in order."""
        if len(self.unnamed) > len(inputs):
            given = f"{len(self.unnamed)} shapes are given, the model has {len(inputs)} inputs"
            raise AtcError("E10001", len(self.unnamed), "--input_shape", given)
        return {**self.named, **dict(zip(inputs, self.unnamed, strict=False))}


def dims_of(ranges: Sequence[Range]) -> tuple[int, ...]:
    """The shape: -1 where the bounds leave a choice."""
    return tuple(low if low == high else -1 for low, high in ranges)


def spelled(name: str, ranges: Sequence[Range]) -> str:
    """`x:0~8,3~3`: a name and its bounds."""
    return f"{name}:{','.join(f'{low}~{high}' for low, high in ranges)}"


def input_shapes(options: Mapping[str, str]) -> InputShapes:
    """The shapes that the options ask for; AtcError as ATC checks them."""
    text, ranged = options.get("input_shape", ""), options.get("input_shape_range", "")
    given = [name for name in GEAR_OPTIONS if options.get(name)]
    if len(given) + bool(ranged) > 1:
        raise AtcError("E10009")
    if ranged:
        return _ranged(ranged)
    if given:
        return _geared(given[0], options)
    if "~" not in text and "-1" not in text:
        return InputShapes(_fixed(text))
    if ":" not in text:
        return InputShapes(unnamed=tuple(_bounds(part) for part in _parts(text)))
    pairs = _once(_named(part, SAMPLE_RANGED) for part in _parts(text))
    return InputShapes({name: _bounds(dims) if dims else () for name, dims in pairs})


def warn_of_ranges(options: Mapping[str, str]) -> None:
    """Say on stderr that --input_shape_range is an old option, as ATC does."""
    if options.get("input_shape_range"):
        print(f"WARNING: {DEPRECATED}", file=sys.stderr)
        if options.get("input_shape"):
            print(f"WARNING: {OVERRIDDEN}", file=sys.stderr)


def _parts(text: str) -> list[str]:
    return [part for part in text.split(";") if part]


def _named(part: str, sample: str) -> tuple[str, str]:
    name, colon, dims = part.rpartition(":")
    if not colon:
        raise AtcError("E10002", part, NO_NAME, sample)
    if not name.strip():
        raise AtcError("E10002", part, "The input name is empty", sample)
    return name.strip(), dims


def _once(pairs: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The pairs; AtcError where two have one name, of which ATC would take the last."""
    seen: set[str] = set()
    for name, value in pairs:
        if name in seen:
            raise AtcError("E10002", name, "The input is named twice", SAMPLE_NAMED)
        seen.add(name)
        yield name, value


def _fixed(text: str) -> dict[str, tuple[Range, ...]]:
    shapes = [_numbers(part) for part in _parts(text)]
    for part, (_, dims) in zip(_parts(text), shapes, strict=True):
        wrong = next((dim for dim in dims if dim <= 0), None)
        if wrong is not None:
            raise AtcError("E10011", part, wrong)
    return {name: tuple((dim, dim) for dim in dims) for name, dims in _once(shapes)}


def _numbers(part: str) -> tuple[str, list[int]]:
    """The name and the dimensions of `name:1,3,-1`."""
    name, dims = _named(part, SAMPLE_NAMED)
    words = [dim.strip() for dim in dims.split(",")] if dims.strip() else []
    if any("." in word for word in words):
        raise AtcError("E10002", part, "The float number is unsupported", SAMPLE_DIGITS)
    if not all(word.removeprefix("-").isdecimal() and word.isascii() for word in words):
        raise AtcError("E10002", part, "It is not a digit", SAMPLE_DIGITS)
    return name, [int(word) for word in words]


def _bounds(dims: str) -> tuple[Range, ...]:
    """`1~8,3,-1` as bounds."""
    if not set(dims) <= set("0123456789 ,~-"):
        raise AtcError("E10002", dims, NO_NAME, SAMPLE_RANGED)
    return tuple(_bound(dim, dims) for dim in dims.split(","))


def _bound(dim: str, dims: str) -> Range:
    ends = [end.strip() for end in dim.split("~")]
    for end in ends:
        if not end.removeprefix("-").isdecimal():
            raise AtcError("E10048", end, NO_NUMBER, '"16"')
    numbers = [int(end) for end in ends]
    if numbers == [-1]:
        return 0, -1
    low, high = numbers[0], numbers[-1]
    if len(numbers) > 2 or low < 0 or (high < low and high != -1) or (high == -1 and low < 0):
        raise AtcError("E10048", dims, NO_RANGE, SAMPLE_BOUNDS)
    return low, high


def _ranged(text: str) -> InputShapes:
    """--input_shape_range, `x:[1~20,3];…` or `[1~20,3],[…]`."""
    if ":" not in text:
        parts = [part.strip(", ") for part in text.replace("]", "];").split(";")]
        return InputShapes(unnamed=tuple(_bracketed(part) for part in parts if part))
    pairs = _once(map(_named_range, _parts(text)))
    return InputShapes({name: _bracketed(dims) for name, dims in pairs})


def _named_range(part: str) -> tuple[str, str]:
    name, colon, dims = part.rpartition(":")
    if not colon:
        raise AtcError("E10048", part, NO_NAME, SAMPLE_BRACKETS)
    return name.strip(), dims.strip()


def _bracketed(text: str) -> tuple[Range, ...]:
    inner = text.removeprefix("[").removesuffix("]")
    if len(inner) + 2 != len(text) or "[" in inner or "]" in inner:
        raise AtcError("E10048", text, NO_BRACKETS, SAMPLE_BRACKETS)
    return _bounds(inner) if inner.strip() else ()


def _geared(option: str, options: Mapping[str, str]) -> InputShapes:
    text = options.get("input_shape", "")
    if "~" in text:
        raise AtcError("E10040")
    if not text:
        raise AtcError("E10004", "input_shape")
    shapes = dict(_once(map(_numbers, _parts(text))))
    kind, value = GEAR_OPTIONS[option], options[option].rstrip(",;")
    CHECKS[kind](shapes, options)
    gears = Gears(kind, tuple(_rows(kind, value, shapes)), tuple(shapes))
    _check_gears(gears)
    named = {name: tuple(map(bounds_of, dims)) for name, dims in shapes.items()}
    return InputShapes(named, gears=gears)


def bounds_of(dim: int) -> Range:
    """The bounds of a dimension: its size, or any where it is -1."""
    return (0, -1) if dim < 0 else (dim, dim)


Shapes = Mapping[str, Sequence[int]]


def _check_batch(shapes: Shapes, options: Mapping[str, str]) -> None:
    if any(not dims for dims in shapes.values()):
        raise AtcError("E10012")
    for dims in shapes.values():
        for place, dim in enumerate(dims):
            if place and dim < 0:
                raise AtcError("E10018", dim, place)
    if not any(dims[0] == -1 for dims in shapes.values()):
        raise AtcError("E10031")


def _check_image(shapes: Shapes, options: Mapping[str, str]) -> None:
    layout = options.get("input_format", "NCHW")
    if layout not in ("NCHW", "NHWC"):
        reason = "When --dynamic_image_size is set, the input format only supports NCHW or NHWC."
        raise AtcError("E10003", layout, "input_format", reason)
    place = layout.index("H")
    open_ones = [dims for dims in shapes.values() if -1 in dims]
    for dims in open_ones:
        where = [i for i, dim in enumerate(dims) if dim < 0]
        if len(dims) != 4 or where != [place, place + 1]:
            raise AtcError("E10019")
    if not open_ones:
        raise AtcError("E10019")


def _check_dims(shapes: Shapes, options: Mapping[str, str]) -> None:
    if not any(-1 in dims for dims in shapes.values()):
        reason = "At least one dim should be -1 when dynamic_dims is set."
        raise AtcError("E10001", 0, "--input_shape's dynamic dim num", reason)
    if not options["dynamic_dims"].strip(";"):
        raise AtcError("E10058", "--dynamic_dims")


CHECKS = {"batch": _check_batch, "image": _check_image, "dims": _check_dims}


def _rows(kind: Kind, value: str, shapes: Shapes) -> list[Gear]:
    words = [part.split(",") for part in value.split("," if kind == "batch" else ";")]
    if kind == "batch" and not set(value) <= set("0123456789,"):
        reason = 'It can only contain digits and ",".'
        raise AtcError("E10003", value, "dynamic_batch_size", reason)
    if kind == "image":
        if not set(value) <= set("0123456789, ;"):
            reason = 'It can only contain digits, ",", " " and ";".'
            raise AtcError("E10003", value, "dynamic_image_size", reason)
        if any(len(row) != 2 for row in words):
            raise AtcError("E10020", value)
    if kind == "dims":
        count = sum(list(dims).count(-1) for dims in shapes.values())
        if any(len(row) != count for row in words):
            reason = "Each setting needs to be consistent with the number of -1 in the input shape."
            raise AtcError("E10003", value, "dynamic_dims", reason)
    for word in (word.strip() for row in words for word in row):
        if not word.isdecimal():
            reason = "Dynamic dims must be a positive integer."
            raise AtcError("E10001", word, f"--{_option(kind)}", reason)
    return [tuple(int(word) for word in row) for row in words]


def _option(kind: Kind) -> str:
    return next(option for option, of in GEAR_OPTIONS.items() if of == kind)


def _check_gears(gears: Gears) -> None:
    count = len(gears.rows)
    if count < LEAST_GEARS:
        raise AtcError("E10035", count, LEAST_GEARS)
    if count > MOST_GEARS:
        raise AtcError("E10036", count, MOST_GEARS)
    if any(size == 0 for row in gears.rows for size in row):
        raise AtcError("E10038", 0)
    if len(set(gears.rows)) != count:
        raise AtcError("E10039")
