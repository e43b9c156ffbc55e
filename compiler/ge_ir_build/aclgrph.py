"""The graph-build calls under GraphEngine's names: arguments, out-parameters and return codes.

Names are those of `ge_ir_build.h`, `onnx_parser.h` and `ge_api.h`. What has a message keeps it for
`GEGetErrorMsg`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.utils.exceptions import DiagnosticException

from compiler.errors import UserError
from compiler.faithfulness import is_faithful
from compiler.ge_ir_build import calls
from compiler.ge_ir_build.graph import (
    Graph,
    GraphWithOptions,
    ModelBufferData,
    WeightRefreshableGraphs,
)
from compiler.om.errors import GraphError, Status, StatusError

GRAPH_SUCCESS = int(Status.SUCCESS)
GRAPH_PARAM_INVALID = int(Status.GRAPH_PARAM_INVALID)
GRAPH_FAILED = int(Status.FAILED)
PARAM_INVALID = int(Status.PARAM_INVALID)
UNSUPPORTED = int(Status.UNSUPPORTED)

_messages: list[str] = []


def GEGetErrorMsg() -> str:
    """What was wrong since the last call of this function, a line for each; "" if nothing was."""
    text = "\n".join(_messages)
    _messages.clear()
    return text


def aclgrphBuildInitialize(global_options: Mapping[str, str]) -> int:
    """Begin to build, for the chip and with the options that hold for all graphs."""
    return _status(lambda: calls.build_initialize(global_options))


def aclgrphBuildFinalize() -> None:
    """End what `aclgrphBuildInitialize` began; without that nothing."""
    calls.build_finalize()


def aclgrphParseONNX(model_file: str, parser_params: Mapping[str, str], graph: Graph) -> int:
    """Read an ONNX model into `graph`; no parameter is offered."""

    def parse() -> None:
        if parser_params:
            known = ", ".join(parser_params)
            raise GraphError(Status.GRAPH_PARAM_INVALID, f"parameters {known} are not offered")
        read = calls.parse_onnx(model_file)
        graph.name, graph.op = graph.name or read.name, read.op

    return _status(parse)


def aclgrphConvertToWeightRefreshableGraphs(
    origin_graph: Graph,
    const_names: Sequence[str],
    weight_refreshable_graphs: WeightRefreshableGraphs,
) -> int:
    """Split a graph into the three of `weight_refreshable_graphs`; the graph stays as it is.

    ASCEND_OPT_FAITHFUL=1 lets what cannot usefully be refreshed become a variable, too.
    """

    def convert() -> None:
        made = calls.convert_to_weight_refreshable_graphs(
            origin_graph, const_names, faithful=is_faithful()
        )
        weight_refreshable_graphs.infer_graph = made.infer_graph
        weight_refreshable_graphs.var_init_graph = made.var_init_graph
        weight_refreshable_graphs.var_update_graph = made.var_update_graph

    return _status(convert)


def aclgrphBuildModel(
    graph: Graph, build_options: Mapping[str, str], model: ModelBufferData
) -> int:
    """Build one graph into `model`."""
    return _status(lambda: _fill(model, calls.build_model(graph, build_options)))


def aclgrphBundleBuildModel(
    graph_with_options: Sequence[GraphWithOptions], model: ModelBufferData
) -> int:
    """Build two or more graphs, in their order and in one session, into `model`."""
    return _status(lambda: _fill(model, calls.bundle_build_model(graph_with_options)))


def aclgrphSaveModel(output_file: str | None, model: ModelBufferData) -> int:
    """Write `<output_file>.om`; a bundle is refused."""
    return _status(lambda: calls.save_model(_named(output_file), model))


def aclgrphBundleSaveModel(output_file: str | None, model: ModelBufferData) -> int:
    """Write a bundle as `<output_file>.om`; a single model is refused."""
    return _status(lambda: calls.bundle_save_model(_named(output_file), model))


def _named(output_file: str | None) -> str:
    if output_file is None:
        raise GraphError(Status.GRAPH_PARAM_INVALID, "the name of the file to write is missing")
    return output_file


def _fill(model: ModelBufferData, built: ModelBufferData) -> None:
    model.blob, model.weights = built.blob, built.weights


def _status(call: Callable[[], object]) -> int:
    """GraphEngine's status of a call; one that has none of its own is a failure."""
    try:
        call()
    except StatusError as error:
        _messages.append(str(error))
        return int(error.code)
    except (UserError, DiagnosticException, OSError) as error:
        _messages.append(str(error))
        return GRAPH_FAILED
    return GRAPH_SUCCESS
