"""The graph-build calls as Python has them: results are returned, what is wrong is raised."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp, StringAttr

from compiler.context import context
from compiler.conversion.onnx_to_ge import ConvertOnnxToGEPass
from compiler.frontends.onnx import ImportOptions, import_model
from compiler.ge_ir_build.graph import (
    Graph,
    GraphWithOptions,
    ModelBufferData,
    WeightRefreshableGraphs,
)
from compiler.ge_ir_build.options import Session
from compiler.om.buffers import Held
from compiler.om.bundle import read_bundle
from compiler.om.bundle_variables import check_bundle
from compiler.om.contract import weight_folder
from compiler.om.errors import GraphError, Status
from compiler.pipelines import OfflinePass
from compiler.rewrite import FreshNames, main_graphs
from compiler.targets.om.external import weight_files
from compiler.targets.om.target import OMTarget, laid_out, write_offline_model
from compiler.transforms.ge.make_weight_refreshable import split
from compiler.weights.names import Selection
from compiler.weights.refreshability import anything, refusal
from dialects.ge import BundleOp, GraphOp

_sessions: list[Session] = []
"""The session of this process, if there is one."""


def build_initialize(global_options: Mapping[str, str] | None = None) -> None:
    """Begin to build; a second call keeps the first one's options, as GraphEngine does.

    Options are those of `options.GLOBAL`. GraphError for one that is not offered.
    """
    session = Session.of(global_options or {})
    if not _sessions:
        _sessions.append(session)


def build_finalize() -> None:
    """End what `build_initialize` began; models in memory can still be saved."""
    _sessions.clear()


@contextmanager
def build_session(global_options: Mapping[str, str] | None = None) -> Generator[None]:
    """`build_initialize`, and `build_finalize` at the end of the block."""
    build_initialize(global_options)
    try:
        yield
    finally:
        build_finalize()


def parse_onnx(model_file: str, **options: Any) -> Graph:
    """Read an ONNX model; the options are those of `compiler.frontends.onnx.ImportOptions`."""
    module = import_model(model_file, options=ImportOptions(**options))
    ConvertOnnxToGEPass().apply(context(), module)
    return Graph.of(next(main_graphs(module)))


def convert_to_weight_refreshable_graphs(
    origin_graph: Graph,
    const_names: Sequence[str],
    *,
    above: int | None = None,
    init: bool = True,
    faithful: bool = False,
) -> WeightRefreshableGraphs:
    """Split a graph into inference, initialisation and update; see `ge-make-weight-refreshable`.

    Names may be ONNX initializers' and patterns beside GraphEngine's node names. GraphError with
    GraphEngine's status for a name that is none, or that is there twice, and for what cannot be
    refreshed, unless `faithful` makes that GraphEngine's rule.
    """
    selection = Selection(tuple(const_names), above)
    selection.check()  # before the graph is looked at: the order of GraphEngine's checks
    graph = origin_graph.copy()
    weights = selection.find(graph, anything if faithful else refusal)
    others = [Graph.of(op) for op in split(graph, weights, init=init)]
    initial = others[0] if init else Graph("var_init_graph")
    return WeightRefreshableGraphs(Graph.of(graph), initial, others[-1])


def build_model(graph: Graph, build_options: Mapping[str, str] | None = None) -> ModelBufferData:
    """An offline model of one graph, in memory."""
    session = _session()
    copy = _optimised(session, GraphWithOptions(graph, build_options or {}))
    copy.detach()
    return _built(session.pipeline, ModuleOp([copy]))


def bundle_build_model(graph_with_options: Sequence[GraphWithOptions]) -> ModelBufferData:
    """A bundle of two or more graphs, in memory: the index of a model is the place of its graph.

    GraphError when variables of one name differ in type or shape, in whichever graphs. Of graphs
    with one name the later ones get a number behind it, for their combined weight files.
    """
    session = _session()
    if len(graph_with_options) < 2:
        count = len(graph_with_options)
        raise GraphError(
            Status.GRAPH_PARAM_INVALID, f"a bundle has two or more graphs, not {count}"
        )
    graphs = [_optimised(session, entry) for entry in graph_with_options]
    names = FreshNames()
    for graph in graphs:
        graph.detach()
        graph.sym_name = StringAttr(names.fresh(graph.label))
    return _built(session.pipeline, ModuleOp([BundleOp(graphs)]))


def save_model(output_file: str, model: ModelBufferData) -> Path:
    """Write `<output_file>.om` and its weight files; GraphError for a bundle."""
    if model.is_bundle:
        raise GraphError(Status.PARAM_INVALID, "a bundle is saved with bundle_save_model")
    return _save(output_file, model)


def bundle_save_model(output_file: str, model: ModelBufferData) -> Path:
    """Write `<output_file>.om` and its weight files; GraphError for what is no sound bundle."""
    if not model.is_bundle:
        raise GraphError(Status.PARAM_INVALID, "a single model is saved with save_model")
    if isinstance(model.blob, Held):  # what was built here has been checked
        check_bundle(read_bundle(model.blob.data, name=output_file))
    return _save(output_file, model)


def _session() -> Session:
    if not _sessions:
        raise GraphError(Status.FAILED, "nothing is built before aclgrphBuildInitialize")
    return _sessions[0]


def _optimised(session: Session, entry: GraphWithOptions) -> GraphOp:
    pipeline = session.with_options(entry.build_options)
    module = ModuleOp([entry.graph.copy()])
    pipeline.optimise(context(), module)
    return next(main_graphs(module))


def _built(pipeline: OfflinePass, module: ModuleOp) -> ModelBufferData:
    pipeline.build(context(), module)
    files = weight_files(module, Path())
    return ModelBufferData(laid_out(module), [(path.name, blob) for path, blob in files])


def _save(output_file: str, model: ModelBufferData) -> Path:
    path = OMTarget(output=output_file).path
    write_offline_model(path, model.blob, model.files(weight_folder(path)))
    return path
