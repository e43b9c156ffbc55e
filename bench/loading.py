"""Loading a 2 GB model whose weights are in files: seconds to the first answer, and to verify all.

`python -m bench.loading [--folder F] [--layers N] [--width N]`
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.weights import models, ours
from compiler.om.contract import weight_folder

GOALS = {"answer": 0.5, "verify": 1.25}
"""s; times sha256sum, which has one thread."""

KEEP = "precision=must_keep_origin_dtype external_weight"
MODES = {"mode=1": f"{KEEP}=1", "mode=2": f"{KEEP}=2", "reference": f"{KEEP}=reference"}

PROGRAM = """
import sys, time
from runtime.acl import build
acl = build()
assert acl.init() == 0 and acl.rt.set_device(0) == 0
start = time.perf_counter()
model, ret = acl.mdl.load_from_file(sys.argv[1])
desc = acl.mdl.create_desc()
assert (ret, acl.mdl.get_desc(desc, model)) == (0, 0), acl.get_recent_err_msg()
assert acl.mdl.get_num_inputs(desc) == 1
took = time.perf_counter() - start
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(took, int(status["RssAnon"].split()[0]) / 1024)
"""


def load(model: Path, verify: str) -> tuple[float, float]:
    """Seconds from the load call to the first answer, and MB of anonymous memory."""
    environment = os.environ | {"ASCEND_OPT_VERIFY_WEIGHTS": verify}
    run = [sys.executable, "-c", PROGRAM, str(model)]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    took, anonymous = map(float, done.stdout.split())
    return took, anonymous


def sha256sum(model: Path) -> float:
    """Seconds that sha256sum takes for all weight files of a model."""
    files = list(weight_folder(model).iterdir())
    start = time.perf_counter()
    subprocess.run(["sha256sum", *map(str, files)], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the figures against the goals; exit 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where to work; 7 GB are needed")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--layers", type=int, default=24)
    args = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        source = models(Path(folder), args.width, args.layers)["external"]
        for name, options in MODES.items():
            output = Path(folder) / name
            subprocess.run(ours(source, options, output), stdout=subprocess.DEVNULL, check=True)
            answer, anonymous = load(output / "m.om", "background")
            met &= answer < GOALS["answer"]
            print(f"bench-load: {name}: {answer:.3f} s (< 0.5), {anonymous:.0f} MB anonymous")
            if name != "reference":
                all_verified, plain = load(output / "m.om", "load")[0], sha256sum(output / "m.om")
                met &= all_verified / plain < GOALS["verify"]
                print(
                    f"bench-load: {name}: {all_verified:.2f} s with all weights verified,"
                    f" sha256sum {plain:.2f} s: {all_verified / plain:.2f} x (< 1.25)"
                )
    sys.exit(not met)


if __name__ == "__main__":
    main()
