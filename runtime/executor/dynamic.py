"""Dynamic models: the graph walked node by node, shapes as the inputs bring them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from compiler.om.contract import PARENT_INDEX_NAME
from compiler.om.ge_ir_pb2 import GraphDef, OpDef
from compiler.om.offline_model import SubModel
from compiler.om.strings import decode_strings
from runtime.device import Bytes
from runtime.errors import AclError, Code
from runtime.executor.memory import AddressSpace, Session
from runtime.executor.observer import Observer
from runtime.executor.operators import Operand, attribute, edges, node_of, operands, tensor_desc
from runtime.executor.variables import refreshes, variable_address
from runtime.operator_engine import Array, Node, OperatorError, TensorDesc, kernel_for, run
from runtime.operator_engine.dtypes import STRINGS
from runtime.packing import load
from runtime.precision import FloatMode

Values = dict[tuple[str, int], Array]

_EPSILON = {"float32": np.finfo(np.float32).eps, "float64": np.finfo(np.float64).eps}


class DynamicExecutor:
    """Runs a model whose shapes are known at run time only."""

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
        self._mode = mode
        self._observer = observer
        self.session = session
        self.space = AddressSpace(session.region)
        self._weights = weights
        self._graphs = {graph.name: graph for graph in model.model_def.graph}
        self._main = model.model_def.graph[0]
        self._variables = {
            op.name: variable_address(op)
            for graph in model.model_def.graph
            for op in graph.op
            if op.type == "Variable"
        }
        # A scalar is never empty, whatever its value: only GraphEngine's own rule skips a zero.
        self._by_shape = (
            set[str]()
            if faithful
            else {refresh.branch for refresh in refreshes(model.model_def).values()}
        )
        self._special: dict[str, Callable[[OpDef, Values], Sequence[Array]]] = {
            "Case": self._case,
            "Const": self._constant,
            "Constant": self._constant,
            "FileConstant": self._variable,
            "If": self._if,
            "PartitionedCall": self._call,
            "Variable": self._variable,
            "While": self._while,
        }
        self._prepared = {
            (graph.name, op.name): _prepare(op)
            for graph in model.model_def.graph
            for op in graph.op
            if op.type not in ("Data", "NetOutput") and op.type not in self._special
        }

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Executes the model once; `inputs` in the order of the Data nodes' index."""
        try:
            return self._run_graph(self._main, inputs, "index")
        except OperatorError as error:
            raise AclError(Code.RT_MODEL_EXECUTE, str(error)) from error

    def _run_graph(
        self, graph: GraphDef, arguments: Sequence[Array], argument_index: str
    ) -> list[Array]:
        values: Values = {}
        results: dict[int, Array] = {}
        for op in graph.op:
            if op.type == "NetOutput":
                results |= _results(op, values)
                continue
            if op.type == "Data":
                outputs: Sequence[Array] = [arguments[attribute(op, argument_index) or 0]]
            elif op.type in self._special:
                outputs = self._special[op.type](op, values)
            else:
                outputs = self._compute(graph.name, op, values)
            if self._observer is not None:
                self._observer(graph.name, op.name, outputs)
            values.update({(op.name, place): value for place, value in enumerate(outputs)})
        return [results[index] for index in sorted(results)]

    def _compute(self, graph: str, op: OpDef, values: Values) -> Sequence[Array]:
        node, connected = self._prepared[graph, op.name]
        inputs = {operand.port: values[operand.producer, operand.output] for operand in connected}
        outputs = run(node, inputs, saturates=self._mode.saturates)
        if op.type == "Assign" and connected[0].producer in self._variables:
            self.session.written.add(self._variables[connected[0].producer])
        return outputs

    def _variable(self, op: OpDef, values: Values) -> Sequence[Array]:
        desc = tensor_desc(op.output_desc[0], op.name)
        found = self.space.tensor(variable_address(op), desc, f"node '{op.name}' ({op.type})")
        return [load(found, desc.dtype, desc.shape) if desc.is_packed else found]

    def _constant(self, op: OpDef, values: Values) -> Sequence[Array]:
        tensor = op.attr["value"].t
        desc = tensor_desc(tensor.desc, op.name)
        size = tensor.desc.weight_size if desc.dtype == STRINGS else desc.size
        data = np.frombuffer(tensor.data, np.uint8)
        if len(data) < size:
            start = tensor.desc.data_offset
            data = self._weights[start : start + size]
        if len(data) < size:
            raise AclError(
                Code.GE_FAILURE,
                f"node '{op.name}' (Const): its {size} bytes are neither in the graph nor in "
                "the weights",
            )
        if desc.dtype == STRINGS:
            return [_strings(data, desc)]
        return [load(data[:size], desc.dtype, desc.shape)]

    def _arguments(self, op: OpDef, values: Values) -> list[Array]:
        return [values[edge] for edge in edges(op) if edge[0]]

    def _branch(self, op: OpDef, place: int, arguments: Sequence[Array]) -> list[Array]:
        return self._run_graph(self._graphs[op.subgraph_name[place]], arguments, PARENT_INDEX_NAME)

    def _if(self, op: OpDef, values: Values) -> Sequence[Array]:
        arguments = self._arguments(op, values)
        condition = arguments[0]
        chosen = condition.size > 0 if op.name in self._by_shape else truth(condition, op.name)
        return self._branch(op, 0 if chosen else 1, arguments)

    def _case(self, op: OpDef, values: Values) -> Sequence[Array]:
        arguments = self._arguments(op, values)
        last = len(op.subgraph_name) - 1
        index = int(arguments[0].reshape(-1)[0])
        return self._branch(op, index if 0 <= index <= last else last, arguments)

    def _while(self, op: OpDef, values: Values) -> Sequence[Array]:
        state: Sequence[Array] = self._arguments(op, values)
        while truth(self._branch(op, 0, state)[0], op.name):
            state = self._branch(op, 1, state)
        return state

    def _call(self, op: OpDef, values: Values) -> Sequence[Array]:
        return self._branch(op, 0, self._arguments(op, values))


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
    raise AclError(
        Code.GE_FAILURE,
        f"node '{node}' (If): a scalar condition of {condition.dtype} has no truth value; it must "
        "be a bool, an integer, float32 or float64",
    )


def _results(op: OpDef, values: Values) -> dict[int, Array]:
    """What a graph gives, by the output of its owner that it is for."""
    results: dict[int, Array] = {}
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
        raise AclError(Code.GE_FAILURE, str(error)) from None
    return node, connected
