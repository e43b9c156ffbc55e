"""What GraphEngine checks of a parsed ModelDef when it rebuilds the graphs."""

from collections.abc import Iterable, Iterator

from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef

MAX_DIGITS = 18  # an index of more is out of range as well, and Python limits what it parses


def graph_fault(model: ModelDef) -> str | None:
    """The first thing that keeps GraphEngine from loading the graphs, None when nothing does."""
    return next(graph_faults(model), None)


def graph_faults(model: ModelDef) -> Iterator[str]:
    """All that keeps GraphEngine from loading the graphs."""
    if not model.graph:
        yield "MODEL_DEF has no graph"
        return
    for graph in model.graph:
        ops = {op.name: op for op in graph.op}
        yield from _border_faults(graph, ops)
        for op in graph.op:
            yield from _edge_faults(graph, op, ops)
    # With a single graph GraphEngine never looks at the names.
    graphs = {graph.name: graph for graph in model.graph}
    if len(graphs) > 1:
        yield from _subgraph_faults(graphs[model.graph[0].name], graphs)


def _border_faults(graph: GraphDef, ops: dict[str, OpDef]) -> Iterator[str]:
    for border in (*graph.input, *graph.output):
        producer, colon, _ = border.rpartition(":")
        if colon and producer not in ops:
            yield f"graph {graph.name!r} names {border!r}, which is no operator of it"


def _edge_faults(graph: GraphDef, op: OpDef, ops: dict[str, OpDef]) -> Iterator[str]:
    position = 0
    for edge in op.input:
        producer, index = _parse_edge(edge)
        where = f"operator {op.name!r} of graph {graph.name!r} takes {edge!r}"
        if producer is not None and producer not in ops:
            yield f"{where}, which no operator makes"
        elif producer is not None and index >= len(ops[producer].output_desc):
            yield f"{where}, but {producer!r} has {len(ops[producer].output_desc)} outputs"
        elif producer is not None and index >= 0 and position >= len(op.input_desc):
            yield f"{where} as input {position}, but has {len(op.input_desc)} input_desc"
        position += index >= 0


def _parse_edge(edge: str) -> tuple[str | None, int]:
    """Producer and output index, -1 for a control edge; no producer for an open input."""
    producer, colon, index = edge.rpartition(":")
    if not colon:
        return None, 0
    sign, digits = (index[:1], index[1:]) if index[:1] == "-" else ("", index)
    is_number = digits.isascii() and digits.isdecimal()
    return producer, int(sign + digits[:MAX_DIGITS]) if is_number else 0


def _subgraph_faults(main: GraphDef, graphs: dict[str, GraphDef]) -> Iterator[str]:
    reached = [main]
    seen = {main.name}
    for graph in reached:
        for op, name in _subgraph_names(graph.op):
            if name not in graphs:
                yield f"operator {op.name!r} of graph {graph.name!r} calls {name!r}, no such graph"
            elif name not in seen:
                seen.add(name)
                reached.append(graphs[name])


def _subgraph_names(ops: Iterable[OpDef]) -> Iterator[tuple[OpDef, str]]:
    return ((op, name) for op in ops for name in op.subgraph_name if name)
