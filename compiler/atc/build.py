"""ATC's mode 0: checks in ATC's order, then the offline pipeline and the OM target."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr

from compiler.atc import precheck, reading
from compiler.atc.errors import AtcError, os_reason
from compiler.atc.importing import import_as, open_shapes, roots
from compiler.atc.options import OPTIONS, Use
from compiler.atc.precision import kept_names, precision, warn_of_ignored
from compiler.atc.shapes import input_shapes, warn_of_ranges
from compiler.endings import collect_rarely
from compiler.errors import UnknownNode, UnsupportedOperator, UserError
from compiler.fusion_switches import read_switches
from compiler.om.contract import weight_folder
from compiler.om.files import WriteError
from compiler.sources import OverwritingError, check_outputs, source_files
from dialects.om import ModelOp

if TYPE_CHECKING:
    from compiler.targets.om import OMTarget

MAX_MODEL_BYTES = 2**31 - 1
REQUIRED = {"0": ("soc_version", "output", "model"), "3": ("model",)}
"""The options that a mode cannot do without, in the order in which ATC asks for them."""


def build(options: dict[str, str]) -> None:
    """Compile as the options say; AtcError or UserError when that is not possible."""
    check(options)
    if options.get("strict_atc") == "true":
        precheck.refuse(options)
    model = options["model"]
    shapes = input_shapes(options)
    collect_rarely()
    from compiler.context import context
    from compiler.pipelines import OfflinePass
    from compiler.targets.om import OMTarget

    compress = options.get("enable_attr_compression") == "true"
    target = OMTarget(output=options["output"], compress_attributes=compress)
    offline = OfflinePass(
        soc=options["soc_version"],
        precision=precision(options),
        keep_dtype=kept_names(options),
        external_weight=int(options.get("external_weight", "0")),  # pyright: ignore[reportArgumentType]
        model=target.path.name.removesuffix(".om"),
        disable=disabled_passes(options),
    )
    ctx = context()
    module = import_as(options, shapes)
    inputs = (model, *source_files(module))
    try:
        open_shapes(ctx, module, options, shapes)
        offline.apply(ctx, module)
    except UnsupportedOperator as error:
        raise AtcError("E13010", error.node, error.op_type, more=str(error)) from None
    except UnknownNode as error:
        raise AtcError("E10016", error.name, "keep_dtype", more=str(error)) from None
    _sign(module, options)
    _emit(target, ctx, module, inputs)
    if options.get("display_model_info") == "1":
        reading.print_info(str(target.path))
    precheck.tell(options)


def _emit(target: OMTarget, ctx: Context, module: ModuleOp, inputs: Iterable[str]) -> None:
    """Write the files; what is wrong with their place is wrong with --output."""
    try:
        check_outputs(target.files(module), inputs)
        target.emit(ctx, module, io.StringIO())
    except (OverwritingError, WriteError) as error:
        raise AtcError("E10001", target.output, "--output", error) from None
    except OSError as error:
        folders = (*target.path.parents, weight_folder(target.path))
        if error.filename is None or Path(error.filename) not in folders:
            raise
        reason = os_reason(error)
        raise AtcError("E10001", target.output, "--output", reason) from None


def _sign(module: ModuleOp, options: dict[str, str]) -> None:
    """Note in every model by what it was made, and how."""
    command = " ".join(["atc", *(f"--{name}={value}" for name, value in options.items())])
    notes = {
        "atc_cmdline": command,
        "atc_version": f"ascend-opt {version('ascend-opt')}",
        "framework_type": options["framework"],
    }
    for op in module.walk():
        if isinstance(op, ModelOp):
            op.attributes |= {name: StringAttr(text) for name, text in notes.items()}


def check(options: dict[str, str]) -> None:
    """The checks that need no model, in ATC's order."""
    if options.get("mode", "0") not in REQUIRED:
        raise AtcError("E10055", f"mode {options['mode']} is not offered, only 0, 1, 3, 5 and 6")
    for name in options:
        if OPTIONS[name].use is Use.REFUSED:
            raise AtcError("E10055", f"--{name} is not offered")
    if options.get("framework") != "5":
        wanted = "0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx)"
        if "framework" not in options:
            raise AtcError("E10007", "framework", wanted)
        raise AtcError("E10055", "only framework 5 (ONNX) is offered")
    for name in REQUIRED[options.get("mode", "0")]:
        if not options.get(name):
            raise AtcError("E10054", f"--{name}")
    _check_model(options["model"])
    _check_folders(options)
    if os.path.basename(options.get("output", "unused")) in ("", ".", "..", ".om"):
        raise AtcError("E10022", options["output"], "output")
    precision(options)
    warn_of_ignored(options)
    warn_of_ranges(options)
    input_shapes(options)
    kept_names(options)
    if "soc_version" in options:
        _check_soc(options["soc_version"])


def _check_model(path: str) -> None:
    try:
        size = os.stat(path).st_size
        open(path, "rb").close()
    except OSError as error:
        reason = os_reason(error)
        raise AtcError("E10001", path, "--model", reason) from None
    if not 0 < size <= MAX_MODEL_BYTES:
        raise AtcError("E13015", path, size, MAX_MODEL_BYTES)


def _check_folders(options: dict[str, str]) -> None:
    folders = [("allow_root", root) for root in roots(options)]
    if "external_data_dir" in options:
        folders.append(("external_data_dir", options["external_data_dir"]))
    for name, folder in folders:
        if not os.path.isdir(folder):
            raise AtcError("E10001", folder, f"--{name}", "It is not a directory")


def _check_soc(name: str) -> None:
    from compiler.soc import soc

    try:
        soc(name)
    except UserError as error:
        raise AtcError("EE1011", name, more=str(error)) from None


OPTIMISATIONS = {
    "oo_constant_folding": "ge-fold-constants",
    "oo_dead_code_elimination": "ge-remove-dead-nodes",
}
"""ATC's switches for single optimisations, and the passes that make them."""


def disabled_passes(options: dict[str, str]) -> tuple[str, ...]:
    """The passes that --fusion_switch_file and the --oo options switch off."""
    off = [name for key, name in OPTIMISATIONS.items() if options.get(key) == "false"]
    path = options.get("fusion_switch_file")
    if path is None:
        return tuple(off)
    try:
        listed, unknown = read_switches(path)
    except UserError as error:
        raise AtcError("E10001", path, "--fusion_switch_file", error) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else error
        raise AtcError("E10001", path, "--fusion_switch_file", reason) from None
    for name in unknown:
        print(f"WARNING: {path}: there is no fusion '{name}' here to switch", file=sys.stderr)
    return (*off, *listed)
