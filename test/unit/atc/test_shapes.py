"""ATC's options for shapes: what they mean, and the code and text of every mistake."""

from __future__ import annotations

import pytest

from compiler.atc.errors import AtcError
from compiler.atc.shapes import InputShapes, dims_of, input_shapes
from compiler.om.gears import Gears

SHAPES = [
    ("x:1,3", {"x": (1, 3)}),
    ("x:1,3;y:", {"x": (1, 3), "y": ()}),
    ("scope/x:0:1 , 3;", {"scope/x:0": (1, 3)}),
    ("x:-1,3", {"x": (-1, 3)}),
    ("x:1~8,3~3;y:2", {"x": (-1, 3), "y": (2,)}),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES)
def test_shapes(text: str, expected: dict[str, tuple[int, ...]]):
    found = input_shapes({"input_shape": text}).by_name(["a"])
    assert {name: dims_of(ranges) for name, ranges in found.items()} == expected


def test_ranges():
    assert input_shapes({"input_shape": "x:1~8,-1,3,4~-1"}).named == {
        "x": ((1, 8), (0, -1), (3, 3), (4, -1))
    }
    unnamed = input_shapes({"input_shape": "1~8,-1;3"})
    assert unnamed == InputShapes(unnamed=(((1, 8), (0, -1)), ((3, 3),)))
    assert unnamed.by_name(["a", "b", "c"]) == {"a": ((1, 8), (0, -1)), "b": ((3, 3),)}
    with pytest.raises(AtcError, match="2 shapes are given, the model has 1 inputs"):
        unnamed.by_name(["a"])


BATCH = {"dynamic_batch_size": "1,2,", "input_shape": "x:-1,3;y:2"}
IMAGE = {"dynamic_image_size": "2,4;4,8", "input_shape": "x:1,3,-1,-1"}
DIMS = {"dynamic_dims": "1,2,3;4,5,6;", "input_shape": "b:-1;a:-1,-1"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (BATCH, Gears("batch", ((1,), (2,)), ("x", "y"))),
        (IMAGE, Gears("image", ((2, 4), (4, 8)), ("x",))),
        (DIMS, Gears("dims", ((1, 2, 3), (4, 5, 6)), ("b", "a"))),
    ],
)
def test_gears(options: dict[str, str], expected: Gears):
    assert input_shapes(options).gears == expected


def test_dims_of_a_gear_follow_the_users_order():
    gears = input_shapes(DIMS).gears
    assert gears is not None
    filled = gears.filled((4, 5, 6), {"a": (-1, 7, -1), "b": (-1,), "c": (9,)})
    assert filled == {"a": (5, 7, 6), "b": (4,), "c": (9,)}
    assert gears.largest == (4, 5, 6)


SHAPE = "input_shape"
MISTAKES = [
    ({SHAPE: "x"}, "E10002", "two parts"),
    ({SHAPE: ":1"}, "E10002", "The input name is empty"),
    ({SHAPE: "x:1.5"}, "E10002", "The float number is unsupported"),
    ({SHAPE: "x:1,a"}, "E10002", "It is not a digit"),
    ({SHAPE: "x:1,0"}, "E10011", "The error value in the shape is 0."),
    ({SHAPE: "x:1;y:2;x:1"}, "E10002", "The input is named twice"),
    ({SHAPE: "x:1;x:-1"}, "E10002", "The input is named twice"),
    (BATCH | {SHAPE: "x:-1;x:-1"}, "E10002", "The input is named twice"),
    ({"input_shape_range": "x:[1~2];x:[3]"}, "E10002", "The input is named twice"),
    ({SHAPE: "x:1,-2"}, "E10011", "The error value in the shape is -2."),
    ({SHAPE: "x:-1,a"}, "E10002", "a"),
    ({SHAPE: "x:-1,"}, "E10048", "cannot be converted"),
    ({SHAPE: "x:1~2~3"}, "E10048", "format of the shape range"),
    ({SHAPE: "x:8~1"}, "E10048", "format of the shape range"),
    ({SHAPE: ":-1"}, "E10002", "The input name is empty"),
    ({"input_shape_range": "x:1~2"}, "E10048", "a pair of '[]'"),
    ({"input_shape_range": "x:[1];[2]"}, "E10048", "two parts"),
    (BATCH | {"dynamic_dims": "1;2"}, "E10009", "mutually exclusive"),
    (BATCH | {"input_shape_range": "x:[1~2]"}, "E10009", "mutually exclusive"),
    (BATCH | {SHAPE: "x:1~2,3"}, "E10040", "cannot have '~'"),
    (BATCH | {SHAPE: ""}, "E10004", "Value for --input_shape is empty"),
    (BATCH | {SHAPE: "x:-1;y:"}, "E10012", "less than 1"),
    (BATCH | {SHAPE: "x:-1,-1"}, "E10018", "Value -1 for shape 1"),
    (BATCH | {SHAPE: "x:1"}, "E10031", "batch size equaling -1"),
    (BATCH | {"dynamic_batch_size": "1;2"}, "E10003", 'only contain digits and ","'),
    (BATCH | {"dynamic_batch_size": "1"}, "E10035", "1 profiles, which is less than the minimum 2"),
    (
        BATCH | {"dynamic_batch_size": ",".join(map(str, range(1, 102)))},
        "E10036",
        "101 profiles, which is greater than the maximum 100",
    ),
    (BATCH | {"dynamic_batch_size": "0,1"}, "E10038", "Dimension size 0"),
    (BATCH | {"dynamic_batch_size": "2,1,2"}, "E10039", "duplicate"),
    (IMAGE | {SHAPE: "x:-1,3,-1,-1"}, "E10019", "height and width"),
    (IMAGE | {SHAPE: "x:-1,-1"}, "E10019", "height and width"),
    (IMAGE | {SHAPE: "x:1,3,4,4"}, "E10019", "height and width"),
    (IMAGE | {"input_format": "ND"}, "E10003", "NCHW or NHWC"),
    (IMAGE | {"dynamic_image_size": "2;4"}, "E10020", "2;4"),
    (IMAGE | {"dynamic_image_size": "a,b"}, "E10003", "only contain digits"),
    (DIMS | {SHAPE: "x:1"}, "E10001", "At least one dim should be -1"),
    (DIMS | {"dynamic_dims": ";"}, "E10058", "--dynamic_dims"),
    (DIMS | {"dynamic_dims": "1,2;3,4"}, "E10003", "consistent with the number of -1"),
    (DIMS | {"dynamic_dims": "1,2,a;3,4,5"}, "E10001", "positive integer"),
]


@pytest.mark.parametrize(("options", "code", "words"), MISTAKES)
def test_mistakes(options: dict[str, str], code: str, words: str):
    with pytest.raises(AtcError) as raised:
        input_shapes(options)
    assert raised.value.code == code
    assert words in str(raised.value)
