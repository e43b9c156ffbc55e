"""GraphEngine's While, made for a loop of ONNX: what goes from round to round, and its body.

A While has one list of values, which its condition reads and its body replaces:

    iteration, trip count, condition · values carried on · captured values

What is made in each round is collected in sequences and joined when the loop is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Attribute, Region, SSAValue

from compiler.atc_names import graph_label
from compiler.conversion.onnx_to_ge.subgraphs import Nodes
from compiler.conversion.onnx_to_ge.values import GE_RESOURCE, ge_type, integer
from dialects.types import tensor_type

COUNTER = tensor_type((), i64)
TRUTH = tensor_type((), i1)
HANDLE = tensor_type((), GE_RESOURCE)


class Rounds:
    """A While on its way. `nodes` is where it will stand; its name is theirs.

    The values that its methods give are those that the body sees.
    """

    def __init__(self, nodes: Nodes, count: SSAValue, condition: SSAValue | None = None):
        self.nodes = nodes
        self.body = Nodes(graph_label(nodes.label, 1, "body"))
        self._given: list[SSAValue] = []
        self._types: list[Attribute] = []
        self.iteration = self.carry(nodes.scalar("iteration", 0))
        self.count = self.carry(count)
        if condition is None:
            condition = nodes.scalar("condition", 1, i1)
        self.go_on = self.carry(condition)

    def carry(self, value: SSAValue, type: Attribute | None = None) -> SSAValue:
        """A value that each round replaces; `type` where its shape may change."""
        self._given.append(value)
        self._types.append(type or value.type)
        return self.body.argument(len(self._given) - 1, self._types[-1])

    def collector(self) -> SSAValue:
        """An empty sequence."""
        name = self.nodes.name_of_next("collected")
        return self.carry(self.nodes.op("SequenceEmpty", name, {}, HANDLE))

    def capture(
        self, values: Mapping[SSAValue, SSAValue], outer: Sequence[SSAValue]
    ) -> dict[SSAValue, SSAValue]:
        """ONNX values around the loop, by what they are in the body; they come last."""
        return {value: self.carry(values[value], ge_type(value.type)) for value in outer}

    def collect(self, handle: SSAValue, value: SSAValue, *, first: bool = False) -> SSAValue:
        """The sequence with one more value at its end, or its beginning."""
        inputs = {"handle": handle, "value": value}
        name = self.body.name_of_next("collected")
        if first:
            inputs["index"] = self.body.scalar(f"{name}_index", 0)
        return self.body.op("SequenceInsert", name, inputs, HANDLE)

    def finish(self, replaced: Sequence[SSAValue], go_on: SSAValue | None = None) -> list[SSAValue]:
        """Make the While, whose body gives these in place of the values carried; its results."""
        one = self.body.scalar("one", 1)
        both = {"x1": self.iteration, "x2": one}
        again = self.body.op("Add", "next_iteration", both, COUNTER)
        body = self.body.graph([again, self.count, go_on or self.go_on, *replaced])
        inputs = {f"input{i}": value for i, value in enumerate(self._given)}
        results = self.nodes.owner("While", inputs, self._types, [self._condition(), body])
        return results[3:]

    def _condition(self) -> Region:
        """Whether there is another round: the count is not reached, and the condition is true."""
        graph = Nodes(graph_label(self.nodes.label, 0, "cond"))
        iteration, count, go_on, *_ = [graph.argument(i, t) for i, t in enumerate(self._types)]
        below = graph.op("Less", "below", {"x1": iteration, "x2": count}, TRUTH)
        if go_on.type != TRUTH:
            shape = graph.vector("scalar", ())
            go_on = graph.op("Reshape", "truth", {"x": go_on, "shape": shape}, TRUTH)
        return graph.graph([graph.op("LogicalAnd", "both", {"x1": below, "x2": go_on}, TRUTH)])


def joined(nodes: Nodes, handle: SSAValue, type: Attribute, axis: int = 0) -> SSAValue:
    """The tensors of a sequence, stacked along a new axis."""
    attributes = {"axis": integer(axis), "new_axis": integer(1)}
    name = nodes.name_of_next("joined")
    return nodes.op("ConcatFromSequence", name, {"handle": handle}, type, attributes)
