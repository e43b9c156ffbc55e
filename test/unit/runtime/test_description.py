"""What models say of their inputs and outputs, from the file's summary or from the graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.om.attributes import set_attribute
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.model_reader import read_model
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.writer import CompiledModel, pack_om
from runtime.description import describe, tensor_bytes


def _model(chosen: list[str]) -> ModelDef:
    model = ModelDef(name="m")
    graph = model.graph.add(name="m")
    op = graph.op.add(name="a", type="Relu")
    op.output_desc.add(dtype=2, layout="NCHW").shape.dim.extend([1, 3])
    output = graph.op.add(name="out", type="NetOutput", input=["a:0"])
    output.src_name.append("a")
    output.src_index.append(0)
    output.input_desc.add().CopyFrom(op.output_desc[0])
    if chosen:
        set_attribute(model.attr["attr_model_out_nodes_name"], chosen)
    return model


def _describe(model: ModelDef, inout: InOutInfo | None = None) -> InOutInfo:
    compiled = CompiledModel(name="m", model_def=model, task_def=ModelTaskDef(version="1"))
    data = pack_om(replace(compiled, inout=inout or InOutInfo()))
    return describe(read_model(data).root)


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ([], "output_0_a_0"),
        (["prob"], "prob:0"),
        (["prob:7"], "prob:7"),
        (["x", "y"], "output_0_a_0"),
    ],
)
def test_output_names(chosen: list[str], name: str) -> None:
    (output,) = _describe(_model(chosen)).outputs
    assert output == TensorInfo(name, 6, 0, 1, (1, 3), (1, 3))


def test_summary_in_the_file_goes_first_and_sizes_are_exact() -> None:
    padded = TensorInfo("x", 64, 2, 1, (1, 3), (1, 3))
    unknown = TensorInfo("y", 0, 2, 0, (-1, 3), (-1, 3), ((1, 4), (3, 3)))
    info = _describe(_model([]), InOutInfo(inputs=(padded, unknown)))
    assert info.inputs == (replace(padded, size=6), unknown)
    assert info.outputs == ()


def test_bytes_of_tensors() -> None:
    assert tensor_bytes(0, (2, 3)) == 24
    assert tensor_bytes(29, (3,)) == 2
    assert tensor_bytes(13, (3,)) is None
    assert tensor_bytes(1, ()) == np.dtype(np.float16).itemsize
