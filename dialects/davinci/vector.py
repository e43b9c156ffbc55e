"""Vector instructions on UB, each on up to four sizes with a stride for each of them."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Pipe, Space
from dialects.davinci.instruction import InstructionOp, Spaces
from dialects.davinci.types import BITS, buffer_of, element_bytes, ints

_UB = (Space.UB,)

_FLOATS = ("f16", "f32")
_INTEGERS = ("i16", "i32")
_BITWISE = ("and", "or", "not", "shl", "shr")
"""Kinds that only integers have."""
_ANY = ("copy",)
"""Kinds that only move bits."""
_INTEGER = ("add", "sub", "mul", "max", "min", "adds", "muls", "maxs", "mins", "relu")
"""Kinds that integers of 16 and 32 bits have beside floats."""

_CASTS = {
    "f32": ("f16", "bf16", "f32", "i16", "i32", "i64"),
    "f16": ("f16", "f32", "i8", "ui8", "i1", "i16", "i32"),
    "bf16": ("f32", "i32"),
    "i64": ("f32", "i32"),
    "i32": ("f32", "i16", "i64"),
    "i16": ("f16", "f32"),
    "i8": ("f16",),
    "ui8": ("f16",),
    "i1": ("f16",),
}
"""Element types that one conversion reaches (Ascend C, Cast, Atlas A2); i1 is a byte of 0 or 1."""


class VectorOp(InstructionOp):
    """A vector instruction; stride 0 repeats a source."""

    PIPE: ClassVar[Pipe] = Pipe.V

    def verify_(self) -> None:
        super().verify_()
        if self._kind and not _computes(self._kind, buffer_of(self.writes).element_type):
            element = buffer_of(self.writes).element_type
            raise VerifyException(f"the vector unit has no {self._kind} of {element}")


def has_instruction(family: str, kind: str, source: Attribute, element: Attribute) -> bool:
    """Whether the vector unit has an instruction that makes `element` of `source`.

    `family` is unary, binary, scalar, compare, cast, select, or another that takes what has bytes.
    """
    match family:
        case "unary" | "binary" | "scalar":
            return _computes(kind, element)
        case "cast":
            return str(element) in _CASTS.get(str(source), ())
        case "compare":
            return str(source) in _FLOATS or (str(source) == "i32" and kind in ("eq", "ne"))
        case "select" | "duplicate":
            return element_bytes(element) in (2, 4)
        case _:
            return True


def _computes(kind: str, element: Attribute) -> bool:
    name = str(element)
    if element == BITS:
        return kind in ("and", "or", "not")
    if kind in _ANY:
        return element_bytes(element) in (2, 4)
    if kind in _BITWISE:
        return name in _INTEGERS
    return name in _FLOATS or (name in _INTEGERS and kind in _INTEGER)


@irdl_op_definition
class UnaryOp(VectorOp):
    """One source, element by element."""

    name = "davinci.unary"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = (
        "abs",
        "exp",
        "ln",
        "rec",
        "relu",
        "rsqrt",
        "sqrt",
        "copy",
        "not",
    )
    kind = prop_def(StringAttr)


@irdl_op_definition
class BinaryOp(VectorOp):
    """Two sources, element by element."""

    name = "davinci.binary"
    SPACES: ClassVar[Spaces] = (_UB, _UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("add", "sub", "mul", "div", "max", "min", "and", "or")
    kind = prop_def(StringAttr)


@irdl_op_definition
class ScalarOp(VectorOp):
    """A source and a scalar: x + s, x · s, max(x, s), min(x, s), x where x ≥ 0 else x · s, shifts.

    shr fills with the sign of signed integers.
    """

    name = "davinci.scalar"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("adds", "muls", "maxs", "mins", "lrelu", "shl", "shr")
    kind = prop_def(StringAttr)
    value = prop_def(FloatAttr | IntegerAttr)


_REDUCED = {"sum": ("cadd", "add"), "max": ("cmax", "max"), "min": ("cmin", "min")}
"""Instructions within a row and between rows."""


@irdl_op_definition
class ReduceOp(VectorOp):
    """Sum, maximum or minimum over every size along which the destination's stride is 0."""

    name = "davinci.reduce"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("sum", "max", "min")
    kind = prop_def(StringAttr)

    @property
    def mnemonic(self) -> str:
        inner = ints(self.strides.data[0])[-1] == 0
        names = _REDUCED[self.kind.data]
        return names[0] if inner else names[1]

    def verify_(self) -> None:
        super().verify_()
        if 0 not in ints(self.strides.data[0]):
            raise VerifyException("the destination has no stride of 0: nothing is reduced")


