"""Makes callables and modules out of the table: arity, argument kinds, return conventions."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from runtime.acl.state import State
from runtime.acl.surface import EXTENSION, IMPLEMENTATIONS, Function, functions
from runtime.errors import AclError

_ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "callable": callable,
    "float": lambda value: isinstance(value, float | int),
    "list": lambda value: isinstance(value, list),
    "object": lambda _: True,
    "str": lambda value: isinstance(value, str),
    "tuple": lambda value: isinstance(value, tuple),
}

_EMPTY: dict[str, Callable[[], object]] = {"dict": dict[str, Any], "list": list[Any]}
"""What stands for a value of these kinds when a call fails."""


def _argument(value: Any, kind: str, where: str) -> Any:
    """An argument as the kind it must have; TypeError otherwise."""
    if kind == "int" and hasattr(value, "__index__"):
        return operator.index(value)
    if kind != "int" and _ACCEPTS[kind](value):
        return value
    raise TypeError(f"{where} must be {kind}, not {type(value).__name__}")


def bind(
    state: State, module: str, function: Function, implementation: Callable[..., Any]
) -> Callable[..., Any]:
    """The callable a program sees for one line of the table."""
    name = f"{module}.{function.name}"

    def call(*args: Any) -> Any:
        if not function.required <= len(args) <= len(function.arguments):
            expected = f"{len(function.arguments)} positional arguments"
            raise TypeError(f"{name}() takes {expected} but {len(args)} were given")
        checked = [
            _argument(value, kind, f"{name}() argument {place}")
            for place, (value, kind) in enumerate(
                zip(args, function.arguments, strict=False), start=1
            )
        ]
        try:
            if function.needs_context:
                _ = state.context
            return _returned(function, implementation(state, *checked), 0)
        except AclError as error:
            state.thread.messages.append(f"{name}: {error.message} (error {error.code})")
            failed = function.failures[0] if len(function.failures) == 1 else function.failures
            if len(function.values) == 1 and function.values[0] in _EMPTY:
                failed = _EMPTY[function.values[0]]()
            return _returned(function, failed, error.code)

    call.__name__, call.__qualname__, call.__module__ = function.name, function.name, module
    call.__doc__ = implementation.__doc__
    return call


def _returned(function: Function, value: Any, ret: int) -> Any:
    if not function.has_ret:
        return value
    if not function.values:
        return ret
    return (*value, ret) if len(function.values) > 1 else (value, ret)


def build(state: State) -> dict[str, ModuleType]:
    """`acl`, its submodules and the extension by their full names, ready for sys.modules."""
    modules = {_full(name): _module(state, name) for name in IMPLEMENTATIONS}
    for name in IMPLEMENTATIONS:
        if _full(name) == f"acl.{name}":
            setattr(modules["acl"], name, modules[_full(name)])
    return modules


def _full(name: str) -> str:
    return name if name == EXTENSION else f"acl.{name}".rstrip(".")


def _module(state: State, name: str) -> ModuleType:
    module = ModuleType(_full(name), "The simulated pyACL interface.")
    module.__spec__ = ModuleSpec(_full(name), None)
    sources = [import_module(f"runtime.acl.{source}") for source in IMPLEMENTATIONS[name]]
    for function in functions(name):
        source = next(source for source in sources if hasattr(source, function.name))
        implementation = getattr(source, function.name)
        setattr(module, function.name, bind(state, _full(name), function, implementation))
    return module


def put_in_place(modules: dict[str, ModuleType]) -> None:
    """Makes `import acl` and its submodules find these modules in this process."""
    sys.modules.update(modules)
