"""What can be refreshed in a bundle: names that users give, and the variables they stand for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.om.bundle_roles import roles
from compiler.om.ge_ir_pb2 import OpDef
from compiler.om.manifest import RefreshableWeight, manifest_in
from compiler.om.offline_model import OfflineModel
from runtime.errors import AclError, Code
from runtime.executor.operators import tensor_desc
from runtime.executor.session import Place, Session
from runtime.executor.variables import declare_variables, refreshes, variable_address

_ONNX_NAME = re.compile(r"^.*?:\d+:(?=.)")
"""What precedes the tensor's name in the name of an output."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A variable that can be refreshed. `name` is that of the ONNX initializer, or without a
    manifest that of the constant; `input` its place among the inputs of the update model, and
    `sha256` the digest of the bytes it begins with, where the bundle says.
    """

    name: str
    place: Place
    input: int
    sha256: str | None = None

    @property
    def type(self) -> str:
        """Element type and shape, for messages."""
        return f"{self.place.desc.dtype}{list(self.place.desc.shape)}"


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


def weights_of(models: Sequence[OfflineModel], found: Parts, session: Session) -> dict[str, Weight]:
    """The refreshable weights by name. AclError 500002 for a manifest that does not fit.

    What variables are made of by a recipe is not among them: alone it would not be the weight.
    """
    for om in models:
        declare_variables(om.root.model_def, session)
    infer = models[found.infer]
    if (manifest := manifest_in(infer)) is not None:
        nodes = _variables(models)
        entries = manifest.plain.items()
        return {name: _of_entry(entry, nodes, session, infer.source) for name, entry in entries}
    if found.update is None:
        return {}
    update = models[found.update].root.model_def
    nodes = _variables(models)
    return {
        (name := refresh.variable.removesuffix("_var")): Weight(
            name, _place(nodes[refresh.variable], session), index
        )
        for index, refresh in refreshes(update).items()
    }


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


def _of_entry(
    entry: RefreshableWeight, nodes: Mapping[str, OpDef], session: Session, source: str
) -> Weight:
    op = nodes.get(entry.variable)
    if op is None or tuple(op.output_desc[0].shape.dim) != entry.shape:
        named = f"{entry.variable} {list(entry.shape)}"
        raise AclError(Code.GE_FAILURE, f"{source}: its manifest names {named}, which it lacks")
    return Weight(entry.onnx, _place(op, session), entry.index, entry.sha256)
