"""ATC's pre-check: what it refuses of a model, on the screen and in check_result.json."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.atc.errors import MESSAGES, AtcError, os_reason
from compiler.errors import NoGraphError, UserError
from compiler.om.files import WriteError, rewriting
from compiler.plugins import Finding, ModelOutline, preflight
from compiler.plugins.preflight import names_of
from compiler.plugins.report import report, summary

REPORT = "check_result.json"
CAUSES = {
    "E13010": (1, "The type is not supported."),
    "E11010": (2, "The parameter is invalid."),
    "E13009": (9, "The name is repeated in the graph."),
}
"""GraphEngine's causes in the report by error code (`pre_checker.h`)."""
ARGUMENTS: Mapping[str, Callable[[Finding], tuple[str, ...]]] = {
    "E11010": lambda found: (found.node, found.refusal.kind, found.refusal.reason),
    "E13009": lambda found: (found.node,),
    "E13010": lambda found: (found.node, found.refusal.kind),
    "E16001": lambda found: (found.refusal.kind,),
}


SHAPES = ("input_shape", "input_shape_range")
"""The options that give shapes to inputs."""


def run(options: Mapping[str, str]) -> None:
    """Mode 3: check, list everything on stderr, write the report. AtcError for what ATC says."""
    model, findings = _checked(options["model"])
    _save(options, model, findings)
    if findings:
        print("\n".join(report(model, findings)), file=sys.stderr)
    _raise(findings)


def refuse(options: Mapping[str, str]) -> None:
    """AtcError, and the report, for a model that ATC would refuse."""
    model, findings = _checked(options["model"])
    if findings:
        _save(options, model, findings)
    _raise(findings)
    if model.open_inputs and not any(options.get(name) for name in SHAPES):
        names = ", ".join(model.open_inputs)
        raise AtcError("E10001", "NULL", "--input_shape", f"Inputs have dimensions of -1: {names}")


def tell(options: Mapping[str, str]) -> None:
    """One line on stderr about what ATC would refuse, if there is anything."""
    if findings := _checked(options["model"])[1]:
        print(f"{summary(findings)}: `atc --mode=3` lists them", file=sys.stderr)


def _checked(path: str) -> tuple[ModelOutline, list[Finding]]:
    from compiler.frontends.onnx.outline import read_outline

    try:
        model = read_outline(path)
    except NoGraphError as error:
        raise AtcError("E16004", more=str(error)) from None
    except UserError as error:
        raise AtcError("E13005", path, more=str(error)) from None
    return model, preflight(model)


def _raise(findings: Sequence[Finding]) -> None:
    """The first error and, below it, those that ATC finds before it stops."""
    if not findings:
        return
    first = findings[0]
    told = [f for f in findings if (f.graph, f.stage) == (first.graph, first.stage)]
    known = [found for found in told if found.refusal.code in ARGUMENTS]
    if not known:
        raise UserError(f"node '{first.node}': {first.refusal.reason}")
    lines = dict.fromkeys(_message(found) for found in known)
    head = known[0]
    more = "\n        ".join(list(lines)[1:])
    raise AtcError(head.refusal.code, *ARGUMENTS[head.refusal.code](head), more=more)


def _message(found: Finding) -> str:
    return MESSAGES[found.refusal.code][1].format(*ARGUMENTS[found.refusal.code](found))


def _save(options: Mapping[str, str], model: ModelOutline, findings: Sequence[Finding]) -> None:
    folder = os.environ.get("ASCEND_WORK_PATH", "")
    path = options.get("check_report") or str(Path(folder) / REPORT)
    try:
        with rewriting(path) as file:
            json.dump(check_result(model, findings), file, indent=2, sort_keys=True)
    except (OSError, WriteError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else error
        raise AtcError("E10001", path, "--check_report", reason) from None


def check_result(model: ModelOutline, findings: Sequence[Finding]) -> dict[str, Any]:
    """The report on the main graph, as GraphEngine's pre-checker writes it."""
    causes: dict[str, list[dict[str, Any]]] = {}
    for found in findings:
        if found.graph == 0 and found.refusal.code in CAUSES:
            code, message = CAUSES[found.refusal.code]
            causes.setdefault(found.node, []).append({"code": code, "message": message})
    ops = [_entry(name, kind, causes.get(name, [])) for name, kind in _ops(model)]
    failed = sum(op["result"] == "failed" for op in ops)
    return {
        "name": "",
        "result": "failed" if failed else "success",
        "total": len(ops),
        "pass": len(ops) - failed,
        "fail": failed,
        "op": ops,
    }


def _ops(model: ModelOutline) -> list[tuple[str, str]]:
    nodes = [node.kind for node in model.graph.nodes]
    names = list(names_of(model.graph))
    inputs = len(names) - len(nodes) - len(model.graph.constants)
    kinds = [*nodes, *["Input"] * inputs, *["Constant"] * len(model.graph.constants)]
    return list(zip(names, kinds, strict=True))


def _entry(name: str, kind: str, causes: list[dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "type": kind}
    entry["result"] = "failed" if causes else "success"
    return entry | ({"cause": causes} if causes else {})
