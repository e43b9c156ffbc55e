"""ATC's options about element types: the precision modes, and the operators left out of them."""

from __future__ import annotations

import sys

from compiler.atc.errors import AtcError, os_reason
from compiler.precision_modes import SECOND_SPELLING, PrecisionMode
from compiler.soc import architecture

WITHOUT_BF16 = frozenset({"ascend310", "ascend310p", "ascend910"})
"""Generations whose cores have no bfloat16 (ATC's page of --precision_mode)."""
IGNORED = ("customize_dtypes", "modify_mixlist", "op_precision_mode")
"""Options that would change types, and that nothing here reads."""


def precision(options: dict[str, str]) -> PrecisionMode:
    """The precision mode that the command line asks for; AtcError when there is none to give."""
    given = [name for name in ("precision_mode", "precision_mode_v2") if name in options]
    if len(given) == 2:
        raise AtcError("E10056", "--precision_mode", "--precision_mode_v2")
    if not given:
        return "force_fp16"
    value = options[given[0]]
    mode = SECOND_SPELLING.get(value) if given[0] == "precision_mode_v2" else _first(value)
    if mode is None:
        reason = f"--{given[0]}={value} needs HiFloat8, which none of the described cores has"
        raise AtcError("E10055", reason)
    if "bf16" in mode and architecture(options.get("soc_version", "")) in WITHOUT_BF16:
        reason = f"{options['soc_version']} has no bfloat16"
        raise AtcError("E10001", value, f"--{given[0]}", reason)
    return mode


def _first(value: str) -> PrecisionMode:
    return value  # pyright: ignore[reportReturnType]  # options.py lets no other value pass


def kept_names(options: dict[str, str]) -> tuple[str, ...]:
    """The operators that the file of --keep_dtype names, one in a line; `OpType::` marks types."""
    path = options.get("keep_dtype")
    if path is None:
        return ()
    try:
        with open(path, encoding="utf-8") as file:
            return tuple(name for line in file if (name := line.strip()))
    except FileNotFoundError:
        reason = "File defined by keep_dtype is not found."
    except UnicodeDecodeError as error:
        reason = f"It is not UTF-8 text: {error.reason} at byte {error.start}"
    except OSError as error:
        reason = os_reason(error)
    raise AtcError("E10001", path, "--keep_dtype", reason)


def warn_of_ignored(options: dict[str, str]) -> None:
    """Say on stderr which options about types change nothing here."""
    for name in IGNORED:
        if name in options:
            print(f"WARNING: --{name} is not read here: it changes no types", file=sys.stderr)
