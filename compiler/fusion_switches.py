"""Which passes can be switched off, under our names and GraphEngine's, and ATC's file for that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from compiler.errors import UserError

FUSIONS = {
    "ATbeMatmulElemwiseFusionPass": "ge-fuse-matmul-eltwise",
    "AABiasaddConvFusion": "ge-fuse-conv-bias",
    "BatchNormBnInferFusionPass": "ge-convert-batch-norm",
    "ConvBatchnormFusionPass": "ge-fuse-conv-batch-norm",
    "Globalavgpoolpass": "ge-lower-global-pool",
    "LayerNormONNXFusionPass": "ge-fuse-layer-norm",
    "MatMulBiasAddFusionPass": "ge-fuse-matmul-bias",
    "PadConv2dFusionPass": "ge-fuse-pad-conv",
    "SoftmaxSmallOpFusionPass": "ge-fuse-softmax",
    "TbeEltwiseFusionPass": "ge-fuse-eltwise",
    "TbeFixPipeFusionPass": "ge-fuse-fixpipe",
}
"""GraphEngine's fusions, and which pass does the like."""
UB_FUSIONS = frozenset({"ge-fuse-eltwise", "ge-fuse-fixpipe", "ge-fuse-matmul-eltwise"})
"""Those of them that make one kernel of several nodes: the group UBFusion in ATC's file."""
OWN_FUSIONS = ("ge-fuse-batch-norm-scale", "ge-fuse-gelu")
"""Fusions that GraphEngine has no name for."""
CLEAN_UP = (
    "ge-cancel-broadcasts",
    "ge-cancel-casts",
    "ge-cancel-reshapes",
    "ge-cancel-transposes",
    "ge-fold-constants",
    "ge-merge-duplicates",
    "ge-remove-dead-nodes",
    "ge-remove-identity",
)
REPLACEABLE = {"ge-lower-global-pool", "ge-convert-batch-norm"}
"""Passes that give the AI Core what it has kernels for: ALL leaves them on, as ATC leaves some."""


_GROUPS: dict[str, frozenset[str]] = {
    "ALL": frozenset({*FUSIONS.values(), *OWN_FUSIONS} - REPLACEABLE - UB_FUSIONS),
    "UBFusion/ALL": UB_FUSIONS,
}
"""What the switch of a whole group means."""


def known_names() -> tuple[str, ...]:
    """All that can be switched off."""
    return (*FUSIONS, *FUSIONS.values(), *OWN_FUSIONS, *CLEAN_UP)


def switchable(names: Iterable[str]) -> frozenset[str]:
    """The passes that names mean; UserError for one that means none."""
    from difflib import get_close_matches

    known = known_names()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"it knows {', '.join(sorted(known))}"
            raise UserError(f"no pass '{name}' to disable: {hint}")
    return frozenset(FUSIONS.get(name, name) for name in names)


def read_switches(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What ATC's --fusion_switch_file switches off, and the names in it that mean no pass here.

    The file holds lines `<name>:off`, or JSON: {"Switch": {"GraphFusion": {"ALL": "off", …}}},
    where what makes one kernel of several nodes is in the group "UBFusion".
    UserError where it is neither.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    switches = dict(_from_json(path, text) if text.lstrip().startswith("{") else _lines(path, text))
    groups = {name: switches.pop(name, True) for name in _GROUPS}
    known = known_names()
    off = {name for name, on in switches.items() if not on and name in known}
    on = {FUSIONS.get(name, name) for name, state in switches.items() if state}
    for name, passes in _GROUPS.items():
        off |= set[str]() if groups[name] else passes - on
    return tuple(sorted(off)), tuple(sorted(name for name in switches if name not in known))


def _lines(path: str, text: str) -> Iterator[tuple[str, bool]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            name, _, state = line.partition(":")
            yield _switch(f"{path}:{number}", name.strip(), state.strip())


def _from_json(path: str, text: str) -> Iterator[tuple[str, bool]]:
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        raise UserError(f"{path} is no JSON: {error}") from None
    groups = content.get("Switch")
    if not isinstance(groups, dict):
        raise UserError(f'{path}: the key "Switch" must hold groups such as "GraphFusion"')
    for group, switches in cast("dict[str, Any]", groups).items():
        if not isinstance(switches, dict):
            raise UserError(f'{path}: "{group}" must hold switches: {{"ALL": "off"}}')
        for name, state in cast("dict[str, Any]", switches).items():
            grouped = f"{group}/ALL" if name == "ALL" and group != "GraphFusion" else name
            if name != "ALL" or grouped in _GROUPS:
                yield _switch(path, grouped, state)


def _switch(where: str, name: str, state: object) -> tuple[str, bool]:
    if state not in ("on", "off"):
        raise UserError(f"{where}: the switch '{name}' must be on or off, not {state!r}")
    return name, state == "on"
