"""Private memory that importing and compiling take, whatever the weights weigh, beside peers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.transformers import Transformer
from compiler.frontends.onnx.externalize import convert_model_from_external_data
from compiler.frontends.onnx.models import load_model
from compiler.frontends.onnx.save import save_model

ALLOWED = 150
"""MB of private memory above what the smallest model takes."""

MODELS = {
    "2 MB": (Transformer(width=64, layers=2, vocabulary=4000), True),
    "2 GB": (Transformer(width=1280, layers=23, vocabulary=20000), True),
    "8 GB": (Transformer(width=2560, layers=23, vocabulary=40000), False),
}
"""Each model, and whether its weights are inside: protobuf has a limit of 2 GB."""

PEERS = {
    "onnx.load": "import sys, onnx; onnx.load(sys.argv[1])",
    "onnx_ir.load": "import sys, onnx_ir; onnx_ir.load(sys.argv[1])",
    "ONNX Runtime": "import sys, onnxruntime as ort; ort.InferenceSession(sys.argv[1])",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: its largest private memory in MB, its time in s."""

    private: float
    wall: float
    ok: bool

    def __str__(self) -> str:
        return f"{self.private:.0f} MB, {self.wall:.1f} s" if self.ok else "fails"


def cost(*command: str) -> Cost:
    """Runs a command and watches its private memory: mapped pages of files do not count."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, _private(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    return Cost(peak / 1e6, time.perf_counter() - start, code == 0)


def _private(pid: int) -> int:
    """Bytes of anonymous memory (Linux's RssAnon)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return int(found[0]) * 1024 if found else 0


def make(folder: Path, name: str) -> Path:
    """Write a model; its weights come into the file where they are to be inside."""
    transformer, inside = MODELS[name]
    path = folder / f"{name.replace(' ', '')}.onnx"
    transformer.save(path)
    if inside:
        model = load_model(path)
        convert_model_from_external_data(model)
        save_model(model, path.with_stem(f"{path.stem}-inside"))
        path.with_name(f"{path.name}.data").unlink()
        return path.with_stem(f"{path.stem}-inside")
    return path


def measure(folder: Path, name: str) -> dict[str, Cost]:
    """What each tool takes for a model."""
    path = make(folder, name)
    output = folder / "compiled"
    ours = [sys.executable, "-m", "compiler.cli", str(path)]
    found = {
        "import": cost(*ours, "-p", "convert-onnx-to-ge", "-o", str(folder / "text.mlir")),
        "compile": cost(*ours, "-p", "offline", "-t", f'om{{output="{output}"}}'),
    }
    for peer, code in PEERS.items():
        found[peer] = cost(sys.executable, "-c", code, str(path))
    for left in folder.iterdir():
        left.unlink()
    return found


def main() -> None:
    """Print a line for each model, and the figures against the goal; exit 1 when one misses it."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        found = {name: measure(Path(folder), name) for name in MODELS}
    for name, costs in found.items():
        print(f"{name}: " + "; ".join(f"{tool} {spent}" for tool, spent in costs.items()))
    smallest = found["2 MB"]
    above = {
        f"{tool} {name}": found[name][tool].private - smallest[tool].private
        for name in ("2 GB", "8 GB")
        for tool in ("import", "compile")
    }
    ok = all(found[name][tool].ok for name in MODELS for tool in ("import", "compile"))
    figures = ", ".join(f"{what} {more:+.0f} MB" for what, more in above.items())
    print(f"bench-import: {figures} above 2 MB (each ≤ {ALLOWED} MB)")
    sys.exit(not ok or max(above.values()) > ALLOWED)


if __name__ == "__main__":
    main()
