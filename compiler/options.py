"""Checks the names and options of passes and targets before anything runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from xdsl.utils.arg_spec import ArgSpec, ArgSpecConvertible, PipelineLexer, SpecTokenKind
from xdsl.utils.hints import isa

from compiler.errors import UserError


def check_spec(
    kind: str, spec: ArgSpec, available: Mapping[str, Callable[[], type[ArgSpecConvertible]]]
) -> None:
    """UserError where a pass or target (`kind`) does not exist or does not take the options."""
    if spec.name not in available:
        near = get_close_matches(spec.name, available, 1)
        hint = f"did you mean '{near[0]}'?" if near else "ascend-opt --help lists all"
        raise UserError(f"unknown {kind} '{spec.name}': {hint}")
    options = _options(available[spec.name]())
    given = spec.normalize_parameter_names().parameters
    for name, value in given.items():
        if name not in options:
            known = ", ".join(_spelled(option) for option in options) or "none"
            raise UserError(f"{kind} '{spec.name}' has no option '{name}' (options: {known})")
        if not _fits(value, options[name][0]):
            text = ",".join(str(item) for item in value)
            wanted = _describe(options[name][0])
            raise UserError(f"{kind} '{spec.name}': {_spelled(name)}={text} is not {wanted}")
    for name, (hint, required) in options.items():
        if required and name not in given:
            missing = f"{_spelled(name)}={_describe(hint)}"
            raise UserError(f"{kind} '{spec.name}' needs the option {missing}")


def check_repeats(kind: str, text: str) -> None:
    """UserError where a pass or target (`kind`) in a text that parses has an option twice."""
    owner, names, before = "", set[str](), SpecTokenKind.R_BRACE
    lexer = PipelineLexer(text)
    while (token := lexer.lex()).kind is not SpecTokenKind.EOF:
        word = _spelled(token.span.text.replace("-", "_"))
        if token.kind is SpecTokenKind.R_BRACE:
            names.clear()
        elif token.kind is SpecTokenKind.IDENT and before in OPTION_FOLLOWS:
            if word in names:
                raise UserError(f"{kind} '{owner}' is given the option {word} twice")
            names.add(word)
        elif token.kind is SpecTokenKind.IDENT and not names:
            owner = token.span.text
        before = token.kind


OPTION_FOLLOWS = {SpecTokenKind.L_BRACE, SpecTokenKind.SPACE}
"""What stands before the name of an option."""


def _options(owner: type[ArgSpecConvertible]) -> dict[str, tuple[Any, bool]]:
    """Type and whether it must be given, of every option."""
    hints = get_type_hints(owner)
    fields = dataclasses.fields(owner) if dataclasses.is_dataclass(owner) else ()
    return {f.name: (hints[f.name], _is_required(f)) for f in fields if f.name != "name"}


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _fits(value: tuple[Any, ...], hint: Any) -> bool:
    return (len(value) == 1 and isa(value[0], hint)) or isa(value, hint) or _is_bare(value, hint)


def _is_bare(value: tuple[Any, ...], hint: Any) -> bool:
    """An option without a value: one that may be None."""
    return not value and NoneType in get_args(hint)


def _describe(hint: Any) -> str:
    """What an option takes, in words."""
    if get_origin(hint) is Literal:
        *others, last = (str(choice) for choice in get_args(hint))
        return f"{', '.join(others)} or {last}"
    if get_origin(hint) is tuple:
        return f"a list of {_describe(get_args(hint)[0])}"
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] or [hint]
    names = {int: "integer", float: "number", bool: "true or false", str: "text"}
    return " or ".join(names.get(kind, str(kind)) for kind in kinds)
