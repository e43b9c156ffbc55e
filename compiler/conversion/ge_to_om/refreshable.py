"""The manifest of a graph whose weights can be refreshed, from what its `refreshable` lists."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute

from compiler.constants import weight_of
from compiler.digests import all_sha256
from compiler.om.contract import MANIFEST_NAME
from compiler.om.manifest import Manifest, RefreshableWeight, Tensor
from compiler.sizes import dtype_of
from dialects.ge import REFRESHABLE, GraphOp, RefreshableAttr
from dialects.types import RankedTensor


def take_manifest(graph: GraphOp) -> dict[str, Attribute]:
    """The attribute of a model that says what can be refreshed; the graph has its list no more."""
    entries = graph.refreshable
    if not entries:
        return {}
    del graph.attributes[REFRESHABLE]
    weights = [weight_of(entry.value) for entry in entries]
    digests = all_sha256(weights)
    told = [
        _told(index, entry, digests[weight].hex())
        for index, (entry, weight) in enumerate(zip(entries, weights, strict=True))
    ]
    return {MANIFEST_NAME: StringAttr(Manifest(tuple(told)).to_json())}


def _told(index: int, entry: RefreshableAttr, digest: str) -> RefreshableWeight:
    type = cast("RankedTensor", entry.type)
    dtype, shape = dtype_of(type.element_type).name, type.get_shape()
    variable = f"{entry.const.data}_var"
    return RefreshableWeight(
        onnx=entry.onnx.data,
        variable=variable,
        input=f"{variable}_data",
        index=index,
        dtype=dtype,
        shape=shape,
        format="ND",
        sha256=digest,
        sources=(Tensor(entry.onnx.data, dtype, shape, digest),),
    )
