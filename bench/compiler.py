"""How long starting up, compiling and simulating ResNet-50 take, in CPU seconds; one line."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import onnx

MODEL = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / "light_resnet50.onnx"
REPEATS = 5


def cpu_seconds(*arguments: str) -> float:
    """The CPU time of one `ascend-opt`, user and system, in a process of its own."""
    return cpu_seconds_of("-m", "compiler.cli", *arguments)


def cpu_seconds_of(*arguments: str) -> float:
    """The same of a Python with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main() -> None:
    """Print the figures, each with its goal; exit 1 when one is missed."""
    with tempfile.TemporaryDirectory() as folder:
        compile_it = (str(MODEL), "-p", "offline", "-t", f'om{{output="{folder}/m"}}')
        simulate_it = (f"{folder}/m.om", "-t", f'schedule{{output="{folder}/s"}}')
        runs = (
            ("--help", ("--help",), 0.3),
            ("ResNet-50 to OM", compile_it, 5.0),
            ("its schedule", simulate_it, 5.0),
        )
        found = [
            (name, median(cpu_seconds(*arguments) for _ in range(REPEATS)), goal)
            for name, arguments, goal in runs
        ]
    figures = ", ".join(f"{name} {seconds:.2f} s (≤ {goal} s)" for name, seconds, goal in found)
    print(f"compiler: {figures}")
    sys.exit(any(seconds > goal for _, seconds, goal in found))


if __name__ == "__main__":
    main()
