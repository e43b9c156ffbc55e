"""The opsets for which ATC has a plugin of an ONNX operator (ge: `*_onnx_plugin.cpp`)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dialects.onnx.ascend import ascend_operators

_TABLE = Path(__file__).with_name("opsets.csv")

Opsets = tuple[range, ...]

PLUGINS = range(8, 19)
"""The opsets that ATC has plugins of ONNX's own operators for, at most."""


@cache
def spans(text: str) -> Opsets:
    """`8-18`, `13-`, `1 6 8-18` as ranges."""
    found: list[range] = []
    for part in text.split():
        first, dash, last = part.partition("-")
        end = int(last) if last else (1000 if dash else int(first))
        found.append(range(int(first or 1), end + 1))
    return tuple(found)


def spelled(opsets: Opsets) -> str:
    """The ranges as a person writes them: `1, 6, 8-18`."""
    return ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in opsets)


def covers(opsets: Opsets, opset: int) -> bool:
    """Whether an opset is in one of the ranges."""
    return any(opset in span for span in opsets)


def nearest(opsets: Opsets, opset: int) -> int | None:
    """The opset to export with instead: the next later one that is covered, else the last."""
    within = [number for span in opsets for number in span if number in PLUGINS]
    return min((n for n in within if n >= opset), default=max(within, default=None))


@cache
def _registered() -> Mapping[str, Opsets]:
    with _TABLE.open(newline="", encoding="utf-8") as table:
        return {cells["operator"]: spans(cells["opsets"]) for cells in csv.DictReader(table)}


def atc_opsets(domain: str, operator: str) -> Opsets:
    """The opsets for which ATC has a plugin of an operator; none where it has no plugin."""
    known = _registered().get(operator, ()) if domain == "ai.onnx" else ()
    ascend = ascend_operators().get((domain, operator))
    return known or (spans(ascend.atc) if ascend else ())
