"""Why a constant cannot be refreshed: changing it would change more than numbers, or nothing."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Use

from dialects.ge import ConstOp, NodeOp, type_of
from dialects.types import tensor_of
from dialects.weights import StringsAttr

STRINGS = "its elements are strings, which have no fixed size"
STRUCTURAL = frozenset(
    """axes axis begin concat_dim delta depth diagonal dimension dims end ends fft_length input_size
    k K kernel_size limit max_output_size multiples normalized_shape num_cols num_rows num_samples
    offsets output_shape output_size paddings pads perm repeats shape size size_splits sizes split
    split_dim start starts steps strides""".split()
)
"""Ports whose integers say what shape or order a result has (a column, not a value, of weights)."""
STRUCTURAL_OF = {"Resize": frozenset({"roi", "scales", "sizes"})}
"""… and those of some operators whose numbers of any type do."""


def anything(node: ConstOp) -> str | None:
    """GraphEngine's rule: only what has no size cannot become a variable."""
    return STRINGS if isinstance(node.value, StringsAttr) else None


def refusal(node: ConstOp) -> str | None:
    """Why a constant cannot become a variable, in words; None when it can."""
    if isinstance(node.value, StringsAttr):
        return STRINGS
    if not node.results[0].uses:
        return "no node reads it: the model does not use it, or its value is part of a node by now"
    for use in node.results[0].uses:
        if (reader := _shaped_by(node, use)) is not None:
            kind = f"{type_of(reader)} '{reader.label}'"
            return f"it says the shape or the order of what {kind} makes, which is compiled in"
    return None


def _shaped_by(node: ConstOp, use: Use) -> NodeOp | None:
    """The reader of a constant, when its value is part of what the reader's result is."""
    reader = use.operation
    assert isinstance(reader, NodeOp)
    port = reader.port_names[use.index]
    is_integer = isinstance(tensor_of(node.results[0]).element_type, IntegerType)
    always = STRUCTURAL_OF.get(type_of(reader), frozenset[str]())
    structural = port in always or (port in STRUCTURAL and is_integer)
    return reader if structural else None
