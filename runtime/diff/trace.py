"""Two runs against each other: every tensor of the first is kept, those of the second compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from compiler.om.constants import CONST_TYPES, FILE_CONSTANT
from compiler.om.ge_ir_pb2 import OpDef
from compiler.om.offline_model import OfflineModel
from runtime.diff.measure import Difference, difference
from runtime.executor.operators import attribute, edges

ROUNDING = 2.0**-11
"""Half the distance of float16 numbers at 1: an input's error is taken to be no less."""
ORIGINS = "_datadump_original_op_names"
CONSTANTS = frozenset({*CONST_TYPES, FILE_CONSTANT, "Variable"})
NOT_SHOWN = CONSTANTS | {"Data", "NetOutput"}

Key = tuple[str, str]
"""A graph, "" for the main one, and a node in it."""


class Graphs:
    """The nodes of a model's file and what they read."""

    def __init__(self, om: OfflineModel) -> None:
        graphs = om.root.model_def.graph
        self.main = graphs[0].name
        self.ops: dict[Key, OpDef] = {
            self.key(graph.name, op.name): op for graph in graphs for op in graph.op
        }

    def key(self, graph: str, node: str) -> Key:
        """How both files know a node: the main graph is called as its file is."""
        return ("" if graph == self.main else graph), node

    def producers(self, key: Key) -> Iterator[tuple[Key, int]]:
        """What a node reads: the nodes that made it, and which of their outputs it is."""
        for name, output in edges(self.ops[key]):
            if name:
                yield (key[0], name), output


class Recording:
    """Keeps the outputs of every node, each time it runs."""

    def __init__(self, graphs: Graphs) -> None:
        self.graphs = graphs
        self.values: dict[Key, list[list[Any]]] = defaultdict(list)

    def __call__(self, graph: str, node: str, outputs: Sequence[Any]) -> None:
        """What executors call."""
        key = self.graphs.key(graph, node)
        if self.graphs.ops[key].type not in CONSTANTS:
            self.values[key].append([_copy(value) for value in outputs])


def _copy(value: Any) -> Any:
    return np.array(cast("Any", value)) if isinstance(value, np.ndarray) else value


class Comparison:
    """Compares the outputs of every node with those recorded for it, each time it runs."""

    def __init__(self, graphs: Graphs, expected: Mapping[Key, list[list[Any]]]) -> None:
        self.graphs = graphs
        self.expected = expected
        self.found: dict[Key, list[Difference | None]] = {}
        """Of each output of a node, the worst of all times it ran; nodes in the order they ran."""
        self._times: dict[Key, int] = defaultdict(int)

    def __call__(self, graph: str, node: str, outputs: Sequence[Any]) -> None:
        """What executors call."""
        key = self.graphs.key(graph, node)
        time = self._times[key]
        self._times[key] += 1
        recorded = self.expected.get(key, [])
        if time < len(recorded) and len(recorded[time]) == len(outputs):
            now = [difference(*pair) for pair in zip(outputs, recorded[time], strict=True)]
            before = self.found.get(key, [None] * len(now))
            self.found[key] = [_worse(*pair) for pair in zip(before, now, strict=True)]

    def unmatched(self) -> list[str]:
        """The nodes that ran and have nothing to be compared with; casts are between types."""
        ran = (key for key in self._times if key not in self.found)
        hidden = NOT_SHOWN | {"Cast"}
        return [key[1] for key in ran if self.graphs.ops[key].type not in hidden]


def _worse(one: Difference | None, other: Difference | None) -> Difference | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda difference: difference.error)


@dataclass(frozen=True, slots=True)
class Row:
    """An operator's difference, the error that its inputs come with, and whom it stands for.

    `arisen`: the error that the operator adds; `amplified`: its error over that of its inputs.
    """

    key: Key
    type: str
    worst: Difference
    inputs: float
    origins: tuple[str, ...]

    @property
    def arisen(self) -> float:
        """How much more the result is off than the inputs; after an infinity nothing is."""
        return 0.0 if np.isinf(self.inputs) else self.worst.error - self.inputs

    @property
    def amplified(self) -> float:
        """How many times the error of the inputs the result has; 0 after an infinity."""
        return 0.0 if np.isinf(self.inputs) else self.worst.error / max(self.inputs, ROUNDING)


def rows(comparison: Comparison) -> list[Row]:
    """Every operator that was compared, those first at which most error arises."""
    errors = Errors(comparison)
    found: list[Row] = []
    for key, differences in comparison.found.items():
        op = comparison.graphs.ops[key]
        known = [difference for difference in differences if difference is not None]
        if known and op.type not in NOT_SHOWN:
            worst = max(known, key=lambda difference: difference.error)
            noted = tuple(attribute(op, ORIGINS) or ())
            origins = noted if noted != (op.name,) else ()
            found.append(Row(key, op.type, worst, errors.of_inputs(key), origins))
    return sorted(found, key=lambda row: -row.arisen)


class Errors:
    """The error of every value: as compared, else that of what its maker reads."""

    def __init__(self, comparison: Comparison) -> None:
        self._graphs, self._found = comparison.graphs, comparison.found
        self._inputs: dict[Key, float] = {}

    def of_inputs(self, key: Key) -> float:
        """The largest error among what a node reads; constants have none, they are its own."""
        if key not in self._inputs:
            self._inputs[key] = 0.0
            read = (self._of(*source) for source in self._graphs.producers(key))
            self._inputs[key] = max(read, default=0.0)
        return self._inputs[key]

    def _of(self, key: Key, output: int) -> float:
        known = self._found.get(key, [])
        if output < len(known) and (difference := known[output]) is not None:
            return difference.error
        return 0.0 if self._graphs.ops[key].type in CONSTANTS else self.of_inputs(key)
