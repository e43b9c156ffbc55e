"""Lazy tables of our dialects, passes and targets: ascend-opt and stock xdsl-opt both read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Any

from xdsl.universe import Universe

DIALECTS = {
    "onnx": "dialects.onnx.dialect:ONNX",
    "ge": "dialects.ge:GE",
    "davinci": "dialects.davinci:DAVINCI",
    "om": "dialects.om:OM",
    "weights": "dialects.weights:WEIGHTS",
}

PASSES = {
    "convert-onnx-to-ge": "compiler.conversion.onnx_to_ge:ConvertOnnxToGEPass",
    "ge-fold-constants": "compiler.transforms.ge.fold_constants:GEFoldConstantsPass",
    "ge-remove-dead-nodes": "compiler.transforms.ge.remove_dead_nodes:GERemoveDeadNodesPass",
    "ge-merge-duplicates": "compiler.transforms.ge.merge_duplicates:GEMergeDuplicatesPass",
    "ge-cancel-reshapes": "compiler.transforms.ge.cancel_reshapes:GECancelReshapesPass",
    "ge-cancel-transposes": "compiler.transforms.ge.cancel_transposes:GECancelTransposesPass",
    "ge-fuse-conv-bias": "compiler.transforms.ge.fuse_conv_bias:GEFuseConvBiasPass",
    "ge-fuse-batch-norm-scale": (
        "compiler.transforms.ge.fuse_batch_norm_scale:GEFuseBatchNormScalePass"
    ),
    "ge-fuse-conv-batch-norm": (
        "compiler.transforms.ge.fuse_conv_batch_norm:GEFuseConvBatchNormPass"
    ),
    "ge-fuse-matmul-bias": "compiler.transforms.ge.fuse_matmul_bias:GEFuseMatmulBiasPass",
    "ge-fuse-fixpipe": "compiler.transforms.ge.fuse_fixpipe:GEFuseFixpipePass",
    "ge-fuse-matmul-eltwise": (
        "compiler.transforms.ge.fuse_matmul_eltwise:GEFuseMatmulEltwisePass"
    ),
    "ge-fuse-eltwise": "compiler.transforms.ge.fuse_eltwise:GEFuseEltwisePass",
    "ge-fuse-pad-conv": "compiler.transforms.ge.fuse_pad_conv:GEFusePadConvPass",
    "ge-fuse-softmax": "compiler.transforms.ge.fuse_softmax:GEFuseSoftmaxPass",
    "ge-fuse-gelu": "compiler.transforms.ge.fuse_gelu:GEFuseGeluPass",
    "ge-fuse-layer-norm": "compiler.transforms.ge.fuse_layer_norm:GEFuseLayerNormPass",
    "ge-fuse-attention": "compiler.transforms.ge.fuse_attention:GEFuseAttentionPass",
    "ge-copy-stored-outputs": "compiler.transforms.ge.copy_stored_outputs:GECopyStoredOutputsPass",
    "ge-cancel-broadcasts": "compiler.transforms.ge.cancel_broadcasts:GECancelBroadcastsPass",
    "ge-cancel-casts": "compiler.transforms.ge.cancel_casts:GECancelCastsPass",
    "ge-remove-identity": "compiler.transforms.ge.remove_identity:GERemoveIdentityPass",
    "ge-lower-global-pool": "compiler.transforms.ge.lower_global_pool:GELowerGlobalPoolPass",
    "ge-convert-batch-norm": "compiler.transforms.ge.convert_batch_norm:GEConvertBatchNormPass",
    "ge-assign-precision": "compiler.transforms.ge.assign_precision:GEAssignPrecisionPass",
    "ge-externalize-weights": "compiler.transforms.ge.externalize_weights:GEExternalizeWeightsPass",
    "ge-make-weight-refreshable": (
        "compiler.transforms.ge.make_weight_refreshable:GEMakeWeightRefreshablePass"
    ),
    "ge-name-weights": "compiler.transforms.ge.name_weights:GENameWeightsPass",
    "ge-make-multi-batch": "compiler.transforms.ge.make_multi_batch:GEMakeMultiBatchPass",
    "ge-set-shape-ranges": "compiler.transforms.ge.set_shape_ranges:GESetShapeRangesPass",
    "convert-ge-to-davinci": "compiler.conversion.ge_to_davinci:ConvertGEToDavinciPass",
    "davinci-select-tiles": "compiler.transforms.davinci.select_tiles:DavinciSelectTilesPass",
    "davinci-split-mix": "compiler.transforms.davinci.split_mix:DavinciSplitMixPass",
    "davinci-lower-tiles": "compiler.transforms.davinci.lower_tiles:DavinciLowerTilesPass",
    "davinci-multi-buffer": "compiler.transforms.davinci.multi_buffer:DavinciMultiBufferPass",
    "davinci-plan-memory": "compiler.transforms.davinci.plan_memory:DavinciPlanMemoryPass",
    "davinci-inject-sync": "compiler.transforms.davinci.inject_sync:DavinciInjectSyncPass",
    "davinci-verify-memory": "compiler.transforms.davinci.verify_memory:DavinciVerifyMemoryPass",
    "davinci-verify-sync": "compiler.transforms.davinci.verify_sync:DavinciVerifySyncPass",
    "convert-ge-to-om": "compiler.conversion.ge_to_om:ConvertGEToOMPass",
    "om-assign-streams": "compiler.transforms.om.assign_streams:OMAssignStreamsPass",
    "om-plan-memory": "compiler.transforms.om.plan_memory:OMPlanMemoryPass",
    "offline": "compiler.pipelines:OfflinePass",
}

TARGETS = {
    "om": "compiler.targets.om:OMTarget",
    "schedule": "compiler.targets.schedule:ScheduleTarget",
    "weights": "compiler.targets.weights:WeightsTarget",
}


def _load(where: str) -> Any:
    module, name = where.split(":")
    return getattr(import_module(module), name)


def _factories(table: Iterable[tuple[str, str]]) -> dict[str, Callable[[], Any]]:
    return {name: partial(_load, where) for name, where in table}


UNIVERSE = Universe(
    all_dialects=_factories(DIALECTS.items()),
    all_passes=_factories(PASSES.items()),
    all_targets=_factories(TARGETS.items()),
)
