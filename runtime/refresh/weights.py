"""What can be refreshed in a bundle: names that users give, and the variables they stand for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.om.bundle_roles import roles
from compiler.om.dtypes import BY_NAME
from compiler.om.ge_ir_pb2 import OpDef
from compiler.om.manifest import Manifest, Tensor, manifest_in
from compiler.om.offline_model import OfflineModel
from runtime.errors import AclError, Code, failure
from runtime.executor.contents import Place
from runtime.executor.operators import tensor_desc
from runtime.executor.session import Session
from runtime.executor.variables import declare_variables, refreshes, variable_address
from runtime.operator_engine import TensorDesc
from runtime.operator_engine.dtypes import from_proto
from runtime.refresh.recipes import Derived, derived

_ONNX_NAME = re.compile(r"^.*?:\d+:(?=.)")
"""What precedes the tensor's name in the name of an output."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What can be refreshed. `name` is that of the ONNX initializer, or without a manifest that of
    the constant; `sha256` the digest of the bytes it begins with, where the bundle says.

    `place` is where a variable holds it, and `input` its place among the inputs of the update
    model; both are None where variables are made of it, as recipes say.
    """

    name: str
    desc: TensorDesc
    place: Place | None
    input: int | None
    sha256: str | None = None

    @property
    def type(self) -> str:
        """Element type and shape, for messages."""
        return f"{self.desc.dtype}{list(self.desc.shape)}"


@dataclass(frozen=True, slots=True)
class Refreshable:
    """The weights of a bundle by name, and the variables that are made of some of them."""

    weights: dict[str, Weight]
    derived: tuple[Derived, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """The models of a bundle by what they are for, as indices; None for what it does not have."""

    infer: int
    init: int | None
    update: int | None


def parts(models: Sequence[OfflineModel]) -> Parts:
    """Which model is for what, as `roles` has it. AclError for no model."""
    if not models:
        raise AclError(Code.INVALID_PARAM, "the bundle has no models")
    found = roles(models)
    updates = (i for i, om in enumerate(models) if refreshes(om.root.model_def))
    return Parts(found.infer, found.init, next((i for i in updates if i != found.infer), None))


def onnx_names(outputs: Sequence[str]) -> list[str]:
    """ONNX's names of outputs that GraphEngine calls `<node>:<index>:<name>`; the whole name where
    it has another form, and where two outputs have one name.
    """
    short = [_ONNX_NAME.sub("", name, count=1) for name in outputs]
    count = Counter(short)
    return [name if count[name] == 1 else full for name, full in zip(short, outputs, strict=True)]


def refreshable(models: Sequence[OfflineModel], found: Parts, session: Session) -> Refreshable:
    """What can be refreshed. AclError 500002 for a manifest that does not fit."""
    for om in models:
        declare_variables(om.root.model_def, session)
    nodes = _variables(models)
    infer = models[found.infer]
    if (manifest := manifest_in(infer)) is not None:
        return _of_manifest(manifest, nodes, session, infer.source)
    if found.update is None:
        return Refreshable({})
    update = models[found.update].root.model_def
    weights: dict[str, Weight] = {}
    for index, refresh in refreshes(update).items():
        name = refresh.variable.removesuffix("_var")
        place = _place(nodes[refresh.variable], session)
        weights[name] = Weight(name, place.desc, place, index)
    return Refreshable(weights)


def _variables(models: Sequence[OfflineModel]) -> Mapping[str, OpDef]:
    return {
        op.name: op
        for om in models
        for graph in om.root.model_def.graph
        for op in graph.op
        if op.type == "Variable"
    }


def _place(op: OpDef, session: Session) -> Place:
    desc = tensor_desc(op.output_desc[0], op.name)
    return session.place(variable_address(op), desc, f"node '{op.name}' (Variable)")


def _of_manifest(
    manifest: Manifest, nodes: Mapping[str, OpDef], session: Session, source: str
) -> Refreshable:
    """What a manifest says: what holds a tensor as it is, and what is made of tensors.

    A tensor of which other variables are made as well is not held by its own as it is: both change
    together.
    """
    weights: dict[str, Weight] = {}
    for name, tensor in manifest.sources.items():
        weights[name] = Weight(name, _desc(tensor), None, None, tensor.sha256)
    sizes = {name: weight.desc.size for name, weight in weights.items()}
    made: list[Derived] = []
    for told in manifest.weights:
        op = nodes.get(told.variable)
        if op is None or tuple(op.output_desc[0].shape.dim) != told.shape:
            lacks = f"names {told.variable} {list(told.shape)}, which it lacks"
            raise AclError(Code.GE_FAILURE, f"{source}: its manifest {lacks}")
        place = _place(op, session)
        if manifest.plain.get(told.onnx) is told:
            weights[told.onnx] = Weight(told.onnx, place.desc, place, told.index, told.sha256)
        else:
            recipe = {"source": told.onnx} if told.recipe is None else told.recipe
            made.append(derived(told.variable, place, recipe, sizes))
    return Refreshable(weights, tuple(made))


def _desc(tensor: Tensor) -> TensorDesc:
    dtype = from_proto(BY_NAME[tensor.dtype].proto)
    if dtype is None:
        what = f"'{tensor.onnx}' is of type {tensor.dtype}"
        raise failure(f"{what}, which the simulated device cannot compute with")
    return TensorDesc(dtype, tensor.shape)
