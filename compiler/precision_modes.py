"""ATC's precision modes: the element type that each operator computes in, as tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from xdsl.dialects.builtin import bf16, f16, f32
from xdsl.ir import Attribute

from dialects.ge.catalogue import signature

PrecisionMode = Literal[
    "force_fp16",
    "must_keep_origin_dtype",
    "allow_fp32_to_fp16",
    "allow_fp32_to_bf16",
    "cube_fp16in_fp32out",
    "force_fp32",
    "allow_mix_precision",
    "allow_mix_precision_fp16",
    "allow_mix_precision_bf16",
]
"""The values of --precision_mode."""

SECOND_SPELLING: dict[str, PrecisionMode] = {
    "fp16": "force_fp16",
    "origin": "must_keep_origin_dtype",
    "cube_fp16in_fp32out": "cube_fp16in_fp32out",
    "mixed_float16": "allow_mix_precision_fp16",
    "mixed_bfloat16": "allow_mix_precision_bf16",
}
"""The values of --precision_mode_v2; those with HiFloat8 stand for no mode of ours."""

CUBE = frozenset(
    """BatchMatMul BatchMatMulV2 BatchMatMulV3 Conv2D Conv2DTranspose Conv3D Conv3DTranspose
    DeformableConv2D DepthwiseConv2D FullyConnection GEMM MatMul MatMulV2 MatMulV3""".split()
)
"""Matrix operators: the cube multiplies narrow floats, and accumulates in float32."""

REDUCIBLE = CUBE | frozenset(
    "DynamicGRUV2 FusedInferAttentionScore MaxPoolV3 PromptFlashAttention RmsNorm SwiGlu".split()
)
"""`precision_reduce` is true in the 910B's operator library: mixed precision narrows them.

Matrix operators that the library has no entry for are counted with those it has."""

IRREDUCIBLE = frozenset("LogSoftmaxV2 Pow ReduceMean ReduceMeanD ReduceSum".split())
"""`precision_reduce` is false: mixed precision leaves them alone; all others follow their inputs.

ReduceMean has no flag itself: it stands here where GraphEngine would have ReduceMeanD."""

FOLLOWERS = frozenset(
    """Concat ExpandDims Permute PhonyConcat PhonySplit ReverseSequence SliceD SqueezeV2 SqueezeV3
    StridedSliceV2 TopK UnsqueezeV2 UnsqueezeV3""".split()
)
"""They only move elements, in any type, whatever the library says of their first input."""

TYPES: dict[str, Attribute] = {"float16": f16, "bfloat16": bf16, "float": f32, "float32": f32}
FLOATS = frozenset({f16, bf16, f32})


class Choice(NamedTuple):
    """What becomes of an operator: floats of the types `replaced` are read and made as these.

    `wide` inputs keep their types.
    """

    replaced: Collection[Attribute] = ()
    reads: Attribute = f16
    makes: Attribute = f16
    wide: frozenset[str] = frozenset()


KEEP = Choice()
"""The types stay those of the model."""

_OF_MODE: dict[str, tuple[Choice, Choice | None]] = {
    "must_keep_origin_dtype": (KEEP, KEEP),
    "force_fp16": (Choice(FLOATS), Choice(FLOATS)),
    "allow_fp32_to_fp16": (Choice({f32}), KEEP),
    "allow_fp32_to_bf16": (Choice({f32}, bf16, bf16), KEEP),
    "cube_fp16in_fp32out": (
        Choice(FLOATS, f16, f32, frozenset({"bias"})),
        Choice(FLOATS, f32, f32),
    ),
    "allow_mix_precision_fp16": (Choice({f32}), None),
    "allow_mix_precision_bf16": (Choice({f32}, bf16, bf16), None),
}
"""What the modes choose for matrix operators, and for all others; None: by the lists above."""
_ALIASES = {"force_fp32": "cube_fp16in_fp32out", "allow_mix_precision": "allow_mix_precision_fp16"}


def choice(mode: PrecisionMode, op_type: str, inputs: Collection[Attribute]) -> Choice:
    """What a mode makes of an operator whose inputs, constants aside, have come to these types."""
    cube, vector = _OF_MODE[_ALIASES.get(mode, mode)]
    chosen = cube if op_type in CUBE else vector
    if chosen is None:
        chosen = cube if _is_reduced(op_type, inputs, cube.reads) else KEEP
    return chosen if _is_offered(op_type, chosen) else KEEP


def _is_reduced(op_type: str, inputs: Collection[Attribute], narrow: Attribute) -> bool:
    """Whether mixed precision narrows an operator.

    One on no list is narrowed when all it reads is narrow already: nothing is rounded for it.
    """
    if op_type in REDUCIBLE or op_type in IRREDUCIBLE:
        return op_type in REDUCIBLE
    floats = [element for element in inputs if element in FLOATS]
    return bool(floats) and all(element == narrow for element in floats)


def _is_offered(op_type: str, chosen: Choice) -> bool:
    """Whether the AI Core has the operator in the type; of unknown operators nobody says no."""
    known = signature(op_type)
    if known is None or op_type in FOLLOWERS or known.core_types is None:
        return True
    return chosen.reads in {TYPES.get(name) for name in known.core_types}
