"""GraphEngine's graph-build interface: graphs in, offline models and bundles out, in one process.

The package has the name of the header that declares these calls, `ge_ir_build.h`. Each of them is
here twice: under its own name (`aclgrphBundleBuildModel`), with GraphEngine's arguments, results
in objects that are passed in, and a return code; and under the name that Python's conventions make
of it (`bundle_build_model`, as GraphEngine's own `ge.offline_compile` has it), which returns its
result and raises `StatusError`.
"""

from compiler.ge_ir_build.aclgrph import (
    GRAPH_FAILED,
    GRAPH_PARAM_INVALID,
    GRAPH_SUCCESS,
    PARAM_INVALID,
    UNSUPPORTED,
    GEGetErrorMsg,
    aclgrphBuildFinalize,
    aclgrphBuildInitialize,
    aclgrphBuildModel,
    aclgrphBundleBuildModel,
    aclgrphBundleSaveModel,
    aclgrphConvertToWeightRefreshableGraphs,
    aclgrphParseONNX,
    aclgrphSaveModel,
)
from compiler.ge_ir_build.calls import (
    build_finalize,
    build_initialize,
    build_model,
    build_session,
    bundle_build_model,
    bundle_save_model,
    convert_to_weight_refreshable_graphs,
    parse_onnx,
    save_model,
)
from compiler.ge_ir_build.graph import (
    Graph,
    GraphWithOptions,
    ModelBufferData,
    WeightRefreshableGraphs,
)

__all__ = [
    "GRAPH_FAILED",
    "GRAPH_PARAM_INVALID",
    "GRAPH_SUCCESS",
    "PARAM_INVALID",
    "UNSUPPORTED",
    "GEGetErrorMsg",
    "Graph",
    "GraphWithOptions",
    "ModelBufferData",
    "WeightRefreshableGraphs",
    "aclgrphBuildFinalize",
    "aclgrphBuildInitialize",
    "aclgrphBuildModel",
    "aclgrphBundleBuildModel",
    "aclgrphBundleSaveModel",
    "aclgrphConvertToWeightRefreshableGraphs",
    "aclgrphParseONNX",
    "aclgrphSaveModel",
    "build_finalize",
    "build_initialize",
    "build_model",
    "build_session",
    "bundle_build_model",
    "bundle_save_model",
    "convert_to_weight_refreshable_graphs",
    "parse_onnx",
    "save_model",
]
