"""What a killed run leaves in a folder is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from compiler.om.buffers import Held, Zeros
from compiler.om.files import write_file, write_files
from compiler.om.staging import Staging

HOLDER = """
import os, sys, time
from compiler.om.staging import Staging
stage = Staging.make(os.open(sys.argv[1], os.O_RDONLY))
open(os.path.join(sys.argv[1], stage.name, "new0"), "w").write("half")
print(stage.name, flush=True)
time.sleep(60)
"""


def test_of_a_killed_run_nothing_stays_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        name = run.stdout.readline().strip()
        write_file(tmp_path / "x", Held(b"new"))
        assert {path.name for path in tmp_path.iterdir()} == {name, "x"}
        run.send_signal(signal.SIGKILL)
    write_file(tmp_path / "x", Held(b"newer"))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    kept = tmp_path / ".om-0123456789abcdef"
    kept.mkdir()
    (kept / "precious").write_text("somebody's")
    (tmp_path / ".om-text").write_text("somebody's")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "new0").write_text("somebody's")
    (tmp_path / ".om-fedcba9876543210").symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    folder = os.open(tmp_path, os.O_RDONLY)
    Staging.make(folder).close()
    os.close(folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_runs_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for _ in range(50):
                write_file(tmp_path / name, Zeros(10))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3"]


def test_replaced_files_come_back_when_a_later_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is on disk, the names are being exchanged, and then it fails."""
    names = ["a", "b", "new", "model"]
    for name in ("a", "b", "model"):
        (tmp_path / name).write_bytes(b"old")
    replace = os.replace

    def failing(source: str, target: str, **folders: int) -> None:
        if target == "model" and source.startswith("new"):
            raise OSError(5, "Input/output error")
        assert target != "a" or not (tmp_path / "model").exists()
        replace(source, target, **folders)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(Exception, match="model: cannot be written: Input/output error"):
        write_files([(tmp_path / name, Held(b"new")) for name in names])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"old",
        "b": b"old",
        "model": b"old",
    }


def test_interrupted_while_threads_write(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom compiler.om.buffers import Zeros\n"
        "from compiler.om.files import write_files\nprint('go', flush=True)\n"
        "write_files([(Path(sys.argv[1]) / str(i), Zeros(1 << 24)) for i in range(400)])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=60)
    assert b"KeyboardInterrupt" in error
    assert list(tmp_path.iterdir()) == []
