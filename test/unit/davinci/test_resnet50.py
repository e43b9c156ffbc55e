"""Every kernel of a ResNet-50: built, planned, synchronised, proved and flattened, and how fast."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, StringAttr, f16, i64
from xdsl.ir import Attribute

from compiler.constants import vector
from compiler.kernels.program import programs
from compiler.pipelines import KERNELS
from compiler.transforms.davinci.verify_sync import DavinciVerifySyncPass
from compiler.universe import UNIVERSE
from dialects.davinci import KernelOp
from dialects.ge import ConstOp, DataOp, GraphOp, NodeOp, Op
from dialects.types import tensor_type

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Channels inside a block, blocks, stride of the first."""


def convolutions() -> Iterator[tuple[int, int, int, int, int]]:
    """Input channels, input side, output channels, kernel, stride of all 53."""
    yield 3, 224, 64, 7, 2
    channels, side = 64, 56
    for inner, blocks, first in STAGES:
        for stride in (first, *(1,) * (blocks - 1)):
            yield channels, side, inner, 1, 1
            yield inner, side, inner, 3, stride
            if channels != 4 * inner:
                yield channels, side, 4 * inner, 1, stride
            channels, side = 4 * inner, side // stride
            yield inner, side, channels, 1, 1


class Graph:
    """Nodes without edges between them: kernels depend on types alone."""

    def __init__(self) -> None:
        self.nodes: list[NodeOp] = []

    def add(self, op_type: str, shapes: dict[str, Any], result: Any, **attributes: Any) -> None:
        """A node; a list as a shape is a constant."""
        sources = {port: self._source(f"{port}{len(self.nodes)}", s) for port, s in shapes.items()}
        known: dict[str, Attribute] = {
            name: StringAttr(value)
            if isinstance(value, str)
            else DenseArrayBase.from_list(i64, list(value))
            for name, value in attributes.items()
        }
        operands = {port: node.results[0] for port, node in sources.items()}
        name = f"{op_type}{len(self.nodes)}"
        self.nodes += sources.values()
        self.nodes.append(Op.of(op_type, name, operands, [tensor_type(result, f16)], known))

    def _source(self, name: str, shape: Any) -> NodeOp:
        if isinstance(shape, list):
            value = vector(cast("list[int]", shape), i64)
            return ConstOp.make(name, {}, [value.get_type()], value=value)
        return DataOp.make(name, {}, [tensor_type(shape, f16)])


def resnet50(batch: int) -> ModuleOp:
    """The nodes of a ResNet-50 with its batch normalisations folded."""
    graph = Graph()
    for channels, side, filters, kernel, stride in convolutions():
        pad, result = kernel // 2, (batch, filters, side // stride, side // stride)
        graph.add(
            "Conv2D",
            {
                "x": (batch, channels, side, side),
                "filter": (filters, channels, kernel, kernel),
                "bias": (filters,),
            },
            result,
            strides=(1, 1, stride, stride),
            pads=(pad,) * 4,
            data_format="NCHW",
        )
        graph.add("Relu", {"x": result}, result)
        graph.add("Add", {"x1": result, "x2": result}, result)
    graph.add(
        "MaxPoolV3",
        {"x": (batch, 64, 112, 112)},
        (batch, 64, 56, 56),
        ksize=(1, 1, 3, 3),
        strides=(1, 1, 2, 2),
        pads=(1, 1, 1, 1),
    )
    graph.add("ReduceMean", {"x": (batch, 2048, 7, 7), "axes": [2, 3]}, (batch, 2048))
    shapes = {"x1": (batch, 2048), "x2": (2048, 1000), "bias": (1000,)}
    graph.add("MatMulV2", shapes, (batch, 1000))
    return ModuleOp([GraphOp("resnet50", graph.nodes)])


@pytest.mark.parametrize("batch", [1, 8])
def test_all_kernels_quickly(batch: int) -> None:
    module, context = resnet50(batch), Context()
    assert sum(1 for _ in convolutions()) == 53
    start = time.process_time()
    for name in KERNELS:
        UNIVERSE.all_passes[name]()().apply(context, module)
    scheduled = time.process_time() - start
    DavinciVerifySyncPass().apply(context, module)
    kernels = [op for op in module.body.block.ops if isinstance(op, KernelOp)]
    assert {"Conv2D", "Relu", "Add", "MaxPoolV3", "ReduceMean", "MatMulV2"} == {
        kernel.op_type.data for kernel in kernels
    }
    assert len([kernel for kernel in kernels if kernel.op_type.data == "Conv2D"]) == 23
    start = time.process_time()
    for kernel in kernels:
        programs(kernel)
    assert scheduled < 10
    assert time.process_time() - start < 2  # more, the larger the batch, if loops were unrolled
