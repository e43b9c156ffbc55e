"""ge-cancel-transposes: transposes that change nothing, undo or follow one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, ModuleOp, i32, i64
from xdsl.passes import ModulePass

from compiler.constants import const_vector, constant_values
from compiler.rewrite import GraphEditor, Names, all_graphs, editing
from dialects.ge import ConstOp, GraphOp, NodeOp, Op, type_of
from dialects.types import is_static, shape_of

PERMUTATIONS = {"TransposeD": "perm", "Permute": "order"}
"""The types whose permutation is an attribute; Transpose has an input for it."""


@dataclass(frozen=True)
class GECancelTransposesPass(ModulePass):
    """Remove transposes that change nothing, join two in a row, turn moved unit axes into a view.

    As GraphEngine's UnchangedTransposeRemovePass, PermutePass and Dim1TransposeToSqueezePass.
    """

    name = "ge-cancel-transposes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _cancel(graph)


def _cancel(graph: GraphOp) -> None:
    names = Names(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            perm = permutation(node)
            if perm is not None and perm != _unchanged(perm):
                _simplify(editor, names, *_joined(editor, names, node, perm))
            elif perm is not None:
                editor.remove(node, node.operands[:1])


def _simplify(editor: GraphEditor, names: Names, node: NodeOp, perm: tuple[int, ...]) -> None:
    if perm == _unchanged(perm):
        editor.remove(node, node.operands[:1])
    elif is_static(node.results[0].type) and _keeps_order(node, perm):
        editor.replace(node, *_view(names, node))


def _unchanged(perm: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(len(perm)))


def permutation(node: NodeOp) -> tuple[int, ...] | None:
    """Which input axis each result axis is, of a transpose that is known and waits for nobody."""
    kind = type_of(node)
    if node.after is not None:
        return None
    perm = None
    if kind == "Transpose":
        perm = constant_values(node.input("perm"))
    elif kind in PERMUTATIONS:
        listed = node.attributes.get(PERMUTATIONS[kind])
        perm = listed.get_values() if isinstance(listed, DenseArrayBase) else None
    return None if perm is None else tuple(int(axis) % len(perm) for axis in perm)


def _joined(
    editor: GraphEditor, names: Names, node: NodeOp, perm: tuple[int, ...]
) -> tuple[NodeOp, tuple[int, ...]]:
    """The node with the transpose before it, if there is one, made one node."""
    before = node.operands[0].owner
    first = permutation(before) if isinstance(before, NodeOp) else None
    if first is None or not isinstance(before, NodeOp):
        return node, perm
    both = tuple(first[axis] for axis in perm)
    if len(list(before.results[0].uses)) > 1 and both != _unchanged(both):
        return node, perm
    new = _transpose(names, node, before, both)
    editor.fuse([before, node], *new)
    return new[-1], both


def _transpose(
    names: Names, node: NodeOp, before: NodeOp, perm: Sequence[int]
) -> tuple[ConstOp, Op]:
    constant = const_vector(names.fresh(f"{node.label}_perm"), perm, i32)
    inputs = {"x": before.operands[0], "perm": constant.results[0]}
    return constant, Op.of("Transpose", node.label, inputs, node.result_types)


def _keeps_order(node: NodeOp, perm: Sequence[int]) -> bool:
    """Whether the axes that have more than one place stay in order."""
    shape = shape_of(node.operands[0])
    moved = [axis for axis in perm if shape[axis] != 1]
    return moved == sorted(moved)


def _view(names: Names, node: NodeOp) -> tuple[ConstOp, Op]:
    shape = shape_of(node.results[0])
    constant = const_vector(names.fresh(f"{node.label}_shape"), shape, i64)
    flags = {"axis": IntegerAttr(0, i64), "num_axes": IntegerAttr(-1, i64)}
    inputs = {"x": node.operands[0], "shape": constant.results[0]}
    return constant, Op.of("Reshape", node.label, inputs, node.result_types, flags)
