"""`ascend-opt [GROUP] COMMAND …`: what is no compilation, each loaded when it is called."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn, Protocol, cast

from compiler.errors import UserError


class Command(NamedTuple):
    """A command: the module that does it, and what that is."""

    module: str
    what: str


class CommandModule(Protocol):
    """What the module of a command has."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    """The exit code; what is wrong with the input is a UserError."""


GROUPS: Mapping[str, Mapping[str, Command]] = {
    "om": {
        "list": Command("compiler.inspection.list_contents", "print what is in an offline model"),
        "verify": Command("compiler.inspection.verify", "check offline models and their weights"),
        "extract": Command("compiler.inspection.extract", "write its parts to files"),
        "diff": Command("compiler.inspection.diff", "print how two offline models differ"),
        "gc": Command("compiler.inspection.garbage", "find weight files that no model needs"),
    },
    "refresh": {
        "explain": Command(
            "compiler.refresh.explain", "say which weights can be refreshed, and how"
        ),
        "list": Command("compiler.refresh.list_weights", "print the refreshable weights"),
        "make": Command("compiler.refresh.make_pack", "make a pack of what differs in two models"),
        "inspect": Command("compiler.refresh.inspect_pack", "print what is in a pack"),
        "verify": Command("compiler.refresh.verify_pack", "check a pack, and that it fits a model"),
        "apply": Command("compiler.refresh.apply_pack", "make a changed model with packs"),
    },
}


COMMANDS: Mapping[str, Command] = {
    "compare": Command("compiler.schedule.compare", "compare simulated times"),
    "explain": Command("compiler.schedule.explain", "say what would make operators faster"),
}
"""Commands of no group."""


def is_command(argv: Sequence[str]) -> bool:
    """Whether arguments of ascend-opt call a command."""
    return bool(argv) and (argv[0] in GROUPS or argv[0] in COMMANDS)


def run_command(argv: Sequence[str]) -> int:
    """Run a command; its exit code. UserError for one that there is not."""
    group, *rest = argv
    if group in COMMANDS:
        return _run(f"ascend-opt {group}", COMMANDS[group], rest)
    commands = GROUPS[group]
    if rest[:1] in (["-h"], ["--help"]):
        print(_overview(group))
        return 0
    name = rest[0] if rest else ""
    if name not in commands:
        known = ", ".join(commands)
        raise UserError(f"ascend-opt {group} {name}: one of the commands is needed: {known}")
    return _run(f"ascend-opt {group} {name}", commands[name], rest[1:])


def _run(program: str, command: Command, argv: Sequence[str]) -> int:
    module = cast("CommandModule", import_module(command.module))
    parser = _parser(program, module.__doc__)
    module.add_arguments(parser)
    return module.run(parser.parse_args(argv))


def _overview(group: str) -> str:
    width = max(map(len, GROUPS[group]))
    lines = (f"  {name:{width}}  {what}" for name, (_, what) in GROUPS[group].items())
    return "\n".join([f"usage: ascend-opt {group} COMMAND …", "", *lines])


def _parser(program: str, description: str | None) -> argparse.ArgumentParser:
    def fail(message: str) -> NoReturn:
        raise UserError(f"{message} ({program} --help lists the options)")

    parser = argparse.ArgumentParser(program, description=description)
    parser.error = fail
    return parser
