"""The proof that flags order every two uses of the same bytes by different pipes.

A kernel is proved for all its cores and all trip counts at once, by abstract interpretation of its
loops. A state of the proof says which uses of memory each pipe knows to be over, which flags are
raised and what their wait will make known, and which slot of each buffer is in use. Where two ways
lead to the same slots and flags, only what both know is known. A loop is repeated until no state at
its head knows less than before: as a state can only lose knowledge, and there are as many as slots
take turns, this ends after a few rounds, whatever the number of iterations, and covers them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from compiler.planning.sync_program import PIPES, Event, Loop, Node, Signal, Turn, Work, describe
from compiler.planning.sync_uses import READ, WRITE, Uses


class HazardError(Exception):
    """Two instructions race, or flags are not used as binary semaphores."""


@dataclass(slots=True)
class _State:
    """`known` has for each pipe a bit for every use it knows to be over, or that never was.

    `raised` has for each raised flag the bits that its wait makes known, `by` who may have raised
    it: a bit for the number of each set.
    """

    known: list[int]
    slots: list[int]
    raised: dict[Event, int]
    by: dict[Event, int]
    held: int = 0
    """A bit for every place that has been written since its turn."""
    lost: int = 0
    """A bit for every place that held something when another buffer was written over it."""

    @property
    def key(self) -> tuple[object, ...]:
        return tuple(self.slots), frozenset(self.raised)

    def copy(self) -> _State:
        known, slots, raised, by = self.known[:], self.slots[:], self.raised.copy(), self.by.copy()
        return _State(known, slots, raised, by, self.held, self.lost)

    def join(self, other: _State) -> bool:
        """Keep what is certain in both; whether that is less than before."""
        known = [a & b for a, b in zip(self.known, other.known, strict=True)]
        raised = {event: bits & other.raised[event] for event, bits in self.raised.items()}
        by = {event: sets | other.by[event] for event, sets in self.by.items()}
        held, lost = self.held | other.held, self.lost | other.lost
        new = known, raised, by, held, lost
        old = self.known, self.raised, self.by, self.held, self.lost
        self.known, self.raised, self.by, self.held, self.lost = new
        return new != old


_States: TypeAlias = "dict[tuple[object, ...], _State]"


class SyncProof:
    """Checks a program, and finds out which sets are awaited by which waits."""

    def __init__(self, uses: Uses, program: Sequence[Node]):
        self._uses = uses
        self._program = program
        self._names: dict[int, str] = {}
        self._signals = {signal.number: signal for signal in _signals(program)}
        self._matched: set[tuple[int, int]] = set()

    def run(self) -> None:
        """HazardError names the two instructions of a hazard, or the flag misused."""
        states = [_beginning(self._uses)]
        for node in self._program:
            states = self._run([node], states)
            self._forget_turns(node, states)
            states = list(_joined(states).values())
        for state in states:
            for event, sets in state.by.items():
                name = min(signal.name for signal in self._raisers(sets))
                raise HazardError(f"{name} raises {describe(event)}, which nobody awaits")

    @property
    def matches(self) -> set[tuple[Signal, Signal]]:
        """The sets and the waits for them that were found to go together so far."""
        found = ((self._signals[wait], self._raisers(sets)) for sets, wait in self._matched)
        return {(signal, wait) for wait, signals in found for signal in signals}

    def _forget_turns(self, node: Node, states: Sequence[_State]) -> None:
        """What is outside of every loop runs once: the slots in use in it are not used again."""
        if isinstance(node, Loop):
            for buffer in _turns(node):
                for state in states:
                    state.slots[buffer] = self._uses.slots[buffer] - 1

    def _run(self, nodes: Iterable[Node], states: list[_State]) -> list[_State]:
        for node in nodes:
            if isinstance(node, Loop):
                states = self._loop(node, states)
                continue
            for state in states:
                match node:
                    case Turn():
                        self._turn(node, state)
                    case Work():
                        self._work(node, state)
                    case Signal():
                        self._set(node, state) if node.sets else self._wait(node, state)
        return states

    def _loop(self, loop: Loop, states: list[_State]) -> list[_State]:
        heads: _States = {}
        ends: _States = _joined(state.copy() for state in states) if loop.may_skip else {}
        pending = states
        while changed := _merge(heads, pending):
            after = self._run(loop.body, [state.copy() for state in changed])
            for state in after if loop.may_repeat else ():
                _check_balance(loop, changed[0], state)
            _merge(ends, after)
            pending = after if loop.may_repeat else []
        return [state.copy() for state in ends.values()]

    def _turn(self, turn: Turn, state: _State) -> None:
        slot = (state.slots[turn.buffer] + 1) % self._uses.slots[turn.buffer]
        state.slots[turn.buffer] = slot
        place = 1 << self._uses.first[turn.buffer] + slot
        state.held, state.lost = state.held & ~place, state.lost & ~place

    def _wait(self, step: Signal, state: _State) -> None:
        event = _event(step, state)
        raised = state.raised.pop(event, None)
        if raised is None:
            raise HazardError(f"{step.name} waits for {describe(event)}, which nobody raises")
        self._matched.add((state.by.pop(event), step.number))
        state.known[step.pipe] |= raised
        _use(state, step.pipe, self._uses.clearing(event))

    def _set(self, step: Signal, state: _State) -> None:
        event = _event(step, state)
        if event in state.raised:
            other = min(signal.name for signal in self._raisers(state.by[event]))
            raise HazardError(f"{step.name} raises {describe(event)}, which {other} has raised")
        if self._uses.clearing(event) & ~state.known[step.pipe]:
            raise HazardError(f"{step.name} may raise {describe(event)} before it is cleared")
        state.raised[event] = state.known[step.pipe]
        state.by[event] = 1 << step.number

    def _raisers(self, sets: int) -> Iterator[Signal]:
        """The sets whose bits these are."""
        while sets:
            number = sets.bit_length() - 1
            yield self._signals[number]
            sets ^= 1 << number

    def _work(self, step: Work, state: _State) -> None:
        uses, pipe, known = self._uses, step.pipe, state.known[step.pipe]
        bits = 0
        for buffer in step.reads:
            place = uses.first[buffer] + state.slots[buffer]
            self._against(step, "reads", uses.reading(place, pipe) & ~known)
            if state.lost >> place & 1:
                raise HazardError(f"{step.name} reads what another buffer has overwritten")
            bits |= uses.bit(place, pipe, READ)
        for buffer in step.writes:
            place = uses.first[buffer] + state.slots[buffer]
            self._against(step, "overwrites", uses.writing(place, pipe) & ~known)
            bits |= uses.bit(place, pipe, WRITE)
            state.held |= 1 << place
            state.lost |= uses.spoils[place] & state.held
        self._names[bits] = step.name
        _use(state, pipe, bits)

    def _against(self, step: Work, verb: str, missing: int) -> None:
        if missing:
            bit = missing & -missing
            done = "writes" if self._uses.is_write(bit) else "reads"
            other = next(name for bits, name in self._names.items() if bits & bit)
            raise HazardError(f"{step.name} {verb} what {other} {done}, without a flag")


def _beginning(uses: Uses) -> _State:
    """Nothing was used: all is known to be over. The first turn of a buffer is its slot 0."""
    return _State([-1] * len(PIPES), [count - 1 for count in uses.slots], {}, {})


def _event(step: Signal, state: _State) -> Event:
    return step.events[0 if step.buffer is None else state.slots[step.buffer]]


def _use(state: _State, pipe: int, bits: int) -> None:
    """Uses that only their own pipe knows to be over: of earlier ones nobody need know more."""
    rest = ~bits
    state.known = [known & rest for known in state.known]
    state.known[pipe] |= bits
    state.raised = {event: bits & rest for event, bits in state.raised.items()}


def _merge(states: _States, more: Iterable[_State]) -> list[_State]:
    """Join states into those with the same slots and flags; the ones that are new or changed."""
    changed: dict[tuple[object, ...], _State] = {}
    for state in more:
        key = state.key
        known = states.get(key)
        if known is None:
            states[key] = changed[key] = state.copy()
        elif known.join(state):
            changed[key] = known
    return list(changed.values())


def _joined(states: Iterable[_State]) -> _States:
    found: _States = {}
    _merge(found, states)
    return found


def _check_balance(loop: Loop, before: _State, after: _State) -> None:
    """As many flags of each pair of pipes as before: an event may hand over to the next slot's."""
    if after.raised.keys() == before.raised.keys():
        return
    left, found = (sorted(event[:2] for event in state.raised) for state in (after, before))
    if left != found:
        event = min(after.raised.keys() ^ before.raised.keys())
        verb = "raises" if len(left) > len(found) else "clears"
        raise HazardError(f"each iteration of {loop.name} {verb} one more {describe(event)}")


