"""Writes `compiler/om/*_pb2.py` and `*_pb2.pyi` from the `.proto` files beside them.

Run with `.venv/bin/python tools/generate_protos.py`; needs the `generate` dependency group.
"""

import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "compiler/om"

# protoc pins its output to runtimes at least as new as itself. What it writes for these files
# uses the descriptor builder alone, which every protobuf runtime from 4 on has; without the
# pin the files work with all versions that pyproject.toml allows.
PIN = re.compile(
    r"^_runtime_version\.ValidateProtobufRuntimeVersion\(.*?^\)\n"
    r"|^from google\.protobuf import runtime_version as _runtime_version\n",
    re.DOTALL | re.MULTILINE,
)


class Protoc(Protocol):
    """The part of `grpc_tools.protoc` used here."""

    def main(self, arguments: list[str], /) -> int: ...


def main() -> int:
    protoc = cast(Protoc, import_module("grpc_tools.protoc"))
    protos = sorted(str(path.relative_to(ROOT)) for path in (ROOT / FOLDER).glob("*.proto"))
    # protoc looks for the plugin beside the interpreter that runs it.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.chdir(ROOT)
    failed = protoc.main(["protoc", "-I.", "--python_out=.", "--mypy_out=quiet:.", *protos])
    for proto in protos:
        module = ROOT / proto.replace(".proto", "_pb2.py")
        module.write_text(PIN.sub("", module.read_text(encoding="utf-8")), encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
