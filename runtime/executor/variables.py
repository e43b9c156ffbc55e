"""Which variables a model reads, and which inputs of an update graph refresh which of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compiler.om.constants import FILE_CONSTANT
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef
from runtime.executor.operators import attribute, edges, tensor_desc
from runtime.executor.session import Session
from runtime.operator_engine import TensorDesc


def variable_address(op: OpDef) -> int:
    """Logical address of a Variable or FileConstant, which GraphEngine keeps in output_i."""
    return op.output_i[0] if op.output_i else 0


def declare_variables(model: ModelDef, session: Session) -> None:
    """Tells the session which variables a model has; AclError 500002 for one it cannot have."""
    for graph in model.graph:
        for op in graph.op:
            if op.type in ("Variable", FILE_CONSTANT):
                size = tensor_desc(op.output_desc[0], op.name).size
                session.declare(variable_address(op), size, f"node '{op.name}' ({op.type})")


def variables_read(model: ModelDef) -> dict[str, int]:
    """Names and addresses of the variables that a run of the model reads before it writes them."""
    return {name: address for graph in model.graph for name, address in _read_first(graph)}


def _read_first(graph: GraphDef) -> Iterator[tuple[str, int]]:
    """The variables of a graph, whose nodes are in execution order, that nothing wrote before."""
    variables = {op.name: op for op in graph.op if op.type == "Variable"}
    assigned: set[str] = set()
    for op in graph.op:
        producers = [producer for producer, _ in edges(op)]
        targets = producers[:1] if op.type == "Assign" else []
        for producer in producers[len(targets) :]:
            if producer in variables and producer not in assigned:
                yield producer, variable_address(variables[producer])
        assigned.update(targets)


@dataclass(frozen=True, slots=True)
class Refresh:
    """An input of an update graph whose value replaces a variable, unless it is empty."""

    variable: str
    desc: TensorDesc
    branch: str


def refreshes(model: ModelDef) -> dict[int, Refresh]:
    """The refreshing inputs of an update graph by input index; none for any other graph.

    The form is GraphEngine's: a Data that is condition and operand of an If without outputs, and
    a then-branch that assigns the operand to a Variable.
    """
    graphs = {graph.name: graph for graph in model.graph}
    data = {op.name: op for op in model.graph[0].op if op.type == "Data"}
    return dict(_refreshes(model.graph[0], data, graphs))


def _refreshes(
    root: GraphDef, data: Mapping[str, OpDef], graphs: Mapping[str, GraphDef]
) -> Iterator[tuple[int, Refresh]]:
    for op in root.op:
        if op.type != "If" or op.output_desc or not op.subgraph_name:
            continue
        producers = [producer for producer, _ in edges(op)]
        then = graphs.get(op.subgraph_name[0])
        if then is None or producers[0] not in data or len(set(producers)) != 1:
            continue
        variable = _assigned_variable(then)
        if variable is not None:
            index = attribute(data[producers[0]], "index") or 0
            desc = tensor_desc(variable.output_desc[0], variable.name)
            yield index, Refresh(variable.name, desc, op.name)


def _assigned_variable(graph: GraphDef) -> OpDef | None:
    ops = {op.name: op for op in graph.op}
    for op in graph.op:
        if op.type == "Assign":
            (ref, _), (value, _) = list(edges(op))[:2]
            if ops[ref].type == "Variable" and ops[value].type == "Data":
                return ops[ref]
    return None
