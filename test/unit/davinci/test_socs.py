"""Kernels fit every SoC that is known; what a SoC cannot do goes to the AI CPU."""

from __future__ import annotations

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, f16, f32
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.conversion.ge_to_davinci import ConvertGEToDavinciPass
from compiler.errors import UserError
from compiler.pipelines import KERNELS, PROVE
from compiler.soc import soc, soc_names
from compiler.transforms.davinci.lower_tiles import DavinciLowerTilesPass
from compiler.transforms.davinci.multi_buffer import DavinciMultiBufferPass
from compiler.transforms.davinci.plan_memory import DavinciPlanMemoryPass
from compiler.transforms.davinci.verify_memory import DavinciVerifyMemoryPass
from compiler.universe import UNIVERSE
from dialects.davinci import BroadcastL0COp, KernelOp
from dialects.ge import DataOp, GraphOp, Op
from dialects.types import tensor_type


def _module() -> ModuleOp:
    x = DataOp.make("x", {}, [tensor_type((700, 900), f16)])
    w = DataOp.make("w", {}, [tensor_type((900, 500), f16)])
    bias = DataOp.make("bias", {}, [tensor_type((500,), f32)])
    operands = {"x1": x.results[0], "x2": w.results[0], "bias": bias.results[0]}
    product = Op.of("MatMulV2", "product", operands, [tensor_type((700, 500), f16)])
    y = {"x": product.results[0]}
    softmax = Op.of("SoftmaxV2", "softmax", y, [tensor_type((700, 500), f16)])
    return ModuleOp([GraphOp("graph", [x, w, bias, product, softmax])])


@pytest.mark.parametrize("name", soc_names())
def test_kernels_fit(name: str) -> None:
    module, context = _module(), Context()
    ConvertGEToDavinciPass(soc=name).apply(context, module)
    for step in (*KERNELS[1:], *PROVE):
        UNIVERSE.all_passes[step]()().apply(context, module)
    kernels = {op.op_type.data: op for op in module.body.block.ops if isinstance(op, KernelOp)}
    assert kernels["SoftmaxV2"].blocks <= soc(name).vector_cores
    begun = any(isinstance(op, BroadcastL0COp) for op in kernels["MatMulV2"].walk())
    assert begun == (soc(name).bt == 0)


def _moved(name: str) -> ModuleOp:
    """Kernels made for an Ascend310P3 that call another SoC theirs; no node launches them."""
    module = _module()
    ConvertGEToDavinciPass(soc="Ascend310P3").apply(Context(), module)
    DavinciLowerTilesPass().apply(Context(), module)
    DavinciMultiBufferPass().apply(Context(), module)
    for op in list(module.body.block.ops):
        if isinstance(op, KernelOp):
            op.properties["soc"] = StringAttr(name)
        else:
            op.detach()
    return module


def test_a_kernel_of_a_larger_core_does_not_fit_a_smaller() -> None:
    with pytest.raises(PassFailedException, match="do not fit the 131072 bytes of l0c"):
        DavinciPlanMemoryPass().apply(Context(), _moved("Ascend910B4"))


@pytest.mark.parametrize("step", [DavinciPlanMemoryPass(), DavinciVerifyMemoryPass()])
def test_a_kernel_of_an_unknown_soc_is_a_mistake(step: ModulePass) -> None:
    with pytest.raises(UserError, match="unknown SoC 'Ascend910B9'"):
        step.apply(Context(), _moved("Ascend910B9"))


def test_an_unknown_soc_is_a_mistake() -> None:
    with pytest.raises(UserError, match="unknown SoC 'Ascend910B9': did you mean"):
        ConvertGEToDavinciPass(soc="Ascend910B9").apply(Context(), _module())
