"""Writes files whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from compiler.beneath import open_folder
from compiler.om.buffers import Blob
from compiler.om.drafts import Draft, WriteError, writing
from compiler.om.errors import Status
from compiler.om.staging import Staging
from compiler.threads import in_threads

__all__ = ["WriteError", "new_folders", "rewriting", "write_file", "write_files"]


def write_file(path: str | os.PathLike[str], blob: Blob) -> None:
    """Writes `blob` to `path`, as `write_files` does."""
    write_files([(Path(path), blob)])


def write_files(
    files: Sequence[tuple[Path, Blob]],
    *,
    base: Path | None = None,
    overwrite: bool = True,
    private: Collection[Path] = (),
) -> None:
    """Writes each blob to its path: on any failure what was at the paths is still there.

    No file takes its place before the bytes of all are on disk, so a blob may be read from a
    file that is replaced. The last one needs the others: it comes last and, where another is
    replaced, its old version goes first, so that a killed run leaves nothing that looks finished.
    A file's mode is what the umask leaves of 0666, of 0600 for `private` ones; it takes the place
    of a symbolic link instead of following it, and below `base` no folder is entered through one.
    WriteError when one cannot be written, or without `overwrite` when something is there.
    """
    with ExitStack() as opened:
        stages = _open_stages(files, base, opened)
        drafts = [
            Draft(target, stages[target.parent], number, 0o600 if target in private else 0o666)
            for number, (target, _) in enumerate(files)
        ]
        for draft in drafts if overwrite else ():
            draft.check_replaceable()
        in_threads(lambda pair: pair[0].fill(pair[1][1]), list(zip(drafts, files, strict=True)))
        _publish(drafts, overwrite)


def _publish(drafts: Sequence[Draft], overwrite: bool) -> None:
    *others, last = drafts
    try:
        if overwrite and any(draft.exists() for draft in others):
            last.withdraw()
        place = Draft.take_place if overwrite else Draft.take_free_place
        for draft in others:
            place(draft)
        for folder in {draft.target.parent for draft in others}:
            _sync_folder(folder)
        place(last)
    except BaseException:
        for draft in drafts:
            draft.undo()
        raise
    _sync_folder(last.target.parent)


def _open_stages(
    files: Sequence[tuple[Path, Blob]], base: Path | None, opened: ExitStack
) -> dict[Path, Staging]:
    """A folder for unfinished files in each file's folder."""
    stages: dict[Path, Staging] = {}
    for target, _ in files:
        parent = target.parent
        if parent not in stages:
            below = parent.relative_to(base).parts if base is not None else ()
            stages[parent] = _open_stage(
                target, str(parent if base is None else base), below, opened
            )
    return stages


def _open_stage(target: Path, base: str, below: Sequence[str], opened: ExitStack) -> Staging:
    with writing(target):
        folder = open_folder(base, below)
        opened.callback(os.close, folder)
        stage = Staging.make(folder)
        opened.callback(stage.close)
        return stage


@contextmanager
def rewriting(path: str) -> Generator[IO[str]]:
    """A stream whose text is at `path` once the block has ended without an error, not before.

    A link is followed, and a device or a pipe is written to as it is.
    """
    if _is_special(path):
        with _writing_text(path), open(path, "w", encoding="utf-8") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    with ExitStack() as opened:
        draft = Draft(target, _open_stage(target, str(target.parent), (), opened))
        draft.check_replaceable()
        with _writing_text(path), open(draft.create(), "w", encoding="utf-8") as stream:
            yield stream
        draft.take_place()


@contextmanager
def _writing_text(path: str) -> Generator[None]:
    """As `writing` does; a pipe that nobody reads is no mistake of anybody's."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:  # another file
            raise
        raise WriteError(Status.FAILED, f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def new_folders(*folders: tuple[Path, int]) -> Generator[None]:
    """Folders and those above them, each with its mode; gone again if the block fails.

    Those that were there before stay as they are. OSError for one that cannot be made.
    """
    made: list[Path] = []
    try:
        for folder, mode in folders:
            for above in reversed([folder, *folder.parents]):
                if os.path.lexists(above) and not above.is_dir():
                    reason = os.strerror(errno.ENOTDIR)
                    raise NotADirectoryError(errno.ENOTDIR, reason, str(above))
                if not above.is_dir():
                    above.mkdir(mode if above == folder else 0o777, exist_ok=True)
                    made.append(above)
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):  # somebody else has put something inside
                folder.rmdir()
        raise


def _is_special(path: str) -> bool:
    """Whether a device or a pipe is at `path`."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself durable, where folders can be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
