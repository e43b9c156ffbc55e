"""How passes change graphs of ge nodes: replacement that keeps names and locations."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, count

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, UnknownLoc
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.hints import isa

from dialects.ge import BundleOp, ConstOp, GraphOp, NodeOp, subgraphs_of
from dialects.op import names_attr


def main_graphs(module: ModuleOp) -> Iterator[GraphOp]:
    """The graphs that become models: those of the module, and those of its bundles."""
    for op in module.body.block.ops:
        if isinstance(op, GraphOp):
            yield op
        elif isinstance(op, BundleOp):
            yield from op.graphs


def all_graphs(module: ModuleOp) -> Iterator[GraphOp]:
    """Every graph of the module, an owner before its subgraphs."""
    for graph in main_graphs(module):
        yield from nested_graphs(graph)


def nested_graphs(graph: GraphOp) -> Iterator[GraphOp]:
    """A graph and all graphs inside it."""
    yield graph
    for node in graph.nodes:
        if node.regions and node.CALLS:
            for inner in subgraphs_of(node):
                yield from nested_graphs(inner)


@contextmanager
def editing(graph: GraphOp) -> Generator[GraphEditor]:
    """Edit the nodes of one graph; at the end control edges follow what was renamed or removed."""
    editor = GraphEditor(graph)
    yield editor
    editor.move_control_edges()


def replace_nodes(graph: GraphOp, new: Mapping[NodeOp, NodeOp]) -> None:
    """Put a new node in the place of each node of a graph that has one."""
    with editing(graph) as editor:
        for node in list(graph.nodes):
            if node in new:
                editor.replace(node, new[node])


class GraphEditor:
    """Replaces and removes nodes of a graph, and remembers whom to wait for in their stead."""

    def __init__(self, graph: GraphOp):
        self.graph = graph
        self._moved: dict[str, tuple[str, ...]] = {}

    def replace(self, old: NodeOp, *new: NodeOp) -> None:
        """Put new nodes in the place of an old one; the last one's results take its results' uses.

        Results that the last one lacks must be unused. Locations and control edges are kept.
        """
        for node in new:
            carry_location(old, node)
        last = new[-1]
        if old.after is not None and last.after is None:
            last.after = old.after
        if last.label != old.label:
            self._moved[old.label] = (last.label,)
        missing = len(old.results) - len(last.results)
        results = [*last.results[: len(old.results)], *[None] * missing]
        Rewriter.replace_op(old, list(new), results)

    def remove(self, node: NodeOp, instead: Sequence[SSAValue] = ()) -> None:
        """Erase a node; readers of its results read `instead`, and wait for what it waited for."""
        makers = (value.owner for value in instead)
        names = [maker.label for maker in makers if isinstance(maker, NodeOp)]
        self._moved[node.label] = (*node.control_inputs, *names)
        if node.after is not None:
            for reader in {use.operation for result in node.results for use in result.uses}:
                assert isinstance(reader, NodeOp)
                _wait_for(reader, (*reader.control_inputs, *node.control_inputs))
        missing = len(node.results) - len(instead)
        Rewriter.replace_op(node, [], [*instead, *[None] * missing])

    def scatter(self, node: NodeOp, parts: Sequence[NodeOp]) -> None:
        """Put nodes of one result each in the place of one that has as many results."""
        for part in parts:
            carry_location(node, part)
        Rewriter.insert_op(list(parts), InsertPoint.before(node))
        self.remove(node, [part.results[0] for part in parts])

    def fuse(self, parts: Sequence[NodeOp], *new: NodeOp) -> None:
        """Put new nodes in the place of the last part; the others go where nobody reads them now.

        The last new node notes whom it stands for. Parts are in order and have no control edges.
        """
        last = new[-1]
        last.attributes[ORIGINS] = origins(parts)
        for part in parts:
            if part.label == last.label:
                carry_location(part, last)
        self.replace(parts[-1], *new)
        for part in reversed(parts[:-1]):
            if not any(result.uses for result in part.results):
                self.remove(part)

    def remove_unread(self, values: Sequence[SSAValue | None]) -> None:
        """Erase the constants among the makers of some values that nobody reads now."""
        makers = dict.fromkeys(value.owner for value in values if value is not None)
        for node in makers:
            if isinstance(node, ConstOp) and not node.results[0].uses:
                self.remove(node)

    def move_control_edges(self) -> None:
        """Let the nodes that waited for a node that is gone wait for what stands for it."""
        waiting = [node for node in self.graph.nodes if node.after] if self._moved else []
        for node in waiting:
            _wait_for(node, [name for old in node.control_inputs for name in self._now(old)])

    def _now(self, name: str) -> Iterator[str]:
        if name not in self._moved:
            yield name
            return
        for other in self._moved[name]:
            yield from self._now(other)


ORIGINS = "_datadump_original_op_names"
"""The attribute that lists the ONNX nodes which a node stands for."""


def origins(parts: Sequence[NodeOp]) -> ArrayAttr[StringAttr]:
    """The names of the ONNX nodes behind some nodes, each once."""
    names: dict[str, None] = {}
    for part in parts:
        noted = part.attributes.get(ORIGINS)
        # Most parts stand for themselves, and looking into the list takes long.
        listed = noted if noted and isa(noted, ArrayAttr[StringAttr]) else ()
        names |= dict.fromkeys([name.data for name in listed] or [part.label])
    return names_attr(tuple(names))


def waited_for(graph: GraphOp) -> set[str]:
    """The names of the nodes that others wait for."""
    return {name for node in graph.nodes if node.after for name in node.control_inputs}


class FreshNames:
    """Makes names that are not taken yet."""

    def __init__(self, taken: Iterable[str] = ()):
        self._taken = set(taken)

    def fresh(self, name: str) -> str:
        """The name, or with the first free number behind it."""
        candidates = chain((name,), (f"{name}_{k}" for k in count(1)))
        found = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(found)
        return found


class Names(FreshNames):
    """Makes names that no node of a graph has."""

    def __init__(self, graph: GraphOp):
        super().__init__(node.label for node in graph.nodes)


def _wait_for(node: NodeOp, names: Sequence[str]) -> None:
    unique = tuple(dict.fromkeys(names))
    node.after = names_attr(unique) if unique else None


def carry_location(old: Operation, new: Operation) -> None:
    """Give a new operation the ONNX origin of the one it stands for."""
    if isinstance(new.location, UnknownLoc):
        new.location = old.location
