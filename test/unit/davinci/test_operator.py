"""The names of kernels: the same for equal operators, whatever prints or hashes them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, StringAttr, f16, f32, i64

from compiler.conversion.ge_to_davinci.operator import Operator, Tensor

TILES = DenseArrayBase.from_list(i64, [1, 2])
OPERATOR = Operator(
    "Fancy",
    (("x", Tensor((4, 8), f16)), ("axes", Tensor((2,), i64))),
    (Tensor((), f32),),
    (("alpha", FloatAttr(0.1, f32)), ("mode", StringAttr('a"b')), ("tiles", TILES)),
    (("axes", (0, 1)),),
)
TEXT = """\
ascend-opt kernel 2
Fancy on Ascend910B4
input x: 4x8xf16
input axes: 2xi64
output: f32
alpha = 1.000000e-01 : f32
mode = "a\\22b"
tiles = array<i64: 1, 2>
axes is [0, 1]"""


def test_the_text_is_that_of_mlir() -> None:
    assert OPERATOR.identity("Ascend910B4") == TEXT


def test_the_name_stays() -> None:
    assert (
        OPERATOR.kernel_name("Ascend910B4") == "te_fancy_6abf5fae6ca46e87a1ec11675eb8d097__kernel0"
    )


def test_the_order_of_attributes_does_not_matter() -> None:
    other = replace(OPERATOR, attributes=OPERATOR.attributes[::-1])
    assert other.kernel_name("Ascend910B4") == OPERATOR.kernel_name("Ascend910B4")


@pytest.mark.parametrize(
    "other",
    [
        replace(OPERATOR, type="FANCY"),
        replace(OPERATOR, inputs=OPERATOR.inputs[::-1]),
        replace(OPERATOR, outputs=(Tensor((1,), f32),)),
        replace(OPERATOR, attributes=OPERATOR.attributes[1:]),
        replace(OPERATOR, constants=(("axes", (1, 0)),)),
        replace(OPERATOR, numbers=(("x", 0.5),)),
    ],
)
def test_another_operator_has_another_name(other: Operator) -> None:
    assert other.kernel_name("Ascend910B4") != OPERATOR.kernel_name("Ascend910B4")


def test_another_soc_has_another_name() -> None:
    assert OPERATOR.kernel_name("Ascend910B3") != OPERATOR.kernel_name("Ascend910B4")
