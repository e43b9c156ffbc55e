"""ATC's modes 1, 5 and 6: an offline model as JSON, a text dump as JSON, the facts of a model."""

from __future__ import annotations

import os
from pathlib import Path

from google.protobuf import text_format

from compiler.atc.errors import AtcError, os_reason
from compiler.atc.fusion_groups import name_fusion_groups
from compiler.atc.json_form import json_text
from compiler.atc.model_info import model_info
from compiler.om.buffers import Held
from compiler.om.errors import OMError
from compiler.om.files import WriteError, write_files
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.model_reader import read_model
from compiler.om.offline_model import SubModel
from compiler.sources import OverwritingError, check_outputs

OM2_MAGIC = b"PK\3\4"


def run(options: dict[str, str]) -> None:
    """Do what a mode of reading says; AtcError when it cannot be done."""
    match options["mode"]:
        case "6":
            show_info(options)
        case "5":
            _check_text(options)
            _check_paths(options)
            _write_json(_read_dump(options["om"]), options)
        case _:
            _check_paths(options)
            if "framework" in options:
                reason = "a source model is not converted to JSON, only an offline model is"
                raise AtcError("E10055", reason)
            _write_json(_read_om(options["om"]).model_def, options)


def show_info(options: dict[str, str]) -> None:
    """Print the facts of an offline model."""
    if not options.get("om"):
        raise AtcError("E10004", "om")
    _check_readable(options["om"])
    if "framework" in options:
        raise AtcError("E10057", "om", "model")
    print_info(options["om"])


def print_info(path: str) -> None:
    """Print the block of facts of the model at a path."""
    print("\n".join(model_info(_read_om(path))))


def _check_paths(options: dict[str, str]) -> None:
    for name in ("om", "json"):
        if not options.get(name):
            raise AtcError("E10004", name)
    _check_readable(options["om"])
    if os.path.basename(options["json"]) in ("", ".", ".."):
        raise AtcError("E10022", options["json"], "json")
    try:
        check_outputs([options["json"]], [options["om"]])
    except OverwritingError as error:
        raise AtcError("E10001", options["json"], "--json", error) from None


def _check_text(options: dict[str, str]) -> None:
    if not options.get("om"):
        raise AtcError("E10004", "om")
    if not options["om"].endswith(".txt"):
        reason = "If the value of --model is 5, --om only supports *.txt format."
        raise AtcError("E10001", options["om"], "--om", reason)


def _check_readable(path: str) -> None:
    if os.path.exists(path) and not os.path.isfile(path):
        raise AtcError("E10001", path, "--om", "It is not a regular file")
    try:
        with open(path, "rb") as file:
            is_om2 = file.read(len(OM2_MAGIC)) == OM2_MAGIC
    except OSError as error:
        reason = os_reason(error)
        raise AtcError("E10001", path, "--om", reason) from None
    if is_om2:
        raise AtcError("E10055", f"{path} is an OM2 file")


def _read_om(path: str) -> SubModel:
    """The first model of a file; the others are pieces of it."""
    try:
        return read_model(path).root
    except OMError as error:
        raise AtcError("E10041", path, more=str(error)) from None


def _read_dump(path: str) -> ModelDef:
    try:
        return text_format.Parse(Path(path).read_text(encoding="utf-8"), ModelDef())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise AtcError("E13005", path, more=" ".join(str(error).split())) from None


def _write_json(model: ModelDef, options: dict[str, str]) -> None:
    """The file is for its owner alone, as ATC's is (`model_saver.cc`)."""
    name_fusion_groups(model)
    path = Path(options["json"])
    try:
        write_files([(path, Held(json_text(model).encode()))], private=[path])
    except WriteError as error:
        raise AtcError("E10001", options["json"], "--json", error) from None
