"""What of a ModelDef's graphs is refused, and what GraphEngine lets pass."""

from collections.abc import Callable

import pytest

from compiler.om.checks import graph_fault
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.writer import CompiledModel

Change = Callable[[ModelDef], object]


@pytest.fixture
def model(static_model: CompiledModel) -> ModelDef:
    """x·W + b, whose last operator is NetOutput with one input."""
    return static_model.model_def


def add_graphs(model: ModelDef) -> None:
    """Two graphs that call each other, and a call from the main one."""
    for name, callee in (("then", "else"), ("else", "then"), ("net", "then")):
        graph = model.graph[0] if name == "net" else model.graph.add(name=name)
        graph.op.add(name=f"call in {name}", type="If", subgraph_name=["", callee])


def call_from(graph: str) -> Change:
    def change(model: ModelDef) -> None:
        add_graphs(model)
        (caller,) = (each for each in model.graph if each.name == graph)
        caller.op.add(name="caller", subgraph_name=["nowhere"])

    return change


def with_input(edge: str, at: int = 0) -> Change:
    return lambda model: model.graph[0].op[5].input.insert(at, edge)


def with_first_input(edge: str) -> Change:
    return lambda model: model.graph[0].op[5].input.__setitem__(0, edge)


ACCEPTED: dict[str, Change] = {
    "as it is": lambda model: None,
    "a control edge": with_input("mm:-1", at=1),
    "a control edge before data": with_input("mm:-1"),
    "an open input": with_first_input(""),
    "an input without an index": with_first_input("nobody"),
    "an index that is no number": with_first_input("add:٣"),
    "a border without an index": lambda model: model.graph[0].output.append("nobody"),
    "graphs that call each other": add_graphs,
    "a lone graph's call": lambda model: model.graph[0].op[0].subgraph_name.append("nowhere"),
    "a call from a graph nobody calls": lambda model: model.graph.add(name="idle").op.add(
        name="caller", subgraph_name=["nowhere"]
    ),
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(change: Change, model: ModelDef) -> None:
    change(model)
    assert graph_fault(model) is None


BROKEN: list[tuple[Change, str]] = [
    (lambda model: model.ClearField("graph"), "MODEL_DEF has no graph"),
    (
        with_first_input("nobody:0"),
        "operator 'out' of graph 'net' takes 'nobody:0', which no operator makes",
    ),
    (
        with_first_input("nobody:-1"),
        "operator 'out' of graph 'net' takes 'nobody:-1', which no operator makes",
    ),
    (
        with_first_input("mm:1"),
        "operator 'out' of graph 'net' takes 'mm:1', but 'mm' has 1 outputs",
    ),
    (
        with_input("mm:0", at=1),
        "operator 'out' of graph 'net' takes 'mm:0' as input 1, but has 1 input_desc",
    ),
    (
        lambda model: model.graph[0].input.append("nobody:0"),
        "graph 'net' names 'nobody:0', which is no operator of it",
    ),
    (
        lambda model: model.graph[0].output.append("nobody:0"),
        "graph 'net' names 'nobody:0', which is no operator of it",
    ),
    (call_from("net"), "operator 'caller' of graph 'net' calls 'nowhere', no such graph"),
    (call_from("else"), "operator 'caller' of graph 'else' calls 'nowhere', no such graph"),
]


@pytest.mark.parametrize(("change", "fault"), BROKEN)
def test_broken(change: Change, fault: str, model: ModelDef) -> None:
    change(model)
    assert graph_fault(model) == fault


def test_an_index_of_any_length(model: ModelDef) -> None:
    model.graph[0].op[5].input[0] = "mm:" + "9" * 5000
    assert str(graph_fault(model)).endswith("but 'mm' has 1 outputs")
