"""The rules of the house that a linter does not know: names, sizes, what start-up loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import compiler
import dialects
import runtime
from compiler.universe import PASSES, UNIVERSE

ROOT = Path(__file__).parents[3]
PACKAGES = ("compiler", "dialects", "runtime")
PIPELINES = {"offline"}
MAX_FILE, MAX_FUNCTION = 500, 50


def sources() -> list[Path]:
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    return [path for path in files if "_pb2" not in path.name]


def module_path(pass_name: str) -> str:
    """Where the pass must be: convert-a-to-b is a conversion, d-verb-object a transform of d."""
    if pass_name.startswith("convert-"):
        return "compiler.conversion." + pass_name.removeprefix("convert-").replace("-", "_")
    dialect, _, rest = pass_name.partition("-")
    return f"compiler.transforms.{dialect}.{rest.replace('-', '_')}"


def check_path(pass_name: str) -> Path:
    """Where the FileCheck test of the pass must be."""
    if pass_name.startswith("convert-"):
        return ROOT / "test" / "conversion" / f"{pass_name.replace('-', '_')}.mlir"
    dialect, _, rest = pass_name.partition("-")
    return ROOT / "test" / "transforms" / dialect / f"{rest.replace('-', '_')}.mlir"


def test_packages_are_ours():
    for package in (compiler, dialects, runtime):
        assert Path(str(package.__file__)).parent.parent == ROOT


@pytest.mark.parametrize("name", UNIVERSE.all_passes)
def test_pass_is_where_its_name_says(name: str):
    found = UNIVERSE.all_passes[name]()
    assert found.name == name
    assert found.__doc__
    if name not in PIPELINES:
        assert PASSES[name].split(":")[0] == module_path(name)
        assert check_path(name).is_file(), f"{check_path(name)} is missing"


@pytest.mark.parametrize("name", UNIVERSE.all_dialects)
def test_dialect_has_its_name(name: str):
    assert UNIVERSE.all_dialects[name]().name == name
    assert list((ROOT / "test" / "dialects" / name).glob("*.mlir"))


@pytest.mark.parametrize("name", UNIVERSE.all_targets)
def test_target_has_its_name(name: str):
    assert UNIVERSE.all_targets[name]().name == name


def test_files_and_functions_are_small():
    too_long: list[str] = []
    for path in sources():
        text = path.read_text()
        name = path.relative_to(ROOT)
        if text.count("\n") > MAX_FILE:
            too_long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MAX_FUNCTION:
                    too_long.append(f"{name}:{node.lineno} {node.name}: {length} lines")
    assert not too_long


def test_every_module_says_what_it_is_for():
    silent = [str(path) for path in sources() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


OWN_MODULES = {"compiler.cli": 12, "compiler.atc": 6}
"""As many of our modules --help may load; the seconds it takes are bench/compiler.py's affair."""


@pytest.mark.parametrize("program", OWN_MODULES)
def test_help_loads_nothing_heavy(program: str):
    code = (
        "import sys, contextlib, io\n"
        f"from {program} import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"onnx", "numpy", "google.protobuf"})
    own = sorted(name for name in loaded if name.split(".")[0] in ("compiler", "dialects"))
    assert len(own) <= OWN_MODULES[program], own
