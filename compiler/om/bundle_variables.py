"""Variables of one name are one variable, in all models of a bundle: the checks of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compiler.om.bundle import Bundle
from compiler.om.dtypes import proto_name
from compiler.om.errors import GraphError, Status
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.header import HEADER_SIZE, ModelType, unpack_header

PLACEMENT = "_variable_placement"
"""Where a Variable is kept; GraphEngine's bundles have none on the host (`ge_attr_define.h`)."""


@dataclass(frozen=True, slots=True)
class Variable:
    """What two nodes of one name must agree in: address, type and shape."""

    address: int
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)} at {self.address}"


def check_variables(models: Iterable[tuple[str, ModelDef]]) -> None:
    """GraphError for the first variable that is another in another model, of all there are.

    GraphEngine's own check ends a model at the first variable that is new to it, so that most
    are never compared.
    """
    known: dict[str, tuple[str, Variable]] = {}
    for model, message in models:
        for op in _variables(message):
            found = _variable(model, op)
            first, expected = known.setdefault(op.name, (model, found))
            if found != expected:
                what = f"{expected} in {first}, and {found} in {model}"
                raise GraphError(Status.FAILED, f"variable '{op.name}' is {what}")


def check_bundle(bundle: Bundle) -> None:
    """The same for a bundle that was read; GraphError for a model inside that cannot be one."""
    check_no_flows(bundle)
    if len(bundle.slices) != bundle.header.model_num:
        have = f"{len(bundle.slices)} models, its header says {bundle.header.model_num}"
        raise GraphError(Status.PARAM_INVALID, f"{bundle.source} has {have}")
    check_variables((model.source, model.root.model_def) for model in bundle.models)


def check_no_flows(bundle: Bundle) -> None:
    """GraphError for a flow model inside, which no bundle can have."""
    for index, data in enumerate(bundle.slices):
        if len(data) >= HEADER_SIZE and unpack_header(data).modeltype == ModelType.FLOW:
            what = f"{bundle.source}: submodel {index} is a flow model"
            raise GraphError(Status.UNSUPPORTED, f"{what}, a bundle has none")


def _variables(model: ModelDef) -> Iterator[OpDef]:
    return (op for graph in model.graph for op in graph.op if op.type == "Variable")


def _variable(model: str, op: OpDef) -> Variable:
    if PLACEMENT in op.attr and op.attr[PLACEMENT].s == b"host":
        what = f"variable '{op.name}' is on the host, a bundle's are on the device"
        raise GraphError(Status.PARAM_INVALID, f"{model}: {what}")
    if not op.output_i or not op.output_desc:
        raise GraphError(Status.PARAM_INVALID, f"{model}: variable '{op.name}' has no address")
    desc = op.output_desc[0]
    dtype = proto_name(desc.dtype)
    return Variable(op.output_i[0], dtype, tuple(desc.shape.dim))
