"""The least that moving all weights of a model out can take: scan, hash, copy; two threads.

`python bench/plain_copy.py MODEL FOLDER [sync]`. It knows no graph, and leaves half-written files
when it is killed; with `sync` the bytes are at least on the disk when it ends.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

GRAPH, INITIALIZER, RAW_DATA, EXTERNAL_DATA = 7, 5, 9, 13


def number(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A variable-length integer of protobuf, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields with a length: number, start, end."""
    while at < end:
        tag, at = number(data, at)
        if tag & 7 == 2:
            size, at = number(data, at)
            yield tag >> 3, at, at + size
            at += size
        elif tag & 7 == 0:
            _, at = number(data, at)
        else:
            at += 4 if tag & 7 == 5 else 8


def inside(data: mmap.mmap, spans: list[tuple[int, int]], field: int) -> list[tuple[int, int]]:
    """The places of one field within messages."""
    return [(s, e) for at, end in spans for n, s, e in fields(data, at, end) if n == field]


def weights(path: Path, data: mmap.mmap) -> Iterator[tuple[Path, int, int]]:
    """File, offset and length of every initializer."""
    for span in inside(data, inside(data, [(0, len(data))], GRAPH), INITIALIZER):
        for start, end in inside(data, [span], RAW_DATA):
            yield path, start, end - start
        pairs = inside(data, [span], EXTERNAL_DATA)
        entry = dict([[data[s:e].decode() for _, s, e in fields(data, *pair)] for pair in pairs])
        if entry:
            yield path.with_name(entry["location"]), int(entry["offset"]), int(entry["length"])


def main() -> None:
    """Copy all weights into the folder, each to a file that is named by its hash."""
    model, folder, sync = Path(sys.argv[1]), Path(sys.argv[2]), "sync" in sys.argv[3:]
    folder.mkdir(parents=True, exist_ok=True)
    maps: dict[Path, tuple[int, mmap.mmap]] = {}

    def mapped(path: Path) -> tuple[int, mmap.mmap]:
        if path not in maps:
            descriptor = os.open(path, os.O_RDONLY)
            maps[path] = descriptor, mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        return maps[path]

    def move(place: tuple[Path, int, int]) -> None:
        path, start, size = place
        source, data = mapped(path)
        name = hashlib.sha256(memoryview(data)[start : start + size]).hexdigest()
        target = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        while size:
            done = os.copy_file_range(source, target, size, start)
            start, size = start + done, size - done
        if sync:
            os.fsync(target)
        os.close(target)

    places = sorted(weights(model, mapped(model)[1]), key=lambda place: -place[2])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(move, places))
    print(len(places))


if __name__ == "__main__":
    main()
