# pyright: reportUnknownMemberType=false
"""Maps and categories of ai.onnx.ml on the device, against ONNX Runtime.

onnx's parser takes what it likes, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, parser

from compiler.cli import main
from runtime.device import Memory
from runtime.errors import AclError
from runtime.model_registry import Models


def model_of(text: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": 17, "ai.onnx.ml": 1]> g {text}')


def run(model: onnx.ModelProto, x: Any, folder: Path) -> list[Any]:
    onnx.save(model, folder / "model.onnx")
    target = f'om{{output="{folder}/m"}}'
    assert main([str(folder / "model.onnx"), "-p", "offline", "-t", target]) == 0
    models = Models(Memory())
    return list(models[models.load(str(folder / "m.om"))].run([x]))


def expected(model: onnx.ModelProto, x: Any) -> list[Any]:
    session: Any = ort.InferenceSession(model.SerializeToString())
    return list(session.run(None, {"x": x}))


@pytest.mark.parametrize(
    ("labels", "key"),
    [("classlabels_int64s=[4, 2]", "INT64"), ('classlabels_strings=["b", "a"]', "STRING")],
)
def test_a_map_for_each_row(labels: str, key: str, tmp_path: Path):
    model = model_of(f"(float[3,2] x) => (float[1] y) {{y = ai.onnx.ml.ZipMap<{labels}>(x)}}")
    number = helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [])
    kind = helper.make_map_type_proto(onnx.TensorProto.DataType.Value(key), number)
    model.graph.output[0].type.CopyFrom(helper.make_sequence_type_proto(kind))
    x = np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)
    assert run(model, x, tmp_path) == expected(model, x)


@pytest.mark.parametrize(
    ("types", "default", "x"),
    [
        ("(string[3] x) => (int64[3] y)", "default_int64=-3", np.array(["a", "q", "b"], object)),
        ("(int64[3] x) => (string[3] y)", 'default_string="?"', np.array([7, 1, 5])),
        ("(int64[3] x) => (string[3] y)", "default_int64=0", np.array([7, 1, 5])),
    ],
)
def test_categories_by_number_and_name(types: str, default: str, x: Any, tmp_path: Path):
    attributes = f'cats_strings=["a", "b"], cats_int64s=[5, 7], {default}'
    model = model_of(f"{types} {{y = ai.onnx.ml.CategoryMapper<{attributes}>(x)}}")
    [result], [reference] = run(model, x, tmp_path), expected(model, x)
    assert result.tolist() == reference.tolist()


def test_labels_that_do_not_fit_name_the_node(tmp_path: Path):
    model = model_of(
        "(float[3,2] x) => (float[1] y) {[odd] y = ai.onnx.ml.ZipMap<classlabels_int64s=[4]>(x)}"
    )
    number = helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [])
    kind = helper.make_map_type_proto(onnx.TensorProto.INT64, number)
    model.graph.output[0].type.CopyFrom(helper.make_sequence_type_proto(kind))
    with pytest.raises(AclError, match=r"'odd'.*there are 1 labels for 2 columns"):
        run(model, np.zeros((3, 2), np.float32), tmp_path)
