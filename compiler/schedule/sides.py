"""Models to simulate, as a command line names them: compiled where they are not yet."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.arg_spec import parse_spec

from compiler.errors import UserError
from compiler.options import check_spec
from compiler.schedule.memory import FeatureMemory, feature_memory
from compiler.schedule.tasks import Kernels, models, simulate
from compiler.simulator.model import ModelTiming
from compiler.universe import UNIVERSE
from dialects.om import ModelOp


@dataclass(frozen=True)
class Side:
    """A file, and for an ONNX model the SoC and further options of `offline` to compile it with."""

    path: str
    soc: str | None = None
    options: str | None = None


@dataclass(frozen=True)
class Scheduled:
    """A static model with its simulated schedule."""

    model: ModelOp
    timing: ModelTiming
    memory: FeatureMemory
    kernels: Kernels


def scheduled(side: Side) -> list[Scheduled]:
    """Simulate the static models of a file; UserError where there is none."""
    from compiler.context import context

    ctx = context()
    module = _opened(side)
    kernels = Kernels(ctx, module)
    static = [model for _, model in models(module) if model.dynamic is None]
    if not static:
        raise UserError(f"{side.path}: shapes are known at run time, nothing to simulate")
    timings = [simulate(model, kernels) for model in static]
    return [
        Scheduled(model, timing, feature_memory(model, timing), kernels)
        for model, timing in zip(static, timings, strict=True)
    ]


def _opened(side: Side) -> ModuleOp:
    if side.path.endswith(".onnx"):
        return _compiled(side)
    if not side.path.endswith(".om"):
        raise UserError(f"{side.path}: a .onnx or .om file is needed")
    if side.soc or side.options:
        raise UserError(f"{side.path}: it is compiled already: --soc and --options are for .onnx")
    from compiler.frontends.om import import_om

    return import_om(side.path)


def _compiled(side: Side) -> ModuleOp:
    from compiler.context import context
    from compiler.frontends.onnx import import_model
    from compiler.pipelines import OfflinePass

    given = " ".join(filter(None, (f"soc={side.soc}" if side.soc else "", side.options)))
    spec = parse_spec(f"offline{{{given}}}" if given else "offline")
    check_spec("pass", spec, UNIVERSE.all_passes)
    module = import_model(side.path)
    OfflinePass.from_spec(spec).apply(context(), module)
    return module
