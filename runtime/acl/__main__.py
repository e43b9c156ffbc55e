"""`python -m runtime.acl program.py [args…]`: runs an unmodified pyACL program on the device."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from compiler.errors import UserError
from runtime.acl import DEFAULT_SOC, AlreadyInstalled, install
from runtime.errors import AclError
from runtime.settings import ENGINE_VARIABLE, Engine, default_engine


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m runtime.acl",
        description="Runs a pyACL program on the simulated device.",
    )
    parser.add_argument("--soc", default=DEFAULT_SOC, help="name of the chip (%(default)s)")
    parser.add_argument(
        "--engine",
        metavar="|".join(Engine),
        help="what runs AI-Core tasks: NumPy by operator, or the kernels in the file (slow); "
        f"by default ${ENGINE_VARIABLE}, else {Engine.OPERATOR}",
    )
    parser.add_argument("--force", action="store_true", help="even if a real acl is installed")
    parser.add_argument("program", help="the program, as python would run it")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    return parser.parse_args()


def _engine(name: str | None) -> Engine:
    """The engine asked for; exits when there is none of that name."""
    try:
        return Engine(name) if name is not None else default_engine()
    except ValueError:
        sys.exit(f"runtime.acl: --engine={name}: the engines are {' and '.join(Engine)}")
    except AclError as unknown:
        sys.exit(f"runtime.acl: {unknown}")


def main() -> None:
    """Runs the program with sys.argv, sys.path and `__main__` as Python sets them."""
    options = _arguments()
    program = Path(options.program)
    if not program.is_file():
        sys.exit(f"runtime.acl: {program}: no such program")
    try:
        install(options.soc, engine=_engine(options.engine), force=options.force)
    except UserError as unknown:
        sys.exit(f"runtime.acl: --soc: {unknown}")
    except AlreadyInstalled as real:
        sys.exit(f"runtime.acl: {real}; use --force to run on the simulated device all the same")
    sys.argv = [options.program, *options.args]
    sys.path[0] = str(program.resolve().parent)
    runpy.run_path(options.program, run_name="__main__")


if __name__ == "__main__":
    main()
