"""Where a kernel does not fit its core the node goes to the AI CPU, which the schedule reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.dialects.builtin import ModuleOp, StringAttr, f16
from xdsl.passes import PassPipeline

from compiler.conversion.ge_to_davinci.elementwise import build_elementwise
from compiler.conversion.ge_to_davinci.operator import Operator
from compiler.conversion.ge_to_davinci.registry import BUILDERS
from compiler.frontends.om import import_om
from compiler.pipelines import BUILD, KERNELS
from compiler.soc import Soc
from compiler.targets.om import OMTarget
from compiler.targets.schedule import ScheduleTarget
from compiler.universe import UNIVERSE
from dialects.davinci import AllocOp, KernelOp
from dialects.ge import DataOp, GraphOp, NetOutputOp, NodeOp, Op
from dialects.types import tensor_type
from runtime.device import Memory
from runtime.model_registry import Models

PASSES = ",".join((*KERNELS, *BUILD))
TYPE = tensor_type((1000, 10000), f16)


def _tiles_for_a_larger_core(operator: Operator, soc: Soc) -> KernelOp:
    return build_elementwise(operator, replace(soc, ub=4 * soc.ub))


def _allocates_outside_of_its_loop(operator: Operator, soc: Soc) -> KernelOp:
    kernel = build_elementwise(operator, replace(soc, ub=soc.ub // 8))
    alloc = next(op for op in kernel.body.walk() if isinstance(op, AllocOp))
    loop = alloc.parent_op()
    assert loop is not None and loop.parent is not None
    alloc.detach()
    loop.parent.insert_op_before(alloc, loop)
    return kernel


REFUSED = {
    "memory": (_tiles_for_a_larger_core, "the buffers do not fit the 196608 bytes of ub"),
    "flags": (_allocates_outside_of_its_loop, "several pipes use buffer x0 in a loop"),
}


def _compiled(passes: str) -> ModuleOp:
    """Five equal Relu nodes and an Abs in a row."""
    nodes: list[NodeOp] = [DataOp.make("x", {}, [TYPE])]
    for kind, name in (*(("Relu", f"relu{i}") for i in range(5)), ("Abs", "abs")):
        nodes.append(Op.of(kind, name, {"x": nodes[-1].results[0]}, [TYPE]))
    output = NetOutputOp.make("output", {"x0": nodes[-1].results[0]}, [])
    module = ModuleOp([GraphOp("graph", [*nodes, output])])
    PassPipeline.parse_spec(UNIVERSE.all_passes, passes).apply(Context(), module)
    module.verify()
    return module


@pytest.fixture(params=list(REFUSED))
def reason(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Relu has a kernel that does not fit; the beginning of the reason."""
    build, text = REFUSED[request.param]
    monkeypatch.setitem(BUILDERS, "Relu", build)
    return text


def test_nodes_without_a_fitting_kernel_go_to_the_ai_cpu(reason: str) -> None:
    module = _compiled(",".join(KERNELS))
    kernels = [op.op_type.data for op in module.body.block.ops if isinstance(op, KernelOp)]
    assert kernels == ["Abs"]
    for node in module.walk():
        if isinstance(node, Op) and node.label.startswith("relu"):
            engine = node.attributes["_ge_attr_op_kernel_lib_name"]
            assert engine == StringAttr("aicpu_ascend_kernel")
            assert reason in str(node.attributes["_ascend_opt_ai_cpu_reason"])


def test_a_kernel_that_does_not_fit_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build(operator: Operator, soc: Soc) -> KernelOp:
        built.append(operator.type)
        return _tiles_for_a_larger_core(operator, soc)

    monkeypatch.setitem(BUILDERS, "Relu", build)
    _compiled(",".join(KERNELS))
    assert built == ["Relu"]


def _schedule(module: ModuleOp, folder: Path) -> str:
    context, output = Context(), StringIO()
    for name, dialect in {**get_all_dialects(), **UNIVERSE.all_dialects}.items():
        context.register_dialect(name, dialect)
    ScheduleTarget(output=str(folder)).emit(context, module, output)
    return output.getvalue()


def test_the_schedule_says_why(reason: str, tmp_path: Path) -> None:
    text = _schedule(_compiled(PASSES), tmp_path)
    (line,) = [line for line in text.splitlines() if line.startswith("on the AI CPU")]
    assert line.startswith(f"on the AI CPU: Relu: {reason}")
    assert line.endswith("(relu0, relu1, relu2 and 2 more)")


def test_the_reason_is_in_the_file(reason: str, tmp_path: Path) -> None:
    module = _compiled(PASSES)
    OMTarget(output=str(tmp_path / "m")).emit(Context(), module, StringIO())
    text = _schedule(import_om(str(tmp_path / "m.om")), tmp_path)
    assert f"on the AI CPU: Relu: {reason}" in text


def test_a_model_with_reasons_runs(reason: str, tmp_path: Path) -> None:
    module = _compiled(PASSES)
    OMTarget(output=str(tmp_path / "m")).emit(Context(), module, StringIO())
    models = Models(Memory())
    (result,) = models[models.load(str(tmp_path / "m.om"))].run([np.ones((1000, 10000), "f2")])
    assert (result == 1).all()


SCALAR = np.zeros((), np.float16)


@pytest.mark.parametrize(
    ("op_type", "ports", "attributes"),
    [
        ("BiasAdd", ("x", "bias"), {"data_format": "NCHW"}),
        ("BiasAdd", ("x", "bias"), {}),
        ("BNInfer", ("x", "scale", "offset", "mean", "variance"), {"epsilon": 1e-5}),
        ("ConcatD", ("x0", "x1"), {"concat_dim": 0, "N": 2}),
    ],
)
def test_no_kernel_is_made_for_scalars(
    schedule: Any, op_type: str, ports: Sequence[str], attributes: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match="got no kernel"):
        schedule(op_type, dict.fromkeys(ports, SCALAR), SCALAR, attributes)


def test_no_kernel_is_made_for_an_output_of_another_rank(schedule: Any) -> None:
    x, w = np.zeros((1, 1, 4, 4), np.float16), np.zeros((1, 1, 1, 1), np.float16)
    attributes = {"strides": [1, 1, 1, 1], "pads": [0, 0, 0, 0], "data_format": "NCHW"}
    with pytest.raises(AssertionError, match="got no kernel"):
        schedule("Conv2D", {"x": x, "filter": w}, np.zeros((4, 4), np.float16), attributes)