@irdl_op_definition
class BroadcastOp(VectorOp):
    """Each element of the source to a 32-byte block of its own (Brcb). Sizes: [n]."""

    name = "davinci.brcb"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    RANK: ClassVar[tuple[int, int]] = (1, 1)


@irdl_op_definition
class CastOp(VectorOp):
    """Element type conversion: `mode` rounds, to the nearest even value unless said.

    Integers that become narrower keep their low bits; floats saturate. With a mode but between
    equal types of floats it rounds to an integer. Of i64 `high` takes the other half to i32: that
    is a gather of every second word.
    """

    name = "davinci.cast"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    MODES: ClassVar[tuple[str, ...]] = ("rint", "floor", "ceil", "trunc", "round", "high")
    mode = opt_prop_def(StringAttr)

    @property
    def is_high(self) -> bool:
        """Whether it takes the high halves of integers."""
        return self.mode is not None and self.mode.data == "high"

    @property
    def mnemonic(self) -> str:
        return "gather" if self.is_high else "cast"

    def verify_(self) -> None:
        super().verify_()
        target, source = (buffer_of(value).element_type for value in self.memory)
        if target == source and self.mode is None:
            raise VerifyException("a cast is between two element types")
        if not has_instruction("cast", "", source, target):
            raise VerifyException(f"no conversion from {source} to {target}")
        if self.mode is not None and self.mode.data not in self.MODES:
            raise VerifyException(f"there is no rounding '{self.mode.data}'")
        if self.is_high and (str(source), str(target)) != ("i64", "i32"):
            raise VerifyException(f"high halves are i32 of i64, not {target} of {source}")


@irdl_op_definition
class CompareOp(VectorOp):
    """A mask of where `kind` holds between two sources, or a source and `value`.

    The destination has an element of ui1, a bit, for each element; its rows begin at blocks.
    Integers are only compared for equality.
    """

    name = "davinci.compare"
    SPACES: ClassVar[Spaces] = (_UB, _UB, _UB)
    OPTIONAL: ClassVar[int] = 1
    KINDS: ClassVar[tuple[str, ...]] = ("eq", "ne", "lt", "le", "gt", "ge")
    kind = prop_def(StringAttr)
    value = opt_prop_def(FloatAttr | IntegerAttr)

    @property
    def mnemonic(self) -> str:
        return "cmp"

    def verify_(self) -> None:
        InstructionOp.verify_(self)
        _verify_choice(self, buffer_of(self.writes).element_type, self.value is None)
        element = buffer_of(self.reads[0]).element_type
        if not has_instruction("compare", self._kind, element, element):
            raise VerifyException(f"the vector unit does not compare {element} by {self._kind}")


@irdl_op_definition
class SelectOp(VectorOp):
    """Where the mask has a bit the second source, elsewhere the third, or `value`."""

    name = "davinci.select"
    SPACES: ClassVar[Spaces] = (_UB, _UB, _UB, _UB)
    OPTIONAL: ClassVar[int] = 1
    value = opt_prop_def(FloatAttr | IntegerAttr)

    @property
    def mnemonic(self) -> str:
        return "sel"

    def verify_(self) -> None:
        super().verify_()
        _verify_choice(self, buffer_of(self.reads[0]).element_type, self.value is None)
        element = buffer_of(self.writes).element_type
        if not has_instruction("select", "", element, element):
            raise VerifyException("elements of 2 or 4 bytes are selected")


def _verify_choice(op: CompareOp | SelectOp, mask: Attribute, full: bool) -> None:
    if mask != BITS:
        raise VerifyException(f"a mask has elements of {BITS}, not {mask}")
    if full != (len(op.memory) == len(op.SPACES)):
        raise VerifyException("either a last source or a value")


@irdl_op_definition
class DuplicateOp(VectorOp):
    """One value to every element."""

    name = "davinci.dup"
    SPACES: ClassVar[Spaces] = (_UB,)
    value = prop_def(FloatAttr | IntegerAttr)


@irdl_op_definition
class GatherOp(VectorOp):
    """Elements from any offsets and strides, the one access that need not be aligned."""

    name = "davinci.gather"
    SPACES: ClassVar[Spaces] = (_UB, _UB)


@irdl_op_definition
class TransposeOp(VectorOp):
    """A matrix transposed in blocks (vnchwconv). Sizes: [rows, columns] of the source."""

    name = "davinci.transpose"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    RANK: ClassVar[tuple[int, int]] = (2, 2)
