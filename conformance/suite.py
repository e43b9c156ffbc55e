"""Runs cases of ONNX's backend test suite and says of each whether it passes, or why not."""

from __future__ import annotations

import os
import re
import unittest
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, Literal

from onnx.backend.test.runner import Runner

from conformance.backend import HalfBackend, OfflineBackend
from conformance.half import HalfRunner


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: `reason` is empty where it passed."""

    name: str
    kind: str
    reason: str


class _Reasons(unittest.TestResult):
    """Keeps the last line of what each failing case raised."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[str, str] = {}

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # unittest's name
        """A case that raised anything."""
        text = " ".join(str(err[1]).split())
        self.reasons[test.id()] = f"{err[0].__name__}: {text}"[:200].replace("|", "/")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # unittest's name
        """A case whose results differ."""
        self.addError(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # unittest's name
        """A case that the suite leaves out is a case that fails."""
        self.reasons[test.id()] = f"skipped: {reason}"


Column = Literal["origin", "fp16"]
"""How a case is compiled: in the model's own types, or in force_fp16."""
COLUMNS: dict[Column, tuple[type[Runner], type[OfflineBackend]]] = {
    "origin": (Runner, OfflineBackend),
    "fp16": (HalfRunner, HalfBackend),
}


def outcomes(pattern: str = "", column: Column = "origin") -> Iterator[Outcome]:
    """The outcome of every case whose name begins with a regular expression, in onnx's order."""
    make, backend = COLUMNS[column]
    with _quiet(), TemporaryDirectory() as folder:
        os.environ["ONNX_MODELS"] = folder  # where the suite puts data of its light models
        runner = make(backend, "conformance")
        for kind, cases in runner.test_cases.items():
            for case in unittest.defaultTestLoader.loadTestsFromTestCase(cases):
                assert isinstance(case, unittest.TestCase)
                name, _, device = case.id().rpartition(".")[2].rpartition("_")
                if device != "cpu" or not re.match(pattern, name):
                    continue
                result = _Reasons()
                case.run(result)
                reason = result.reasons.get(case.id(), "")
                yield Outcome(
                    name, kind.removeprefix("OnnxBackend").removesuffix("ModelTest"), reason
                )


@contextmanager
def _quiet() -> Generator[None]:
    """The suite's cases overflow and divide by zero on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
