"""What is wrong between the models of a bundle: variables, and the values they begin with."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.inspection.constants import Constant, constants
from compiler.inspection.opened import OpenedFile, Table
from compiler.inspection.weight_faults import fault_of
from compiler.om.bundle import Bundle
from compiler.om.bundle_roles import roles
from compiler.om.bundle_variables import check_no_flows, check_variables
from compiler.om.errors import StatusError
from compiler.om.manifest import manifest_of
from compiler.om.offline_model import OfflineModel
from compiler.refresh.bundle_weights import assigned_constants
from compiler.weights.digests import all_sha256


def bundle_faults(file: OpenedFile) -> Iterator[str]:
    """What the models of a bundle, which all can be read, say of each other."""
    if file.bundle is None or not all(isinstance(part.model, OfflineModel) for part in file.parts):
        return
    try:
        check_no_flows(file.bundle)
        yield from _variable_faults(file.bundle)
        yield from _value_faults(file, file.bundle)
    except StatusError as error:
        yield str(error).removeprefix(f"{file.path}: ")


def _variable_faults(bundle: Bundle) -> Iterator[str]:
    numbered = enumerate(bundle.models)
    try:
        check_variables((f"submodel {i}", model.root.model_def) for i, model in numbered)
    except StatusError as error:
        yield str(error)


def _value_faults(file: OpenedFile, bundle: Bundle) -> Iterator[str]:
    """Variables that do not begin with the bytes whose digest the manifest has."""
    manifest, init = manifest_of(bundle), roles(bundle.models).init
    if manifest is None or init is None:
        return
    part = next(part for part in file.parts if part.label == f"submodel {init}")
    values = _values(file.tables(part)[0])
    digests = all_sha256(constant.weight for constant in values.values())
    for weight in manifest.weights:
        value = values.get(weight.variable)
        if value is not None and (found := digests[value.weight].hex()) != weight.sha256:
            what = f"begins with bytes of hash {found}, the manifest says {weight.sha256}"
            yield f"variable {weight.variable!r} {what}"


def _values(table: Table) -> dict[str, Constant]:
    """What each variable begins with, as far as its bytes are there and nothing else has their
    hash.
    """
    inside = len(table.model.weights)
    known = (c for c in constants(table) if c.place != "by id" and not c.digest)
    found = {c.name: c for c in known if fault_of(c, inside) is None}
    assigned = assigned_constants(table.model.model_def).items()
    return {variable: found[op.name] for variable, op in assigned if op.name in found}
