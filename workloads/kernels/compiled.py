"""Matrix products as the compiler builds them, for comparison with the published kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, f16, f32, i1
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.matmul import build_matmul
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor
from compiler.kernels.program import programs
from compiler.simulator.instruction import Program
from compiler.soc import soc
from compiler.transforms.davinci.inject_sync import DavinciInjectSyncPass
from compiler.transforms.davinci.multi_buffer import DavinciMultiBufferPass
from compiler.transforms.davinci.plan_memory import DavinciPlanMemoryPass

_ELEMENTS: dict[str, Attribute] = {"f16": f16, "f32": f32}


def matmul_programs(
    target: str,
    m: int,
    k: int,
    n: int,
    *,
    transposed: tuple[bool, bool] = (False, False),
    element: Literal["f16", "f32"] = "f16",
    result: Literal["f16", "f32"] = "f16",
) -> Sequence[Program]:
    """The program of each core for m × k by k × n on the SoC `target`, with our own tiles.

    `transposed` says which operands lie with their dimensions exchanged.
    """
    left = (k, m) if transposed[0] else (m, k)
    right = (n, k) if transposed[1] else (k, n)
    inputs = ("x1", Tensor(left, _ELEMENTS[element])), ("x2", Tensor(right, _ELEMENTS[element]))
    flags = [IntegerAttr(int(flag), i1) for flag in transposed]
    attributes = tuple(zip(("transpose_x1", "transpose_x2"), flags, strict=True))
    output = Tensor((m, n), _ELEMENTS[result])
    operator = Operator("MatMulV2", inputs, (output,), attributes, ())
    kernel = build_matmul(operator, soc(target))
    module = ModuleOp([kernel])
    for step in (DavinciMultiBufferPass(), DavinciPlanMemoryPass(), DavinciInjectSyncPass()):
        step.apply(Context(), module)
    return programs(kernel)
