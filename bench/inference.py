"""Inference time of the operator engine beside other engines, on real models; one line at the end.

Engines take turns, each in a process of its own, so that all meet the same noise.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from bench.engines import ENGINES
from bench.real_models import make, names

ROUNDS = 3
COUNT = 5
"""Inferences of a round; onnx's reference, which may take ten seconds, does one."""
OF_RUNTIME = 3.0
"""How many times ONNX Runtime's time an inference may take."""
AGREES = 1e-3
"""The largest difference to ONNX Runtime's result, relative to its largest number."""


def seconds(engine: str, path: Path) -> list[float]:
    """The times of one process; none when the engine fails."""
    count = "1" if engine == "reference" else str(COUNT)
    command = [sys.executable, "-m", "bench.engines", engine, str(path), count]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return [float(line) for line in lines if line[:1].isdigit()]


def measure(name: str, engines: list[str]) -> dict[str, float]:
    """The median time of an inference by engine, in s; an engine that fails is left out."""
    times: dict[str, list[float]] = {engine: [] for engine in engines}
    with tempfile.TemporaryDirectory() as folder:
        path = make(name, Path(folder))
        for number in range(ROUNDS):
            for engine in engines:
                if number == 0 or (times[engine] and engine != "reference"):
                    times[engine] += seconds(engine, path)
        _check(path)
    return {engine: median(found) for engine, found in times.items() if found}


def _check(path: Path) -> None:
    """Raise SystemExit where our result is not ONNX Runtime's."""
    ours, theirs = (np.load(path.with_suffix(f".{e}.npy")) for e in ("ours", "ONNXRuntime"))
    worst = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    if not worst <= AGREES:
        sys.exit(f"bench-run: {path.stem} differs from ONNX Runtime by {worst:.1e}")


def main() -> None:
    """Print a line for each model, then the figures and goals; exit 1 when one is missed."""
    chosen = sys.argv[1:] or names()
    table = {name: measure(name, list(ENGINES)) for name in chosen}
    for name, found in table.items():
        shown = ", ".join(f"{engine} {time:.4f}" for engine, time in found.items())
        print(f"{name}: {shown} s")
    slow = [found["ours"] / found["ONNX Runtime"] for found in table.values()]
    behind = [n for n, found in table.items() if found["ours"] >= found.get("reference", np.inf)]
    ahead = sum(found["ours"] < found.get("IREE", np.inf) for found in table.values())
    print(
        f"bench-run: at most {max(slow):.1f} × ONNX Runtime (≤ {OF_RUNTIME}), median "
        f"{median(slow):.1f}; behind onnx's reference on {len(behind)} (0); ahead of IREE on "
        f"{ahead} of {len(table)} (most)"
    )
    sys.exit(max(slow) > OF_RUNTIME or bool(behind) or 2 * ahead <= len(table))


if __name__ == "__main__":
    main()
