"""How ATC's ONNX importer names things: initializers, nodes without a name, operators."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_INITIALIZER = re.compile(r"(.*)_Initializer_\d+", re.DOTALL)


def initializer_names(names: Sequence[str]) -> Mapping[str, str]:
    """`<name>_Initializer_<k>` for each initializer of a graph, k its place in alphabetical
    order."""
    return {name: f"{name}_Initializer_{place}" for place, name in enumerate(sorted(names))}


def initializer_of(label: str) -> str:
    """The initializer that a node of this name is; the name itself where it is none."""
    made = _INITIALIZER.fullmatch(label)
    return made[1] if made else label


def nameless_node(op_type: str, count: int) -> str:
    """What a node without a name is called; one counter numbers all of a model."""
    return f"{op_type}_{count}"


def operator_kind(domain: str, opset: int | None, op_type: str) -> str:
    """An operator as messages have it, its domain spelled out: `ai.onnx::17::Conv`."""
    return f"{domain}::{opset}::{op_type}"
