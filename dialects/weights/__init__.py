"""The weights dialect: attributes that say where a tensor's bytes are, or how to make them."""

from xdsl.ir import Dialect

from dialects.weights.computed import COMPUTED, FLOATS, ComputeAttr
from dialects.weights.derived import CastAttr, ScatterAttr, TransposeAttr
from dialects.weights.named import NamedAttr, named_in, without_names
from dialects.weights.parts import ConcatAttr, SliceAttr
from dialects.weights.references import FileAttr, SplatAttr, StringsAttr
from dialects.weights.weight import (
    CONVERTIBLE,
    Weight,
    WeightAttr,
    is_printable,
    is_printable_number,
    parse_shaped,
    print_shaped,
    print_weight,
    static_tensor,
)

DERIVED = (CastAttr, ComputeAttr, ConcatAttr, ScatterAttr, SliceAttr, TransposeAttr)
"""Weights that are made of others."""

WEIGHTS = Dialect("weights", [], [FileAttr, SplatAttr, StringsAttr, *DERIVED, NamedAttr])

__all__ = [
    "COMPUTED",
    "CONVERTIBLE",
    "DERIVED",
    "FLOATS",
    "WEIGHTS",
    "CastAttr",
    "ComputeAttr",
    "ConcatAttr",
    "FileAttr",
    "NamedAttr",
    "ScatterAttr",
    "SliceAttr",
    "SplatAttr",
    "StringsAttr",
    "TransposeAttr",
    "Weight",
    "WeightAttr",
    "is_printable",
    "is_printable_number",
    "named_in",
    "parse_shaped",
    "print_shaped",
    "print_weight",
    "static_tensor",
    "without_names",
]
