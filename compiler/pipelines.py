"""Named pipelines: the passes from one end of the compiler to the other, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass, PassPipeline

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.fusion_switches import switchable
from compiler.om.contract import ENGINE_NAME
from compiler.precision_modes import PrecisionMode
from compiler.rewrite import all_graphs, main_graphs
from compiler.soc import DEFAULT_SOC
from compiler.universe import UNIVERSE
from compiler.weights import Weight
from compiler.weights.digests import hashing_ahead
from dialects.ge import ConstOp, Op
from dialects.weights import FileAttr

IMPORT = ("convert-onnx-to-ge",)
NAME = ("ge-name-weights",)
REFRESH = ("ge-make-weight-refreshable",)
ATTENTION = "ge-fuse-attention"
OPTIMISE = (
    "ge-remove-identity",
    "ge-fold-constants",
    "ge-cancel-reshapes",
    "ge-cancel-transposes",
    "ge-cancel-broadcasts",
    "ge-merge-duplicates",
    "ge-remove-dead-nodes",
    "ge-fuse-conv-bias",
    "ge-fuse-batch-norm-scale",
    "ge-fuse-conv-batch-norm",
    "ge-lower-global-pool",
    "ge-fuse-pad-conv",
    "ge-fuse-layer-norm",
    "ge-fuse-gelu",
    "ge-fuse-softmax",
    "ge-fuse-matmul-bias",
    "ge-convert-batch-norm",
    "ge-assign-precision",
    "ge-cancel-casts",
    ATTENTION,
    "ge-remove-dead-nodes",
    "ge-copy-stored-outputs",
)
"""Clean-up, then fusions by GraphEngine's priorities, then types, as its stages have it."""
FUSE = (
    "ge-fuse-matmul-eltwise",
    "ge-fuse-fixpipe",
    "ge-fuse-eltwise",
)
"""Nodes that one kernel computes, by the priorities of GraphEngine's passes."""
KERNELS = (
    "convert-ge-to-davinci",
    "davinci-select-tiles",
    "davinci-split-mix",
    "davinci-lower-tiles",
    "davinci-multi-buffer",
    "davinci-plan-memory",
    "davinci-inject-sync",
)
PROVE = ("davinci-verify-memory", "davinci-verify-sync")
BUILD = (
    "ge-externalize-weights",
    "convert-ge-to-om",
    "om-assign-streams",
    "om-plan-memory",
)
"""Constants leave when kernels, which may depend on their values, are made: as in GraphEngine."""


