"""The oracle itself: whatever a reader must not do is a fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from compiler.errors import UserError
from fuzz.guard import Guard, forget_peak
from fuzz.reader import Reader
from fuzz.trial import Outcome, Trial


class Plain:
    """A format with one reader."""

    file = "input"
    seeds = (b"seed",)

    def __init__(self, read: Callable[[Path], object]) -> None:
        self.readers = (Reader("reader", read, (UserError,)),)

    def mutate(self, random: Random, data: bytes) -> bytes:
        return data

    def tolerates(self, data: bytes, touched: str) -> bool:
        return touched.endswith("'tolerated'")


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """What becomes of an input that a reader takes the hundred and first time."""
    monkeypatch.chdir(tmp_path)

    def run(read: Callable[[Path], object]) -> Outcome:
        calls: list[Path] = []

        def hundred(path: Path) -> None:
            calls.append(path)
            if len(calls) > 101:
                read(path)

        trial = Trial(Plain(hundred), tmp_path, Guard(tmp_path))
        forget_peak()  # other tests of this process have had theirs
        for _ in range(101):
            assert not trial.run(b"data").faults
        return trial.run(b"data")

    return run


def refuse(path: Path) -> None:
    raise UserError("no")


def link_and_read(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to("/etc/hostname")
    link.read_bytes()


def escape(path: Path) -> None:
    error = UserError("")
    error.args = ("\x1b[2J",)
    raise error


NOTHING: dict[Path, object] = {}


def turn(path: Path) -> None:
    while True:
        path.exists()


class Lasting:
    """Takes long to go; what is raised meanwhile, Python prints and ignores."""

    def __del__(self) -> None:
        while True:
            pass


def drop_and_turn(path: Path) -> None:
    Lasting()
    turn(path)


FINE: list[Callable[[Path], object]] = [Path.read_bytes, Path.stat, refuse]
WRONG: dict[str, Callable[[Path], object]] = {
    "KeyError": lambda path: NOTHING[path],
    "takes more than": turn,
    "takes more": drop_and_turn,
    "MB for an input": lambda path: len(b"\1" * (1 << 26)),
    "opens '/etc/hostname'": lambda path: Path("/etc/hostname").read_bytes(),
    "link'": link_and_read,
    "opens '../": lambda path: Path("../outside").read_bytes(),
    "/input'": lambda path: path.write_bytes(b""),
    "no printable line": escape,
}


@pytest.mark.parametrize("read", FINE)
def test_a_reader_may_read_its_file_and_refuse(
    read: Callable[[Path], object], tried: Callable[..., Outcome]
):
    assert not tried(read).faults


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", WRONG)
def test_all_else_is_a_fault(what: str, tried: Callable[..., Outcome]):
    told = [fault.what for fault in tried(WRONG[what]).faults]
    assert any(what in text for text in told), told
