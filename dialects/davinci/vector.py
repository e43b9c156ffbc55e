"""Vector instructions on UB, each on up to four sizes with a stride for each of them."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, StringAttr
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Pipe, Space
from dialects.davinci.instruction import InstructionOp, Spaces
from dialects.davinci.types import buffer_of, ints

_UB = (Space.UB,)


class VectorOp(InstructionOp):
    """A vector instruction; stride 0 repeats a source."""

    PIPE: ClassVar[Pipe] = Pipe.V


@irdl_op_definition
class UnaryOp(VectorOp):
    """One source, element by element."""

    name = "davinci.unary"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("abs", "exp", "ln", "rec", "relu", "rsqrt", "sqrt", "copy")
    kind = prop_def(StringAttr)


@irdl_op_definition
class BinaryOp(VectorOp):
    """Two sources, element by element."""

    name = "davinci.binary"
    SPACES: ClassVar[Spaces] = (_UB, _UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("add", "sub", "mul", "div", "max", "min")
    kind = prop_def(StringAttr)


@irdl_op_definition
class ScalarOp(VectorOp):
    """A source and a scalar: x + s, x · s, max(x, s), min(x, s), x where x ≥ 0 else x · s."""

    name = "davinci.scalar"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("adds", "muls", "maxs", "mins", "lrelu")
    kind = prop_def(StringAttr)
    value = prop_def(FloatAttr)


@irdl_op_definition
class ReduceOp(VectorOp):
    """Sum or maximum over every size along which the destination's stride is 0."""

    name = "davinci.reduce"
    SPACES: ClassVar[Spaces] = (_UB, _UB)
    KINDS: ClassVar[tuple[str, ...]] = ("sum", "max")
    kind = prop_def(StringAttr)

    @property
    def mnemonic(self) -> str:
        inner = ints(self.strides.data[0])[-1] == 0
        names = {"sum": ("cadd", "add"), "max": ("cmax", "max")}[self.kind.data]
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
    """Element type conversion, to the nearest value."""

    name = "davinci.cast"
    SPACES: ClassVar[Spaces] = (_UB, _UB)

    def verify_(self) -> None:
        super().verify_()
        types = {buffer_of(value).element_type for value in self.memory}
        if len(types) == 1:
            raise VerifyException("a cast is between two element types")


@irdl_op_definition
class DuplicateOp(VectorOp):
    """One value to every element."""

    name = "davinci.dup"
    SPACES: ClassVar[Spaces] = (_UB,)
    value = prop_def(FloatAttr)


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
