"""The programs of several cores as one order of issue, which changes nothing but the speed."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.simulator.fast_forward import Rounds, Steps
from compiler.simulator.operations import Operation


def side_by_side(programs: Sequence[Steps]) -> Steps:
    """Loops at the same place in all programs run together: they can be fast-forwarded together.

    Where one core's loop has twice the iterations of another's, two of its iterations go with one.
    """
    if len(programs) == 1:
        return programs[0]
    queues = [list(steps) for steps in programs]
    merged: list[Operation | Rounds] = []
    while any(queues):
        for steps in queues:
            while steps and isinstance(steps[0], Operation):
                merged.append(steps.pop(0))
        merged += _loops([steps.pop(0) for steps in queues if steps])
    return merged


def _loops(loops: Sequence[Operation | Rounds]) -> Steps:
    """Loops together for as many iterations as all have, then what is left of each."""
    rounds = [loop for loop in loops if isinstance(loop, Rounds)]
    count = min((loop.count for loop in rounds), default=0)
    if len(rounds) < 2 or count == 0:
        return rounds
    bodies = [_times(loop.body, loop.count // count) for loop in rounds]
    rest = [Rounds(loop.count % count, loop.body) for loop in rounds]
    return [Rounds(count, side_by_side(bodies)), *(loop for loop in rest if loop.count)]


def _times(body: Steps, count: int) -> Steps:
    return body if count == 1 else [Rounds(count, body)]
