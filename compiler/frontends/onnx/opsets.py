"""Which opset of each operator domain a model uses, and whether we know its operators."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeAlias

import onnx

from compiler.atc_names import operator_kind
from compiler.errors import UnsupportedOperator, UserError
from compiler.frontends.onnx.walk import nodes_of
from dialects.onnx.ascend import ascend_operators
from dialects.onnx.schema import (
    DEFAULT_DOMAIN,
    operator_name,
    operators,
    schema,
    since_versions,
    split_operator,
)

Opsets: TypeAlias = dict[str, int]
"""The version of each domain; ONNX's own is `ai.onnx`."""

KNOWN_DOMAINS = frozenset(split_operator(operator)[0] for operator in operators())

_BEFORE_IMPORTS = 3
"""The IR version from which a model must say which opsets it uses."""


def domain_name(domain: str) -> str:
    """The domain, spelled out where models leave it empty."""
    return domain or DEFAULT_DOMAIN


def check_ir_version(model: onnx.ModelProto) -> None:
    """UserError for a model of a later version of ONNX's format than is known."""
    if model.ir_version > onnx.IR_VERSION:
        raise UserError(
            f"has IR version {model.ir_version}, this compiler knows 1 to {onnx.IR_VERSION}"
        )


def opset_imports(model: onnx.ModelProto | onnx.FunctionProto) -> Opsets:
    """The opsets a model or function imports. UserError for contradictions and future opsets."""
    opsets: Opsets = {}
    for entry in model.opset_import:
        domain = domain_name(entry.domain)
        if opsets.setdefault(domain, entry.version) != entry.version:
            raise UserError(
                f"imports two opsets of '{domain}': {opsets[domain]} and {entry.version}"
            )
    if not opsets and isinstance(model, onnx.ModelProto):
        if model.ir_version >= _BEFORE_IMPORTS:
            raise UserError(f"imports no opset, which IR version {model.ir_version} demands")
        opsets[DEFAULT_DOMAIN] = 1
    newest = onnx.defs.onnx_opset_version()
    version = opsets.get(DEFAULT_DOMAIN, 1)
    if not 1 <= version <= newest:
        raise UserError(f"imports opset {version} of ai.onnx, this compiler knows 1 to {newest}")
    return opsets


def spell_default_domain(model: onnx.ModelProto) -> None:
    """Leave ONNX's own domain empty everywhere: onnx takes `ai.onnx` for another one."""
    parts = (model.graph, *model.functions)
    imports = [entry for part in (model, *model.functions) for entry in part.opset_import]
    for named in (*imports, *(node for part in parts for node in nodes_of(part.node))):
        if named.domain == DEFAULT_DOMAIN:
            named.domain = ""


def check_operator(node: onnx.NodeProto, opsets: Opsets) -> bool:
    """Whether ONNX's schemas know the operator of a node; False for Ascend's own, and for one of
    another domain.

    UserError for an operator that a domain of ONNX's does not have in the model's opset.
    """
    domain = domain_name(node.domain)
    if domain not in opsets:
        raise UserError(f"{describe(node)}: the model imports no opset of '{domain}'")
    if domain not in KNOWN_DOMAINS:
        return False
    version = opsets[domain]
    operator = operator_name(domain, node.op_type)
    if schema(operator, version) is not None:
        return True
    if (domain, node.op_type) in ascend_operators():
        return False
    if since := since_versions(operator):
        hint = f"it is new in opset {since[0]}"
    else:
        hint = _nearest(domain, node.op_type)
    message = f"{describe(node)}: {domain} {version} has no operator '{node.op_type}' ({hint})"
    raise UnsupportedOperator(node.name, operator_kind(domain, version, node.op_type), message)


def _nearest(domain: str, op_type: str) -> str:
    names = [name for where, name in map(split_operator, operators()) if where == domain]
    near = get_close_matches(op_type, names, 1, 0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return "an operator that is not ONNX's belongs in a domain of its own"


def describe(node: onnx.NodeProto) -> str:
    """How an error message calls a node: its name, or by its first output when it has none."""
    if node.name:
        return f"{node.op_type} node '{node.name}'"
    output = next((name for name in node.output if name), "")
    return f"the {node.op_type} node that makes '{output}'"
