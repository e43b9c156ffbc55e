"""List the weight files that no offline model in a folder refers to."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

from compiler.errors import UserError
from compiler.inspection.list_contents import plural
from compiler.om.contract import COMBINED, weight_folder
from compiler.om.errors import OMError
from compiler.om.staging import is_in_use
from compiler.om.weight_files import needed_files

OURS = re.compile(rf"weight_[0-9a-f]{{32,64}}|.*{COMBINED}")
"""The names that weight files have; what else is in the folder is somebody's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and whether to remove."""
    parser.add_argument("folder", help="a folder of offline models")
    parser.add_argument("--remove", action="store_true", help="remove the files")


def run(args: argparse.Namespace) -> int:
    """Print the weight files that nobody refers to, and remove them if asked to; 0."""
    folder = Path(args.folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of offline models")
    text = report(unreferenced(folder), removed=args.remove)
    if args.remove:
        remove_unreferenced(folder)
    print(text)
    return 0


def unreferenced(folder: Path) -> list[Path]:
    """The weight files of a folder of offline models that none of them refers to, in order.

    OMError for a file called `.om` that cannot be read: nobody knows what it refers to. Models
    elsewhere that are loaded with this weight folder are not seen.
    """
    used = {name for model in _models(folder) for name in needed_files(model)}
    weights = weight_folder(folder / "any.om")
    if weights.is_symlink() or not weights.is_dir():
        return []
    return [
        path
        for path in sorted(weights.iterdir())
        if path.name not in used and OURS.fullmatch(path.name) and _is_plain(path)
    ]


def remove_unreferenced(folder: Path) -> list[Path]:
    """Remove them, and what killed runs have left; what was removed.

    UserError while another run writes: its weight files are there before its model.
    """
    if any(map(is_in_use, (folder, weight_folder(folder / "any.om")))):
        raise UserError(f"{folder}: another run is writing here, nothing is removed")
    files = unreferenced(folder)
    for path in files:
        path.unlink()
    return files


def _models(folder: Path) -> Iterator[Path]:
    """Every file that is an offline model, whatever it is called, and every one called `.om`."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and (path.suffix == ".om" or _is_model(path)):
            yield path


def _is_model(path: Path) -> bool:
    try:
        needed_files(path)
    except OMError:
        return False
    return True


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def report(files: list[Path], *, removed: bool) -> str:
    """One line for each file and one for all."""
    sizes = [os.stat(path).st_size if path.exists() else 0 for path in files]
    lines = [f"{path} {size}" for path, size in zip(files, sizes, strict=True)]
    if not files:
        return "every weight file is referred to"
    verb = "removed" if removed else "not referred to; --remove removes them"
    return "\n".join([*lines, f"{plural(len(files), 'weight file')}, {sum(sizes)} bytes: {verb}"])
