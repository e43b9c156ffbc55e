"""Constants of a static model that have their bytes in the graph, not in the weight partition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.om.constants import CONST_TYPES
from compiler.om.ge_ir_pb2 import GraphDef
from runtime.executor.memory import Region


def inline_constants(graph: GraphDef, weight_base: int) -> Iterator[Region]:
    """Their bytes, at the logical addresses where tasks look for them.

    Those are where the bytes would be in a weight partition, which may be absent.
    """
    for op in graph.op:
        if op.type in CONST_TYPES and op.output_i and (data := op.attr["value"].t.data):
            # Bytes of a message lie anywhere; a copy is where kernels can work on it.
            bytes_ = np.array(np.frombuffer(data, np.uint8))
            bytes_.flags.writeable = False
            yield Region(f"node '{op.name}'", weight_base + op.output_i[0], bytes_)
