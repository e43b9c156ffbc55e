"""Where a buffer lies and how its elements are laid out, as parts of the builtin memref type."""

from __future__ import annotations

from xdsl.dialects.builtin import MemRefLayoutAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir.affine import AffineMap
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.str_enum import StrEnum


class Space(StrEnum):
    """The memories an AI core sees: global memory, and the buffers of the core."""

    GM = "gm"
    L1 = "l1"
    L0A = "l0a"
    L0B = "l0b"
    L0C = "l0c"
    UB = "ub"
    BT = "bt"


class Layout(StrEnum):
    """Element orders other than row-major; a fractal is a block of 16 rows and C0 columns.

    NZ: fractals in column-major order, row-major inside. ZZ: both row-major. ZN: fractals in
    row-major order, column-major inside. NC1HWC0: channels in groups of C0, innermost.
    """

    NZ = "nz"
    ZZ = "zz"
    ZN = "zn"
    NC1HWC0 = "nc1hwc0"


class Pipe(StrEnum):
    """The in-order queues of an AI core, by their Ascend C names without `PIPE_`."""

    S = "S"
    V = "V"
    M = "M"
    MTE1 = "MTE1"
    MTE2 = "MTE2"
    MTE3 = "MTE3"
    FIX = "FIX"


@irdl_attr_definition
class SpaceAttr(EnumAttribute[Space]):
    """`#davinci.space<l1>`: the memory a buffer is in."""

    name = "davinci.space"

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.data.value)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Space:
        with parser.in_angle_brackets():
            return parser.parse_str_enum(Space)


@irdl_attr_definition
class LayoutAttr(EnumAttribute[Layout], MemRefLayoutAttr):
    """`#davinci.layout<nz>`: the order of a buffer's elements; row-major when there is none."""

    name = "davinci.layout"

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.data.value)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Layout:
        with parser.in_angle_brackets():
            return parser.parse_str_enum(Layout)

    def get_affine_map(self) -> AffineMap:
        """Fractal orders depend on the buffer's shape: there is no one map."""
        raise NotImplementedError(f"the layout {self.data.value} has no affine map of its own")
