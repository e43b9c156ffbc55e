"""The published measurements, read from the tables in `points/`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "points"
LARGE_US = 50.0
"""From here on a kernel is large: the launch is then less than a tenth of its time."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: what was measured where, the kernel it is predicted by, and microseconds.

    `measured` has the whole `task`, the mean of the cores' times `core`, and pipes. `fields` are
    those of the kernel; its time counts `times` times. `reason` says why there is no prediction.
    """

    id: str
    soc: str
    what: str
    source: str
    kernel: str
    fields: Mapping[str, Any]
    measured: Mapping[str, float]
    bold: bool = False
    times: int = 1
    reason: str = ""

    @property
    def total(self) -> str:
        """The time that is compared: of the cores where it is known, else of the task."""
        return next((name for name in ("core", "task") if name in self.measured), "")

    @property
    def large(self) -> bool:
        """Whether its time is far above that of a launch."""
        return max(self.measured.values(), default=0.0) >= LARGE_US


def points() -> list[Point]:
    """All of them, in the order of the tables."""
    return [point for path in sorted(FOLDER.glob("*.toml")) for point in _read(path)]


def _read(path: Path) -> Iterator[Point]:
    table = tomllib.loads(path.read_text("utf-8"))
    for group in table["group"]:
        for row in group["point"]:
            yield Point(
                id=row["id"],
                soc=row.get("soc", group["soc"]),
                what=row["what"],
                source=group["source"],
                kernel=row.get("kernel", group["kernel"]),
                fields={**group.get("common", {}), **row.get("with", {})},
                measured=row["measured"],
                bold=row.get("bold", False),
                times=row.get("times", 1),
                reason=row.get("reason", ""),
            )
