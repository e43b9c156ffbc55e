"""Flash attention kernels: as the operator engine computes them in one piece."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ml_dtypes import bfloat16

CASES: dict[str, Any] = {
    "one_block": ("BNSD", 1, 2, 2, 16, 16, 16, "f2"),
    "bert": ("BNSD", 1, 3, 3, 128, 128, 64, "f2"),
    "several_blocks": ("BNSD", 2, 1, 1, 40, 1100, 64, "f2"),
    "wide_heads": ("BNSD", 1, 1, 1, 70, 300, 128, "f2"),
    "wider_heads": ("BNSD", 1, 1, 1, 40, 130, 256, "f2"),
    "tokens_first": ("BSND", 2, 4, 2, 33, 90, 40, "f2"),
    "tokens_in_rows": ("BSH", 1, 4, 4, 50, 50, 32, "f2"),
    "one_query": ("BNSD", 2, 8, 2, 1, 500, 128, "f2"),
    "bfloat16": ("BNSD", 1, 2, 2, 60, 150, 64, bfloat16),
}


def operands(case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and attributes of a case."""
    layout, batch, heads, key_heads, queries, keys, size, dtype = CASES[case]
    generator: Any = np.random.default_rng(5)

    def tensor(count: int, tokens: int) -> Any:
        shapes = {
            "BNSD": (batch, count, tokens, size),
            "BSND": (batch, tokens, count, size),
            "BSH": (batch, tokens, count * size),
        }
        return generator.standard_normal(shapes[layout]).astype(dtype)

    inputs = {"query": tensor(heads, queries)}
    inputs |= {name: tensor(key_heads, keys) for name in ("key", "value")}
    attributes = {
        "num_heads": heads,
        "num_key_value_heads": key_heads,
        "scale_value": size**-0.5,
        "input_layout": layout,
    }
    return inputs, attributes


@pytest.mark.parametrize("case", CASES)
def test_attention(case: str, agrees: Any) -> None:
    tolerance = (2e-2, 2e-2) if CASES[case][-1] is bfloat16 else (2e-3, 2e-3)
    agrees("PromptFlashAttention", *operands(case), tolerance=tolerance)


@pytest.mark.parametrize("shared", [False, True])
def test_a_shift_of_the_scores(shared: bool, agrees: Any) -> None:
    inputs, attributes = operands("several_blocks")
    generator: Any = np.random.default_rng(6)
    shape = (1 if shared else 2, 1, 40, 1100)
    inputs["pse_shift"] = generator.standard_normal(shape).astype("f2")
    agrees(
        "PromptFlashAttention", inputs, {**attributes, "scale_value": 1.0}, tolerance=(4e-3, 4e-3)
    )


@pytest.mark.parametrize("soc", ["Ascend310B1", "Ascend910B4", "Ascend950PR_9599"])
def test_split_cores(soc: str, agrees: Any) -> None:
    agrees("PromptFlashAttention", *operands("wide_heads"), tolerance=(2e-3, 2e-3), soc=soc)


def test_coupled_cores_have_no_kernel(schedule: Any) -> None:
    inputs, attributes = operands("bert")
    with pytest.raises(AssertionError, match="got no kernel"):
        schedule("PromptFlashAttention", inputs, inputs["query"], attributes, soc="Ascend310P3")
