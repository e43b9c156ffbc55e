"""The pyACL interface of the simulated device: `install()`, or `python -m runtime.acl PROGRAM`."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from compiler.soc import DEFAULT_SOC

if TYPE_CHECKING:
    from runtime.settings import Engine


class AlreadyInstalled(Exception):
    """A real `acl` module is there, and would be hidden by the simulated one."""


def real_module() -> str | None:
    """Where an `acl` module that is not ours would be imported from; None when there is none."""
    import sys
    from importlib.machinery import PathFinder
    from importlib.util import find_spec

    if "acl" in sys.modules:
        origin = getattr(sys.modules["acl"], "__file__", None)
        return str(origin) if origin else None
    spec = find_spec("acl") or PathFinder.find_spec("acl")
    return (spec.origin or str(spec.submodule_search_locations)) if spec else None


def build(soc: str = DEFAULT_SOC, *, engine: Engine | None = None) -> ModuleType:
    """A simulated `acl` module with a state of its own; `sys.modules` is left alone."""
    from runtime.acl import binding
    from runtime.acl.state import State

    return binding.build(State(soc, engine))["acl"]


def install(
    soc: str = DEFAULT_SOC, *, engine: Engine | None = None, force: bool = False
) -> ModuleType:
    """Makes `import acl` give the simulated module in this process.

    `engine` runs the AI-Core tasks, by default the one the environment names. Raises
    AlreadyInstalled when that would hide a real one, unless `force` says so.
    """
    from runtime.acl import binding
    from runtime.acl.state import State

    real = real_module()
    if real is not None and not force:
        raise AlreadyInstalled(f"a real acl module is installed ({real})")
    modules = binding.build(State(soc, engine))
    binding.put_in_place(modules)
    return modules["acl"]
