"""The davinci dialect: kernels of the AI core, from buffers and loops down to flags."""

from xdsl.ir import Dialect

from dialects.davinci.attributes import LayoutAttr, SpaceAttr
from dialects.davinci.cross_core import CrossSetOp, CrossWaitOp
from dialects.davinci.cube import (
    BroadcastL0COp,
    FixpipeOp,
    LoadBTOp,
    LoadL0Img2ColOp,
    LoadL0Op,
    MmadOp,
)
from dialects.davinci.functions import FunctionOp, SubBlockIdxOp
from dialects.davinci.instruction import InstructionOp
from dialects.davinci.kernel import AllocOp, BlockIdxOp, KernelOp
from dialects.davinci.movement import Dn2NzOp, LoadOp, LoadRowsOp, Nd2NzOp, StoreOp
from dialects.davinci.sync import PipeBarrierOp, SetFlagOp, WaitFlagOp
from dialects.davinci.tile import EmptyOp, ReturnOp, TileOp
from dialects.davinci.vector import (
    BinaryOp,
    BroadcastOp,
    CastOp,
    CompareOp,
    DuplicateOp,
    GatherOp,
    ReduceOp,
    ScalarOp,
    SelectOp,
    TransposeOp,
    UnaryOp,
)

DAVINCI = Dialect(
    "davinci",
    [
        KernelOp,
        FunctionOp,
        TileOp,
        EmptyOp,
        ReturnOp,
        AllocOp,
        BlockIdxOp,
        SubBlockIdxOp,
        LoadOp,
        LoadRowsOp,
        Nd2NzOp,
        Dn2NzOp,
        StoreOp,
        LoadL0Op,
        LoadL0Img2ColOp,
        LoadBTOp,
        BroadcastL0COp,
        MmadOp,
        FixpipeOp,
        UnaryOp,
        BinaryOp,
        ScalarOp,
        ReduceOp,
        BroadcastOp,
        CastOp,
        CompareOp,
        SelectOp,
        DuplicateOp,
        GatherOp,
        TransposeOp,
        SetFlagOp,
        WaitFlagOp,
        PipeBarrierOp,
        CrossSetOp,
        CrossWaitOp,
    ],
    [SpaceAttr, LayoutAttr],
)

__all__ = [
    "DAVINCI",
    "AllocOp",
    "BinaryOp",
    "BlockIdxOp",
    "BroadcastL0COp",
    "BroadcastOp",
    "CastOp",
    "CompareOp",
    "CrossSetOp",
    "CrossWaitOp",
    "Dn2NzOp",
    "DuplicateOp",
    "EmptyOp",
    "FixpipeOp",
    "FunctionOp",
    "GatherOp",
    "InstructionOp",
    "KernelOp",
    "LoadBTOp",
    "LoadL0Img2ColOp",
    "LoadL0Op",
    "LoadOp",
    "LoadRowsOp",
    "MmadOp",
    "Nd2NzOp",
    "PipeBarrierOp",
    "ReduceOp",
    "ReturnOp",
    "ScalarOp",
    "SelectOp",
    "SetFlagOp",
    "StoreOp",
    "SubBlockIdxOp",
    "TileOp",
    "TransposeOp",
    "UnaryOp",
    "WaitFlagOp",
]
