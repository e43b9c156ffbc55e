"""The two compilations of one ONNX model: as asked for, and in the model's own types."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.acl import DEFAULT_SOC
from runtime.errors import failure

TYPES = re.compile(r"--?(precision_mode|precision_mode_v2|keep_dtype)=")
"""The options that one of the two is compiled without."""
CODE = re.compile(r"\S+\(E[E1]\d{4}\): .*")
"""ATC's message, without process and time."""


def compile_both(model: str, options: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Run ATC on a model twice at once: with its options, and in the types of the model.

    Both files have one name, so that their graphs have. Each operator is a node of its own, unless
    the options have a fusion switch file. AclError with ATC's message.
    """
    if not any(option.startswith("--fusion_switch_file") for option in options):
        switches = folder / "apart.cfg"
        switches.write_text('{"Switch": {"UBFusion": {"ALL": "off"}}}')
        options = [*options, f"--fusion_switch_file={switches}"]
    plain = [option for option in options if not TYPES.match(option)]
    kept = [*plain, "--precision_mode=must_keep_origin_dtype"]
    places = folder / "chosen" / "model", folder / "expected" / "model"
    runs = [_start(model, *both) for both in zip(places, (options, kept), strict=True)]
    ends = [(*run.communicate(), run.returncode) for run in runs]
    for out, err, code in ends:
        if code:
            found = CODE.search(out)
            said = found.group() if found else err or out
            raise failure(f"{model} does not compile: {said}")
    return places[0].with_suffix(".om"), places[1].with_suffix(".om")


def _start(model: str, place: Path, options: Sequence[str]) -> subprocess.Popen[str]:
    place.parent.mkdir()
    soc = [] if any("soc_version=" in o for o in options) else [f"--soc_version={DEFAULT_SOC}"]
    command = ["--framework=5", f"--model={model}", f"--output={place}", *soc, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "compiler.atc", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
