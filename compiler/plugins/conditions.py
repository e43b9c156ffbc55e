"""What ATC's plugins refuse of operators that they are registered for.

Source: the plugins' parameter parsing (hicann/ops-*: `*_onnx_plugin.cpp`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isclose

from compiler.plugins.node import ModelNode
from compiler.plugins.registered import spans


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a node must not meet, why, and what to do about it."""

    opsets: str
    refuses: Callable[[ModelNode], bool]
    reason: str
    rewrite: str

    def covers(self, node: ModelNode) -> bool:
        """Whether the node is refused."""
        opset = node.opset or 0
        return any(opset in span for span in spans(self.opsets)) and self.refuses(node)


SELU = {"alpha": 1.6732632, "gamma": 1.0507010}
"""ONNX's defaults since opset 6."""
WINDOW = {"kernel_shape": 1, "strides": 1, "dilations": 1, "pads": 2}
"""Attributes that tell how many spatial dimensions there are, and how many numbers for each."""


def _number(node: ModelNode, name: str, default: float) -> float:
    value = node.attributes.get(name, default)
    return value if isinstance(value, int | float) else default


def _differs(node: ModelNode, defaults: Mapping[str, float]) -> bool:
    return not all(
        isclose(_number(node, name, value), value, rel_tol=1e-5) for name, value in defaults.items()
    )


def _spatial(node: ModelNode) -> int:
    """The spatial dimensions as far as attributes tell; 0 when they do not."""
    for name, each in WINDOW.items():
        value = node.attributes.get(name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return len(value) // each
    return 0


def _pads(node: ModelNode, *modes: str) -> bool:
    return node.attributes.get("auto_pad") in modes


def _given(node: ModelNode, place: int) -> bool:
    return place < len(node.inputs) and node.inputs[place]


def _used(node: ModelNode, place: int) -> bool:
    return place < len(node.outputs) and node.outputs[place]


def _last_index(node: ModelNode) -> bool:
    return bool(node.attributes.get("select_last_index"))


LAST_INDEX = Condition(
    "12-18", _last_index, "select_last_index=1 is not supported", "flip the axis around the node"
)

CONDITIONS: Mapping[str, Sequence[Condition]] = {
    "ArgMax": [LAST_INDEX],
    "ArgMin": [LAST_INDEX],
    "AveragePool": [
        Condition(
            "8-18",
            lambda node: _pads(node, "SAME_LOWER"),
            "auto_pad=SAME_LOWER is not supported",
            "give the padding as pads",
        )
    ],
    "Clip": [
        Condition(
            "11-18",
            lambda node: not (_given(node, 1) or _given(node, 2)),
            "it has neither min nor max",
            "remove the node",
        )
    ],
    "Constant": [
        Condition(
            "8-18",
            lambda node: "value" not in node.attributes,
            "only the attribute value is read",
            "give the constant as a tensor in value",
        )
    ],
    "Conv": [
        Condition(
            "8-18",
            lambda node: not _spatial(node),
            "it has none of kernel_shape, strides, pads and dilations",
            "give it kernel_shape",
        ),
        Condition(
            "8-18",
            lambda node: _spatial(node) == 3 and _pads(node, "SAME_UPPER", "SAME_LOWER"),
            "auto_pad=SAME_* is not supported in three dimensions",
            "give the padding as pads",
        ),
    ],
    "ConvTranspose": [
        Condition(
            "8-18",
            lambda node: "kernel_shape" not in node.attributes,
            "it has no kernel_shape",
            "give it kernel_shape",
        )
    ],
    "IsInf": [
        Condition(
            "10-18",
            lambda node: _differs(node, {"detect_negative": 1, "detect_positive": 1}),
            "detect_negative and detect_positive must both be 1",
            "IsInf and a comparison with 0",
        )
    ],
    "MaxPool": [
        Condition(
            "8-18",
            lambda node: _used(node, 1),
            "its output Indices has no port",
            "compute the indices without MaxPool",
        )
    ],
    "Pad": [
        Condition(
            "18",
            lambda node: _given(node, 3),
            "its input axes has no port",
            "give pads for all axes",
        )
    ],
    "ScatterND": [
        Condition(
            "16-18",
            lambda node: node.attributes.get("reduction") == "mul",
            "reduction=mul is not supported",
            "GatherND, Mul and ScatterND where no index repeats",
        )
    ],
    "Selu": [
        Condition(
            "8-18",
            lambda node: _differs(node, SELU),
            "only the default alpha and gamma are supported",
            "Elu with that alpha, then Mul with gamma",
        )
    ],
    "Transpose": [
        Condition(
            "8-18",
            lambda node: "perm" not in node.attributes,
            "it has no perm",
            "give it perm, the axes in reverse",
        )
    ],
}
"""Conditions by operator of ONNX's own domain."""


def broken_condition(node: ModelNode) -> Condition | None:
    """The first condition that refuses a node."""
    return next((c for c in CONDITIONS.get(node.operator, ()) if c.covers(node)), None)
