"""Ascend's own ONNX operators, which are in no ONNX schema: each is one GraphEngine node.

    operator,atc,domains,ge,shape
    NPUIou,11-18,ai.onnx npu,Iou,

atc      the opsets of ai.onnx for which ATC registers a plugin (ge: `*_onnx_plugin.cpp`)
domains  the domains that the operator has a plugin in
ge       the operator type it becomes
shape    `same` where the first result has the type of the first input
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_TABLE = Path(__file__).with_name("ascend_operators.csv")


class AscendOperator(NamedTuple):
    """One operator: GraphEngine's type for it, whether it keeps the type of its input, and for
    which opsets of its domain ATC has a plugin.
    """

    ge: str
    keeps_type: bool
    atc: str


@cache
def ascend_operators() -> Mapping[tuple[str, str], AscendOperator]:
    """The operators by domain and name."""
    with _TABLE.open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    return {
        (domain, row["operator"]): AscendOperator(
            row["ge"], row["shape"] == "same", row["atc"] if domain == "ai.onnx" else "1"
        )
        for row in rows
        for domain in row["domains"].split()
    }
