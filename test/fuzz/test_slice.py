"""A slice of `make fuzz`: the same inputs every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_slice_of_the_inputs(tmp_path: Path):
    command = [sys.executable, "-m", "fuzz.run", "--inputs", "1800", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("0 faults (goal 1800 inputs, 0 faults)")
