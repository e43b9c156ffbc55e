"""Named pipelines: the passes from one end of the compiler to the other, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass, PassPipeline

from compiler.constants import weight_of
from compiler.digests import hashing_ahead
from compiler.fusion_switches import switchable
from compiler.precision_modes import PrecisionMode
from compiler.rewrite import all_graphs, main_graphs
from compiler.soc import DEFAULT_SOC
from compiler.universe import UNIVERSE
from compiler.weights import Weight
from dialects.ge import ConstOp
from dialects.weights import FileAttr

IMPORT = ("convert-onnx-to-ge",)
REFRESH = ("ge-make-weight-refreshable{{{refresh}init={init}}}",)
NAME = ("ge-name-weights{{{refresh}}}",)
REFRESH_NAMED = ("ge-make-weight-refreshable{{named=true init={init}}}",)
ATTENTION = "ge-fuse-attention"
OPTIMISE = (
    "ge-remove-identity",
    "ge-fold-constants",
    "ge-cancel-reshapes",
    "ge-cancel-transposes",
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
    "ge-assign-precision{{mode={precision}{keep}}}",
    "ge-cancel-casts",
    ATTENTION,
    "ge-remove-dead-nodes",
    "ge-copy-stored-outputs",
)
"""Clean-up, then fusions by GraphEngine's priorities, then types, as its stages have it."""
KERNELS = (
    "convert-ge-to-davinci{{soc={soc}}}",
    "davinci-plan-memory",
    "davinci-inject-sync",
)
PROVE = ("davinci-verify-sync",)
BUILD = (
    "ge-externalize-weights{{mode={external_weight} model={model}{chosen}}}",
    "convert-ge-to-om{{soc={soc}}}",
)
"""Constants leave when kernels, which may depend on their values, are made: as in GraphEngine."""

ESCAPES = (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"), ("\t", r"\t"))
"""What stands for a character that the text of an option cannot have; the backslash is first."""


@dataclass(frozen=True)
class OfflinePass(ModulePass):
    """Everything from an `onnx.graph` to an `om.model`, or to an `om.bundle` with `refresh`.

    `precision` and `external_weight` are ATC's, but for `reference`; `keep_dtype` names operators
    that keep their types, as nodes or `OpType::<type>`, UnknownNode when the model has no such.
    Constants below `external_threshold` bytes stay inside, and by name, as `include` and `exclude`
    of `ge-externalize-weights` have it, which explains `reference` as well. `refresh`,
    `refresh_file` and `refresh_above` are `consts`, `file` and `above` of
    `ge-make-weight-refreshable`: the weights that can be changed after compilation; `init=false`
    leaves out the graph that sets them to their values of now. With `refresh_form=original` the
    variables hold ONNX's tensors, and what would be folded into them, or cast, is done in each
    inference; with `compiled` they hold what the inference needs, as without `refresh`, and the
    manifest says how that is made of ONNX's tensors. `model` is the model's name, and
    begins that of its combined weight file.
    `prove` has the flags and addresses of every kernel proved: that takes up to as long again as
    making the kernels. `fuse_attention` recognises attention as one operator, which the AI CPU
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
    refresh: tuple[str, ...] = ()
    refresh_file: str | None = None
    refresh_above: int | None = None
    refresh_form: Literal["original", "compiled"] = "original"
    init: bool = True
    model: str | None = None
    prove: bool = False
    fuse_attention: bool = False
    disable: tuple[str, ...] = ()
    strict_atc: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        switchable(self.disable)  # a wrong name shall not cost an import
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
                self._run(ctx, op, REFRESH_NAMED)
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
        self._run(ctx, op, (*KERNELS, *prove, *BUILD))
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
        """Run the passes of a phase."""
        values = {
            "soc": self.soc,
            "precision": self.precision,
            "keep": f" keep={_listed(self.keep_dtype)}" if self.keep_dtype else "",
            "external_weight": self.external_weight,
            "chosen": self._chosen(),
            "refresh": self._refreshable(),
            "init": str(self.init).lower(),
            "model": _quoted(self.model or ""),
        }
        spec = ",".join(phase).format(**values)
        PassPipeline.parse_spec(UNIVERSE.all_passes, spec).apply(ctx, op)

    def _refreshable(self) -> str:
        """Which weights become variables, as options of the pass that splits the graph."""
        names = f"consts={_listed(self.refresh)} " if self.refresh else ""
        file = f"file={_quoted(self.refresh_file)} " if self.refresh_file is not None else ""
        return names + file + ("" if self.refresh_above is None else f"above={self.refresh_above} ")

    def _chosen(self) -> str:
        """Which constants leave the model, as options of the pass that moves them."""
        patterns = {"include": self.external_include, "exclude": self.external_exclude}
        listed = "".join(f" {name}={_listed(p)}" for name, p in patterns.items() if p)
        return f" threshold={self.external_threshold}{listed}"


def _check_kept(module: ModuleOp, names: tuple[str, ...]) -> None:
    from compiler.transforms.ge.assign_precision import check_names

    check_names(module, names)


def _listed(texts: tuple[str, ...]) -> str:
    return ",".join(_quoted(text) for text in texts)


def _quoted(text: str) -> str:
    """Any text as the value of a pass's option."""
    for character, escape in ESCAPES:
        text = text.replace(character, escape)
    return f'"{text}"'
