"""Which model of a bundle infers, and which gives variables the values they begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.om.contract import MANIFEST_NAME
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.offline_model import OfflineModel


@dataclass(frozen=True, slots=True)
class Roles:
    """The models of a bundle by what they are for, as indices; None for what it does not have."""

    infer: int
    init: int | None


def roles(models: Sequence[OfflineModel]) -> Roles:
    """The roles of one model or more: the one with the manifest infers, else the first."""
    definitions = [om.root.model_def for om in models]
    infer = next((i for i, model in enumerate(definitions) if MANIFEST_NAME in model.attr), 0)
    others = [i for i in range(len(models)) if i != infer]
    return Roles(infer, next((i for i in others if _initialises(definitions[i])), None))


def _initialises(model: ModelDef) -> bool:
    types = {op.type for graph in model.graph for op in graph.op}
    return "Assign" in types and "Data" not in types
