"""The table of functions: every line bound, arity and argument kinds, modules, no constants."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from runtime.acl import AlreadyInstalled, install
from runtime.acl.surface import IMPLEMENTATIONS, Function, functions

ALL = [(module, function) for module in IMPLEMENTATIONS for function in functions(module)]
IDS = [f"{module}.{function.name}" for module, function in ALL]
SAMPLES: dict[str, Any] = {
    "int": 0, "str": "", "list": [], "tuple": (), "float": 0.0, "callable": print, "object": b"",
}  # fmt: skip


def _bound(modules: dict[str, ModuleType], module: str, function: Function) -> Any:
    found = modules.get(module) or modules[f"acl.{module}" if module else "acl"]
    return getattr(found, function.name)


@pytest.mark.parametrize(("module", "function"), ALL, ids=IDS)
def test_implementation_takes_the_arguments_of_its_line(module: str, function: Function) -> None:
    sources = [import_module(f"runtime.acl.{source}") for source in IMPLEMENTATIONS[module]]
    found = [source for source in sources if hasattr(source, function.name)]
    assert found, "no module implements it"
    parameters = inspect.signature(getattr(found[0], function.name)).parameters
    assert len(parameters) == len(function.arguments) + 1


@pytest.mark.parametrize(("module", "function"), ALL, ids=IDS)
def test_wrong_arguments_are_type_errors(
    modules: dict[str, ModuleType], module: str, function: Function
) -> None:
    call = _bound(modules, module, function)
    right = [SAMPLES[kind] for kind in function.arguments]
    with pytest.raises(TypeError):
        call(*right, 0)
    with pytest.raises(TypeError):
        call(*right, some_keyword=0)
    if function.required:
        with pytest.raises(TypeError):
            call(*right[: function.required - 1])
    for place, kind in enumerate(function.arguments):
        if kind != "object":
            with pytest.raises(TypeError, match=f"argument {place + 1} must be {kind}"):
                call(*right[:place], None, *right[place + 1 :])


def test_nothing_but_functions_and_submodules_is_exported(acl: Any) -> None:
    for module in (acl, acl.rt, acl.mdl, acl.util):
        for name in dir(module):
            if not name.startswith("__"):
                assert callable(getattr(module, name)) or isinstance(
                    getattr(module, name), ModuleType
                )
                assert not name.isupper()


def test_feature_probes_of_programs(acl: Any) -> None:
    assert {"bytes_to_ptr", "ptr_to_bytes"} <= set(dir(acl.util))
    with pytest.raises(AttributeError):
        _ = acl.mdl.set_input_aipp


def test_submodules_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("acl", "acl.rt", "acl.mdl", "acl.util"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    module = install()
    scope: dict[str, Any] = {}
    exec("import acl.mdl\nfrom acl import rt\nimport acl", scope)
    assert scope["acl"] is module
    assert scope["rt"] is module.rt


def test_a_real_module_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModuleType("acl")
    real.__file__ = "somewhere/acl.so"
    monkeypatch.setitem(sys.modules, "acl", real)
    with pytest.raises(AlreadyInstalled, match=r"somewhere/acl\.so"):
        install()
    assert sys.modules["acl"] is real


def test_importing_the_package_is_cheap() -> None:
    heavy = ("numpy", "google.protobuf", "xdsl", "onnx")
    code = f"import sys, runtime.acl; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
