"""DMA between global memory and the buffers of a core."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, i32, i64
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Layout, Pipe, Space
from dialects.davinci.instruction import InstructionOp, Spaces
from dialects.davinci.types import buffer_of, ints, layout_of


@irdl_op_definition
class LoadOp(InstructionOp):
    """Global memory to UB or L1 (DataCopy, DataCopyPad), row-major on both sides.

    `pad` adds elements of `pad_value` to the left and right of each run of the last size, as
    DataCopyPad does; the destination's offset is that of the left padding.
    """

    name = "davinci.load"
    PIPE: ClassVar[Pipe] = Pipe.MTE2
    SPACES: ClassVar[Spaces] = ((Space.UB, Space.L1), (Space.GM,))

    pad = opt_prop_def(DenseArrayBase.constr(i64))
    pad_value = opt_prop_def(FloatAttr)

    @property
    def padding(self) -> tuple[int, int]:
        """The elements added on the left and on the right."""
        left, right = ints(self.pad) if self.pad else (0, 0)
        return left, right

    def verify_(self) -> None:
        super().verify_()
        if (self.pad is None) != (self.pad_value is None):
            raise VerifyException("pad and pad_value go together")
        if self.pad is not None and len(self.pad) != 2:
            raise VerifyException("pad is [left, right]")


class _ToFractalOp(InstructionOp):
    """Global memory to an NZ matrix or an NC1HWC0 feature map in L1.

    Sizes [rows, columns], or with groups between them where each group of columns fills whole
    fractals of its own. The last fractal's free columns become zero.
    """

    PIPE: ClassVar[Pipe] = Pipe.MTE2
    SPACES: ClassVar[Spaces] = ((Space.L1,), (Space.GM,))
    RANK: ClassVar[tuple[int, int]] = (2, 4)

    def verify_(self) -> None:
        super().verify_()
        if layout_of(buffer_of(self.writes)) not in (Layout.NZ, Layout.NC1HWC0):
            raise VerifyException("the destination's layout is nz or nc1hwc0")


@irdl_op_definition
class Nd2NzOp(_ToFractalOp):
    """Format change of a matrix whose rows are contiguous in global memory."""

    name = "davinci.nd2nz"


@irdl_op_definition
class Dn2NzOp(_ToFractalOp):
    """Format change of a matrix whose columns are contiguous in global memory."""

    name = "davinci.dn2nz"


@irdl_op_definition
class LoadRowsOp(InstructionOp):
    """Rows of a tensor in global memory to UB, chosen by indices in UB: sizes [rows, columns].

    `heights` are the dimensions of the tensor before its rows, which lie one after the other at
    the distance of the source's first stride. The scalar unit reads an index for each of them,
    side by side at the place that the third access has for each row, and gives a load for each
    row. Below zero indices count from the end of their dimension.
    """

    name = "davinci.load_rows"
    PIPE: ClassVar[Pipe] = Pipe.MTE2
    SPACES: ClassVar[Spaces] = ((Space.UB,), (Space.GM,), (Space.UB,))
    RANK: ClassVar[tuple[int, int]] = (2, 2)

    heights = prop_def(DenseArrayBase.constr(i64))

    def verify_(self) -> None:
        super().verify_()
        index = buffer_of(self.reads[1]).element_type
        if index not in (i32, i64):
            raise VerifyException(f"indices are of i32 or i64, not {index}")


@irdl_op_definition
class StoreOp(InstructionOp):
    """UB to global memory (DataCopyPad), row-major on both sides."""

    name = "davinci.store"
    PIPE: ClassVar[Pipe] = Pipe.MTE3
    SPACES: ClassVar[Spaces] = ((Space.GM,), (Space.UB,))