@dataclass(frozen=True)
class OfflinePass(ModulePass):
    """Everything from an `onnx.graph` to an `om.model`, or to an `om.bundle` with `refresh`.

    `precision` and `external_weight` are ATC's, but for `reference`; `keep_dtype` names operators
    that keep their types, as nodes or `OpType::<type>`, UnknownNode when the model has no such.
    Constants below `external_threshold` bytes stay inside, and by name, as `include` and `exclude`
    of `ge-externalize-weights` have it, which explains `reference` and `hash` as well. `refresh`,
    `refresh_file` and `refresh_above` are `consts`, `file` and `above` of
    `ge-make-weight-refreshable`: the weights that can be changed after compilation; `init=false`
    leaves out the graph that sets them to their values of now. With `refresh_form=original` the
    variables hold ONNX's tensors, and what would be folded into them, or cast, is done in each
    inference; with `compiled` they hold what the inference needs, as without `refresh`, and the
    manifest says how that is made of ONNX's tensors. `model` is the model's name, and
    begins that of its combined weight file.
    `tiles` sets sizes of tiles by hand, as `sizes` of `davinci-select-tiles` does.
    `prove` has the flags and addresses of every kernel proved: that takes some milliseconds for
    each. `fuse_attention` recognises attention as one operator, which the AI CPU
    computes here. `disable` leaves out clean-up passes and fusions, by our names or GraphEngine's.
    `strict_atc` refuses the nodes that ATC would refuse.
    """

    name = "offline"
    verifies: ClassVar[bool] = True
    """The IR is verified where its dialect changes and at its end: nobody has to do it again."""

    soc: str = DEFAULT_SOC
    precision: PrecisionMode = "force_fp16"
    keep_dtype: tuple[str, ...] = ()
    external_weight: Literal[0, 1, 2, "reference"] = 0
    external_threshold: int = 0
    external_include: tuple[str, ...] = ()
    external_exclude: tuple[str, ...] = ()
    external_hash: bool = False
    refresh: tuple[str, ...] = ()
    refresh_file: str | None = None
    refresh_above: int | None = None
    refresh_form: Literal["original", "compiled"] = "original"
    init: bool = True
    model: str | None = None
    tiles: tuple[str, ...] = ()
    prove: bool = False
    fuse_attention: bool = False
    disable: tuple[str, ...] = ()
    strict_atc: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        switchable(self.disable)  # a wrong name shall not cost an import
        self._check_refresh()
        _check_external(self._options()["ge-externalize-weights"])
        self._run(ctx, op, IMPORT)
        if self.strict_atc:
            from compiler.conversion.onnx_to_ge.refused import check_refused

            check_refused(op)
        if self.model is not None:
            for graph in main_graphs(op):
                graph.properties["sym_name"] = StringAttr(self.model)
        if self.keep_dtype:
            _check_kept(op, self.keep_dtype)
        refresh = self.refresh_form if self._refreshable() else None
        if refresh == "original":
            self._run(ctx, op, REFRESH)
        elif refresh == "compiled":
            self._name_weights(ctx, op)
        with hashing_ahead(self._likely_weights(op)):
            self.optimise(ctx, op)
            if refresh == "compiled":
                self._run(ctx, op, REFRESH)
            self.build(ctx, op)

    def _name_weights(self, ctx: Context, op: ModuleOp) -> None:
        """Name the weights to refresh, and what passes compute with them: that is tried."""
        from compiler.transforms.ge.name_weights import keep_names, needed_names

        self._run(ctx, op, NAME)
        trial = op.clone()
        self.optimise(ctx, trial)
        for graph, tried in zip(main_graphs(op), main_graphs(trial), strict=True):
            keep_names(graph, needed_names(tried))

    def optimise(self, ctx: Context, op: ModuleOp) -> None:
        """Clean up and fuse GraphEngine graphs, and give their nodes types."""
        disabled = switchable(self.disable)
        if not self.fuse_attention:
            disabled |= {ATTENTION}
        self._run(ctx, op, tuple(spec for spec in OPTIMISE if spec not in disabled))
        op.verify()

    def build(self, ctx: Context, op: ModuleOp) -> None:
        """Make offline models of optimised graphs, and one bundle of those in a bundle."""
        prove = PROVE if self.prove else ()
        disabled = switchable(self.disable)
        self._run(ctx, op, tuple(spec for spec in FUSE if spec not in disabled))
        self._run(ctx, op, KERNELS)
        if _without_engine(op):  # parts of fused nodes whose kernel did not fit
            self._run(ctx, op, KERNELS)
        self._run(ctx, op, (*prove, *BUILD))
        op.verify()

    def _likely_weights(self, module: ModuleOp) -> Iterator[Weight]:
        """The weights that no pass will change, as far as one can know before."""
        refreshable = (entry.value for g in main_graphs(module) for entry in g.refreshable)
        yield from (weight_of(value) for value in refreshable if isinstance(value, FileAttr))
        if self.precision == "must_keep_origin_dtype" and self.external_weight != "reference":
            nodes = (node for graph in all_graphs(module) for node in graph.nodes)
            for node in nodes:
                if isinstance(node, ConstOp) and isinstance(node.value, FileAttr):
                    yield weight_of(node.value)

    def _run(self, ctx: Context, op: ModuleOp, phase: tuple[str, ...]) -> None:
        """Run the passes of a phase, with the options that this one's are for them."""
        options = self._options()
        passes = (UNIVERSE.all_passes[name]()(**options.get(name, {})) for name in phase)
        PassPipeline(tuple(passes)).apply(ctx, op)

    def _options(self) -> dict[str, dict[str, Any]]:
        """The options of the passes that have any; None and an empty list are their defaults."""
        chosen = {"consts": self.refresh, "file": self.refresh_file, "above": self.refresh_above}
        split = {"named": True} if self.refresh_form == "compiled" else chosen
        external = {
            "mode": self.external_weight,
            "model": self.model,
            "threshold": self.external_threshold,
            "exclude": self.external_exclude,
            "hash": self.external_hash,
        }
        if self.external_include:
            external["include"] = self.external_include
        return {
            "ge-name-weights": chosen,
            "ge-make-weight-refreshable": {**split, "init": self.init},
            "ge-assign-precision": {"mode": self.precision, "keep": self.keep_dtype},
            "convert-ge-to-davinci": {"soc": self.soc},
            "davinci-select-tiles": {"sizes": self.tiles},
            "ge-externalize-weights": external,
            "convert-ge-to-om": {"soc": self.soc},
        }

    def _check_refresh(self) -> None:
        """UserError for options of refreshable weights where none is chosen."""
        if not self._refreshable() and (not self.init or self.refresh_form != "original"):
            option = "refresh_form=compiled" if self.init else "init=false"
            needed = "refresh, refresh_file or refresh_above"
            raise UserError(
                f"offline: {option} is for refreshable weights: choose some by {needed}"
            )

    def _refreshable(self) -> bool:
        """Whether any weights become variables."""
        return bool(self.refresh) or (self.refresh_file, self.refresh_above) != (None, None)


def _without_engine(module: ModuleOp) -> bool:
    nodes = (node for graph in main_graphs(module) for node in graph.all_nodes)
    return any(isinstance(n, Op) and ENGINE_NAME not in n.attributes for n in nodes)


def _check_external(options: dict[str, Any]) -> None:
    from compiler.transforms.ge.externalize_weights import GEExternalizeWeightsPass

    GEExternalizeWeightsPass(**options).check()


def _check_kept(module: ModuleOp, names: tuple[str, ...]) -> None:
    from compiler.transforms.ge.assign_precision import check_names

    check_names(module, names)
