"""Building mixed kernels: a function for cube cores, one for vector cores, memory between them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import new_kernel
from compiler.conversion.ge_to_davinci.cube import CubeBuilder
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.soc import Soc
from dialects.davinci.attributes import Space
from dialects.davinci.functions import CUBE, MIX, VECTOR
from dialects.davinci.types import buffer_type


class MixedBuilder:
    """A kernel for groups of a cube core and its vector cores, a builder for each of the two."""

    def __init__(self, operator: Operator, soc: Soc):
        if not soc.split_cores:
            raise UnsupportedError(f"{soc.name} has no vector cores beside its cube cores")
        self.kernel = new_kernel(operator, MIX, soc)
        self.cube = CubeBuilder(operator, CUBE, soc, self.kernel)
        self.vector = VectorBuilder(operator, VECTOR, soc, self.kernel)
        self.sub_blocks = soc.vector_cores // soc.cube_cores

    def workspace(self, shape: Sequence[int], element: Attribute, name: str) -> SSAValue:
        """Global memory of the kernel's own, behind its inputs and outputs."""
        block = self.kernel.body.block
        type = buffer_type(tuple(shape), element, Space.GM)
        argument = block.insert_arg(type, len(block.args))
        argument.name_hint = name
        count = len(self.kernel.workspace_types) + 1
        self.kernel.properties["workspaces"] = IntegerAttr(count, i64)
        return argument
