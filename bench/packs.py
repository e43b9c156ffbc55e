"""Weight packs between two models of 2 GB: time and memory beside sha256sum of both files.

`python -m bench.packs [--folder F] [--repeats N] [--layers N] [--width N]`
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from bench.imports import Cost, cost
from bench.transformers import Transformer
from bench.weights import fill
from compiler.frontends.onnx.externalize import convert_model_from_external_data
from compiler.frontends.onnx.models import load_model
from compiler.frontends.onnx.save import save_model
from compiler.weights import FileBytes
from workloads.checkpoints import save_file

GOALS = {"ratio": 1.3, "private": 150.0}
"""Times `sha256sum` of both files, one on each of two threads; MB of private memory."""
RANK = 16

HASHED = (
    "import hashlib, sys; from concurrent.futures import ThreadPoolExecutor as Pool;"
    "hashed = lambda path: hashlib.file_digest(open(path, 'rb'), 'sha256').hexdigest();"
    "print(*Pool(2).map(hashed, sys.argv[1:]))"
)
"""What a few lines of Python do: `sha256sum` may know less of the processor than they."""


def make_models(folder: Path, width: int, layers: int) -> tuple[Path, Path]:
    """A model with its weights outside, and one with other matrices in some layers, inside."""
    old, new = folder / "old.onnx", folder / "new.onnx"
    for path in (old, new):
        Transformer(width, layers, vocabulary=16000).save(path)
        fill(path.with_name(f"{path.name}.data"))
    model = load_model(new)
    with new.with_name(f"{new.name}.data").open("r+b") as data:
        for tensor in model.proto.graph.initializer:
            place = model.payloads.of(tensor)
            changes = tensor.name.startswith("layer1")
            if changes and isinstance(place, FileBytes) and place.length > 1 << 16:
                data.seek(place.offset)
                data.write(np.float32(len(tensor.name)).tobytes())
    model = load_model(new)
    convert_model_from_external_data(model)
    save_model(model, folder / "inside.onnx")
    new.with_name(f"{new.name}.data").unlink()
    return old, folder / "inside.onnx"


def make_adapter(path: Path, width: int, layers: int) -> Path:
    """Factors for the four matrices of attention in each layer."""
    generator = np.random.default_rng(1)
    names = [f"layer{layer}.{part}" for layer in range(layers) for part in ("q", "k", "v", "out")]
    shapes = {"A": (RANK, width), "B": (width, RANK)}
    save_file(
        {
            f"{name}.lora_{side}": generator.standard_normal(shape, np.float32) * 0.01
            for name in names
            for side, shape in shapes.items()
        },
        path,
    )
    return path


def refresh(*arguments: object) -> list[str]:
    """The command line of a command."""
    return [sys.executable, "-m", "compiler.cli", "refresh", *map(str, arguments)]


def main() -> None:
    """Print what each step takes and the figures against the goals; exit 1 when one misses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where to work; 8 GB are needed")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--layers", type=int, default=24)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        old, new = make_models(folder, args.width, args.layers)
        adapter = make_adapter(folder / "adapter.safetensors", args.width, args.layers)
        pack, merged = folder / "pack.safetensors", folder / "merged.safetensors"
        files = [str(old.with_name(f"{old.name}.data")), str(new)]
        piped = f"printf '%s\\n' {shlex.join(files)} | xargs -P 2 -n 1 sha256sum"
        commands = {
            "sha256sum of both": ["sh", "-c", piped],
            "hashlib of both": [sys.executable, "-c", HASHED, *files],
            "make": refresh("make", old, new, "-o", pack),
            "verify": refresh("verify", pack, old),
            "apply": refresh("apply", old, pack, "-o", folder / "result.onnx"),
            "make, LoRA": refresh("make", old, adapter, "--alpha", 32, "-o", merged),
        }
        spent = {
            what: [cost(*command) for _ in range(args.repeats)]
            for what, command in commands.items()
        }
    sys.exit(report(spent))


def report(spent: dict[str, list[Cost]]) -> int:
    """Print a table; 1 when a goal is missed."""
    walls = {what: median(c.wall for c in costs) for what, costs in spent.items()}
    private = {what: max(c.private for c in costs) for what, costs in spent.items()}
    for what, wall in walls.items():
        failed = "" if all(c.ok for c in spent[what]) else "  failed"
        print(f"{what:20} {wall:8.2f} s {private[what]:8.0f} MB private{failed}")
    ratio, plain = (walls["make"] / walls[f"{how} of both"] for how in ("sha256sum", "hashlib"))
    most = max(private.values())
    print(
        f"bench-packs: make {ratio:.2f} x sha256sum (≤ 1.3), {plain:.2f} x hashlib,"
        f" {most:.0f} MB private (< 150)"
    )
    good = all(c.ok for costs in spent.values() for c in costs)
    return int(not good or ratio > GOALS["ratio"] or most > GOALS["private"])


if __name__ == "__main__":
    main()
