"""What can be refreshed in a bundle: names that users give, and the variables they stand for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.om.contract import MANIFEST_NAME
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.manifest import Manifest, RefreshableWeight
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
    """Which model infers: the one with the manifest, else the first. AclError for no model."""
    if not models:
        raise AclError(Code.INVALID_PARAM, "the bundle has no models")
    definitions = [om.root.model_def for om in models]
    told = [i for i, model in enumerate(definitions) if MANIFEST_NAME in model.attr]
    infer = told[0] if told else 0
    others = [i for i in range(len(models)) if i != infer]
    return Parts(
        infer,
        next((i for i in others if _initialises(definitions[i])), None),
        next((i for i in others if refreshes(definitions[i])), None),
    )


def onnx_names(outputs: Sequence[str]) -> list[str]:
    """ONNX's names of outputs that GraphEngine calls `<node>:<index>:<name>`; the whole name where
    it has another form, and where two outputs have one name.
    """
    short = [_ONNX_NAME.sub("", name, count=1) for name in outputs]
    count = Counter(short)
    return [name if count[name] == 1 else full for name, full in zip(short, outputs, strict=True)]


def _initialises(model: ModelDef) -> bool:
    types = {op.type for graph in model.graph for op in graph.op}
    return "Assign" in types and "Data" not in types


def weights_of(models: Sequence[OfflineModel], found: Parts, session: Session) -> dict[str, Weight]:
    """The refreshable weights by name. AclError 500002 for a manifest that does not fit.

    What variables are made of by a recipe is not among them: alone it would not be the weight.
    """
    for om in models:
        declare_variables(om.root.model_def, session)
    infer = models[found.infer]
    if MANIFEST_NAME in infer.root.model_def.attr:
        text = infer.root.model_def.attr[MANIFEST_NAME].s.decode("utf-8", "surrogateescape")
        manifest = Manifest.from_json(text, infer.source)
        nodes = _variables(models)
        plain = manifest.plain
        return {name: _told(told, nodes, session, infer.source) for name, told in plain.items()}
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


def _told(
    told: RefreshableWeight, nodes: Mapping[str, OpDef], session: Session, source: str
) -> Weight:
    op = nodes.get(told.variable)
    if op is None or tuple(op.output_desc[0].shape.dim) != told.shape:
        message = f"{source}: its manifest names {told.variable} {list(told.shape)}, which it lacks"
        raise AclError(Code.GE_FAILURE, message)
    return Weight(told.onnx, _place(op, session), told.index, told.sha256)
