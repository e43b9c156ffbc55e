"""The cube's way: L1 to L0, matrix multiply-accumulate, L0C to global memory."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, UnitAttr, i64
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Layout, Pipe, Space
from dialects.davinci.instruction import InstructionOp, Spaces
from dialects.davinci.types import buffer_of, ints, layout_of

_L0_LAYOUTS = {Space.L0A: Layout.ZZ, Space.L0B: Layout.ZN}


@irdl_op_definition
class LoadL0Op(InstructionOp):
    """A window of an NZ matrix in L1 to L0A or L0B (LoadData2D). Sizes: [rows, k].

    Both operands are held with k as their columns: L0B gets the transposed right operand.
    """

    name = "davinci.load_l0"
    PIPE: ClassVar[Pipe] = Pipe.MTE1
    SPACES: ClassVar[Spaces] = ((Space.L0A, Space.L0B), (Space.L1,))
    RANK: ClassVar[tuple[int, int]] = (2, 2)

    def verify_(self) -> None:
        super().verify_()
        if layout_of(buffer_of(self.reads[0])) is not Layout.NZ:
            raise VerifyException("the source's layout is nz")


@irdl_op_definition
class LoadL0Img2ColOp(InstructionOp):
    """Rows of the img2col matrix of an NC1HWC0 feature map to L0A (LoadData3D). Sizes: [m, k].

    The source's offsets are the first output point and the first k, counted as (C1, kh, kw, C0).
    `height` is the number of input rows present, `top` of padding rows above them. The buffer's
    shape is [C1, rows, width, C0].
    """

    name = "davinci.load_l0_img2col"
    PIPE: ClassVar[Pipe] = Pipe.MTE1
    SPACES: ClassVar[Spaces] = ((Space.L0A,), (Space.L1,))
    RANK: ClassVar[tuple[int, int]] = (2, 2)
    PARAMS: ClassVar[tuple[str, ...]] = ("height", "top")

    kernel = prop_def(DenseArrayBase.constr(i64))
    stride = prop_def(DenseArrayBase.constr(i64))
    dilation = prop_def(DenseArrayBase.constr(i64))
    padding = prop_def(DenseArrayBase.constr(i64))
    """Left and right."""

    def verify_(self) -> None:
        super().verify_()
        if layout_of(buffer_of(self.reads[0])) is not Layout.NC1HWC0:
            raise VerifyException("the source's layout is nc1hwc0")
        for name in ("kernel", "stride", "dilation", "padding"):
            if len(ints(self.properties[name])) != 2:
                raise VerifyException(f"{name} has two numbers")


@irdl_op_definition
class LoadBTOp(InstructionOp):
    """A bias from L1 to the bias table, in the type of the results. Sizes: [n]."""

    name = "davinci.load_bt"
    PIPE: ClassVar[Pipe] = Pipe.MTE1
    SPACES: ClassVar[Spaces] = ((Space.BT,), (Space.L1,))
    RANK: ClassVar[tuple[int, int]] = (1, 1)


@irdl_op_definition
class BroadcastL0COp(InstructionOp):
    """A bias from UB to every row of a block of results, in their type. Sizes: [m, n].

    Cores without a bias table begin their sums with it.
    """

    name = "davinci.broadcast_l0c"
    PIPE: ClassVar[Pipe] = Pipe.V
    SPACES: ClassVar[Spaces] = ((Space.L0C,), (Space.UB,))
    RANK: ClassVar[tuple[int, int]] = (2, 2)


@irdl_op_definition
class MmadOp(InstructionOp):
    """Matrix multiply-accumulate: L0C[m, n] += L0A[m, k] · L0B[n, k]ᵀ. Sizes: [m, k, n].

    Where `accumulate` is 0 the result is overwritten: with the product, plus the bias if any.
    """

    name = "davinci.mmad"
    PIPE: ClassVar[Pipe] = Pipe.M
    SPACES: ClassVar[Spaces] = (
        (Space.L0C,),
        (Space.L0A,),
        (Space.L0B,),
        (Space.BT,),
    )
    OPTIONAL: ClassVar[int] = 1
    RANK: ClassVar[tuple[int, int]] = (3, 3)
    PARAMS: ClassVar[tuple[str, ...]] = ("accumulate",)

    def verify_(self) -> None:
        super().verify_()
        for value, space in zip(self.reads, (Space.L0A, Space.L0B), strict=False):
            if layout_of(buffer_of(value)) is not _L0_LAYOUTS[space]:
                raise VerifyException(f"the layout in {space} is {_L0_LAYOUTS[space]}")


@irdl_op_definition
class FixpipeOp(InstructionOp):
    """L0C to global memory, row-major, cast to the destination's type. Sizes: [m, n].

    The destination's strides are those of a row and of a column: columns may be contiguous
    instead of rows (NZ2DN).
    """

    name = "davinci.fixpipe"
    PIPE: ClassVar[Pipe] = Pipe.FIX
    SPACES: ClassVar[Spaces] = ((Space.GM,), (Space.L0C,))
    RANK: ClassVar[tuple[int, int]] = (2, 2)

    relu = opt_prop_def(UnitAttr)
