"""Whether the tensors of a static model fit into the memory of the chip it is compiled for."""

from __future__ import annotations

from compiler.errors import UserError
from compiler.sizes import byte_size
from compiler.soc.table import Soc
from dialects.ge import GraphOp

GIB = 1 << 30


def check_capacity(graph: GraphOp, needed: int, soc: Soc) -> None:
    """UserError where the planned feature memory, in bytes, is more than the chip has.

    No such model can be loaded, whatever its weights. The largest tensor is named.
    """
    if soc.hbm is None or needed <= soc.hbm:
        return
    sizes = {node: sum(map(byte_size, node.results)) for node in graph.nodes}
    largest = max(sizes, key=sizes.__getitem__)
    raise UserError(
        f"graph '{graph.label}' needs {needed / GIB:.1f} GiB of memory, {soc.name} has"
        f" {soc.hbm / GIB:.0f}: node '{largest.label}' alone makes {sizes[largest] / GIB:.1f} GiB"
    )
