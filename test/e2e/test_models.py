"""Real architectures, as torch exports them, compute what ONNX Runtime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from conformance.models import FOLDER, Example, Way, compare, names
from examples.models.weights import fill, strip

IN_FP16 = ("bert_dynamo", "llama_script", "resnet_dynamo", "unet_script")
SLICE: list[tuple[str, Way]] = [
    *((name, "fixed" if name.endswith("_dynamo") else "dynamic") for name in names()),
    *((name, "fp16") for name in IN_FP16),
]
"""`make models` runs every model in every way."""


@pytest.mark.parametrize(("name", "way"), SLICE)
def test_a_model_agrees_with_onnx_runtime(name: str, way: Way, tmp_path: Path):
    assert Example(name, tmp_path).result(way).reason == ""


@pytest.mark.parametrize("name", names())
def test_what_leaves_a_model_depends_on_what_enters_it(name: str, tmp_path: Path):
    """Weights that are too small, or statistics that do not fit them, would hide mistakes."""
    example = Example(name, tmp_path)
    session: Any = onnxruntime.InferenceSession(example.path)
    inputs = {key: np.roll(array, 1) for key, array in example.inputs[1].items()}
    for expected, other in zip(example.expected[1], session.run(None, inputs), strict=True):
        assert np.abs(expected - other).max() > 0.05 * np.abs(expected).max()


def test_a_difference_is_told():
    one = np.ones(3, np.float32)
    assert compare([(one, one)], "dynamic") == (0.0, "")
    assert compare([(one * 1.01, one)], "dynamic")[1] == "differs by 1.0e-02 of the largest element"
    assert compare([(one * 1.01, one)], "fp16")[1] == ""
    assert compare([(one * np.float32(np.nan), one)], "fp16")[1]
    assert compare([(one[:2], one)], "fixed")[1] == "an output has shape (2,), not (3,)"


def test_weights_are_left_out_and_drawn_again(tmp_path: Path):
    draw = np.random.default_rng(0)
    weight = draw.normal(3, 0.5, (40, 50)).astype(np.float32)
    mask = np.where(draw.random((40, 50)) > 0.5, np.float32(-100), np.float32(0))
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => () {}'
    )
    for name, value in {"weight": weight, "mask": mask}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    source = tmp_path / "m.onnx"
    source.write_bytes(strip(model, "m.weights").SerializeToString())
    assert source.stat().st_size < weight.nbytes + mask.nbytes - 7000
    (tmp_path / "a").mkdir()
    path = fill(source, tmp_path / "a")
    drawn = np.fromfile(path.with_suffix(".weights"), np.float32)
    assert drawn.size == weight.size
    assert abs(drawn.mean() - weight.mean()) < 0.05
    assert abs(drawn.std() - weight.std()) < 0.05


def test_the_committed_graphs_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.onnx")) < 3_000_000
