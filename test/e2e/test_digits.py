"""The example programs on the simulated device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from compiler.cli import main

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
NAMES = [
    f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("weight", "bias")
]


def test_weights_are_refreshed_while_the_bundle_is_loaded(tmp_path: Path):
    names = ",".join(f'"{name}"' for name in NAMES)
    pipeline = f"offline{{refresh={names}}}"
    output = f'om{{output="{tmp_path}/bundle"}}'
    assert main([str(DIGITS / "model.onnx"), "-p", pipeline, "-t", output]) == 0
    command = [sys.executable, "-m", "runtime.acl", str(DIGITS / "refresh.py")]
    done = subprocess.run(
        [*command, str(tmp_path / "bundle.om")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.splitlines()
    assert "equal predictions 360 of 360" in before
    assert "equal predictions 360 of 360" in after
    assert "82.8%" in before
    assert "98.6%" in after
