"""The ge dialect: GraphEngine's intermediate representation."""

from xdsl.ir import Dialect

from dialects.ge.attributes import AttrDefAttr, DTypeType, RefreshableAttr
from dialects.ge.fused import FusedOp
from dialects.ge.graph import REFRESHABLE, BundleOp, GraphOp, subgraphs_of
from dialects.ge.node import NodeOp
from dialects.ge.ops import (
    ConstOp,
    DataOp,
    FileConstantOp,
    NetOutputOp,
    Op,
    VariableOp,
    type_of,
)

GE = Dialect(
    "ge",
    [BundleOp, GraphOp, DataOp, ConstOp, FileConstantOp, VariableOp, NetOutputOp, Op, FusedOp],
    [AttrDefAttr, DTypeType, RefreshableAttr],
)

__all__ = [
    "GE",
    "REFRESHABLE",
    "AttrDefAttr",
    "BundleOp",
    "ConstOp",
    "DTypeType",
    "DataOp",
    "FileConstantOp",
    "FusedOp",
    "GraphOp",
    "NetOutputOp",
    "NodeOp",
    "Op",
    "RefreshableAttr",
    "VariableOp",
    "subgraphs_of",
    "type_of",
]
