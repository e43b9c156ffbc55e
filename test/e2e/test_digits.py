"""The example programs on the simulated device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compiler.cli import main

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
NAMES = [
    f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("weight", "bias")
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    names = ",".join(f'"{name}"' for name in NAMES)
    pipeline = f"offline{{refresh={names}}}"
    output = f'om{{output="{folder}/bundle"}}'
    assert main([str(DIGITS / "model.onnx"), "-p", pipeline, "-t", output]) == 0
    return folder / "bundle.om"


def _printed(*command: str) -> list[str]:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_weights_are_refreshed_while_the_bundle_is_loaded(bundle: Path):
    before, after = _printed("-m", "runtime.acl", str(DIGITS / "refresh.py"), str(bundle))
    assert "equal predictions 360 of 360" in before
    assert "equal predictions 360 of 360" in after
    assert "82.8%" in before
    assert "98.6%" in after


def test_weights_are_refreshed_while_threads_infer(bundle: Path):
    compiled, better = _printed(str(DIGITS / "serve.py"), str(bundle))
    assert compiled.startswith("compiled")
    assert better.startswith("better")
    right = [float(line.split()[1].rstrip("%")) for line in (compiled, better)]
    assert 80 < right[0] < 86
    assert 97 < right[1] <= 100
