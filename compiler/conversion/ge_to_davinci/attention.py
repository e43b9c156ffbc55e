"""Kernels of PromptFlashAttention: scores on cube cores, an online softmax on vector cores."""

from __future__ import annotations

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.attention_blocks import Heads
from compiler.conversion.ge_to_davinci.attention_cube import CubeFunction
from compiler.conversion.ge_to_davinci.attention_vector import VectorFunction
from compiler.conversion.ge_to_davinci.mixed import MixedBuilder
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.planning.attention import attention_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp

KNOWN = frozenset({"query", "key", "value", "pse_shift"})


def build_attention(operator: Operator, soc: Soc) -> KernelOp:
    """softmax(query · keyᵀ · scale + pse_shift) · value, for every batch and head.

    A group's cube core multiplies a block of queries with blocks of keys, one block ahead of the
    vector cores, which share the rows; what they make of the scores it multiplies with the values.
    """
    for port, _ in operator.inputs:
        if port not in KNOWN:
            raise UnsupportedError(f"has no way for {port}")
    heads = Heads.of(operator)
    b = MixedBuilder(operator, soc)
    masked = operator.input("pse_shift") is not None
    sizes = heads.batch * heads.heads, heads.queries, heads.keys, heads.size
    tile = attention_tile(*sizes, masked=masked, core=soc)
    groups = min(soc.cube_cores, heads.items(tile))
    scores = groups, 2, tile.queries, tile.keys
    spaces = {
        "scores": b.workspace(scores, f32, "scores"),
        "weights": b.workspace(scores, heads.element, "weights"),
        "results": b.workspace((groups, 2, tile.queries, heads.size), f32, "results"),
    }
    CubeFunction(b.cube, heads, tile, spaces).build()
    VectorFunction(b.vector, heads, tile, spaces).build(b.sub_blocks)
    return b.kernel
