"""Runs the benchmarks that need no other tools, each in a process of its own.

Those beside other tools are `make bench-import` and `make bench-run`.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("compiler", "large_graphs", "simulator")


def main() -> None:
    """Run them all, even when one misses its goals; exit 1 then."""
    commands = [[sys.executable, "-m", f"bench.{name}"] for name in BENCHMARKS]
    codes = [subprocess.run(command, check=False).returncode for command in commands]
    met = codes.count(0)
    print(f"bench: {met} of {len(codes)} benchmarks met their goals (all)")
    sys.exit(met != len(codes))


if __name__ == "__main__":
    main()
