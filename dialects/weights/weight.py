"""What every weight attribute has in common: what it is, and how it is printed and parsed."""

from __future__ import annotations

import math
from typing import TypeAlias, cast

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypedAttribute
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.types import ELEMENT_TYPES, SUB_BYTE, RankedTensor, element_name, is_static


class WeightAttr(ParametrizedAttribute):
    """A reference to a weight's bytes, or how they are made."""


Weight: TypeAlias = WeightAttr | DenseIntOrFPElementsAttr
"""What a constant may hold: a reference, a derived weight, or (when small) its values."""

CONVERTIBLE = frozenset(
    name
    for name in ELEMENT_TYPES
    if name not in SUB_BYTE and not name.startswith(("complex", "f6E"))
)
"""The element types that have a whole number of bytes and one number each."""


def static_tensor(type: Attribute) -> RankedTensor:
    """A type as that of a tensor whose bytes can be read; VerifyException when it is none."""
    if not is_static(type):
        raise VerifyException(f"a weight has a static tensor type, not {type}")
    ranked = cast(RankedTensor, type)
    if element_name(ranked.element_type) not in CONVERTIBLE:
        raise VerifyException(f"no derived weight of {ranked.element_type}")
    return ranked


def parse_shaped(parser: AttrParser) -> tuple[Attribute, Attribute]:
    """`weight as type`: a weight, and what it is the bytes of."""
    source = parser.parse_attribute()
    parser.parse_characters("as")
    return source, parser.parse_type()


def print_shaped(printer: Printer, source: Attribute, type: Attribute) -> None:
    """Print what `parse_shaped` reads."""
    print_weight(printer, source)
    printer.print_string(" as ")
    printer.print_attribute(type)


def is_printable(dense: Attribute) -> bool:
    """Whether xDSL's parser reads what its printer writes for dense values (or no such)."""
    if not isinstance(dense, DenseIntOrFPElementsAttr):
        return True
    for value in cast("DenseIntOrFPElementsAttr", dense).iter_values():
        parts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(part, float) and not is_printable_number(part) for part in parts):
            return False
    return True


def is_printable_number(value: float) -> bool:
    """Whether xDSL (0.74) writes a number in an array as decimals.

    What it writes in hexadecimal its parser takes for an integer: infinities, NaN, and whole
    numbers of more than six digits.
    """
    return math.isfinite(value) and (abs(value) < 1e6 or not value.is_integer())


def print_weight(printer: Printer, weight: Attribute) -> None:
    """Print a weight so that xDSL's parser reads back what was printed."""
    if is_printable(weight):
        printer.print_attribute(weight)
        return
    dense = cast("DenseIntOrFPElementsAttr", weight)
    printer.print_string(f'dense<"0x{dense.data.data.hex().upper()}"> : ')
    printer.print_attribute(cast("TypedAttribute", weight).get_type())
