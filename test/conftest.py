# pyright: reportUnknownMemberType=false
"""Runs every FileCheck test (`// RUN: ascend-opt … | filecheck …`) in this process.

pytest's collectors take keywords of any type, which strict typing does not know.
"""

from __future__ import annotations

import contextlib
import gc
import io
import shlex
from collections.abc import Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options

from compiler.cli import main

ROOT = Path(__file__).parent.parent

gc.set_threshold(1_000_000, 50, 1000)  # as ascend-opt and atc do: some tests measure CPU time


class FileCheckItem(pytest.Item):
    """One RUN line: a chain of commands, each ascend-opt or filecheck, in the file's folder."""

    def __init__(self, line: str, **kwargs: object):
        super().__init__(**kwargs)  # pyright: ignore[reportArgumentType]  # pytest's own protocol
        self.line = line

    def runtest(self) -> None:
        text, step = "", run_ascend_opt
        line = self.line.replace("%s", str(self.path)).replace("cd %S && ", "")
        with contextlib.chdir(self.path.parent):  # lit's own folder is another
            for command in line.split("|"):
                arguments = shlex.split(command)
                step = {"ascend-opt": run_ascend_opt, "filecheck": run_filecheck}[arguments[0]]
                text = step(arguments, text)
        assert step is run_filecheck, "a RUN line ends by checking what it printed"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        return f"{self.line.strip()}\n{excinfo.value}"

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


@contextmanager
def standard_input(text: str) -> Generator[io.StringIO]:
    """Feed `text` to whoever reads sys.stdin; what they print is in the object given."""
    output = io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        with redirect_stdout(output), redirect_stderr(output):
            yield output


def run_ascend_opt(arguments: list[str], text: str) -> str:
    """Run the driver on `text` and return what it printed."""
    with standard_input(text) as output:
        code = main(arguments[1:])
    assert code == 0, output.getvalue()
    return output.getvalue()


def run_filecheck(arguments: list[str], text: str) -> str:
    """Match `text` against the CHECK lines of the file that the arguments name."""
    with standard_input(text) as report:
        code = Matcher.from_opts(parse_argv_options(arguments)).run()
    assert code == 0, report.getvalue()
    return ""


class FileCheckFile(pytest.File):
    """A .mlir test file."""

    def collect(self) -> Iterator[pytest.Item]:
        lines = [line for line in self.path.read_text().splitlines() if "RUN:" in line]
        assert lines, f"{self.path} has no RUN line"
        for number, line in enumerate(lines):
            name = self.path.stem if len(lines) == 1 else f"{self.path.stem}-{number}"
            yield FileCheckItem.from_parent(self, name=name, line=line.split("RUN:")[1])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every .mlir file under test/ is a test."""
    if file_path.suffix == ".mlir":
        return FileCheckFile.from_parent(parent, path=file_path)
    return None
