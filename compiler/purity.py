"""Which nodes only compute their results: they can be left out, merged, or computed beforehand."""

from __future__ import annotations

import re

from dialects.ge import DataOp, NetOutputOp, NodeOp, VariableOp, type_of

_EFFECTS = re.compile(
    r"(Onnx)?(Bernoulli|Multinomial|ParameterizedTruncated|Random|StatelessBernoulli|Truncated)"
    r"|DropOut|OnnxDropout"
    r"|Assert|Assign|Hcc|Hcom|Print|Queue|Recv|Scatter\w*Update|Send|Stack|TensorArray|Variable"
)
"""Beginnings of the types that draw random numbers, or change or tell what outlives them.

With `Onnx` they are ONNX's own. GraphEngine's Dropout passes its input on, ONNX's may train.
"""

CHANGED_PORTS = frozenset({"ref", "var"})
"""The ports whose tensor a node changes where it lies."""


def changes_memory(node: NodeOp) -> bool:
    """Whether a node writes into the memory of one of its inputs."""
    return not CHANGED_PORTS.isdisjoint(node.port_names)


def is_pure(node: NodeOp) -> bool:
    """Whether a node does nothing but make its results, the same ones each time."""
    return (
        bool(node.results)
        and not node.regions
        and not isinstance(node, DataOp | VariableOp | NetOutputOp)
        and not changes_memory(node)
        and _EFFECTS.match(type_of(node)) is None
    )
