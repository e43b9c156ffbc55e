"""Which constants of two models differ: in type, in place, or in bytes."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.errors import UserError
from compiler.inspection.constants import Constant, constants
from compiler.inspection.differences import Difference, changed, matched
from compiler.inspection.opened import Table
from compiler.threads import in_threads, working
from compiler.weights import Weight


def weight_differences(old: Table, new: Table) -> Iterator[Difference]:
    """The differences of constants of the same name; wherever they lie, their bytes are read.

    UserError for one whose file is not there.
    """
    sides = [_by_name(table) for table in (old, new)]
    both = [(constant, sides[1][name]) for name, constant in sides[0].items() if name in sides[1]]
    found = in_threads(lambda pair: _compare_bytes(*pair), both)
    differing = {id(old): difference for (old, _), difference in zip(both, found, strict=True)}

    def compare(old: Constant, new: Constant) -> Iterator[Difference]:
        yield from changed("tensor", _tensor(old), _tensor(new))
        yield from changed("place", _place(old), _place(new))
        yield from differing[id(old)]

    yield from matched("weight", *sides, shown=_tensor, compare=compare)


def _by_name(table: Table) -> dict[str, Constant]:
    """The constants by name; one of a name that is taken, in another graph, by both names."""
    found: dict[str, Constant] = {}
    for constant in constants(table):
        name = constant.base_name
        found[f"{constant.graph}: {name}" if name in found else name] = constant
    return found


def _tensor(constant: Constant) -> str:
    return f"{constant.dtype.removeprefix('DT_')} {list(constant.shape)}"


def _place(constant: Constant) -> str:
    """Where the bytes are; the offset in a weight partition says nothing."""
    file = constant.file
    return f"{constant.place} {file.name}:{constant.offset}" if file else constant.place


def _compare_bytes(old: Constant, new: Constant) -> list[Difference]:
    if old.length != new.length:
        return [Difference(("bytes",), old.length, new.length)]
    if old.weight == new.weight:
        return []
    try:
        with working():
            count, first = _differing(old.weight, new.weight)
    except OSError as error:
        raise UserError(f"constant {old.name!r}: {error.filename}: {error.strerror}") from None
    what = f"{old.length}, of which {count} differ, the first at {first}"
    return [Difference(("bytes",), old.length, what)] if count else []


def _differing(old: Weight, new: Weight) -> tuple[int, int]:
    """How many bytes differ, and where the first does; both in chunks of the same sizes."""
    import numpy as np

    count, first, place = 0, -1, 0
    for a, b in zip(old.chunks(), new.chunks(), strict=True):
        differs = np.frombuffer(a, np.uint8) != np.frombuffer(b, np.uint8)
        found = int(np.count_nonzero(differs))
        if found and not count:
            first = place + int(np.argmax(differs))
        count, place = count + found, place + len(a)
    return count, first
