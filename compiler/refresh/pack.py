"""Weight packs: what is in one, and whether it fits what it shall change.

A pack is a safetensors file of the weights that change, by ONNX name. Its metadata say which
version it starts from and ends at, and the digests of what is in it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from compiler.errors import UserError
from compiler.om.buffers import Joined
from compiler.om.manifest import version_digest
from compiler.safetensors import (
    Safetensors,
    TensorRef,
    lay_out_safetensors,
    read_safetensors,
)
from compiler.weights import FileBytes, Weight
from compiler.weights.digests import all_sha256

FORMAT, START, END, DIGESTS, BASE = (
    f"ascend_opt.{key}" for key in ("format", "from", "to", "sha256", "base")
)
"""Keys of the metadata: the number of this form of packs, the versions, and as JSON, ONNX name →
SHA-256, what is in the pack and the whole state that it starts from."""
FORM = "1"

DIGEST = re.compile("[0-9a-f]{64}")
SHOWN = 16
"""Digits of a version that a message shows."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as read. Its digests are what it says of its tensors: `check_contents` looks."""

    path: str
    tensors: Mapping[str, TensorRef[FileBytes]]
    start: str
    end: str
    digests: Mapping[str, str]
    base: Mapping[str, str]

    def check_contents(self) -> None:
        """Hash the tensors, in threads. UserError for one with other bytes than the pack says."""
        found = all_sha256(tensor.data for tensor in self.tensors.values())
        for name, tensor in self.tensors.items():
            digest = found[tensor.data].hex()
            if digest != self.digests[name]:
                raise UserError(
                    f"{self.path}: weight '{name}' is damaged: its SHA-256 is {digest}, the pack "
                    f"says {self.digests[name]}"
                )

    def applied_to(self, state: Mapping[str, str], who: str) -> dict[str, str]:
        """The digests after the pack is applied to `who`, from the digests before, by ONNX name.

        What has a part of the weights that the pack was made for (others may have become
        constants) must be in the version of that part. UserError, which names both versions,
        unless it is; and for a weight that `who` does not have.
        """
        here = version_digest(state)
        for name in self.tensors:
            if name not in state:
                raise UserError(f"{self.path}: {who} has no weight '{name}'{near(name, state)}")
        if here != self.start and not (state and state.items() <= self.base.items()):
            raise UserError(self._refusal(here, state, who))
        return {**state, **self.digests}

    def _refusal(self, here: str, state: Mapping[str, str], who: str) -> str:
        after = {**self.base, **self.digests}
        there = here == self.end or (state and state.items() <= after.items())
        at = "there already" if there else f"at version {here[:SHOWN]}"
        return (
            f"{self.path} starts from version {self.start[:SHOWN]} and ends at "
            f"{self.end[:SHOWN]}; {who} is {at}"
        )


def is_pack(file: Safetensors) -> bool:
    """Whether a safetensors file says that it is a pack."""
    return FORMAT in file.metadata


def read_pack(path: str | os.PathLike[str]) -> Pack:
    """The pack at `path`, its tensors by reference. UserError for what is none, or is damaged."""
    file = read_safetensors(path)
    form = file.metadata.get(FORMAT)
    if form != FORM:
        what = f"of form {form!r}, this program reads form {FORM!r}" if form else "none"
        why = "`ascend-opt refresh make` makes one of two checkpoints"
        raise UserError(f"{file.path}: a weight pack is needed, this is {what}: {why}")
    start, end = (file.metadata.get(key, "") for key in (START, END))
    digests, base = _digests(file, DIGESTS), _digests(file, BASE)
    if not DIGEST.fullmatch(start) or not DIGEST.fullmatch(end):
        raise _damaged(file, f"{START} or {END} is no digest of 64 digits")
    if digests.keys() != file.tensors.keys():
        [name, *_] = sorted(digests.keys() ^ file.tensors.keys())
        raise _damaged(file, f"'{name}' is in {DIGESTS} or a tensor, not both")
    if base and version_digest(base) != start:
        raise _damaged(file, f"{BASE} is not the version it starts from")
    if base and version_digest({**base, **digests}) != end:
        raise _damaged(file, f"{DIGESTS} does not lead to the version it ends at")
    return Pack(file.path, file.tensors, start, end, digests, base)


def lay_out_pack(
    tensors: Iterable[TensorRef[Weight]], digests: Mapping[str, str], base: Mapping[str, str]
) -> Joined:
    """The file of a pack that changes `tensors`, with those digests, in the state `base`."""
    tensors = list(tensors)
    changed = {tensor.name: digests[tensor.name] for tensor in tensors}
    metadata = {
        FORMAT: FORM,
        START: version_digest(base),
        END: version_digest({**base, **changed}),
        DIGESTS: json.dumps(changed, sort_keys=True, ensure_ascii=False),
        BASE: json.dumps(dict(base), sort_keys=True, ensure_ascii=False),
    }
    return lay_out_safetensors(tensors, metadata)


def check_fits(
    tensor: TensorRef[Weight],
    weights: Mapping[str, TensorRef[Weight]],
    where: str,
    hint: str = "",
) -> None:
    """UserError unless a tensor can take the place of the weight of its name."""
    target = weights.get(tensor.name)
    if target is None:
        raise UserError(f"{where} has no weight '{tensor.name}'{near(tensor.name, weights)}")
    if tensor.dtype != target.dtype or tensor.shape != target.shape:
        needs = f"{where} needs {target.type}"
        raise UserError(f"weight '{tensor.name}' is {tensor.type}, {needs}{hint}")


def near(name: str, names: Iterable[str]) -> str:
    """Names that may have been meant, for the end of a message."""
    names = list(names)
    last = name.rpartition(".")[0] or name
    found = get_close_matches(name, names, 3) or [n for n in names if last in n][:3]
    such = found or sorted(names)[:3]
    return f" (there are {len(names)}, such as {', '.join(such)})" if such else " (nor any other)"


def _digests(file: Safetensors, key: str) -> dict[str, str]:
    try:
        told: Any = json.loads(file.metadata.get(key, "{}"))
        if not isinstance(told, dict):
            raise ValueError
        digests = cast("dict[str, Any]", told)
        if not all(isinstance(d, str) and DIGEST.fullmatch(d) for d in digests.values()):
            raise ValueError
    except (ValueError, RecursionError):
        raise _damaged(file, f"{key} is no map of digests of 64 digits") from None
    return digests


def _damaged(file: Safetensors, reason: str) -> UserError:
    return UserError(f"{file.path}: the pack is damaged: {reason}")
