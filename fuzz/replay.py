"""`python -m fuzz.replay FORMAT FILE` gives a file to the readers again and shows their errors."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz.worker import prepare


def main() -> None:
    """Every reader in turn, without a guard."""
    name, path = sys.argv[1:]
    data = Path(path).read_bytes()
    with TemporaryDirectory() as scratch:
        format_ = prepare(name, Path(scratch).resolve() / "files")
        Path(format_.file).write_bytes(data)
        for reader in format_.readers:
            print(f"{reader.name}:")
            try:
                reader.read(Path(format_.file).resolve())
            except Exception:
                traceback.print_exc(file=sys.stdout)


if __name__ == "__main__":
    main()
