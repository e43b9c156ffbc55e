"""SoC descriptions, read from the TOML file of each generation beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from compiler.errors import UserError
from compiler.soc.costs import Costs, read_costs

DEFAULT_SOC = "Ascend910B4"
"""The SoC where none is named."""

_FAMILIES = ("ascend310", "ascend310p", "ascend310b", "ascend910", "ascend910b", "ascend950")
_MEMORY_COLUMNS = ("gm_read", "gm_total")
_COLUMNS = ("cube_cores", "vector_cores", "ai_cpus", "clock_mhz", "l2", "hbm", *_MEMORY_COLUMNS)
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class Soc:
    """One SoC as `--soc_version` names it; memories in bytes, of one core unless shared.

    `vector_cores` counts every core that can do vector work; on coupled cores (`split_cores`
    false) these are the cube cores themselves and, on 310P, its extra vector cores.
    `hbm` is the device's memory, None where no size is published.
    """

    name: str
    cube_cores: int
    vector_cores: int
    ai_cpus: int
    clock_mhz: int
    l1: int
    l0a: int
    l0b: int
    l0c: int
    ub: int
    bt: int
    l2: int
    hbm: int | None
    split_cores: bool
    costs: Costs


def soc(name: str) -> Soc:
    """The SoC called `name`; UserError with close matches when there is none."""
    family = _parts().get(name)
    if family is None:
        raise UserError(_unknown(name))
    return _read(name, family)


def architecture(name: str) -> str | None:
    """What chips that run the same kernels have in common; None for an unknown chip."""
    return _parts().get(name)


def soc_names() -> tuple[str, ...]:
    """Every known SoC, by generation."""
    return tuple(_parts())


def _unknown(name: str) -> str:
    close = get_close_matches(name, soc_names(), n=3, cutoff=0.5)
    known = ", ".join(close) if close else ", ".join(soc_names())
    return f"unknown SoC '{name}': {'did you mean' if close else 'known are'} {known}"


@cache
def _table(stem: str) -> Mapping[str, Any]:
    return tomllib.loads(files("compiler.soc").joinpath(f"{stem}.toml").read_text("utf-8"))


@cache
def _parts() -> Mapping[str, str]:
    return {part: family for family in _FAMILIES for part in _table(family)["parts"]}


@cache
def _read(name: str, family: str) -> Soc:
    table = _table(family)
    part = dict(zip(_COLUMNS, table["parts"][name], strict=False))
    memory = {key: part.pop(key) for key in _MEMORY_COLUMNS if key in part}
    costs = {**table["costs"], "memory": {**table["costs"]["memory"], **memory}}
    return Soc(
        name=name,
        **{field: _bytes(value) for field, value in {**table["core"], **part}.items()},
        costs=read_costs(costs, _table("vector")),
    )


def _bytes(value: Any) -> Any:
    """`"64 KiB"` as a number of bytes, `"unknown"` as None, what is not text as it is."""
    if not isinstance(value, str):
        return value
    if value == "unknown":
        return None
    number, unit = value.split()
    return int(number) * _UNITS[unit]