def _signals(nodes: Iterable[Node]) -> Iterator[Signal]:
    for node in nodes:
        if isinstance(node, Signal):
            yield node
        elif isinstance(node, Loop):
            yield from _signals(node.body)


def _turns(loop: Loop) -> Iterator[int]:
    for node in loop.body:
        if isinstance(node, Turn):
            yield node.buffer
        elif isinstance(node, Loop):
            yield from _turns(node)


def prove(uses: Uses, program: Sequence[Node]) -> None:
    """HazardError when flags do not order the program, or when some could be left out."""
    for pair in redundant(uses, program):
        signal = min(pair, key=lambda signal: signal.number)
        raise HazardError(f"{signal.name}: {describe(signal.events[0])} is redundant")


def redundant(uses: Uses, program: Sequence[Node]) -> Iterator[frozenset[Signal]]:
    """Sets and waits, pair by pair, that can all be left out; HazardError for what is unordered."""
    proof = SyncProof(uses, program)
    proof.run()
    pairs = _pairs(proof.matches)
    ways = Counter(_way(pair) for pair in pairs)
    for pair in pairs:
        if not _has_detour(_way(pair), ways):
            continue
        less = _without(program, pair)
        try:
            SyncProof(uses, less).run()
        except HazardError:
            continue
        program = less
        ways[_way(pair)] -= 1
        yield pair


