"""The manifest of a graph whose weights can be refreshed, from what its `refreshable` lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute

from compiler.constants import weight_of
from compiler.conversion.ge_to_om.recipes import recipe_of
from compiler.om.contract import MANIFEST_NAME
from compiler.om.manifest import Manifest, RefreshableWeight, Tensor
from compiler.sizes import dtype_of
from compiler.weights import Weight
from compiler.weights.digests import all_sha256
from dialects.ge import REFRESHABLE, GraphOp, RefreshableAttr
from dialects.types import RankedTensor
from dialects.weights import NamedAttr, named_in

Digests = Mapping[Weight, bytes]


def take_manifest(graph: GraphOp) -> dict[str, Attribute]:
    """The attribute of a model that says what can be refreshed; the graph has its list no more."""
    entries = graph.refreshable
    if not entries:
        return {}
    del graph.attributes[REFRESHABLE]
    values = [value for entry in entries for value in (entry.value, *named_in(entry.value))]
    digests = all_sha256(weight_of(value) for value in values)
    weights = tuple(_weight_of(index, entry, digests) for index, entry in enumerate(entries))
    return {MANIFEST_NAME: StringAttr(Manifest(weights).to_json())}


def _weight_of(index: int, entry: RefreshableAttr, digests: Digests) -> RefreshableWeight:
    own = _tensor(entry.onnx, entry.value, entry.type, digests)
    variable = f"{entry.const.data}_var"
    named = {name.onnx: name for name in named_in(entry.value)}
    sources = [_tensor(name, value.source, value.type, digests) for name, value in named.items()]
    as_it_is = not named or (isinstance(entry.value, NamedAttr) and sources == [own])
    return RefreshableWeight(
        onnx=own.onnx,
        variable=variable,
        input=f"{variable}_data",
        index=index,
        dtype=own.dtype,
        shape=own.shape,
        format="ND",
        sha256=own.sha256,
        sources=(own,) if as_it_is else tuple(sources),
        recipe=None if as_it_is else recipe_of(entry.value),
    )


def _tensor(name: StringAttr, value: Attribute, type: Attribute, digests: Digests) -> Tensor:
    tensor = cast("RankedTensor", type)
    element: Any = tensor.element_type
    digest = digests[weight_of(value)].hex()
    return Tensor(name.data, dtype_of(element).name, tensor.get_shape(), digest)
