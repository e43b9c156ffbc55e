"""Runs ONNX's whole backend test suite both ways, and holds each case against its status."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from conformance.suite import COLUMNS, Column, Outcome, outcomes

EXPECTED = Path(__file__).with_name("status.csv")
TABLE = Path(__file__).parents[1] / "docs" / "conformance.md"
GOAL = 2015
"""Of 2033 cases in onnx 1.23; six draw random numbers and cannot match."""

Status = Mapping[str, Mapping[str, str]]
"""Of each case, by column: pass or fail."""
Found = Mapping[Column, Sequence[Outcome]]


def expected_status() -> Status:
    """What the checked-in table says of each case."""
    with EXPECTED.open(newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def status(found: Found) -> str:
    """The table of what was found: a line for each case, in order of names."""
    columns = [{case.name: _word(case) for case in found[column]} for column in COLUMNS]
    lines = [",".join([name, *(words[name] for words in columns)]) for name in sorted(columns[0])]
    return "\n".join([",".join(["case", *COLUMNS]), *lines]) + "\n"


def _word(case: Outcome) -> str:
    return "fail" if case.reason else "pass"


def changes(found: Iterable[Outcome], expected: Status, column: Column) -> list[str]:
    """A line for each case whose status is another than expected, in either direction."""
    lines: list[str] = []
    for case in found:
        said = expected.get(case.name, {}).get(column, "fail")
        if case.reason and said == "pass":
            lines.append(f"{case.name} ({column}) no longer passes: {case.reason}")
        if not case.reason and said == "fail":
            lines.append(f"{case.name} ({column}) passes now: note it in {EXPECTED.name}")
    return lines


INTRODUCTION = """# ONNX backend test suite

Each case goes from ONNX through GraphEngine operators into an OM file, which the simulated device
loads and runs. `make conformance` writes this file; `conformance/status.csv` has the status of each
case, and a change in either direction fails until `python -m conformance.run --accept` notes it.

* **origin**: in the model's own types (`must_keep_origin_dtype`), with the suite's tolerances.
* **fp16**: in ATC's default, `force_fp16`, with bounds of our own. An element of a float output may
  be off by 2⁻⁸ (eight roundings to float16's 11 bits) of itself, and by as much of the largest
  element of its tensor: products accumulate in float32, so that the depth of a sum counts for
  nothing but the rounding of its terms, which is much of a result where they cancel, and little of
  the largest one. Differences up to 2⁻¹⁴, the smallest normal float16, are none. A number beyond
  65504 may come out as that, or as infinity. Outputs that hold no floats are compared exactly: a
  case whose integers or truth values turn on the last bit of a float fails.
"""


def table(found: Found) -> str:
    """The report: figures by kind, then every failure with its reason."""
    origin = found["origin"]
    total = Counter(case.kind for case in origin)
    passed = {
        column: Counter(case.kind for case in cases if not case.reason)
        for column, cases in found.items()
    }
    kinds = [[kind, *(str(passed[c][kind]) for c in COLUMNS), str(total[kind])] for kind in total]
    sums = ["all", *(str(passed[column].total()) for column in COLUMNS), str(total.total())]
    failed = {case.name for case in origin if case.reason}
    only_half = [c for c in found["fp16"] if c.reason and c.name not in failed]
    lines = [
        INTRODUCTION,
        *_rows(["kind", *(f"{column} passed" for column in COLUMNS), "of"], [*kinds, sums]),
        "",
        *_rows(["case that fails", "why"], [[c.name, c.reason] for c in origin if c.reason]),
        "",
        *_rows(["case that fails in fp16 alone", "why"], [[c.name, c.reason] for c in only_half]),
    ]
    return "\n".join(lines) + "\n"


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _column(column: Column) -> list[Outcome]:
    return list(outcomes(column=column))


def run() -> Found:
    """Both columns, each in a process of its own."""
    with ProcessPoolExecutor(len(COLUMNS), get_context("spawn")) as pool:
        return dict(zip(COLUMNS, pool.map(_column, COLUMNS), strict=True))


def main() -> None:
    """Run all, write the table and, with --accept, the expected status."""
    found = run()
    TABLE.write_text(table(found))
    if "--accept" in sys.argv[1:]:
        EXPECTED.write_text(status(found))
    expected = expected_status()
    changed = [line for column, cases in found.items() for line in changes(cases, expected, column)]
    for case in (*found["origin"], *found["fp16"]):
        if case.reason:
            print(f"{case.name}: {case.reason}")
    print(*changed, sep="\n")
    total = len(found["origin"])
    count, half = (sum(not case.reason for case in cases) for cases in found.values())
    print(f"conformance in fp16: {half} passed, {total - half} failed, of {total}")
    print(f"conformance: {count} passed, {total - count} failed, of {total} (goal {GOAL} passed)")
    sys.exit(bool(changed) or count < GOAL)


if __name__ == "__main__":
    main()
