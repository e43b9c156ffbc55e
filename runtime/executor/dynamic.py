"""Dynamic models: the graph walked node by node, shapes as the inputs bring them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TypeVar

import numpy as np

from compiler.om.constants import CONST_TYPES, FILE_CONSTANT
from compiler.om.contract import PARENT_INDEX_NAME
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef
from compiler.om.offline_model import SubModel
from compiler.om.strings import decode_strings
from runtime.device import Bytes
from runtime.errors import AclError, Code, failure
from runtime.executor.contents import Place
from runtime.executor.observer import Observer
from runtime.executor.operators import (
    Operand,
    attribute,
    constant_desc,
    edges,
    node_of,
    operands,
    tensor_desc,
)
from runtime.executor.session import Session, Variables
from runtime.executor.variables import declare_variables, refreshes, variable_address
from runtime.operator_engine import Array, Node, OperatorError, TensorDesc, kernel_for, run
from runtime.operator_engine.dtypes import STRINGS
from runtime.packing import load, packed
from runtime.precision import FloatMode

T = TypeVar("T")
Take = Callable[[list[Array]], T]
Value = Array | Place
Values = dict[tuple[str, int], Value]

_EPSILON = {"float32": np.finfo(np.float32).eps, "float64": np.finfo(np.float64).eps}


class DynamicExecutor:
    """Runs a model whose shapes are known at run time only; several runs at a time."""

    def __init__(
        self,
        model: SubModel,
        weights: Bytes,
        session: Session,
        *,
        faithful: bool,
        mode: FloatMode,
        observer: Observer | None = None,
    ) -> None:
        self.mode = mode
        self.observer = observer
        self.weights = weights
        self.faithful = faithful
        self.graphs = {graph.name: graph for graph in model.model_def.graph}
        self._main = model.model_def.graph[0]
        declare_variables(model.model_def, session)
        self.variables = _places(model.model_def, session)
        # A scalar is never empty, whatever its value: only GraphEngine's own rule skips a zero.
        self.by_shape = (
            set[str]()
            if faithful
            else {refresh.branch for refresh in refreshes(model.model_def).values()}
        )
        self.prepared = {
            (graph.name, op.name): _prepare(op)
            for graph in model.model_def.graph
            for op in graph.op
            if op.type not in ("Data", "NetOutput") and op.type not in _SPECIAL
        }

    def run(self, inputs: Sequence[Array], variables: Variables, take: Take[T]) -> T:
        """Executes the model once, `inputs` in the order of the Data nodes' index; what `take`
        makes of its outputs.
        """
        walk = _Walk(self, variables)
        try:
            results = walk.graph(self._main, inputs, "index")
        except OperatorError as error:
            raise AclError(Code.RT_MODEL_EXECUTE, str(error)) from error
        taken = take([walk.resolved(result) for result in results])
        variables.publish()
        return taken


class _Walk:
    """One run. A variable is its place among the values, until somebody computes with it."""

    def __init__(self, model: DynamicExecutor, variables: Variables) -> None:
        self._model = model
        self._variables = variables

    def graph(
        self, graph: GraphDef, arguments: Sequence[Value], argument_index: str
    ) -> list[Value]:
        """Executes a graph."""
        values: Values = {}
        results: dict[int, Value] = {}
        for op in graph.op:
            if op.type == "NetOutput":
                results |= _results(op, values)
                continue
            if op.type == "Data":
                outputs: Sequence[Value] = [arguments[attribute(op, argument_index) or 0]]
            elif op.type in _SPECIAL:
                outputs = _SPECIAL[op.type](self, op, values)
            else:
                outputs = self._compute(graph.name, op, values)
            self._observe(graph.name, op, outputs)
            values.update({(op.name, place): value for place, value in enumerate(outputs)})
        return [results[index] for index in sorted(results)]

    def _observe(self, graph: str, op: OpDef, outputs: Sequence[Value]) -> None:
        if self._model.observer is not None:
            known = [value for value in outputs if self._is_known(value)]
            self._model.observer(graph, op.name, [self.resolved(value) for value in known])

    def _is_known(self, value: Value) -> bool:
        return not isinstance(value, Place) or self._variables.holds(value)

    def resolved(self, value: Value) -> Array:
        """The tensor that a value is."""
        if not isinstance(value, Place):
            return value
        found, desc = self._variables.read(value), value.desc
        return load(found, desc.dtype, desc.shape) if desc.is_packed else found

    def _compute(self, graph: str, op: OpDef, values: Values) -> Sequence[Value]:
        node, connected = self._model.prepared[graph, op.name]
        given = {operand.port: values[operand.producer, operand.output] for operand in connected}
        target = given.get("ref")
        if op.type == "Assign" and isinstance(target, Place):
            return self._assign(node, target, self.resolved(given["value"]))
        inputs = {port: self.resolved(value) for port, value in given.items()}
        return run(node, inputs, saturates=self._model.mode.saturates)

    def _assign(self, node: Node, target: Place, value: Array) -> Sequence[Value]:
        desc = target.desc
        if self._model.faithful and value.size == 1 and value.shape != desc.shape:
            value = np.full(desc.shape, value.reshape(-1)[0])  # the kernel fills the variable
        if value.shape != desc.shape or value.dtype != desc.dtype:
            raise node.error(
                f"cannot assign {value.dtype}{list(value.shape)} "
                f"to a variable of {desc.dtype}{list(desc.shape)}"
            )
        memory = self._variables.write(target, keep=False)
        np.copyto(memory, packed(value) if desc.is_packed else value)
        return [target]

    def variable(self, op: OpDef, values: Values) -> Sequence[Value]:
        """A Variable, which is not read yet."""
        return [self._model.variables[op.name]]

    def constant(self, op: OpDef, values: Values) -> Sequence[Value]:
        """A Const: its bytes are in the node, or in the weights."""
        tensor = op.attr["value"].t
        desc = constant_desc(op)
        size = tensor.desc.weight_size if desc.dtype == STRINGS else desc.size
        data = np.frombuffer(tensor.data, np.uint8)
        if len(data) < size:
            start = tensor.desc.data_offset
            data = self._model.weights[start : start + size] if start >= 0 else data
        if len(data) < size:
            raise failure(
                f"node '{op.name}' (Const): its {size} bytes are neither in the graph nor in "
                "the weights",
            )
        if desc.dtype == STRINGS:
            return [_strings(data, desc)]
        return [load(data[:size], desc.dtype, desc.shape)]

    def _arguments(self, op: OpDef, values: Values) -> list[Value]:
        return [values[edge] for edge in edges(op) if edge[0]]

    def _branch(self, op: OpDef, place: int, arguments: Sequence[Value]) -> list[Value]:
        graph = self._model.graphs[op.subgraph_name[place]]
        return self.graph(graph, arguments, PARENT_INDEX_NAME)

    def _truth(self, condition: Value, node: str) -> bool:
        return truth(self.resolved(condition), node)

    def if_(self, op: OpDef, values: Values) -> Sequence[Value]:
        """One branch of two."""
        arguments = self._arguments(op, values)
        if op.name in self._model.by_shape:
            chosen = self.resolved(arguments[0]).size > 0
        else:
            chosen = self._truth(arguments[0], op.name)
        return self._branch(op, 0 if chosen else 1, arguments)

    def case_(self, op: OpDef, values: Values) -> Sequence[Value]:
        """One branch of several, the last for any other index."""
        arguments = self._arguments(op, values)
        last = len(op.subgraph_name) - 1
        index = int(self.resolved(arguments[0]).reshape(-1)[0])
        return self._branch(op, index if 0 <= index <= last else last, arguments)

    def while_(self, op: OpDef, values: Values) -> Sequence[Value]:
        """A body as long as its condition holds."""
        state: Sequence[Value] = self._arguments(op, values)
        while self._truth(self._branch(op, 0, state)[0], op.name):
            state = self._branch(op, 1, state)
        return state

    def call(self, op: OpDef, values: Values) -> Sequence[Value]:
        """A graph of its own."""
        return self._branch(op, 0, self._arguments(op, values))


_SPECIAL: Mapping[str, Callable[[_Walk, OpDef, Values], Sequence[Value]]] = {
    "Case": _Walk.case_,
    **dict.fromkeys(CONST_TYPES, _Walk.constant),
    FILE_CONSTANT: _Walk.variable,
    "If": _Walk.if_,
    "PartitionedCall": _Walk.call,
    "Variable": _Walk.variable,
    "While": _Walk.while_,
}
"""What a run does for the node types that are no kernels."""


def _places(model: ModelDef, session: Session) -> dict[str, Place]:
    return {
        op.name: session.place(
            variable_address(op),
            tensor_desc(op.output_desc[0], op.name),
            f"node '{op.name}' ({op.type})",
        )
        for graph in model.graph
        for op in graph.op
        if op.type in ("Variable", FILE_CONSTANT)
    }


def _strings(data: Bytes, desc: TensorDesc) -> Array:
    """The text of a constant of strings."""
    found = decode_strings(data.data, prod(desc.shape))
    texts = [string.decode("utf-8", "surrogateescape") for string in found]
    return np.array(texts, STRINGS).reshape(desc.shape)


def truth(condition: Array, node: str) -> bool:
    """Whether an If takes its then-branch (GraphEngine's `control_kernel.cc`).

    A tensor with dims is true unless it is empty; a scalar is true unless it is zero, where a
    float within the machine epsilon of its type counts as zero.
    """
    if condition.ndim:
        return condition.size > 0
    if condition.dtype.name in _EPSILON:
        return bool(abs(condition) > _EPSILON[condition.dtype.name])
    if condition.dtype.kind in "iub":
        return bool(condition != 0)
    raise failure(
        f"node '{node}' (If): a scalar condition of {condition.dtype} has no truth value; it must "
        "be a bool, an integer, float32 or float64",
    )


def _results(op: OpDef, values: Values) -> dict[int, Value]:
    """What a graph gives, by the output of its owner that it is for."""
    results: dict[int, Value] = {}
    for place, edge in enumerate(edges(op)):
        described = place < len(op.input_desc) and PARENT_INDEX_NAME in op.input_desc[place].attr
        index = op.input_desc[place].attr[PARENT_INDEX_NAME].i if described else place
        results[index] = values[edge]
    return results


def _prepare(op: OpDef) -> tuple[Node, tuple[Operand, ...]]:
    connected = operands(op)
    node = node_of(op, connected)
    try:
        kernel_for(node)
    except OperatorError as error:
        raise failure(str(error)) from None
    return node, connected
