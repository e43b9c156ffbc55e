"""Runs ONNX's whole backend test suite, and holds each case against its expected status."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from conformance.suite import Outcome, outcomes

EXPECTED = Path(__file__).with_name("passing.txt")
TABLE = Path(__file__).parents[1] / "docs" / "conformance.md"
GOAL = 2015
"""Of 2033 cases in onnx 1.23; six draw random numbers and cannot match."""


def expected_to_pass() -> frozenset[str]:
    """The names of the cases that pass; all others fail."""
    return frozenset(EXPECTED.read_text().split())


def changes(found: Iterable[Outcome], passing: frozenset[str]) -> list[str]:
    """A line for each case whose status is another than expected, in either direction."""
    lines: list[str] = []
    for case in found:
        if case.reason and case.name in passing:
            lines.append(f"{case.name} no longer passes: {case.reason}")
        if not case.reason and case.name not in passing:
            lines.append(f"{case.name} passes now: add it to {EXPECTED.name}")
    return lines


def table(found: Sequence[Outcome]) -> str:
    """The report: figures by kind, then every failure with its reason."""
    total, passed = Counter(c.kind for c in found), Counter(c.kind for c in found if not c.reason)
    lines = [
        "# ONNX backend test suite",
        "",
        "Each case goes from ONNX through GraphEngine operators into an OM file, which the",
        "simulated device loads and runs, in the model's own types, with the suite's tolerances.",
        "`make conformance` writes this file.",
        "",
        "| kind | passed | of |",
        "|---|---|---|",
        *(f"| {kind} | {passed[kind]} | {count} |" for kind, count in total.items()),
        f"| all | {passed.total()} | {total.total()} |",
        "",
        "| case that fails | why |",
        "|---|---|",
        *(f"| {case.name} | {case.reason} |" for case in found if case.reason),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all, write the table and, with --accept, the expected status."""
    found = list(outcomes())
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(found))
    passing = [case.name for case in found if not case.reason]
    if "--accept" in sys.argv[1:]:
        EXPECTED.write_text("\n".join(sorted(passing)) + "\n")
    changed = changes(found, expected_to_pass())
    for case in found:
        if case.reason:
            print(f"{case.name}: {case.reason}")
    print(*changed, sep="\n")
    total, count = len(found), len(passing)
    print(f"conformance: {count} passed, {total - count} failed, of {total} (goal {GOAL} passed)")
    sys.exit(bool(changed) or count < GOAL)


if __name__ == "__main__":
    main()