def _way(pair: frozenset[Signal]) -> tuple[int, int]:
    """From which pipe to which a pair orders."""
    signal = next(iter(pair))
    return signal.events[0][:2]


def _has_detour(way: tuple[int, int], ways: Counter[tuple[int, int]]) -> bool:
    """Whether other flags lead from pipe to pipe as well: only then can one be left out."""
    source, destination = way
    left = ways.copy()
    left[way] -= 1
    reached = {source}
    while found := {b for (a, b), count in left.items() if count and a in reached} - reached:
        reached |= found
    return destination in reached


def _pairs(matches: Iterable[tuple[Signal, Signal]]) -> list[frozenset[Signal]]:
    """Sets and waits that go together, each as small a group as can be left out."""
    groups: dict[Signal, set[Signal]] = {}
    for match in matches:
        group = set[Signal]().union(*(groups.get(signal, {signal}) for signal in match))
        groups.update(dict.fromkeys(group, group))
    found = {frozenset(group) for group in groups.values()}
    return sorted(found, key=lambda group: min(signal.number for signal in group))


def _without(nodes: Sequence[Node], left_out: frozenset[Signal]) -> tuple[Node, ...]:
    return tuple(
        replace(node, body=_without(node.body, left_out)) if isinstance(node, Loop) else node
        for node in nodes
        if not (isinstance(node, Signal) and node in left_out)
    )
