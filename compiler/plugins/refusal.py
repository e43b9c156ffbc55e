"""Why ATC refuses a node, and what its owner can do about it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from compiler.atc_names import operator_kind
from compiler.plugins.conditions import broken_condition
from compiler.plugins.node import ModelNode
from compiler.plugins.registered import atc_opsets, covers, nearest, spelled

UNKNOWN_DOMAIN, NO_PLUGIN, WRONG_PARAMETERS = "E19999", "E13010", "E11010"
INLINE = "inline the model's functions (onnx.inliner.inline_local_functions)"
_TABLE = Path(__file__).with_name("rewrites.csv")


@dataclass(frozen=True, slots=True)
class Refusal:
    """ATC's code, the reason in words, an opset that would do and a rewrite that would."""

    code: str
    kind: str
    reason: str
    opset: int | None = None
    rewrite: str = ""

    @property
    def summary(self) -> str:
        """The refusal in one line, without the node."""
        return f"{self.code} {self.kind}: {self.reason}"


@cache
def _rewrites() -> Mapping[str, str]:
    with _TABLE.open(newline="", encoding="utf-8") as table:
        return {row["operator"]: row["rewrite"] for row in csv.DictReader(table)}


def refusal(node: ModelNode) -> Refusal | None:
    """Why ATC refuses a node; None when it takes it."""
    if node.opset is None:
        reason = f"the model imports no opset of '{node.domain}'"
        return Refusal(UNKNOWN_DOMAIN, node.kind, reason, rewrite="add the opset import")
    if (missing := _unregistered(node.domain, node.opset, node.operator)) is not None:
        return replace(missing, rewrite=INLINE) if node.is_function else missing
    if (broken := broken_condition(node)) is not None:
        return Refusal(WRONG_PARAMETERS, node.kind, broken.reason, rewrite=broken.rewrite)
    return None


@cache
def _unregistered(domain: str, opset: int, operator: str) -> Refusal | None:
    opsets = atc_opsets(domain, operator)
    if covers(opsets, opset):
        return None
    return Refusal(
        NO_PLUGIN,
        operator_kind(domain, opset, operator),
        f"ATC's plugin is for opset {spelled(opsets)}" if opsets else "ATC has no plugin for it",
        nearest(opsets, opset),
        _rewrites().get(operator, "") if domain == "ai.onnx" else "",
    )
