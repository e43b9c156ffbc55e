"""Which file, or which memory of the program's, has the bytes of a FileConstant node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from compiler.om.contract import (
    FILE_ID_NAME,
    LOCATION_NAME,
    REFERENCE_NAME,
    SAMPLE_NAME,
    weights_beside,
)
from compiler.om.errors import OMError
from compiler.om.external import Place, place_of, text_of
from compiler.om.ge_ir_pb2 import OpDef
from runtime.device import Bytes
from runtime.errors import failure
from runtime.executor.operators import attribute
from runtime.settings import value_bins

Source = str | bytes
"""Where a model comes from: a path, or the bytes of the file."""

VALUE_BINS = "ge.exec.value_bins"
"""GraphEngine's option that tells the files of ids: `{"value_bins": [{"value_bin_id": …,
"value_bin_file": …}]}`."""


@dataclass(frozen=True)
class WeightPlaces:
    """Where the external weights of a model are looked for, in GraphEngine's order.

    `folder` holds the files that `location` names; without one that is the current directory.
    `is_chosen`: the program has named it, so that there must be a weight to look for. `memory` has
    the contents of files, by their names, that the program has put on the device. `value_bins` is
    GraphEngine's option of that name.
    """

    folder: Path | None = None
    is_chosen: bool = False
    memory: Mapping[str, Bytes] = field(default_factory=dict[str, Bytes])
    value_bins: str = ""

    def find(self, op: OpDef) -> Place:
        """The place of a FileConstant: as `place_of` has it, else the file of its `file_id`.

        AclError 500002 when no file is named, or one outside of the folder by a reference of ours
        that does not say what is in it.
        """
        reference = text_of(op.attr, LOCATION_NAME) and text_of(op.attr, REFERENCE_NAME)
        if reference and SAMPLE_NAME not in op.attr:  # any file one may read would do
            raise failure(f"node '{op.name}' does not say what is in {reference}")
        try:
            return place_of(op, self.folder or Path()) or Place(self._file_of_id(op))
        except OMError as error:
            raise failure(str(error)) from None

    def _file_of_id(self, op: OpDef) -> Path:
        number = attribute(op, FILE_ID_NAME)
        if not number:
            raise failure(
                f"node '{op.name}' (FileConstant) names no file: location, file_path and file_id "
                "are missing"
            )
        if not self._files.get(number):
            raise failure(
                f"node '{op.name}' (FileConstant): {VALUE_BINS} has no file for id '{number}'"
            )
        return Path(self._files[number])

    @cached_property
    def _files(self) -> Mapping[str, str]:
        """The files by id, of two with one id the first."""
        if not self.value_bins:
            return {}
        try:
            entries: Any = json.loads(self.value_bins)["value_bins"]
            pairs = [(entry["value_bin_id"], entry["value_bin_file"]) for entry in entries]
        except (ValueError, KeyError, TypeError, RecursionError):
            pairs = [(None, None)]
        if not all(isinstance(text, str) for pair in pairs for text in pair):
            form = '{"value_bins":[{"value_bin_id":"…","value_bin_file":"…"}]}'
            raise failure(f"{VALUE_BINS} must be JSON of the form {form} (E10001)")
        return dict(reversed(cast("list[tuple[str, str]]", pairs)))


def beside(source: Source) -> WeightPlaces:
    """Where the external weights are of a model that comes from a file, or from memory."""
    folder = weights_beside(Path(source).resolve()) if isinstance(source, str) else None
    return WeightPlaces(folder, value_bins=value_bins())
